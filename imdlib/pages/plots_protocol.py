"""Figures of the protocol: how settings were found, how much of each claim hangs on them, and on how long rows were trained."""

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from imdlib.pages.style import HIGHEST, PAGE, PALETTE, SMALL, TAMPERED
from imdlib.pages.tables import called

ACROSS = 3  # panels in a line
NAMED = 0.17  # inches that a line with a name takes
MANY = 9  # claims above which their panels are smaller, so that a figure stays on a page
SETTINGS = (
    "A mark is a claim's effect in one setting, sorted; below it the setting, dark at the high end of each parameter's range. "
    "Upward and green: above 0; open: neither row had learned anything there, so that it is not counted."
)
TRIALS = "Dots: trials; line: the best that so many trials are expected to find; diamond: the chosen trial."
STEPS = "Lines: means over seeds; bands: their range."


def panels(count: int, height: float, **options: Any) -> tuple[Figure, list[Axes]]:
    """A page-wide figure of so many panels, those that are left over hidden; height: of a line of them, in inches."""
    lines = -(-max(count, 1) // ACROSS)
    figure, axes = plt.subplots(
        lines, ACROSS, figsize=(PAGE, min(height * lines, HIGHEST)), squeeze=False, layout="constrained", **options
    )
    for axis in axes.flat[count:]:
        axis.set_axis_off()
    return figure, list(axes.flat[:count])


def expected_best(scores: Sequence[float]) -> np.ndarray:
    """Expected best of n trials, n = 1 .. N, drawn from N with replacement (Dodge et al. 2019, Eq. 7); NaN counts as the worst."""
    values = np.sort(np.nan_to_num(np.asarray(scores, dtype=float), nan=np.nanmin(scores) if len(scores) else 0.0))
    below = np.arange(len(values) + 1) / max(len(values), 1)
    return np.array([(values * np.diff(below**n)).sum() for n in range(1, len(values) + 1)])


def trials(tried: pd.DataFrame, number: str = "score") -> Figure:
    """Validation score of every trial of every row, the chosen one filled, and the best that n trials are expected to find.

    tried: of `imdlib.protocol.tuned.best`; number: what the score is.
    """
    rows = list(dict.fromkeys(tried["row"]))
    figure, axes = panels(len(rows), 1.5, sharex=True, sharey=True)
    for axis, name in zip(axes, rows):
        part = tried[tried["row"] == name].sort_values("trial")
        at = np.arange(1, len(part) + 1)
        axis.plot(at, expected_best(part["score"]), color=PALETTE[0], lw=1.3, label="best of n trials, expected")
        axis.plot(at, part["score"], "o", ms=4, mfc="white", mec="0.4", label="a trial", clip_on=False)
        chosen = part["chosen"].to_numpy()
        axis.plot(at[chosen], part["score"][chosen], "D", ms=5, color=TAMPERED, label="chosen", clip_on=False)
        axis.set_title(textwrap.fill(name, 34))
        axis.grid(axis="y", color="0.92", lw=0.6)
    for axis in axes[-ACROSS:]:
        axis.set(xlabel="trial, n")
        axis.tick_params(labelbottom=True)
        axis.xaxis.get_major_locator().set_params(integer=True)
    figure.supylabel(f"{number}, validation", fontsize=SMALL)
    legend_below(figure, axes)
    figure.set_label(TRIALS)
    return figure


def specification_curve(tried: pd.DataFrame, draws: Sequence[Mapping[str, Any]]) -> Figure:
    """Each headline's effect in every setting, sorted, and below it the settings: dark is the high end of a parameter's range.

    tried: of `claims.in_settings`; draws: of `search.draws`, by the number of the trial. An open mark is a setting in which
    neither row had learned anything: it is shown and not counted.
    """
    shown = tried[tried["headline"] & tried["raw"].notna()]
    names = list(dict.fromkeys(shown["name"]))
    places = placed(draws)
    many = len(names) > MANY
    across, height, width = (ACROSS + 1, 1.25, 20) if many else (ACROSS, 1.7, 32)
    lines = -(-max(len(names), 1) // across)
    figure = plt.figure(figsize=(PAGE, min(lines * (height + NAMED * len(places)), HIGHEST)), layout="constrained")
    grid = figure.add_gridspec(2 * lines, across, height_ratios=[height - 0.6, NAMED * len(places)] * lines)
    for number, name in enumerate(names):
        part = shown[shown["name"] == name].sort_values("raw")
        line, column = divmod(number, across)
        curve, below = (figure.add_subplot(grid[2 * line + k, column]) for k in (0, 1))
        at, learned = np.arange(len(part)), part["effect"].notna().to_numpy()
        colors = np.where(part["raw"] > 0, PALETTE[2], TAMPERED)
        for mark, some in (("^", part["raw"].to_numpy() > 0), ("v", part["raw"].to_numpy() <= 0)):
            faces = np.where(learned[some], colors[some], "white")
            curve.scatter(
                at[some], part["raw"][some], s=18, marker=mark, c=faces, edgecolors=colors[some], linewidths=1
            )
        curve.axhline(0, color="0.4", lw=0.8)
        counted = part.loc[learned, "raw"]
        share = f"{(counted > 0).sum()} of {len(counted)} above 0" if len(counted) else "nothing learned in any"
        title = titled(part["statement"].iloc[0], width)
        curve.set_title(f"{title}\n{share}", fontsize=SMALL)
        curve.set(xticks=[], xlim=(-0.5, len(part) - 0.5))
        curve.margins(y=0.15)
        below.imshow(
            places[part["trial"].tolist()], aspect="auto", cmap="Greys", vmin=-0.15, vmax=1.1, interpolation="nearest"
        )
        below.set(xticks=[], yticks=range(len(places)), yticklabels=list(places.index) if column == 0 else [])
        below.tick_params(axis="y", length=0)
        below.spines[["left", "bottom"]].set_visible(False)
    figure.set_label(SETTINGS)
    return figure


def placed(draws: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Where each draw (column) lies in each parameter's range (line), as its rank among the draws from 0 to 1."""
    table = pd.DataFrame(draws)
    for name in table:
        codes = table[name] if pd.api.types.is_numeric_dtype(table[name]) else pd.factorize(table[name])[0]
        ranks = pd.Series(codes).rank(method="dense") - 1
        table[name] = ranks / max(ranks.max(), 1)
    return table.T.astype(float)


def effect_against_steps(found: pd.DataFrame) -> Figure:
    """Each headline's effect on validation images against epochs times training images; line: mean of the seeds, band: their range.

    found: of `imdlib.protocol.course.effects`.
    """
    names = list(dict.fromkeys(found["name"]))
    figure, axes = panels(len(names), 1.55, sharex=True)
    for axis, name in zip(axes, names):
        part = found[found["name"] == name]
        wide = part.pivot_table(index="images", columns="seed", values="effect").sort_index().ffill()
        axis.fill_between(wide.index, wide.min(axis=1), wide.max(axis=1), color=PALETTE[0], alpha=0.2, lw=0)
        axis.plot(wide.index, wide.mean(axis=1), color=PALETTE[0], lw=1.3)
        axis.axhline(0, color="0.4", lw=0.8)
        axis.set_title(titled(part["statement"].iloc[0]), fontsize=SMALL)
        axis.set_ylabel(titled(called(part["metric"].iloc[0].removeprefix("val_")), 16), fontsize=SMALL)
    for axis in axes[-ACROSS:]:
        axis.tick_params(labelbottom=True)
        axis.set_xlabel("epochs × images, thousands", fontsize=SMALL)
    figure.set_label(STEPS)
    return figure


def titled(statement: str, width: int = 32) -> str:
    """A statement in lines that a panel's width, in letters, holds."""
    return textwrap.fill(statement, width, max_lines=5, placeholder=" ...")


def legend_below(figure: Figure, axes: Sequence[Axes]) -> None:
    """One legend for all panels, under them."""
    if axes:
        handles, labels = axes[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=len(labels))
