"""Where an image is fake: scores of maps, and Figure 2, maps beside their images."""

from functools import cache

import pandas as pd
from IPython.display import HTML, Markdown
from matplotlib.figure import Figure

from imdlib import runs
from imdlib.bridge.grid import MAIN
from imdlib.bridge.measures import detection, maps
from imdlib.bridge.methods import METHODS
from imdlib.bridge.rows import STUDY, Rows
from imdlib.pages import plots, tables
from imdlib.pages.standing import keys, standing

PIXELS = {"iou": "pixel IoU", "f1": "pixel F1", "auc": "pixel AUC", "auc_shuffled": "shuffled AUC"}
BINARY = "\n> 0.5"  # what is added to a method's name for its map at the threshold
MOST = 12  # columns of Figure 2


@cache
def located(rows: Rows) -> pd.DataFrame:
    """Tidy rows of PIXELS on each data set, of every map and of maps that look at no image; none without any map."""
    if rows.maps.empty:
        return pd.DataFrame(columns=tables.COLUMNS)
    found = tables.rows(pd.concat([rows.trivial, rows.maps]), names=PIXELS)
    return found.assign(test_set=found["test_set"].map(detection.short))


def table_localization(rows: Rows) -> HTML | None:
    """Localization of partly fake images."""
    if rows.maps.empty:
        return None
    caption = "Localization of partly fake images from image labels, beside maps that look at no image"
    shape = dict(index=("metric", "method"), columns=("test_set",))
    return tables.save(located(rows), rows.folder, "table_localization", caption, **shape)


def figure_localization(rows: Rows) -> Figure | None:
    """The same for TransCAM and the whole method on the test images of the training set; blind maps in grey."""
    if rows.maps.empty:
        return None
    sets = list(dict.fromkeys(rows.maps["dataset"]))
    home = detection.short(rows.target if rows.target in sets else sets[0])
    trivial = rows.trivial["method"].unique()
    ways = [METHODS[key] + added for key in ("transcam", MAIN) for added in maps.MAPS.values()]
    found = located(rows)
    drawn = found[found["test_set"].eq(home) & found["method"].isin([*trivial, *ways])]
    return plots.save(
        plots.interval_panels(drawn, trivial=trivial),
        drawn,
        rows.folder,
        "figure_localization",
        what="Localization of partly fake test images of the training set",
    )


def figure2(rows: Rows, examples: int) -> Figure | HTML | Markdown | None:
    """Figure 2: up to `examples` images of each data set, with the maps of TransCAM and of the whole method, as drawn and at
    0.5; best, worst and equal steps between by F1 of the last. None without masks, a sentence where no maps are kept.
    """
    if not rows.masked:
        return None
    kept = with_thresholds(kept_maps(rows))
    judged = maps.maps(rows.main, ["drawn_"])
    judged = judged[judged["run"].isin(rows.pictured.values())]
    judged = judged.assign(method=judged["method"].str.removesuffix(maps.DRAWN))
    judged = pd.concat([judged, judged.assign(method=judged["method"] + BINARY)])
    columns, drawn = [], []
    for name in rows.masked if kept else []:
        here = {
            method: {key: one for key, one in some.items() if key.startswith(f"{name}/")}
            for method, some in kept.items()
        }
        if all(here.values()):
            some, chosen = plots.choose_columns(here, judged, examples)
            titles = [detection.short(name) if k == len(some) // 2 else "" for k in range(len(some))]
            columns += [dict(column, title=title) for column, title in zip(some, titles)]
            drawn.append(chosen)
    of = keys(rows.settings, rows.pictured.values())
    if not columns:
        return standing(rows.folder, "figure2", of)
    values = "map, stretched from its minimum to its maximum"
    figure = plots.prediction_grid(columns[:MOST], list(kept), values, within=plots.EACH)
    return plots.save(
        figure,
        pd.concat(drawn),
        rows.folder,
        "figure2",
        what="Bridging Figure 2: maps of TransCAM and of the whole method, as drawn and at 0.5, first seed",
        of=of,
    )


def kept_maps(rows: Rows) -> dict[str, dict]:
    """{method: {'<dataset>/<file>': {image, mask, map}}} of TransCAM and the whole method, where their runs kept maps."""
    found = {METHODS[key]: runs.pictures(rows.results, STUDY, run) for key, run in rows.pictured.items()}
    return {method: some for method, some in found.items() if some}


def with_thresholds(kept: dict[str, dict]) -> dict[str, dict]:
    """The same with each method's maps at 0.5 behind it."""
    found = {}
    for method, some in kept.items():
        binary = {key: one | {"map": (one["map"] > 0.5).astype("float32")} for key, one in some.items()}
        found |= {method: some, method + BINARY: binary}
    return found
