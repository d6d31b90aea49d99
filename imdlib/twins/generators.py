"""The embedded fake generators: autoencoders that differ in upsampler, loss and data, trained on the spot.

They stand for the generators of the Dolos data set (bridging, Table 2): what they make anew looks like what was there, and
carries the fingerprint of how they enlarge. Each is trained in some ten seconds on photographs of simulated scenes and
cached; `grain` gives back the fine detail that an autoencoder loses, from noise inside its decoder, so that neither
blur nor the size of the file says what is fake.
"""

import os
import tempfile
from functools import cache
from pathlib import Path
from threading import Lock

import torch
from safetensors.torch import load_file, save_file
from torch.nn import functional as F
from tqdm.auto import tqdm

from imdlib.places import cache_folder
from imdlib.progress import interactive
from imdlib.sources import digest, of_library
from imdlib.twins import photographs as source
from imdlib.twins.autoencoders import GENERATORS, Autoencoder

CROP = 64  # pixels
STEPS, BATCH, SCENES = 300, 16, 24
TRAINING = Lock()  # images are built by several threads
CODE = [
    f"imdlib.twins.{name}" for name in ("generators", "autoencoders", "photographs", "scenes", "camera", "recipes")
]  # what the weights depend on


@torch.no_grad()
def grain(model, images, rng):
    """Images made anew, with as much fine detail as they had: (B,3,H,W) in [0,1] -> the same.

    Noise of the decoder's hidden channels, enlarged by its last layer, is added until the high-pass energy is that of
    the image that went in. rng: numpy generator.
    """
    hidden = model.hidden(images)
    smooth = model.last(hidden)
    noise = torch.from_numpy(rng.standard_normal(hidden.shape, dtype="float32")).to(images.device)
    rough = model.last(hidden + hidden.std() * noise) - smooth
    smooth = smooth + 0.5
    lacking = (energy(images) - energy(smooth)).clamp(min=0)
    return (smooth + (lacking / energy(rough)).sqrt() * rough).clamp(0, 1)


def energy(images):
    """Mean square of the high-pass residual of each image, (B,1,1,1)."""
    blurred = F.avg_pool2d(F.pad(images, (1, 1, 1, 1), mode="replicate"), 3, stride=1)
    return (images - blurred).square().mean((1, 2, 3), keepdim=True)


@cache
def generator(name, folder=None):
    """The trained Autoencoder of that name, from the cache or trained now; frozen.

    Trained with one thread, so that the number of cores changes nothing; another processor may still round differently.
    """
    if name not in GENERATORS:
        raise ValueError(f"generator {name!r}: expected one of {', '.join(GENERATORS)}")
    folder = Path(folder) if folder is not None else cache_folder("generators")
    path, model = folder / f"{name}-{digest(of_library(*CODE))}.safetensors", Autoencoder(GENERATORS[name])
    with TRAINING:
        if not path.exists():
            train_and_save(model, name, path)
    model.load_state_dict(load_file(path))
    return model.eval().requires_grad_(False)


def train_and_save(model, name, path):
    """Train with one thread and write the weights in one step."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        fit(model, GENERATORS[name], name)
    finally:
        torch.set_num_threads(threads)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, draft = tempfile.mkstemp(dir=path.parent, suffix=".part")
    os.close(handle)
    save_file(model.state_dict(), draft)
    os.chmod(draft, 0o644)
    os.replace(draft, path)


def fit(model, recipe, name):
    """Train on crops of photographs of the train split: the recipe's loss between what comes out and what went in."""
    pictures, _, _ = source.photographs(SCENES, 2 * CROP, seed=recipe.seed, purpose=f"generator-{name}")
    crops = torch.from_numpy(source.tiles(pictures, CROP))
    distance = F.l1_loss if recipe.loss == "l1" else F.mse_loss
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.seed)
        for layer in model.modules():
            if hasattr(layer, "reset_parameters"):
                layer.reset_parameters()
        optim = torch.optim.Adam(model.parameters(), 4e-3)
        rate = torch.optim.lr_scheduler.CosineAnnealingLR(optim, STEPS)
        for _ in tqdm(range(STEPS), f"training {name}", unit="step", leave=False, disable=not interactive()):
            images = crops[torch.randint(len(crops), (BATCH,))].float() / 255
            loss = distance(model(images), images)
            optim.zero_grad()
            loss.backward()
            optim.step()
            rate.step()
