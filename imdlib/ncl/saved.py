"""A finished NCL run as a network again: any images scored as its notebook scores them, any photo looked at."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from torch import Tensor, nn
from torch.nn import functional as F

from imdlib import finished
from imdlib.data import attacks
from imdlib.data.batches import ImageSet
from imdlib.finished import Finished
from imdlib.ncl import networks
from imdlib.ncl.grid import BOTH, METHODS
from imdlib.ncl.space import ROWS
from imdlib.ncl.study import STUDY
from imdlib.photos import tiles
from imdlib.protocol.search import row_of
from imdlib.scoring import evaluate, metrics

MAIN = BOTH[1]
SCORE = "the map's largest value; it tends to grow with the size of the photo"


def load_run(folder: Path | str, data: str = "") -> Finished:
    """The run in that folder; data: not needed here (see `imdlib.inr.saved`)."""
    return finished.load(folder, ("ncl/run",), lambda params, stamp: networks.build(params | {"pretrained": False}))


def title(run: Finished) -> str:
    """Name of its method in tables."""
    row = row_of(run.params, ROWS)
    return STUDY.called(row) if row else METHODS.get(run.params["variant"], run.params["variant"])


def probability(network: nn.Module, variant: str = MAIN) -> Callable[[Tensor], Tensor]:
    """The function that `imdlib.photos.tiles.predict` takes: batch (B,3,h,w) in [0,1] -> probability of tampered (B,1,h,w).

    variant: of the network's run, on which it depends how its logits are read.
    """
    read = networks.probability_of({"variant": variant})
    return lambda batch: F.interpolate(read(network(batch)), batch.shape[-2:], mode="bilinear", align_corners=False)


def score(
    run: Finished, rows: pd.DataFrame, *, same: bool = False, attack: str = "none", examples: int = 0
) -> tuple[pd.DataFrame, dict[str, np.ndarray]]:
    """(scores, pictures) of `imdlib.scoring.evaluate.score` for rows of a manifest.

    same: the images that the run itself scores of a test set: authentic ones of the sets that it was trained on alone.
    attack: a name of `imdlib.data.attacks`, before which the images are as they are.
    """
    trained_on = rows["dataset"].isin(run.params["train_set"].split("+")).any()
    images = ImageSet(rows[rows["label"] == 1] if same and not trained_on else rows)
    locations = metrics.mask_locations([mask[0].numpy() for _, mask in images.samples()])
    told = dict(probability=networks.probability_of(run.params), locations=locations)
    change = None if attack == "none" else partial(attacks.apply, attack)
    scores, pictures = evaluate.score(run.network, images, examples=examples, attack=change, **told)
    return scores.assign(attack=attack), pictures


def named(method: str, scores: pd.DataFrame) -> pd.DataFrame:
    """Rows of `score` with the `method` that tables print."""
    return scores.assign(method=method)


def look(run: Finished, image: np.ndarray, **options: int | str) -> tuple[dict[str, np.ndarray], dict[str, float]]:
    """What the run says of a photo (H,W,3) uint8: ({'map': (H,W) in [0,1]}, {'score': its largest value}).

    options: tile, overlap, device of `imdlib.photos.tiles.predict`.
    """
    drawn = tiles.predict(probability(run.network, run.params["variant"]), image, **options)
    return {"map": drawn}, {"score": float(drawn.max())}
