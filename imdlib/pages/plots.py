"""Figures: one look for all of them, each saved as png, as pdf with embedded fonts, with the csv of what was drawn and a caption.

Every function says in the figure's label how the figure is read; `save` makes the caption of it.
"""

import textwrap
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.figure import Figure
from numpy.typing import ArrayLike
from PIL import Image

from imdlib.pages import captions, style, tables
from imdlib.pages.style import (  # noqa: F401 - of every figure, so that others find all in one place
    AUTHENTIC,
    COLUMN,
    CONTOUR,
    HEAT,
    MARKERS,
    PAGE,
    PALETTE,
    SMALL,
    TAMPERED,
    use_style,
)


def save(
    figure: Figure,
    data: pd.DataFrame | dict[str, Any] | list[dict[str, Any]],
    folder: Path | str,
    name: str,
    dpi: int = 300,
    colors: int | None = 256,
    what: str = "",
) -> Figure:
    """Write `<folder>/figures/<name>.png|pdf|csv|txt`; data: DataFrame of what was drawn. Returns the figure.

    dpi: of the png, and of pictures inside the pdf; less for sheets of many photographs. colors: how many the png of lines may have, which
    takes a third of the room; a png of maps or photographs keeps all of its colours. what: the figure shows, for its caption.
    """
    folder, data = Path(folder), pd.DataFrame(data)
    path = (Path(style.LOOK.into) / folder.name if style.LOOK.into else folder) / "figures"
    path.mkdir(parents=True, exist_ok=True)
    style.fit(figure)
    figure.savefig(path / f"{name}.png", dpi=dpi)
    if colors and not pictured(figure):
        with Image.open(path / f"{name}.png") as png:
            png.convert("RGB").quantize(colors).save(path / f"{name}.png", optimize=True, dpi=(dpi, dpi))
    figure.savefig(path / f"{name}.pdf", dpi=dpi, metadata={"CreationDate": None})
    data.to_csv(path / f"{name}.csv", index=False, float_format="%.6g")
    captions.write(path, name, captions.caption(what or captions.title(name), str(figure.get_label()), data))
    figure.set_gid(str(path / f"{name}.png"))  # where a page finds it
    return figure


def pictured(figure: Figure) -> bool:
    """Whether a figure holds pictures or maps, whose colours are values."""
    return any(axis.images or any(isinstance(one, QuadMesh) for one in axis.collections) for axis in figure.axes)


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
        axis.set_title(title, fontsize=SMALL, pad=2)


GRID = (
    "Outlined: the border of the mask. Maps are drawn from 0 (dark) to 1 (bright), their line is the contour at 0.5. The number above "
    "a map is its F1 at 0.5. Columns from best to worst by the F1 of the last method in each data set, chosen in equal steps: "
    "failures are shown in proportion."
)


def prediction_grid(columns: Sequence[dict[str, Any]], methods: Sequence[str]) -> Figure:
    """The papers' figures of predictions: one column per image, rows = image, mask, then the map of each method.

    columns: list of dict(image (H,W,3) uint8, mask (H,W) {0,1}, title, maps {method: (H,W) in [0,1]}, captions {method: text}).
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
            outline(axes[r, c], np.asarray(column["maps"][method]) > 0.5, color="w", width=0.5)
    for axis, label in zip(axes[:, 0], rows):
        lines = label if len(label) * 0.055 < size else label.replace("+", "\n+").replace(", ", ",\n")
        axis.set_ylabel(lines, fontsize=SMALL)
    if methods:
        shown = axes[2, 0].images[0]
        bar = figure.colorbar(shown, ax=axes[2:, :], fraction=0.02, pad=0.01, aspect=40, ticks=[0, 0.5, 1])
        bar.ax.axhline(0.5, color="w", lw=0.5)
        bar.set_label("probability", fontsize=SMALL)
    figure.set_label(GRID)
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
    several = len({key.split("/")[0] for key in first}) > 1
    columns = [
        {
            "image": first[key]["image"],
            "mask": first[key]["mask"],
            "title": named(key, several, 8 if len(order) > 8 else 12),
            "maps": {method: kept[key]["map"] for method, kept in pictures.items()},
            "captions": {method: f"F1 {f1[method, key]:.2f}" for method in pictures},
        }
        for key in order
    ]
    return columns, pd.DataFrame([{"image": key, "method": m, "f1": f1[m, key]} for key in order for m in pictures])


def named(key: str, several: bool, most: int) -> str:
    """What an image '<dataset>/<file>' is called above its column: the end of its name, below its data set where there are several."""
    dataset, file = key.split("/", 1)
    return (f"{dataset[-most:]}\n" if several else "") + file.rsplit(".", 1)[0][-most:]


CLAIMED = tables.NAMES | {
    "correct": "share of images called rightly",
    "image_auc": "image AUC",
    "ordered": "share of pairs in order, minus 0.5",
}
VERDICTS = {
    "supported": (PALETTE[2], ">"),
    "contradicted": (TAMPERED, "<"),
    "depends on settings": (PALETTE[1], "D"),
    "inconclusive": ("0.45", "o"),
    "nothing learned here": ("0.45", "x"),
    "not tested": ("0.65", "."),
}  # verdict -> colour, shape
CLAIMS = (
    "Dots are effects in the unit of their metric, lines 95% intervals; right of zero speaks for the statement. The shape says the verdict "
    "as the colour does."
)


def claims_plot(found: pd.DataFrame) -> Figure:
    """Effect and interval of every statement, one line each, one panel per metric, colour and shape by verdict; at most a page high.

    found: rows of claims.csv. Checks that no paper prints stand below a line of their own.
    """
    tested = found[found["low"].notna()].sort_values("where", key=lambda c: c == "not printed", kind="stable")
    lines = list(dict.fromkeys(zip(tested["study"], tested["statement"], tested["where"])))
    panels = list(dict.fromkeys(tested["metric"]))
    names = [textwrap.fill(line[1], 52 if len(panels) < 3 else 44) for line in lines]
    printed = sum(where != "not printed" for *_, where in lines)
    height = min(sum(0.14 * name.count("\n") + 0.2 for name in names) + 1.0, 9.2)
    figure, axes = plt.subplots(1, max(len(panels), 1), figsize=(PAGE, height), sharey=True, squeeze=False)
    for axis, metric in zip(axes[0], panels or [""]):
        for row in tested[tested["metric"] == metric].itertuples():
            y = lines.index((row.study, row.statement, row.where))
            color, marker = VERDICTS[row.verdict]
            axis.plot([row.low, row.high], [y, y], color=color, lw=1.4, solid_capstyle="round")
            axis.plot(row.effect, y, marker, ms=4.5, color=color, mfc="w" if marker == "o" else color)
        axis.axvline(0, color="0.3", lw=0.8)
        if 0 < printed < len(lines):
            axis.axhline(printed - 0.5, color="0.7", lw=0.8, ls=":")
        axis.set(yticks=range(len(lines)), ylim=(max(len(lines), 1) - 0.5, -0.5))
        axis.set_title(
            textwrap.fill(CLAIMED.get(metric, metric.replace("_", " ").replace("auc", "AUC")), 16), fontsize=SMALL
        )
        axis.set_yticklabels(names, fontsize=SMALL)
        axis.xaxis.set_major_locator(plt.MaxNLocator(3 if len(panels) < 5 else 2))
        axis.grid(axis="x", color="0.92", lw=0.6)
    figure.supxlabel("effect with its 95% interval", fontsize=SMALL)
    counts = {verdict: int((tested["verdict"] == verdict).sum()) for verdict in VERDICTS}
    marks = [
        plt.Line2D([], [], color=c, marker=m, ms=4.5, mfc="w" if m == "o" else c, label=f"{v} ({counts[v]})")
        for v, (c, m) in VERDICTS.items()
        if counts[v]
    ]
    if marks:
        figure.legend(handles=marks, loc="outside upper right", ncols=3)
    figure.set_label(CLAIMS)
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
    figure, axes = plt.subplots(
        1, len(panels), figsize=(PAGE, min(0.7 + 0.2 * len(names), 9.2)), sharey=True, squeeze=False
    )
    for axis, name in zip(axes[0], panels):
        part = rows[rows[panel] == name]
        for row in part.itertuples():
            text = getattr(row, label)
            y, (color, marker) = names.index(text), ("0.5", "s") if text in trivial else (PALETTE[0], "o")
            axis.plot([row.low, row.high], [y, y], color=color, lw=1.4, solid_capstyle="round")
            axis.plot(row.value, y, marker, ms=3.5, color=color, mfc="w" if marker == "s" else color)
        best = part.loc[part[label].isin(trivial), "value"].max()
        if floor and np.isfinite(best):
            axis.axvline(best, color="0.55", lw=0.8, ls="--", zorder=0)
        axis.set(title=name, yticks=range(len(names)), yticklabels=names, ylim=(len(names) - 0.5, -0.5))
        axis.xaxis.set_major_locator(plt.MaxNLocator(max(2, 9 // len(panels))))
        axis.grid(axis="x", color="0.92", lw=0.6)
    grey = "Grey squares: look at no image" + ("; dashed: the best of those." if floor else ".")
    figure.set_label(f"Blue dots: methods. {grey}" if len(trivial) else "")
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
    metrics = rows.groupby(title, sort=False)["metric"].first() if "metric" in rows else dict.fromkeys(panels, "")
    for axis, panel in zip(axes[0], panels):
        same = [name for name in panels if metrics[name] == metrics[panel]]  # one scale of colours for one metric
        values = rows.loc[rows[title].isin(same), "value"]
        low, high = min(0.5, values.min()), values.max()
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
            cbar=panel == same[-1],
            annot_kws={"size": SMALL},
            cbar_kws={"label": metrics[panel]},
            linewidths=0.5,
        )
        for row, name in enumerate(trains):
            if name in tests:
                axis.add_patch(plt.Rectangle((tests.index(name), row), 1, 1, fill=False, edgecolor=TAMPERED, lw=1.8))
        axis.set_title(textwrap.fill(panel, 24), fontsize=style.USUAL)
        axis.set(xlabel="tested on", ylabel="trained on" if axis is axes[0, 0] else "")
        axis.set_xticklabels([names.get(t, t) for t in tests], rotation=45, ha="right")
        axis.set_yticklabels([names.get(t, t) for t in trains], rotation=0)
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
    figure, axes = plt.subplots(
        1, len(panels), figsize=(PAGE, 2.4), sharey=share_y, width_ratios=[max(w, 2) for w in wide], squeeze=False
    )
    joined = in_order(rows[x])
    for axis, name in zip(axes[0], panels):
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
        axis.set_title(textwrap.fill(str(name), 24), fontsize=style.USUAL)
        axis.set(xticks=range(len(places)), xlim=(-0.5, len(places) - 0.5))
        labels = [str(place).replace(", ", ",\n") for place in places]
        slanted = max(len(line) for label in labels for line in label.split("\n")) * len(labels) * len(panels) > 110
        axis.set_xticklabels(labels, rotation=45 if slanted else 0, ha="right" if slanted else "center")
        axis.grid(axis="y", color="0.92", lw=0.6)
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=min(len(hues), 4))
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
    figure, (time, memory) = plt.subplots(1, 2, figsize=(PAGE, 0.6 + 0.25 * len(table)), sharey=True)
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
    """One panel per column of the histories against the epoch, columns: {name: title}; the band is the range over seeds."""
    columns = {name: title for name, title in columns.items() if name in history and history[name].notna().any()}
    colors = dict(zip(history[hue].unique(), PALETTE))
    figure, axes = plt.subplots(1, len(columns), figsize=(PAGE, 2.1), squeeze=False)
    for axis, (name, title) in zip(axes[0], columns.items()):
        shown, last = history[history[name].notna()], axis is axes[0, -1]
        band = dict(errorbar=("pi", 100), palette=colors, hue_order=colors, legend=last)
        band |= dict(style=hue, style_order=colors)
        sns.lineplot(shown, x="epoch", y=name, hue=hue, ax=axis, **band)
        axis.set(title=title, ylabel="")
        axis.xaxis.get_major_locator().set_params(integer=True)
    handles, labels = axes[0, -1].get_legend_handles_labels()
    axes[0, -1].get_legend().remove()
    figure.legend(handles, labels, loc="outside lower center", ncols=min(len(labels), 4))
    figure.set_label("Lines: means over seeds; bands: their range.")
    return figure
