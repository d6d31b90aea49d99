"""Numbers that lie: predictors that look at no image, scored on masks that the reader moves.

What every report has to carry: F1, AUC, thresholds, trivial rows and shuffled AUC on masks alone.
"""

from collections.abc import Iterable, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from imdlib.data.batches import ImageSet
from imdlib.pages import plots
from imdlib.scoring import metrics, protocols

BLIND = ("all-ones map", "random map", "centre blob", "average of the other masks")  # they look at no image
COLUMNS = ["f1", "iou", "f1_best", "auc", "auc_shuffled"]


def masks_of(manifest: pd.DataFrame, count: int = 60, side: int = 64) -> list[np.ndarray]:
    """Masks (side,side) bool of up to `count` tampered images of a manifest, each stretched to a square."""
    images = ImageSet(manifest[(manifest["label"] == 1) & (manifest["mask"] != "")].head(count))
    found = (metrics.mask_locations([mask[0].numpy() == 1], grid=side) >= 0.5 for _, mask in images.samples())
    return [mask for mask in found if mask.any() and not mask.all()]


def pulled(masks: Iterable[np.ndarray], share: float) -> list[np.ndarray]:
    """Masks moved towards the middle of their picture (around its edges): 0 = not at all, 1 = all the way."""
    found = []
    for mask in masks:
        away = [side / 2 - place.mean() - 0.5 for side, place in zip(mask.shape, mask.nonzero())]
        found.append(np.roll(mask, [round(share * step) for step in away], axis=(0, 1)))
    return found


def maps(masks: Sequence[np.ndarray], seed: int = 0) -> dict[str, list[np.ndarray]]:
    """One map for each mask of every predictor in BLIND: {name: list of (H,W)}."""
    drawn = protocols.without_looking(len(masks), metrics.mask_locations(masks), seed)
    return {name: [drawn[name](number, mask) for number, mask in enumerate(masks)] for name in BLIND}


def table(masks: Sequence[np.ndarray], predictions: dict[str, list[np.ndarray]]) -> pd.DataFrame:
    """Mean over images of f1 and iou at 0.5, of the best F1, AUC and shuffled AUC: one row a predictor."""
    places = metrics.mask_locations(masks)
    found = {
        name: metrics.per_image(prob, masks, locations=places)[COLUMNS].mean() for name, prob in predictions.items()
    }
    return pd.DataFrame(found).T


def pulls(masks: Sequence[np.ndarray], shares: Iterable[float]) -> pd.DataFrame:
    """The centre blob on masks pulled towards the middle: DataFrame share, metric, value."""
    rows = []
    for share in shares:
        moved = pulled(masks, share)
        found = table(moved, {"blob": maps(moved)["centre blob"]}).loc["blob"]
        rows += [(share, name, found[name]) for name in ("auc", "auc_shuffled", "f1_best")]
    return pd.DataFrame(rows, columns=["share", "metric", "value"])


def thresholds(masks: Sequence[np.ndarray], prob: list[np.ndarray], at: Iterable[float]) -> pd.DataFrame:
    """F1 of one predictor against the threshold, as a mean over images and of the counts of all: DataFrame."""
    rows = []
    for threshold in at:
        found = metrics.per_image(prob, masks, threshold)
        tp, fp, fn = (found[name].sum() for name in ("tp", "fp", "fn"))
        rows.append((threshold, found["f1"].mean(), 2 * tp / (2 * tp + fp + fn)))
    return pd.DataFrame(rows, columns=["threshold", "mean over images", "all pixels together"])


def masks_figure(masks: Sequence[np.ndarray], shares: Sequence[float]) -> Figure:
    """Where the masks of a set lie, for several pulls: share of the pictures that are tampered there, all on one scale."""
    figure, axes = plt.subplots(1, len(shares), figsize=(plots.PAGE, plots.PAGE / len(shares) * 0.85))
    found = [metrics.mask_locations(pulled(masks, share)) / len(masks) for share in shares]
    for axis, share, place in zip(axes, shares, found):
        plots.picture(axis, place, f"pull {share:g}", cmap=plots.HEAT, vmax=float(np.max(found)))
    figure.colorbar(axes[-1].images[0], ax=axes, pad=0.01, label="share of pictures")
    return figure


NAMES = {"auc": "AUC", "f1_best": "best F1", "auc_shuffled": "shuffled AUC"}  # as the text calls them


def lines_figure(
    found: pd.DataFrame, x: str, lines: Sequence[str], label: str, value: str = "mean over images"
) -> Figure:
    """Lines of a wide table against one of its columns; value: what they hold."""
    figure, axis = plt.subplots(figsize=(plots.PAGE * 0.6, 2.3))
    for name, color in zip(lines, plots.PALETTE):
        axis.plot(found[x], found[name], "o-", ms=3, color=color, label=NAMES.get(name, name))
    axis.set(xlabel=label, ylabel=value, ylim=(0, 1.02))
    axis.legend(fontsize=8)
    return figure
