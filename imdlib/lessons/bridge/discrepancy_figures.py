"""Drawings of `discrepancy`: tokens, forces, and pictures on their way through the plane of d1 and d2.

Bridging section 3.2 and Figure 3. Distances are squared; the axes are stretched near 0, as by a square root.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from torch import Tensor

from imdlib.bridge.labels import CLASSES
from imdlib.lessons import films
from imdlib.pages import plots

COLORS = (plots.AUTHENTIC, plots.PALETTE[1], plots.TAMPERED)
TICKS = np.array([0, 1, 4, 9, 16, 25, 36, 49, 64, 81, 100])


def by_class(axis: Axes, x: np.ndarray, y: np.ndarray, label: np.ndarray, **options: Any) -> list[Line2D]:
    """Dots in the colour of their class."""
    options = dict(ls="", marker="o", ms=3, mew=0) | options
    return [axis.plot(x[label == i], y[label == i], color=c, **options)[0] for i, c in enumerate(COLORS)]


def legend(figure: Figure, ncols: int = 3) -> None:
    """The classes' colours below the figure."""
    handles = [plt.Line2D([], [], color=c, marker="o", ls="", ms=4, label=name) for name, c in zip(CLASSES, COLORS)]
    figure.legend(handles=handles, loc="outside lower center", ncols=ncols, fontsize=7, handletextpad=0.1)


def token_figure(tokens: Tensor, label: Tensor, shown: int = 3) -> Figure:
    """Tokens (N,T,2) of `shown` pictures of each class, over all tokens in grey; one panel per class."""
    figure, axes = plt.subplots(1, 3, figsize=(plots.PAGE, 2.2), sharex=True, sharey=True)
    for i, axis in enumerate(axes):
        axis.plot(*tokens.flatten(0, 1).T, ".", color="0.85", ms=2)
        for picture, marker in zip(tokens[label == i][:shown], "o^s"):
            axis.plot(*picture.T, marker, color=COLORS[i], ms=4)
        axis.set(title=CLASSES[i], xlabel="feature 1", aspect="equal")
    axes[0].set_ylabel("feature 2")
    return figure


def planes(
    titles: Sequence[str], most: float, margin: float | None = None, height: float = 0.55
) -> tuple[Figure, np.ndarray]:
    """A row of planes of d1 and d2 from 0 to `most`, with dashed lines at the margin."""
    wide = max(len(titles), 3)
    size = (plots.PAGE * len(titles) / wide, plots.PAGE / wide + height)
    figure, axes = plt.subplots(1, len(titles), figsize=size, sharex=True, sharey=True, squeeze=False)
    ticks = TICKS[most >= TICKS]
    for axis, title in zip(axes[0], titles):
        for line in () if margin is None else (axis.axvline, axis.axhline):
            line(margin, color="0.6", lw=0.8, ls="--", zorder=0)
        stretch = (lambda d: np.sign(d) * np.sqrt(np.abs(d)), lambda s: np.sign(s) * s**2)
        axis.set_xscale("function", functions=stretch)
        axis.set_yscale("function", functions=stretch)
        axis.set(xlim=(-0.02, most), ylim=(-0.02, most), xticks=ticks, yticks=ticks, xlabel="d1")
        axis.set_title(title, fontsize=8)
        axis.set_box_aspect(1)
    axes[0, 0].set_ylabel("d2")
    legend(figure)
    return figure, axes[0]


def force_figure(field: pd.DataFrame, margin: float) -> Figure:
    """Arrows of `forces`, one panel per class."""
    figure, axes = planes(CLASSES, field["d1"].max() * 1.06, margin)
    for i, axis in enumerate(axes):
        part = field[field["label"] == i]
        # the arrow that one sees on the stretched axes: d(sqrt d) = v / (2 sqrt d)
        u, v = (part[f"v{k}"] / (2 * np.sqrt(part[f"d{k}"].clip(lower=1e-9))) for k in (1, 2))
        axis.quiver(part["d1"], part["d2"], u, v, color=COLORS[i], angles="uv", scale=90, width=0.008)
    return figure


def final(paths: dict[str, pd.DataFrame], margin: float | None = None, most: float | None = None) -> Figure:
    """Where the pictures of every path {title: DataFrame of `story`} end, one plane each."""
    ends = {title: path[path["step"] == path["step"].max()] for title, path in paths.items()}
    most = most or 1.05 * max(end[["d1", "d2"]].to_numpy().max() for end in ends.values())
    figure, axes = planes(list(ends), most, margin)
    for axis, end in zip(axes, ends.values()):
        by_class(axis, end["d1"].to_numpy(), end["d2"].to_numpy(), end["label"].to_numpy(), clip_on=False)
    return figure


def strip(path: pd.DataFrame, margin: float, steps: Iterable[int]) -> Figure:
    """The plane at `steps` of one path, side by side."""
    return final(
        {f"step {s}": path[path["step"] <= s] for s in steps}, margin, 1.05 * path[["d1", "d2"]].to_numpy().max()
    )


def animate(path: pd.DataFrame, margin: float, *, interval: int = 200, dpi: int = 90) -> str:
    """A path as a film with its own buttons, `interval` milliseconds a picture: HTML."""
    steps = path["step"].unique()
    figure, (axis,) = planes([""], 1.05 * path[["d1", "d2"]].to_numpy().max(), margin)
    dots = by_class(axis, *(path.loc[path["step"] == 0, name].to_numpy() for name in ("d1", "d2", "label")))

    def draw(step):
        now = path[path["step"] == step]
        for i, line in enumerate(dots):
            line.set_data(now.loc[now["label"] == i, "d1"], now.loc[now["label"] == i, "d2"])
        axis.set_title(f"step {step}", fontsize=8)

    return films.film(figure, draw, steps, interval=interval, dpi=dpi)


def density(values: np.ndarray, at: np.ndarray, width: float = 0.15) -> np.ndarray:
    """Kernel density of values >= 0, mirrored at 0 so that none is lost below it: (N,), (M,) -> (M,)."""
    kernel = np.exp(-(((at[:, None] - np.r_[values, -values]) / width) ** 2) / 2)
    return kernel.sum(1) / (len(values) * width * np.sqrt(2 * np.pi))


def density_figure(path: pd.DataFrame, margin: float) -> Figure:
    """Density of the distances (roots of d1 and d2) of each class, before and after training."""
    figure, axes = plt.subplots(2, 2, figsize=(plots.PAGE, 3.4), sharex=True, sharey="row")
    at = np.linspace(0, 1.1 * np.sqrt(path[["d1", "d2"]].to_numpy().max()), 300)
    for row, (when, step) in zip(axes, (("before", 0), ("after", path["step"].max()))):
        for axis, name in zip(row, ("d1", "d2")):
            for i, color in enumerate(COLORS):
                values = path.loc[(path["step"] == step) & (path["label"] == i), name].to_numpy()
                line = density(np.sqrt(values), at)
                axis.plot(at, line, color=color)
                axis.fill_between(at, line, color=color, alpha=0.2, lw=0)
            axis.axvline(np.sqrt(margin), color="0.6", lw=0.8, ls="--", zorder=0)
            axis.set(title=f"{name} {when}", yticks=[])
        row[0].set(ylim=(0, None), ylabel="density")  # once both panels of the row are drawn: they share the axis
    for axis, name in zip(axes[1], ("d1", "d2")):
        axis.set_xlabel(f"distance, root of {name}")
    legend(figure)
    return figure


def margin_figure(sweeps: dict[str, pd.DataFrame]) -> Figure:
    """Median d2 of partly fake pictures against the margin, one panel for each table {title: `margin_sweep`}."""
    figure, axes = plt.subplots(1, len(sweeps), figsize=(plots.PAGE, 2.3), sharey=True)
    for axis, (title, table) in zip(axes, sweeps.items()):
        axis.plot(table["margin"], table["after"], "o-", ms=3.5, color=COLORS[1], label="after training")
        axis.plot(table["margin"], table["before"], ":", color=COLORS[1], label="before training")
        axis.plot(table["margin"], table["margin"], "--", color="0.6", lw=0.8, label="the margin itself")
        axis.set_xscale("log", base=2)
        axis.set_yscale("log", base=2)
        axis.set(title=title, xlabel="margin M", xticks=table["margin"], xticklabels=table["margin"])
    axes[0].set(ylabel="median d2, partly fake", yticks=[0.25, 1, 4, 16, 64], yticklabels=["1/4", 1, 4, 16, 64])
    axes[0].legend(fontsize=7)
    return figure
