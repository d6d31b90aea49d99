"""Features of test images that a run leaves for Figure 4."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd

from imdlib.bridge.labels import CLASSES, three_classes

KNOWN = ["image", "dataset", "class", "scene", "generator"]  # what is kept of an image beside its features


def write_points(path: Path | str, scores: pd.DataFrame, points: Iterable[dict[str, np.ndarray]]) -> None:
    """Keep the features of test images: arrays KNOWN (text) and one (N,D) float16 for each kind of features.

    scores: rows of all sets; points: a dict {which: features} for each set, in the same order. Authentic images that
    several sets show under one name are kept once, as of the first.
    """
    scores = scores.reset_index(drop=True)
    scores["class"] = [CLASSES[c] for c in three_classes(scores)]
    scores["generator"] = scores["generator"].fillna("") if "generator" in scores else ""
    once = ~(scores["label"].eq(0) & scores.duplicated(["image", "label"]))
    points = list(points)
    features = {which: np.concatenate([some[which] for some in points])[once] for which in points[0]}
    known = {name: scores.loc[once, name].to_numpy(dtype=str) for name in KNOWN}
    np.savez_compressed(path, **known, **{which: found.astype(np.float16) for which, found in features.items()})


def read_points(path: Path) -> tuple[pd.DataFrame, dict[str, np.ndarray]]:
    """(DataFrame of KNOWN, {which: features (N,D) float32}) that `write_points` left."""
    with np.load(path) as kept:
        found = {name: kept[name] for name in kept.files}
    rows = pd.DataFrame({name: found.pop(name) for name in KNOWN if name in found})  # older points lack the scene
    return rows, {which: features.astype(np.float32) for which, features in found.items()}
