"""A finished run of Bridging as a network again: any images scored as its notebook scores them, any photo looked at."""

import tempfile
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from PIL import Image
from torch import Tensor, nn

from imdlib import finished
from imdlib.bridge import networks, scoring
from imdlib.bridge.labels import CLASSES, REAL
from imdlib.bridge.localize import fake_logits, unit_range
from imdlib.bridge.methods import BINARY, NAMES
from imdlib.bridge.space import kind_of
from imdlib.bridge.towers import cache
from imdlib.data import attacks
from imdlib.data.batches import ImageSet
from imdlib.data.images import load_image
from imdlib.finished import Finished
from imdlib.photos import tiles
from imdlib.scoring import evaluate, metrics

TOWER = ("extractor", "extractor_weights", "pooled", "size")
SCORE = "1 - the probability of real, of the tile where that is smallest"


def load_run(folder: Path | str, data: str = "") -> Finished:
    """The run in that folder; data: not needed here (see `imdlib.inr.saved`)."""
    return finished.load(folder, ("bridge/run",), lambda params, stamp: untrained(params))


def untrained(params: dict[str, Any]) -> nn.Module:
    """The network of a run before its training, with the weights that its seed gives."""
    width = 0 if params["method"] in BINARY else networks.tower_of(params).shape[1]
    torch.manual_seed(params["seed"])
    return networks.build(params | {"pretrained": False}, width)


def title(run: Finished) -> str:
    """Name of its method in tables."""
    return NAMES[kind_of(run.params)]


def score(
    run: Finished, rows: pd.DataFrame, *, same: bool = False, attack: str = "none", examples: int = 0
) -> tuple[pd.DataFrame, dict[str, np.ndarray]]:
    """(scores, pictures) of `imdlib.bridge.scoring.score` or `score_binary` for rows of a manifest.

    An image's neighbours (`knn_`) are sought among these rows; a run of several test sets sought them among all of those.
    same: the images that the run itself scores of a test set: `test_count` of them. attack: a name of
    `imdlib.data.attacks` before which the images are as they are; one that changes their size is refused.
    """
    count = run.params["test_count"] if same else 0
    rows = rows.sample(count, random_state=0) if 0 < count < len(rows) else rows
    if attack == "none":
        scores, pictures = score_files(run, rows, examples)
        return scores.assign(attack=attack), pictures
    with tempfile.TemporaryDirectory() as folder:
        scores, pictures = score_files(run, attacked(rows, attack, Path(folder)), examples)
    return scores.assign(image=evaluate.short_names(rows), attack=attack), pictures


def score_files(run: Finished, rows: pd.DataFrame, examples: int) -> tuple[pd.DataFrame, dict[str, np.ndarray]]:
    """`score` of images as they are."""
    images, params = ImageSet(rows), run.params
    if params["method"] in BINARY:
        return scoring.score_binary(run.network, images), {}
    tower = networks.tower_of(params)
    device = next(run.network.parameters()).device
    features = cache.extract(tower, rows["image"].tolist(), device=device)
    begun = untrained(params).to(device)
    start = scoring.distances(begun, features)
    masks = [mask[0].numpy() for _, mask in images.samples() if mask.any()]
    fresh = scoring.distances(begun.beginning(run.network), features)
    told = dict(start=start, fresh=fresh, locations=metrics.mask_locations(masks), examples=examples)
    drawing = dict(scales=params["scales"], flip=params["flip"])
    scores, pictures, points = scoring.score(run.network, images, features, **drawing, **told)
    return scoring.neighbours(scores, [points]), pictures


def attacked(rows: pd.DataFrame, attack: str, folder: Path) -> pd.DataFrame:
    """Rows whose images are attacked copies, kept without loss in a folder."""
    files = []
    for number, file in enumerate(rows["image"]):
        image = torch.from_numpy(load_image(file)).permute(2, 0, 1)
        changed = attacks.apply(attack, image)
        if changed.shape != image.shape:
            raise ValueError(
                f"attack={attack!r}: changes the size of images, which maps of this study are not brought back to"
            )
        files.append(str(folder / f"{number}.png"))
        Image.fromarray(changed.permute(1, 2, 0).numpy()).save(files[-1])
    return rows.assign(image=files)


def named(method: str, scores: pd.DataFrame) -> pd.DataFrame:
    """Rows of `score` with the `method` that tables print: once with the map that inference gives, once with the map as it is drawn
    whatever the class is, of the images that have one."""
    rows = scores.assign(method=method)
    drawn = [name for name in rows if name.startswith("drawn_")]
    if not drawn:
        return rows
    other = rows.drop(columns=[name.removeprefix("drawn_") for name in drawn])
    other = other.rename(columns={name: name.removeprefix("drawn_") for name in drawn})
    other = other.assign(method=f"{method}, drawn whatever the class", score=np.nan)  # of the image there is one score
    return pd.concat([rows, other], ignore_index=True)


@torch.no_grad()
def look(run: Finished, image: np.ndarray, **options: int | str) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """What the run says of a photo (H,W,3) uint8: ({'map': (H,W) in [0,1]} or {}, class, probabilities and distances).

    map: where fakes would be, drawn whatever the class is, for methods that draw one. The class is that of the tile that looks
    least real; d1, d2: of what the tower sees of the whole photo. options: tile, overlap, device of
    `imdlib.photos.tiles.predict`.
    """
    if run.params["method"] in BINARY:
        step, seen = partial(called_binary, run.network), []
        tiles.joined(partial(step, seen=seen), image, **options)
        fake = max(seen)
        return {}, {"score": fake, "class": scoring.FAKE if fake > 0.5 else CLASSES[REAL], "p_real": 1 - fake}
    device = options.get("device", "cpu")
    tower = tower_of(*(run.params[name] for name in TOWER)).to(device)
    view = tower.prepare(torch.from_numpy(np.array(image)).permute(2, 0, 1))
    tokens = tower(view[None].to(device)).half().float()  # as they are kept
    seen = []
    drawn = tiles.joined(partial(called, run, tokens, seen=seen), image, **options)
    chances = min(seen, key=lambda one: one[REAL])
    facts = {"score": 1 - chances[REAL], "class": CLASSES[int(np.argmax(chances))]}
    facts |= dict(zip(scoring.PROBABILITIES, chances)) | dict(
        zip(("d1", "d2"), run.network.distances(tokens)[0].tolist())
    )
    maps = {"map": unit_range(torch.from_numpy(drawn)[None, None])[0, 0].numpy()} if run.network.localizes else {}
    return maps, facts


@lru_cache(maxsize=2)
def tower_of(*values: Any) -> nn.Module:
    """The frozen tower for values of the parameters TOWER, read once for many photos."""
    return networks.tower_of(dict(zip(TOWER, values)))


def called(run: Finished, tokens: Tensor, batch: Tensor, *, seen: list) -> Tensor:
    """Logits of the map of one tile (1,1,h,w); its three probabilities are added to `seen`."""
    disc = run.network.discrepancies(tokens)
    seen.append(run.network(batch, tokens, disc=disc)["logits"].softmax(1)[0].tolist())
    if not run.network.localizes:
        return batch[:, :1]
    drawing = dict(scales=run.params["scales"], flip=run.params["flip"])
    return fake_logits(run.network.classifier, batch, disc, **drawing)


def called_binary(network: nn.Module, batch: Tensor, *, seen: list) -> Tensor:
    """Adds the probability of fake of one tile to `seen`; it has no map."""
    seen.append(float(network.probability(network(batch))[0]))
    return batch[:, :1]
