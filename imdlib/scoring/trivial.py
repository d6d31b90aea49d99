"""Predictors that look at no image: the floor under every localization table.

The papers print none of these rows; on their test sets several published rows of trained methods lie level with them
or below.
"""

from collections.abc import Iterable, Sequence

import cv2
import numpy as np
import pandas as pd

from imdlib.scoring import metrics


def all_ones(height: int, width: int) -> np.ndarray:
    """Everything tampered: map (height,width) of 1. With tampered share a, its F1 is 2a/(1+a) and its IoU a."""
    return np.ones((height, width), dtype=np.float32)


def random_map(height: int, width: int, seed: int | Sequence[int] = 0) -> np.ndarray:
    """Independent uniform noise in [0,1), map (height,width). seed: an int or a sequence of ints."""
    return np.random.default_rng(seed).random((height, width), dtype=np.float32)


def centre_blob(height: int, width: int, sigma: float = 0.25) -> np.ndarray:
    """exp(-(dx^2+dy^2)/(2 sigma^2)), (height,width) in (0,1]; dx, dy from the centre, as shares of width, height."""
    dy, dx = (((np.arange(n) + 0.5) / n - 0.5) ** 2 for n in (height, width))
    return np.exp(-(dy[:, None] + dx) / (2 * sigma**2)).astype(np.float32)


def average_mask(masks: Iterable[np.ndarray], grid: int = 64) -> np.ndarray:
    """Mean of the masks on a grid, (grid,grid) in [0,1], each stretched over it: how likely a place is tampered at all.

    masks: list of (H,W) masks of tampered images (empty masks would only scale the map). `render` gives it a size.
    """
    masks = list(masks)
    if not masks:
        raise ValueError(
            "average_mask: expected at least one training mask, got none; score without the row average training mask"
        )
    return metrics.mask_locations(masks, grid) / len(masks)


def render(average: np.ndarray, height: int, width: int) -> np.ndarray:
    """The average mask (grid,grid) as a map (height,width) in [0,1], bilinear."""
    return cv2.resize(average.astype(np.float32), (width, height), interpolation=cv2.INTER_LINEAR).clip(0, 1)


def always_tampered(count: int) -> np.ndarray:
    """Image score 1 for each of `count` images."""
    return np.ones(count)


def scores(
    masks: Iterable[np.ndarray],
    train_masks: Sequence[np.ndarray] | np.ndarray | None = None,
    locations: np.ndarray | None = None,
    seed: int = 0,
    label: Sequence[int] | np.ndarray | pd.Series | None = None,
    about: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Rows of every predictor on every image, in the form that a trained method's rows have: DataFrame.

    masks: list of (H,W) masks of the test images, empty ones for authentic images. train_masks: masks of the training
    images for the average mask, whose rows are left out without them. locations: as in `metrics.per_image`.
    about: DataFrame, one row per image, whose columns (image, dataset, kind, label, ...) are repeated for every method,
    by default only `image`, its number. label: (N,) image labels, by default those of `about`, else whether the mask
    holds anything. seed: of the random map, and the rows' `seed`.
    Columns: method, those of `about`, seed, label, score, those of `metrics.per_image`. The image score is the map's
    largest value, so the all-ones map is at the same time the always-tampered label. The blob at 0.5 is its f1 and iou.
    """
    masks = [np.asarray(mask) for mask in masks]
    about = pd.DataFrame({"image": range(len(masks))}) if about is None else about.reset_index(drop=True)
    if label is None:
        label = about["label"] if "label" in about else [int(mask.any()) for mask in masks]
    if not len(masks) == len(about) == len(label):
        raise ValueError(
            f"expected one label and one row of `about` per mask, got {len(label)} and {len(about)} for {len(masks)}"
        )
    about = about.drop(columns=["method", "seed", "label", "score"], errors="ignore")
    places = [(i, *mask.shape[-2:]) for i, mask in enumerate(masks)]  # number, height, width
    predictors = {
        "all-ones map": lambda i, h, w: all_ones(h, w),
        "random map": lambda i, h, w: random_map(h, w, [seed, i]),
        "centre blob": lambda i, h, w: centre_blob(h, w),
    }
    if train_masks is not None and len(train_masks):
        average = average_mask(train_masks)
        predictors["average training mask"] = lambda i, h, w: render(average, h, w)
    tables = []
    for method, predict in predictors.items():
        score = [float(predict(*one).max()) for one in places]
        head = pd.DataFrame({"seed": seed, "label": list(label), "score": score})
        pixels = metrics.per_image((predict(*one) for one in places), masks, locations=locations)
        tables.append(pd.concat([about, head, pixels], axis=1))
        tables[-1].insert(0, "method", method)
    return pd.concat(tables, ignore_index=True)
