"""Figures: one look for all of them, each saved as png, as pdf with embedded fonts, and with the csv of what was drawn."""

import textwrap
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from numpy.typing import ArrayLike
from PIL import Image

from imdlib.pages import tables

COLUMN, PAGE = 3.4, 7.0  # widths in inches: one column and both columns of a two-column page
TAMPERED, AUTHENTIC, CONTOUR = (
    "#D55E00",
    "#0072B2",
    "#CC79A7",
)  # of the Okabe-Ito palette, told apart by colour-blind readers
PALETTE = ["#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9", "#000000", "#F0E442"]
HEAT = LinearSegmentedColormap.from_list("heat", ["#000004", "#3b0f70", "#b63679", "#fb8761", "#fcfdbf"])


def use_style() -> None:
    """Set the look of all figures; called once at the top of a notebook."""
    sns.set_theme(context="paper", style="ticks", palette=PALETTE, font_scale=0.9)
    matplotlib.rcParams.update(
        {
            "pdf.fonttype": 42,
            "figure.dpi": 120,
            "savefig.dpi": 200,
            "savefig.bbox": "tight",
            "figure.constrained_layout.use": True,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.titlesize": 9,
            "legend.frameon": False,
            "text.parse_math": False,  # names of files and methods are text, whatever signs they hold
        }
    )


def save(
    figure: Figure,
    data: pd.DataFrame | dict[str, Any] | list[dict[str, Any]],
    folder: Path | str,
    name: str,
    dpi: int = 200,
    colors: int | None = 256,
) -> Figure:
    """Write `<folder>/figures/<name>.png|pdf|csv`; data: DataFrame of what was drawn. Returns the figure.

    dpi: of the png, and of pictures inside the pdf up to 120; less for sheets of many photographs. colors: how many the png may have, up
    to 256, which takes a third of the room; None = as many as there are.
    """
    path = Path(folder) / "figures"
    path.mkdir(parents=True, exist_ok=True)
    figure.savefig(path / f"{name}.png", dpi=dpi)
    if colors:
        with Image.open(path / f"{name}.png") as png:
            png.convert("RGB").quantize(colors).save(path / f"{name}.png", optimize=True)
    figure.savefig(path / f"{name}.pdf", dpi=min(dpi, 120), metadata={"CreationDate": None})
    tables.write_csv(pd.DataFrame(data), path / f"{name}.csv")
    return figure


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
        axis.set_title(title, fontsize=7, pad=2, parse_math=False)


def prediction_grid(columns: Sequence[dict[str, Any]], methods: Sequence[str]) -> Figure:
    """The papers' figures of predictions: one column per image, rows = image, mask, then the map of each method.

    columns: list of dict(image (H,W,3) uint8, mask (H,W) {0,1}, title, maps {method: (H,W) in [0,1]}, captions {method: text}).
    """
    rows = ["image", "mask", *methods]
    size = PAGE / max(len(columns) + 0.6, 4)
    font = 7 if len(columns) < 12 else 5
    figure, axes = plt.subplots(
        len(rows), len(columns), figsize=(size * (len(columns) + 0.6), size * len(rows) * 1.12), squeeze=False
    )
    for c, column in enumerate(columns):
        picture(axes[0, c], column["image"], column["title"])
        outline(axes[0, c], column["mask"])
        picture(axes[1, c], column["mask"])
        for r, method in enumerate(methods, start=2):
            picture(axes[r, c], column["maps"][method], column["captions"][method], cmap=HEAT)
    for axis in axes.flat:
        axis.title.set_fontsize(font)
    for axis, label in zip(axes[:, 0], rows):
        axis.set_ylabel(label if font == 7 else label.replace("+", "\n+"), fontsize=font)
    return figure


def choose_columns(
    pictures: dict[str, dict[str, dict[str, np.ndarray]]], scores: pd.DataFrame, count: int
) -> tuple[list[dict[str, Any]], pd.DataFrame]:
    """Columns of a prediction grid, chosen by rule: best, worst and equal steps between by F1 of the last method.

    pictures: {method: {'<dataset>/<file>': {image, mask, map}}} with the same images for every method; scores: rows with
    `method, dataset, image, f1`. Returns (columns for `prediction_grid`, DataFrame of what is drawn).
    """
    last, first = list(pictures)[-1], list(pictures.values())[0]
    f1 = scores.assign(key=scores["dataset"] + "/" + scores["image"]).set_index(["method", "key"])["f1"]
    order = sorted(first, key=lambda key: -f1[last, key])
    order = [order[i] for i in np.unique(np.linspace(0, len(order) - 1, min(count, len(order))).round().astype(int))]
    columns = [
        {
            "image": first[key]["image"],
            "mask": first[key]["mask"],
            "title": key.split("/", 1)[1].rsplit(".", 1)[0][-12:],  # the end of a name tells images apart
            "maps": {method: kept[key]["map"] for method, kept in pictures.items()},
            "captions": {method: f"F1 {f1[method, key]:.2f}" for method in pictures},
        }
        for key in order
    ]
    return columns, pd.DataFrame([{"image": key, "method": m, "f1": f1[m, key]} for key in order for m in pictures])


CLAIMED = tables.NAMES | {"correct": "images called rightly", "ordered": "pairs in order"}


def claims_plot(found: pd.DataFrame) -> Figure:
    """Effect and interval of every statement, one line each, one panel per metric, coloured by verdict.

    found: rows of claims.csv. Checks that no paper prints stand below a line of their own.
    """
    tested = found[found["low"].notna()].sort_values("where", key=lambda c: c == "not printed", kind="stable")
    colors = {
        "supported": PALETTE[2],
        "contradicted": TAMPERED,
        "inconclusive": "0.5",
    }  # other verdicts are paler still
    lines = list(dict.fromkeys(zip(tested["study"], tested["statement"], tested["where"])))
    panels = list(dict.fromkeys(tested["metric"]))
    names = [textwrap.fill(line[1], 62 if len(panels) < 5 else 46) for line in lines]
    printed = sum(where != "not printed" for *_, where in lines)
    figure, axes = plt.subplots(
        1, max(len(panels), 1), figsize=(PAGE, max(0.28 * len(lines) + 0.9, 1.2)), sharey=True, squeeze=False
    )
    for axis, metric in zip(axes[0], panels or [""]):
        for row in tested[tested["metric"] == metric].itertuples():
            y = lines.index((row.study, row.statement, row.where))
            axis.plot(
                [row.low, row.high], [y, y], color=colors.get(row.verdict, "0.75"), lw=1.6, solid_capstyle="round"
            )
            axis.plot(row.effect, y, "o", ms=3.5, color=colors.get(row.verdict, "0.75"))
        axis.axvline(0, color="0.3", lw=0.8)
        if 0 < printed < len(lines):
            axis.axhline(printed - 0.5, color="0.7", lw=0.8, ls=":")
        axis.set(yticks=range(len(lines)), ylim=(max(len(lines), 1) - 0.5, -0.5))
        name = CLAIMED.get(metric, metric.replace("_", " ").replace("auc", "AUC"))
        axis.set_title(textwrap.fill(name, 12), fontsize=7)
        axis.set_yticklabels(names, fontsize=6)
        axis.xaxis.set_major_locator(plt.MaxNLocator(3 if len(panels) < 5 else 2))
        axis.tick_params(axis="x", labelsize=6)
    figure.supxlabel("effect with its 95% interval", fontsize=7)
    marks = [
        plt.Line2D([], [], color=c, marker="o", ms=3.5, label=f"{v} ({(tested['verdict'] == v).sum()})")
        for v, c in colors.items()
    ]
    figure.legend(handles=marks, fontsize=7, loc="outside upper right", ncols=3)
    return figure


def interval_panels(
    rows: pd.DataFrame,
    *,
    trivial: Collection[str] = (),
    label: str = "method",
    panel: str = "metric",
    floor: bool = True,
) -> Figure:
    """Values with their 95% intervals: one panel per metric, one line per method; trivial rows are grey, their best value is a dashed line.

    rows: `value, low, high` and the columns named by label and panel; trivial: labels of the rows that look at no image;
    floor: draw that dashed line.
    """
    names, panels = list(dict.fromkeys(rows[label])), list(dict.fromkeys(rows[panel]))
    figure, axes = plt.subplots(1, len(panels), figsize=(PAGE, 0.7 + 0.22 * len(names)), sharey=True, squeeze=False)
    for axis, name in zip(axes[0], panels):
        part = rows[rows[panel] == name]
        for row in part.itertuples():
            text = getattr(row, label)
            y, color = names.index(text), "0.55" if text in trivial else PALETTE[0]
            axis.plot([row.low, row.high], [y, y], color=color, lw=1.6, solid_capstyle="round")
            axis.plot(row.value, y, "o", ms=4, color=color)
        best = part.loc[part[label].isin(trivial), "value"].max()
        if floor and np.isfinite(best):
            axis.axvline(best, color="0.55", lw=0.8, ls="--", zorder=0)
        axis.set(title=name, yticks=range(len(names)), yticklabels=names, ylim=(len(names) - 0.5, -0.5))
        axis.xaxis.set_major_locator(plt.MaxNLocator(max(2, 9 // len(panels))))
        axis.grid(axis="x", color="0.92", lw=0.6)
    return figure


def cross_matrix(rows: pd.DataFrame, *, title: str = "method", names: dict[str, str] | None = None) -> Figure:
    """Value of every training set (line) on every test set (column), one panel per method; the diagonal is framed.

    rows: `train_set, test_set, value` and the column named by title; a pair that was not run stays empty. names: shown in
    place of the sets' own names.
    """
    names, panels = names or {}, list(dict.fromkeys(rows[title]))
    trains, tests = list(dict.fromkeys(rows["train_set"])), list(dict.fromkeys(rows["test_set"]))
    height = 1.0 + 0.3 * len(trains)
    figure, axes = plt.subplots(1, len(panels), figsize=(PAGE, height), sharey=True, squeeze=False)
    low, high = min(0.5, rows["value"].min()), rows["value"].max()
    for axis, panel in zip(axes[0], panels):
        part = rows[rows[title] == panel].pivot(index="train_set", columns="test_set", values="value")
        part = part.reindex(index=trains, columns=tests)
        sns.heatmap(
            part,
            ax=axis,
            annot=True,
            fmt=".2f",
            cmap="cividis",
            vmin=low,
            vmax=high,
            cbar=axis is axes[0, -1],
            annot_kws={"size": 7},
            linewidths=0.5,
        )
        for row, name in enumerate(trains):
            if name in tests:
                axis.add_patch(plt.Rectangle((tests.index(name), row), 1, 1, fill=False, edgecolor=TAMPERED, lw=1.8))
        axis.set_title(textwrap.fill(panel, 24), fontsize=8)
        axis.set(xlabel="tested on", ylabel="trained on" if axis is axes[0, 0] else "")
        axis.set_xticklabels([names.get(t, t) for t in tests], rotation=45, ha="right", fontsize=7)
        axis.set_yticklabels([names.get(t, t) for t in trains], rotation=0, fontsize=7)
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

    rows: `value, low, high` and the columns named by x, panel and hue; reference {panel: value}: a dashed line.
    """
    panels, hues = list(dict.fromkeys(rows[panel])), list(dict.fromkeys(rows[hue]))
    wide = [rows.loc[rows[panel] == name, x].nunique() for name in panels]
    figure, axes = plt.subplots(
        1, len(panels), figsize=(PAGE, 2.3), sharey=share_y, width_ratios=[max(w, 2) for w in wide], squeeze=False
    )
    for axis, name in zip(axes[0], panels):
        part = rows[rows[panel] == name]
        places = list(dict.fromkeys(part[x]))
        for number, label in enumerate(hues):
            line = part[part[hue] == label]
            at = np.array([places.index(value) for value in line[x]]) + 0.12 * (number - (len(hues) - 1) / 2)
            order, color = np.argsort(at), PALETTE[number % len(PALETTE)]
            axis.plot(at[order], line["value"].to_numpy()[order], "-o", color=color, ms=3.5, lw=1.2, label=label)
            axis.vlines(at, line["low"], line["high"], color=color, lw=1.2, alpha=0.7)
        if reference and name in reference:
            axis.axhline(reference[name], color="0.55", lw=0.8, ls="--", zorder=0)
        axis.set_title(textwrap.fill(str(name), 24), fontsize=8)
        axis.set(xticks=range(len(places)), xlim=(-0.5, len(places) - 0.5))
        labels = [str(place).replace(", ", ",\n") for place in places]
        slanted = max(len(line) for label in labels for line in label.split("\n")) * len(labels) * len(panels) > 130
        axis.set_xticklabels(labels, fontsize=6.5, rotation=30 if slanted else 0, ha="right" if slanted else "center")
        axis.grid(axis="y", color="0.92", lw=0.6)
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=len(hues), fontsize=7)
    return figure


def costs(table: pd.DataFrame) -> Figure:
    """Milliseconds of a training step, the contrast's part of it in orange, and memory kept for the backward pass.

    table: `method, step_ms, contrast_ms, kept_mb`, one row per variant.
    """
    figure, (time, memory) = plt.subplots(1, 2, figsize=(PAGE, 0.6 + 0.25 * len(table)), sharey=True)
    time.barh(table["method"], table["step_ms"], color=PALETTE[0], height=0.6)
    time.barh(
        table["method"],
        table["contrast_ms"],
        left=table["step_ms"] - table["contrast_ms"],
        color=PALETTE[1],
        height=0.6,
        label="contrast",
    )
    memory.barh(table["method"], table["kept_mb"], color=PALETTE[0], height=0.6)
    time.set(title="training step, ms")
    time.invert_yaxis()
    figure.legend(fontsize=7, loc="outside lower left")
    memory.set(title="kept for the backward pass, MB")
    return figure


def learning_curves(history: pd.DataFrame, columns: dict[str, str], *, hue: str = "method") -> Figure:
    """One panel per column of the histories against the epoch, columns: {name: title}; the band is the range over seeds."""
    columns = {name: title for name, title in columns.items() if name in history and history[name].notna().any()}
    colors = dict(zip(history[hue].unique(), PALETTE))
    figure, axes = plt.subplots(1, len(columns), figsize=(PAGE, 2.1), squeeze=False)
    for axis, (name, title) in zip(axes[0], columns.items()):
        shown, last = history[history[name].notna()], axis is axes[0, -1]
        band = dict(errorbar=("pi", 100), palette=colors, hue_order=colors, legend=last)
        sns.lineplot(shown, x="epoch", y=name, hue=hue, ax=axis, **band)
        axis.set(title=title, ylabel="")
        axis.xaxis.get_major_locator().set_params(integer=True)
    handles, labels = axes[0, -1].get_legend_handles_labels()
    axes[0, -1].get_legend().remove()
    figure.legend(handles, labels, loc="outside lower center", ncols=min(len(labels), 4), fontsize=7)
    return figure
