"""Scores of one image (pixel counts, F1, IoU, AUC, shuffled AUC, best F1) and of a set of image labels.

Definitions follow the protocols of the three papers: pixel scores per tampered image at threshold 0.5, image F1 with
tampered as the positive class. Counts come first and ratios after; what is undefined is NaN, never 0. Means, pooled
ratios and their intervals are made in `imdlib.scoring.intervals`.
"""

from collections.abc import Iterable
from functools import lru_cache
from itertools import zip_longest
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

COUNTS = ["tp", "fp", "fn", "tn"]


def per_image(
    prob: np.ndarray | Iterable[Any],
    mask: np.ndarray | Iterable[Any],
    threshold: float = 0.5,
    locations: np.ndarray | None = None,
) -> pd.DataFrame:
    """Score every image: DataFrame with one row per image, in the order given.

    prob: probability of "tampered" in [0,1]: one map (H,W), a batch (B,H,W) or (B,1,H,W), or an iterable of maps of
    any sizes (numpy or torch). mask: the same shapes, values {0,1}, bool or {0,255}, 1 or 255 = tampered. threshold: a
    pixel is called tampered where prob > threshold; a plain float is taken in the precision of the map, a NumPy number in its own, which
    differ where values of eight bits lie on it. locations: (G,G) of `mask_locations` over the set of these images.

    Columns, and where they are undefined (NaN):
      tp fp fn tn    pixel counts at the threshold, always defined
      f1 iou         2tp/(2tp+fp+fn) and tp/(tp+fp+fn); NaN where nothing is tampered (an authentic image)
      auc            area under the ROC over all pixels, ties count half; NaN where the mask holds one class only
      f1_best        largest F1 over all thresholds (`prob >= v` for every value v of the map); NaN where nothing is
                     tampered. Papers search a grid of 0.01, which can only find the same or less
      auc_shuffled   (only with locations) AUC whose negatives, this image's authentic pixels, weigh as much as the
                     *other* images of the set have masks there, so that knowing where forgeries tend to lie is worth
                     nothing (Tatler et al. 2005; Borji et al. 2013). The image's own share is taken out of `locations`,
                     so these must include it. NaN where auc is, and where no other mask lies on an authentic pixel
    """
    if not 0 <= threshold <= 1:
        raise ValueError(f"per_image: threshold must lie in [0,1] like the probabilities, got {threshold}")
    columns = COUNTS + ["f1", "iou", "auc", "f1_best"] + ([] if locations is None else ["auc_shuffled"])
    pairs = enumerate(zip_longest(_maps(prob, "prob"), _maps(mask, "mask")))
    rows = [_score(p, m, i, threshold, locations) for i, (p, m) in pairs]
    return pd.DataFrame(rows, columns=columns)


def mask_locations(masks: np.ndarray | Iterable[Any], grid: int = 64) -> np.ndarray:
    """Where the masks of a set lie: (grid,grid) float64, the sum over images of the tampered share of every grid cell.

    masks: as in `per_image`, or any iterable of (H,W) masks; each is stretched over the grid (exact area pooling).
    """
    total = np.zeros((grid, grid))
    for index, mask in enumerate(_maps(masks, "mask")):
        total += _pool(_binary(mask, index), grid)
    return total


def auc(score: ArrayLike, positive: ArrayLike) -> float:
    """Area under the ROC of scores (N,) for boolean labels (N,), ties half (Mann-Whitney); NaN with one class only."""
    score, positive = np.ravel(score), np.ravel(positive).astype(bool)
    negatives, positives = np.sort(score[~positive]), np.sort(score[positive])
    return _mann_whitney(*_below(negatives, positives))


def image_level(label: ArrayLike, score: ArrayLike, threshold: float = 0.5) -> dict[str, float]:
    """Scores of image labels: dict of f1, f1_hmean, acc, auc, sen, spe, n, n_tampered.

    label: (N,) in {0,1}, 1 = tampered; score: (N,) in [0,1], an image is called tampered where score > threshold.
    f1: the standard one. f1_hmean: 2 sen spe / (sen + spe), what WSCL and MVSS-Net call image F1 (0 where both are 0).
    f1 and sen are NaN without a tampered image, spe without an authentic one, auc and f1_hmean without both.
    """
    label, score = np.asarray(label).ravel(), np.asarray(score, dtype=float).ravel()
    if label.shape != score.shape:
        raise ValueError(
            f"image_level: expected as many scores as labels, got {score.size} scores and {label.size} labels"
        )
    if not np.isin(label, (0, 1)).all():
        raise ValueError(f"image_level: labels must be 0 (authentic) or 1 (tampered), got {np.unique(label)[:5]}")
    if not np.isfinite(score).all():
        raise ValueError(
            f"image_level: score {np.flatnonzero(~np.isfinite(score))[0]} is not finite; find where the model lost it"
        )
    if len(score) and not (score.min() >= -1e-6 and score.max() <= 1 + 1e-6):
        raise ValueError(
            f"image_level: scores must lie in [0,1] like probabilities, got {score.min():.4g} to {score.max():.4g}; these look like "
            "logits: apply a sigmoid (a softmax for two classes), then score again"
        )
    tampered, called = label == 1, score > threshold
    tp, fp, fn, tn = (
        int(np.sum(c)) for c in (tampered & called, ~tampered & called, tampered & ~called, ~tampered & ~called)
    )
    sen, spe = _ratio(tp, tp + fn), _ratio(tn, tn + fp)
    return {
        "f1": _ratio(2 * tp, 2 * tp + fp + fn) if tampered.any() else np.nan,
        "f1_hmean": harmonic_mean(sen, spe),
        "acc": _ratio(tp + tn, label.size),
        "auc": auc(score, tampered),
        "sen": sen,
        "spe": spe,
        "n": label.size,
        "n_tampered": tp + fn,
    }


def combined_f1(pixel_f1: float, image_f1: float) -> float:
    """C-F1 of a data set: harmonic mean of its pixel F1 and image F1 (INR, Section 4); NaN where either is NaN."""
    return harmonic_mean(pixel_f1, image_f1)


def harmonic_mean(a: float, b: float) -> float:
    """2ab/(a+b), its limit 0 where both are 0, NaN where either is NaN."""
    return 0.0 if a == b == 0 else 2 * a * b / (a + b)


def _score(prob, mask, index, threshold, locations):
    """Row of one image as a tuple in the order of `per_image`'s columns."""
    if prob is None or mask is None:
        missing = "map (prob)" if prob is None else "mask"
        raise ValueError(f"per_image: expected as many maps as masks, but image {index} has no {missing}")
    tampered = _binary(mask, index)
    prob = _probabilities(prob, index)
    if prob.shape != tampered.shape:
        raise ValueError(
            f"per_image: image {index}: prob is {prob.shape} and mask is {tampered.shape} (height, width); "
            "resize the map to the mask's size (bilinear), never the mask"
        )
    called = prob > threshold
    tp = int(np.count_nonzero(called & tampered))
    fp = int(np.count_nonzero(called)) - tp
    fn = int(np.count_nonzero(tampered)) - tp
    tn = prob.size - tp - fp - fn
    f1, iou = (_ratio(2 * tp, 2 * tp + fp + fn), _ratio(tp, tp + fp + fn)) if tp + fn else (np.nan, np.nan)

    positives, negatives = np.sort(prob[tampered]), prob[~tampered]
    if locations is None:
        below, upto, n = _below(np.sort(negatives), positives)
        shuffled = ()
    else:
        order = np.argsort(negatives)
        below, upto, n = _below(negatives[order], positives)
        weight = _other_locations(tampered, np.asarray(locations, dtype=float))[~tampered][order]
        weight = np.concatenate([[0.0], np.cumsum(weight)])  # (n+1,) weight of the k lowest negatives
        shuffled = (_mann_whitney(weight[below], weight[upto], weight[-1]),)
    # the best threshold is a tampered pixel's value: from there down to the next such value only false positives join
    hits = len(positives) - np.arange(len(positives))
    best = np.max(2 * hits / (hits + n - below + len(positives)), initial=-np.inf)
    return (tp, fp, fn, tn, f1, iou, _mann_whitney(below, upto, n), best if tp + fn else np.nan, *shuffled)


def _below(negatives, positives):
    """Of sorted scores: how many negatives lie below each positive, (P,), below or level with it, (P,), and in all."""
    return np.searchsorted(negatives, positives, "left"), np.searchsorted(negatives, positives, "right"), len(negatives)


def _mann_whitney(below, upto, total):
    """Mean over positives of the share of negatives below, ties half; from counts or weights of negatives."""
    return _ratio(below.sum() + upto.sum(), 2.0 * len(below) * total)


def _other_locations(tampered, locations):
    """How often the other masks of the set lie on each pixel, (H,W): this image's own share taken out of the sum."""
    if locations.ndim != 2 or locations.shape[0] != locations.shape[1]:
        raise ValueError(
            f"per_image: locations must be the (grid,grid) array of mask_locations, got shape {locations.shape}"
        )
    grid = len(locations)
    others = locations - _pool(tampered, grid)
    others[others < 1e-9] = 0  # rounding, or a mask that the set did not include
    rows, columns = (
        (2 * np.arange(n) + 1) * grid // (2 * n) for n in tampered.shape
    )  # grid cell of each pixel's centre
    return others[rows[:, None], columns]


def _pool(tampered, grid):
    """Tampered share of every cell of a (grid,grid) net laid over the mask (H,W)."""
    height, width = tampered.shape
    return _overlap(height, grid) @ tampered.astype(np.float32) @ _overlap(width, grid).T


@lru_cache(maxsize=256)
def _overlap(size, grid):
    """(grid,size) share of cell g that pixel i covers, along one axis."""
    edges = np.arange(grid + 1) * size / grid
    pixels = np.arange(size)
    shared = np.minimum(edges[1:, None], pixels + 1) - np.maximum(edges[:-1, None], pixels)
    return np.clip(shared, 0, None) * grid / size


def _ratio(part, whole):
    return part / whole if whole else np.nan


def _maps(arrays, name):
    """Yield the (H,W) arrays in one map, a batch, or an iterable of maps."""
    if not hasattr(arrays, "ndim"):
        for index, item in enumerate(arrays):
            found = list(_maps(item, f"{name}[{index}]")) if hasattr(item, "ndim") else []
            if len(found) != 1:
                raise ValueError(
                    f"{name}[{index}]: expected one (H,W) map, got {getattr(item, 'shape', type(item).__name__)}"
                )
            yield found[0]
        return
    if hasattr(arrays, "detach"):
        arrays = arrays.detach().cpu()
        arrays = (arrays.float() if arrays.is_floating_point() and arrays.itemsize < 4 else arrays).numpy()
    if arrays.ndim == 4 and arrays.shape[1] == 1:
        arrays = arrays[:, 0]
    if arrays.ndim == 2:
        arrays = arrays[None]
    if arrays.ndim != 3 or 0 in arrays.shape[1:]:
        raise ValueError(
            f"{name}: expected (H,W), (B,H,W) or (B,1,H,W) with pixels in it, got shape {tuple(arrays.shape)}"
        )
    yield from arrays


def _binary(mask, index):
    """Mask (H,W) as bool; refuses anything but {0,1} or {0,255}."""
    if mask.dtype == bool:
        return mask
    top = mask.max()
    if top not in (0, 1, 255) or np.count_nonzero(mask) != np.count_nonzero(mask == (top or 1)):
        raise ValueError(
            f"mask of image {index}: expected values {{0,1}} or {{0,255}}, got {np.unique(mask)[:6]}; binarise it "
            "first (the data sets' rule is > 127) and crop away padding that is marked as ignored"
        )
    return mask != 0


def _probabilities(prob, index):
    """Map (H,W) as float32 or float64; refuses what is not a probability."""
    if prob.dtype not in (np.float32, np.float64):
        prob = prob.astype(np.float32)
    low, high = prob.min(), prob.max()
    if not (low >= 0 and high <= 1):  # also true where a value is NaN
        raise ValueError(
            f"prob of image {index}: expected finite probabilities in [0,1], got values from {low} to {high}; apply a "
            "sigmoid to logits, divide 8-bit maps by 255, and look for the step that produced NaN"
        )
    return prob
