"""Drawings of `generalizers`: distances over the plane of features, and where the generalizers take the fakes.

Bridging section 3.3. Grey is a distance (the root of d1 or d2), the thin line is where it reaches the margin.
"""

from collections.abc import Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from torch import Tensor

from imdlib.bridge.labels import CLASSES, FULLY, PARTLY
from imdlib.lessons import films
from imdlib.pages import plots

COLORS = (plots.AUTHENTIC, plots.PALETTE[1], plots.TAMPERED)
EDGE, MOST = (-4, 5), 4.0  # of the square, and the distance that is drawn darkest


def canvas(titles: Sequence[str], height: float = 0.4) -> tuple[Figure, np.ndarray]:
    """A row of square panels, with the legend of all drawings of this file."""
    side = plots.PAGE / max(len(titles), 2.6)
    size = (side * len(titles), side + height)
    figure, axes = plt.subplots(1, len(titles), figsize=size, squeeze=False)
    for axis, title in zip(axes[0], titles):
        axis.set(xticks=[], yticks=[], xlim=EDGE, ylim=EDGE, aspect="equal")
        axis.set_title(title, fontsize=8)
        axis.spines[:].set_visible(False)
    looks = [("o", c, name) for c, name in zip(COLORS, CLASSES)]
    looks += [("x", COLORS[i], f"{CLASSES[i]}, rewritten") for i in (PARTLY, FULLY)]
    handles = [plt.Line2D([], [], marker=m, color=c, ls="", ms=4, label=name) for m, c, name in looks]
    figure.legend(handles=handles, loc="outside lower center", ncols=5, fontsize=7, handletextpad=0.1, columnspacing=1)
    return figure, axes[0]


def shade(axis: Axes, moment: dict[str, Any], which: int, margin: float) -> None:
    """The distance to student `which` over the plane, 0 = the larger of the two."""
    d = moment["fields"]
    distance = np.sqrt(d.max(2) if which == 0 else d[:, :, which - 1])
    axis.imshow(distance, origin="lower", extent=(*EDGE, *EDGE), cmap="Greys", vmin=0, vmax=1.6 * MOST)
    line = np.linspace(*EDGE, len(distance))
    if distance.min() < margin**0.5 < distance.max():
        axis.contour(line, line, distance, levels=[margin**0.5], colors="k", linewidths=0.7)


def dots(axis: Axes, tokens: Tensor, label: Tensor) -> None:
    """The pictures themselves."""
    for i, color in enumerate(COLORS):
        axis.plot(*tokens[label == i, 0].T, "o", color=color, ms=2.5, mew=0)


def crosses(axis: Axes, moment: dict[str, Any]) -> list[Line2D]:
    """The rewritten fakes; those beyond the edge are drawn on it."""
    near = [np.clip(one, EDGE[0] + 0.1, EDGE[1] - 0.1) for one in moment["moved"]]
    return [axis.plot(*one.T, "x", color=COLORS[i], ms=3.5, mew=0.8)[0] for one, i in zip(near, (PARTLY, FULLY))]


def fields(panels: dict[str, tuple[dict[str, Any], int]], tokens: Tensor, label: Tensor, margin: float = 4.0) -> Figure:
    """One plane for each of `panels` {title: (moment, 0, 1 or 2)}: distance, pictures, rewritten fakes."""
    figure, axes = canvas(list(panels))
    for axis, (moment, which) in zip(axes, panels.values()):
        shade(axis, moment, which, margin)
        dots(axis, tokens, label)
        crosses(axis, moment)
    figure.colorbar(
        axes[-1].images[0], ax=axes, pad=0.01, shrink=0.8, aspect=25, extend="max", label="distance (root of d)"
    )
    return figure


def trails(
    moments: Sequence[dict[str, Any]], tokens: Tensor, label: Tensor, margin: float = 4.0, shown: int = 12
) -> Figure:
    """Where each generalizer takes the first `shown` fakes while the students stand still: over d1 and over d2."""
    figure, axes = canvas(["d1, teacher to student 1", "d2, teacher to student 2"])
    for axis, which in zip(axes, (1, 2)):
        shade(axis, moments[-1], which, margin)
        dots(axis, tokens, label)
        for i, one in enumerate((PARTLY, FULLY)):
            ways = np.stack([moment["moved"][i][:shown] for moment in moments])  # (moments,shown,2)
            for way in ways.transpose(1, 2, 0):
                axis.plot(*way, color=COLORS[one], lw=0.7)
            axis.plot(*ways[-1].T, "x", color=COLORS[one], ms=4, mew=0.9)
    return figure


def animate(
    moments: Sequence[dict[str, Any]],
    tokens: Tensor,
    label: Tensor,
    margin: float = 4.0,
    *,
    interval: int = 300,
    dpi: int = 70,
) -> str:
    """The game over d1 and d2 as a film with its own buttons: HTML."""
    figure, axes = canvas(["", ""])

    def draw(moment):
        for axis, which in zip(axes, (1, 2)):
            for old in [*axis.images, *axis.collections, *axis.lines]:
                old.remove()
            shade(axis, moment, which, margin)
            dots(axis, tokens, label)
            crosses(axis, moment)
            axis.set_title(f"d{which}, step {moment['step']}", fontsize=8)

    return films.film(figure, draw, moments, interval=interval, dpi=dpi)


def ring_figure(table: pd.DataFrame) -> Figure:
    """AUC against the angle of an unseen generator, one panel per start, one line per number of adversary's steps."""
    starts = table["start"].unique()
    figure, axes = plt.subplots(1, len(starts), figsize=(plots.PAGE, 2.4), sharey=True, squeeze=False)
    for axis, start in zip(axes[0], starts):
        for angle, color in ((0, COLORS[PARTLY]), (90, COLORS[FULLY])):
            axis.axvline(angle, color=color, lw=5, alpha=0.25)
        axis.axhline(0.5, color="0.6", lw=0.8, ls=":")
        for color, (count, part) in zip(("k", plots.PALETTE[0], plots.PALETTE[2]), table.groupby("adversary")):
            line = part[part["start"] == start]
            name = "raw features only" if count == 0 else f"adversary, {count} a turn"
            axis.plot(line["angle"], line["auc"], color=color, lw=1.2, label=name)
        axis.set(title=f"start {start}", xlabel="angle of the unseen fakes", xticks=range(0, 361, 90))
    axes[0, 0].set(ylabel="AUC against real", ylim=(0, 1.02))
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=3, fontsize=7)
    return figure
