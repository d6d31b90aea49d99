"""Figures of numbers, panels side by side: intervals, matrices of sets, values against a parameter, costs, learning curves."""

import textwrap
from collections.abc import Collection

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure

from imdlib.pages import style
from imdlib.pages.style import MARKERS, PALETTE, SMALL, TAMPERED, USUAL
from imdlib.pages.tables import span


def interval_panels(
    rows: pd.DataFrame,
    *,
    trivial: Collection[str] = (),
    untrained: Collection[str] = (),
    label: str = "method",
    panel: str = "metric",
    floor: bool = True,
) -> Figure:
    """Values with their 95% intervals: one panel per metric, one line per method; trivial rows are grey, their best value is a dashed line.

    rows: `value, low, high` and the columns named by label and panel; trivial: labels of the rows that look at no image; untrained: of
    those that look at one and are not trained on these images; floor: draw that dashed line.
    """

    def look(text: str) -> tuple[str, str]:
        """Colour and shape of a row."""
        if text in trivial:
            return "0.5", "s"
        return (PALETTE[2], "^") if text in untrained else (PALETTE[0], "o")

    names, panels = list(dict.fromkeys(rows[label])), list(dict.fromkeys(rows[panel]))
    figure, axes = style.panels(len(panels), 0.7 + 0.2 * len(names), sharey=True)
    for axis, name in zip(axes, panels):
        part = rows[rows[panel] == name]
        for row in part.itertuples():
            text = getattr(row, label)
            color, marker = look(text)
            y = names.index(text)
            axis.plot([row.low, row.high], [y, y], color=color, lw=1.4, solid_capstyle="round")
            axis.plot(row.value, y, marker, ms=3.5, color=color, mfc="w" if marker == "s" else color)
        best = part.loc[part[label].isin(trivial), "value"].max()
        if floor and np.isfinite(best):
            axis.axvline(best, color="0.55", lw=0.8, ls="--", zorder=0)
        title = name if "\n" in str(name) else textwrap.fill(str(name), max(75 // len(panels), 8))
        axis.set(title=title, yticks=range(len(names)), yticklabels=names, ylim=(len(names) - 0.5, -0.5))
        axis.xaxis.set_major_locator(plt.MaxNLocator(max(2, 9 // len(panels))))
        axis.grid(axis="x", color="0.92", lw=0.6)
    if panel != "metric" and "metric" in rows and rows["metric"].nunique() == 1:
        axes[len(axes) // 2].set_xlabel(rows["metric"].iloc[0])
    kinds = {
        "Blue dots: trained.": len(trivial) + len(untrained),
        "Green triangles: not trained on these images.": len(untrained),
        f"Grey squares: look at no image{'; dashed: the best of those' if floor else ''}.": len(trivial),
    }
    figure.set_label(" ".join(said for said, count in kinds.items() if count))
    return figure


def cross_matrix(rows: pd.DataFrame) -> Figure:
    """Value of every training set (line) on every test set (column), one panel per method; the diagonal is framed.

    rows: `method, train_set, test_set, value`; a pair that was not run stays empty.
    """
    panels = list(dict.fromkeys(rows["method"]))
    trains, tests = list(dict.fromkeys(rows["train_set"])), list(dict.fromkeys(rows["test_set"]))
    height = 1.6 + 0.3 * len(trains)
    figure, axes = style.panels(len(panels), height, sharey=True)
    metrics = rows.groupby("method", sort=False)["metric"].first() if "metric" in rows else dict.fromkeys(panels, "")
    for axis, panel in zip(axes, panels):
        same = [name for name in panels if metrics[name] == metrics[panel]]  # one scale of colours for one metric
        values = rows.loc[rows["method"].isin(same), "value"]
        low, high = min(0.5, values.min()), values.max()
        part = rows[rows["method"] == panel].pivot(index="train_set", columns="test_set", values="value")
        part = part.reindex(index=trains, columns=tests)
        sns.heatmap(
            part,
            ax=axis,
            annot=True,
            fmt=".2f",
            cmap="cividis",
            vmin=low,
            vmax=high,
            cbar=panel == same[-1],
            annot_kws={"size": SMALL},
            cbar_kws={"label": metrics[panel]},
            linewidths=0.5,
        )
        for row, name in enumerate(trains):
            if name in tests:
                axis.add_patch(plt.Rectangle((tests.index(name), row), 1, 1, fill=False, edgecolor=TAMPERED, lw=1.8))
        axis.set_title(textwrap.fill(panel, 24), fontsize=USUAL)
        axis.set(xlabel="tested on", ylabel="trained on" if axis is axes[0] else "")
        axis.set_xticklabels(tests, rotation=45, ha="right")
        axis.set_yticklabels(trains, rotation=0)
    figure.set_label("Framed: trained and tested on the same set; empty: not run. One scale of colours for one metric.")
    return figure


def response(
    rows: pd.DataFrame,
    *,
    x: str,
    panel: str,
    hue: str = "method",
    reference: dict[str, float] | None = None,
    share_y: bool = True,
) -> Figure:
    """Values with intervals against a parameter: one panel per value of `panel`, positions in order of appearance.

    rows: `value, low, high` and the columns named by x, panel and hue; reference {panel: value}: a dashed line. Lines join the
    values where the positions are numbers (or 'none'); data sets have no order and stay apart.
    """
    panels, hues = list(dict.fromkeys(rows[panel])), list(dict.fromkeys(rows[hue]))
    wide = [rows.loc[rows[panel] == name, x].nunique() for name in panels]
    figure, axes = style.panels(len(panels), 2.4, [max(w, 2) for w in wide], sharey=share_y)
    joined = in_order(rows[x])
    for axis, name in zip(axes, panels):
        part = rows[rows[panel] == name]
        places = list(dict.fromkeys(part[x]))
        for number, label in enumerate(hues):
            line, width = part[part[hue] == label], min(0.12, 0.7 / len(hues))
            at = np.array([places.index(value) for value in line[x]]) + width * (number - (len(hues) - 1) / 2)
            order, color = np.argsort(at), PALETTE[number % len(PALETTE)]
            look = dict(color=color, marker=MARKERS[number % len(MARKERS)], ms=3.5, lw=1 if joined else 0)
            axis.plot(at[order], line["value"].to_numpy()[order], label=label, **look)
            axis.vlines(at, line["low"], line["high"], color=color, lw=1.2, alpha=0.7)
        if reference and name in reference:
            axis.axhline(reference[name], color="0.55", lw=0.8, ls="--", zorder=0)
        axis.set_title(textwrap.fill(str(name), 24), fontsize=USUAL)
        axis.set(xticks=range(len(places)), xlim=(-0.5, len(places) - 0.5))
        labels = [str(place).replace(", ", ",\n") for place in places]
        slanted = max(len(line) for label in labels for line in label.split("\n")) * len(labels) * len(panels) > 110
        axis.set_xticklabels(labels, rotation=45 if slanted else 0, ha="right" if slanted else "center")
        axis.grid(axis="y", color="0.92", lw=0.6)
    figure.legend(
        *axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=style.across([str(hue) for hue in hues])
    )
    if "metric" in rows and rows["metric"].nunique() == 1 and share_y:
        axes[0].set_ylabel(rows["metric"].iloc[0])
    side = "Lines join the values of one colour and shape." if joined else "Positions have no order and are not joined."
    figure.set_label(f"{side}{' Dashed: the reference.' if reference else ''}")
    return figure


def in_order(places: pd.Series) -> bool:
    """Whether positions are numbers, but for 'none' and 'all': then a line between them means something."""
    named = places[~places.astype(str).isin(["none", "all"])]
    return bool(pd.to_numeric(named, errors="coerce").notna().all())


def costs(table: pd.DataFrame) -> Figure:
    """Milliseconds of a training step, the contrast's part of it in orange, and memory kept for the backward pass.

    table: `method, step_ms, contrast_ms, kept_mb`, one row per variant.
    """
    figure, (time, memory) = style.panels(2, 0.6 + 0.25 * len(table), sharey=True)
    time.barh(table["method"], table["step_ms"], color=PALETTE[0], height=0.6)
    time.barh(
        table["method"],
        table["contrast_ms"],
        left=table["step_ms"] - table["contrast_ms"],
        color=PALETTE[1],
        height=0.6,
        label="contrast",
        hatch="///",
        edgecolor="w",
    )
    memory.barh(table["method"], table["kept_mb"], color=PALETTE[0], height=0.6)
    time.set(title="training step, ms")
    time.invert_yaxis()
    figure.legend(loc="outside lower left")
    memory.set(title="kept for the backward pass, MB")
    figure.set_label("Measured on one batch, the rows in turns in one process. Hatched: the contrast's part of a step.")
    return figure


def learning_curves(history: pd.DataFrame, columns: dict[str, str], *, hue: str = "method") -> Figure:
    """One panel per column of the histories against the epoch, columns: {name: title}; the band is the range over seeds. A run that has
    ended keeps its last value, so that no mean is of fewer seeds than another.
    """
    columns = {name: title for name, title in columns.items() if name in history and history[name].notna().any()}
    colors = dict(zip(history[hue].unique(), PALETTE))
    figure, axes = style.panels(len(columns), 2.1)
    for axis, (name, title) in zip(axes, columns.items()):
        shown, last = lasting(history[history[name].notna()], name, hue), axis is axes[-1]
        band = dict(errorbar=("pi", 100), palette=colors, hue_order=colors, legend=last)
        band |= dict(style=hue, style_order=colors)
        sns.lineplot(shown, x="epoch", y=name, hue=hue, ax=axis, **band)
        for line in axis.lines:
            line.set_marker("o" if len(line.get_xdata()) == 1 else "")  # one epoch makes no line
            line.set_markersize(3)
        axis.set(title=textwrap.fill(title, 24), ylabel="")
        axis.xaxis.get_major_locator().set_params(integer=True)
    handles, labels = axes[-1].get_legend_handles_labels()
    axes[-1].get_legend().remove()
    figure.legend(handles, labels, loc="outside lower center", ncols=style.across(labels))
    counted = span(history.groupby(hue, observed=True)["run"].nunique(), "seeds") if "run" in history else "seeds"
    figure.set_label(f"Lines: means over {counted}, a run that has ended at its last value; bands: their range.")
    return figure


def lasting(history: pd.DataFrame, name: str, hue: str) -> pd.DataFrame:
    """Columns `epoch`, hue, run and `name` in which every run goes on, at its last value, as long as the longest of its hue."""
    if "run" not in history:
        return history
    wide = history.pivot_table(index="epoch", columns=[hue, "run"], values=name, observed=True).ffill()
    tidy = wide.melt(ignore_index=False, value_name=name).reset_index().dropna(subset=name)
    return tidy[tidy["epoch"] <= tidy[hue].map(history.groupby(hue, observed=True)["epoch"].max()).astype(int)]
