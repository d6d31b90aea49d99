"""Figures of features in the plane: panels side by side, one legend, the numbers of each panel above it.

The form of Bridging's Figure 4, with `embedding.judge` beside every picture.
"""

import textwrap
from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import ArrayLike

from imdlib.pages import plots

SHUFFLES = 12  # layers in which the points are drawn, all classes in each
READING = (
    "Colour and shape: the class; axes, sizes of clusters and distances between them mean nothing. Above each panel, of the features and, "
    "after the arrow, of the plane: silhouette, and the share of images whose class is that of most of their ten nearest others."
)


def look(label: int) -> tuple[str, str]:
    """(colour, shape) of a class number."""
    return plots.PALETTE[label % len(plots.PALETTE)], plots.MARKERS[label % len(plots.MARKERS)]


def caption(verdict: dict[str, float]) -> str:
    """Two lines with the numbers of `embedding.judge`: silhouette and k-NN accuracy, of the features, then of the plane."""
    silhouette = f"{verdict['silhouette']:.2f} → {verdict['silhouette_plane']:.2f}"
    return f"silhouette {silhouette}\nk-NN {verdict['knn']:.2f} → {verdict['knn_plane']:.2f}"


def rows(panels: dict[str, np.ndarray], labels: ArrayLike, generators: ArrayLike | None = None) -> pd.DataFrame:
    """What the panels show, for `plots.save`: DataFrame panel, point, x, y, class and, if given, generator."""
    extra = {} if generators is None else {"generator": np.asarray(generators)}
    parts = [
        pd.DataFrame({"panel": title, "point": range(len(xy)), "x": xy[:, 0], "y": xy[:, 1], "class": labels} | extra)
        for title, xy in panels.items()
    ]
    return pd.concat(parts, ignore_index=True)


def scatter(
    panels: dict[str, np.ndarray],
    labels: ArrayLike,
    *,
    classes: Sequence[str] | None = None,
    verdicts: dict[str, dict[str, float]] | None = None,
    columns: int = 4,
) -> Figure:
    """One panel for each projection: colour and shape say the class; the legend stands once.

    panels: {title: coordinates (N,2)}, the same N points in each; labels (N,): class numbers; classes: their names;
    verdicts: {title: dict of `embedding.judge`}; columns: panels in a row.
    """
    labels = np.asarray(labels)
    order = np.random.default_rng(0).permutation(len(labels))  # so that no class lies on top of the others
    lines = -(-len(panels) // columns)
    columns = min(columns, len(panels))
    side = plots.PAGE / max(columns, 3) + (0.35 if verdicts else 0.1)
    size = (plots.PAGE if columns > 1 else plots.COLUMN, side * lines + 0.3)
    figure, axes = plt.subplots(lines, columns, figsize=size, squeeze=False)
    for axis in axes.flat[len(panels) :]:
        axis.set_axis_off()
    for axis, (title, points) in zip(axes.flat, panels.items()):
        for some in np.array_split(order, SHUFFLES):
            for label in np.unique(labels[some]):
                part = some[labels[some] == label]
                axis.scatter(*points[part].T, color=look(label)[0], marker=look(label)[1], s=9, alpha=0.8, linewidths=0)
        axis.set(xticks=[], yticks=[])
        axis.spines[:].set(visible=True, color="0.8")
        axis.set_aspect("equal", adjustable="datalim")
        named = textwrap.fill(title, 24 if columns > 2 else 40)
        axis.set_title(f"{named}\n{caption(verdicts[title])}" if verdicts else named, fontsize=plots.SMALL, pad=3)
    names = classes if classes is not None else [f"class {label}" for label in range(labels.max() + 1)]
    handles = [
        Line2D([], [], ls="", marker=look(label)[1], ms=4, color=look(label)[0], label=names[label])
        for label in np.unique(labels)
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=min(len(handles), 6))
    figure.set_label(READING if verdicts else READING.split(". ")[0] + ".")
    return figure
