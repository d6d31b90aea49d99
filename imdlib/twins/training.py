"""Trains the embedded fake generators; what comes out is shipped as `weights/<name>.safetensors`, see notebooks/twins.ipynb.

Each learns in some ten seconds to give back photographs of simulated scenes of the train split.
"""

import torch
from torch.nn import functional as F
from tqdm.auto import tqdm

from imdlib.progress import interactive
from imdlib.twins import photographs as source
from imdlib.twins.autoencoders import GENERATORS, Autoencoder

CROP = 64  # pixels
STEPS, BATCH, SCENES = 300, 16, 24


def train(name: str, *, steps: int = STEPS, scenes: int = SCENES) -> tuple[Autoencoder, list[float]]:
    """An Autoencoder trained as GENERATORS[name] says, and its losses, one a step.

    The recipe's loss between what comes out and what went in, on crops of photographs; seeded, the caller's seed stays.
    """
    recipe, losses = GENERATORS[name], []
    pictures, _, _ = source.photographs(scenes, 2 * CROP, seed=recipe.seed, purpose=f"generator-{name}")
    crops = torch.from_numpy(source.tiles(pictures, CROP))
    distance = F.l1_loss if recipe.loss == "l1" else F.mse_loss
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.seed)
        model = Autoencoder(recipe)
        optim = torch.optim.Adam(model.parameters(), 4e-3)
        rate = torch.optim.lr_scheduler.CosineAnnealingLR(optim, steps)
        for _ in tqdm(range(steps), f"training {name}", unit="step", leave=False, disable=not interactive()):
            images = crops[torch.randint(len(crops), (BATCH,))].float() / 255
            loss = distance(model(images), images)
            optim.zero_grad()
            loss.backward()
            optim.step()
            rate.step()
            losses.append(loss.item())
    return model, losses
