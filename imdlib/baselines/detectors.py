"""The hand-crafted and self-fitted detectors by name: what makes each; their names in tables stand in `names.py`."""

from collections.abc import Callable

import numpy as np
import pandas as pd
from torch import Tensor, nn

from imdlib.baselines import camera_traces
from imdlib.baselines.cfa1 import CFA1
from imdlib.baselines.ela import ELA
from imdlib.baselines.ivc import IVC
from imdlib.baselines.mca import MCA
from imdlib.baselines.noi import NOI
from imdlib.data.batches import ImageSet
from imdlib.scoring import evaluate, metrics

DETECTORS: dict[str, Callable[[int], nn.Module]] = {
    "ela": lambda seed: ELA(),
    "noi": lambda seed: NOI(),
    "cfa1": lambda seed: CFA1(),
    "ivc": lambda seed: IVC(),
    "mca": lambda seed: MCA(seed=seed),
    "camera-traces": lambda seed: camera_traces.trained(seed=seed),
}


def build(detector: str, seed: int = 0) -> nn.Module:
    """The detector of that name, a key of DETECTORS, ready to look at images; it takes (B,3,H,W) in [0,1] and gives dict of map."""
    if detector not in DETECTORS:
        raise ValueError(f"detector={detector!r}: expected one of {', '.join(DETECTORS)}")
    return DETECTORS[detector](seed).eval()


def probability(outputs: dict[str, Tensor]) -> Tensor:
    """Map of a detector's outputs, (B,1,H,W) in [0,1], each image's most suspicious place at 1 or near it."""
    return outputs["map"]


def score(
    detector: nn.Module, test: pd.DataFrame, *, count: int = 0, examples: int = 0
) -> tuple[pd.DataFrame, dict[str, np.ndarray]]:
    """(scores, pictures) of `imdlib.scoring.evaluate.score` for the tampered images with a mask among rows of a manifest.

    count: images of each label that are used, drawn as INR's run notebook draws them; 0 takes all. A detector that stretches
    every map says nothing about the image as a whole: its `score` is no image score.
    """
    masked = test[(test["label"] == 1) & (test["mask"] != "")]
    places = metrics.mask_locations([mask[0].numpy() for _, mask in ImageSet(masked).samples()])
    drawn = test.sample(frac=1, random_state=0).groupby("label").head(count or len(test)).index
    images = ImageSet(masked[masked.index.isin(drawn)])
    return evaluate.score(detector, images, probability=probability, locations=places, examples=examples)
