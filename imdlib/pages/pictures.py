"""Photographs, maps and masks in figures: one of them, a border, and the papers' grids of predictions with columns chosen by rule."""

from collections.abc import Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from imdlib.pages.style import HEAT, PAGE, SMALL, TAMPERED


def outline(axis: Axes, mask: ArrayLike, color: str = TAMPERED, width: float = 1.0) -> None:
    """Draw the border of a mask (H,W) over an image."""
    if np.any(mask) and not np.all(mask):
        axis.contour(np.asarray(mask, float), levels=[0.5], colors=[color], linewidths=width)


def picture(axis: Axes, image: ArrayLike, title: str | None = None, **options: Any) -> None:
    """One image, map or mask without ticks; maps and masks are drawn on a fixed scale from 0 to 1."""
    image = np.asarray(image)
    scale = dict(cmap="gray", vmin=0, vmax=1) if image.ndim == 2 else {}
    axis.imshow(image, interpolation="nearest", **(scale | options))
    axis.set(xticks=[], yticks=[])
    sns.despine(ax=axis, left=True, bottom=True)
    if title:
        axis.set_title(title, fontsize=SMALL, pad=2, parse_math=False)


GRID = (
    "Outlined: the border of the mask. Maps are drawn from 0 (dark) to 1 (bright), their line is the contour at {0}. The number above "
    "a map is its F1 at {0}. Columns from best to worst by the F1 of the last method{1}, chosen in equal steps: failures are shown in "
    "proportion."
)
EACH = " in each data set"


def prediction_grid(
    columns: Sequence[dict[str, Any]],
    methods: Sequence[str],
    values: str = "probability",
    *,
    cut: str = "0.5",
    within: str = "",
) -> Figure:
    """The papers' figures of predictions: one column per image, rows = image, mask, then the map of each method.

    columns: of `choose_columns`, or such dicts of image (H,W,3) uint8, mask (H,W) {0,1}, title, maps {method: (H,W) in [0,1]}, captions
    {method: text} and, where it is not 0.5, cuts {method: the value at which a map is cut}. values: what maps hold, beside their scale;
    cut: how the caption calls the cut; within: of what columns were chosen, such as EACH, where not of all images.
    """
    rows = ["image", "mask", *methods]
    size = (PAGE - 0.9) / max(len(columns), 4)
    figure, axes = plt.subplots(
        len(rows), len(columns), figsize=(PAGE, (size + 0.17) * len(rows) + 0.15), squeeze=False
    )
    narrow = size < 0.62
    for c, column in enumerate(columns):
        picture(axes[0, c], column["image"], column["title"])
        outline(axes[0, c], column["mask"])
        picture(axes[1, c], column["mask"])
        for r, method in enumerate(methods, start=2):
            said = column["captions"][method]
            picture(axes[r, c], column["maps"][method], said.replace("F1 ", "") if narrow else said, cmap=HEAT)
            above = np.asarray(column["maps"][method]) > column.get("cuts", {}).get(method, 0.5)
            outline(axes[r, c], above, color="w", width=0.5)
    for axis, label in zip(axes[:, 0], rows):
        lines = label if len(label) * 0.055 < size else label.replace("+", "\n+").replace(", ", ",\n")
        axis.set_ylabel(lines, fontsize=SMALL)
    if methods:
        shown = axes[2, 0].images[0]
        side = dict(shrink=len(methods) / len(rows), anchor=(0.0, 0.0))  # of all rows, so that all give way alike
        bar = figure.colorbar(shown, ax=axes, fraction=0.02, pad=0.01, aspect=40, ticks=[0, 0.5, 1], **side)
        if cut == "0.5":
            bar.ax.axhline(0.5, color="w", lw=0.5)
        bar.set_label(values if len(methods) > 1 else "\n".join(values.rsplit(" ", 1)), fontsize=SMALL)
    figure.set_label(GRID.format(cut, within))
    return figure


def choose_columns(
    pictures: dict[str, dict[str, dict[str, np.ndarray]]], scores: pd.DataFrame, count: int
) -> tuple[list[dict[str, Any]], pd.DataFrame]:
    """Columns of a prediction grid, chosen by rule: best, worst and equal steps between by F1 of the last method.

    pictures: {method: {'<dataset>/<file>': {image, mask, map}}} with the same images for every method, and `cut` where a map is not cut
    at 0.5; scores: rows with `method, dataset, image, f1`. Returns (columns for `prediction_grid`, DataFrame of what is drawn).
    """
    last, first = list(pictures)[-1], list(pictures.values())[0]
    f1 = scores.assign(key=scores["dataset"] + "/" + scores["image"]).set_index(["method", "key"])["f1"]
    order = sorted((key for key in first if not np.isnan(f1[last, key])), key=lambda key: -f1[last, key])
    count = max(0, min(count, len(order)))
    order = [order[i] for i in np.unique(np.linspace(0, len(order) - 1, count).round().astype(int))]
    several = len({key.split("/")[0] for key in first}) > 1
    columns = [
        {
            "image": first[key]["image"],
            "mask": first[key]["mask"],
            "title": named(key, several, 8 if len(order) > 6 else 12),
            "maps": {method: kept[key]["map"] for method, kept in pictures.items()},
            "cuts": {method: kept[key].get("cut", 0.5) for method, kept in pictures.items()},
            "captions": {method: f"F1 {f1[method, key]:.2f}" for method in pictures},
        }
        for key in order
    ]
    return columns, pd.DataFrame([{"image": key, "method": m, "f1": f1[m, key]} for key in order for m in pictures])


def named(key: str, several: bool, most: int) -> str:
    """What an image '<dataset>/<file>' is called above its column: the end of its name, below its data set where there are several."""
    dataset, file = key.split("/", 1)
    dataset = dataset.replace("-", "-\n", 1) if len(dataset) > most else dataset
    return (f"{dataset}\n" if several else "") + file.rsplit(".", 1)[0][-most:]
