"""Tables 1 to 3 and what belongs beside them: no labels at all, image labels, novel manipulations."""

from functools import cache

import pandas as pd
from IPython.display import HTML
from matplotlib.figure import Figure

from imdlib.baselines.names import WEAK
from imdlib.inr import published
from imdlib.inr.exhibits.shared import (
    BY_METRIC,
    PIXELS,
    blind,
    detection,
    localization,
    said_collapse,
    short,
    untrained,
)
from imdlib.inr.image_level import always_tampered, image_rows
from imdlib.inr.rows import ALWAYS, Rows
from imdlib.inr.space import MAIN
from imdlib.pages import data_sets, plots, tables
from imdlib.pages.provenance import provenance as rows_of
from imdlib.scoring.rows import within

NOVEL = ("magicbrush", "iedit", "gier")  # edits by generative models


def table_calibration(rows: Rows) -> HTML | None:
    """Whether the baseline has learned anything from image labels, own test images."""
    base = rows.weak[rows.weak["row"] == "base"]
    if base.empty:
        return None
    found = pd.concat(
        [localization(rows, rows.trivial, base), image_rows(pd.concat([always_tampered(rows.scores), base]))]
    )
    found = found[found["test_set"] == rows.target]
    caption = "The baseline on its own test images, beside predictors that look at no image"
    return tables.save(found, rows.folder, "table_calibration", caption, index=("method",), columns=("metric",))


@cache
def unsupervised(rows: Rows) -> pd.DataFrame:
    """Tidy rows of Table 1."""
    return localization(rows, rows.trivial, rows.classic, rows.free, rows.unsupervised, paper=published.unsupervised())


def table1(rows: Rows) -> HTML | None:
    """INR Table 1: self-distillation, and what needs no labels: detectors that nobody trains, error map and fixed filters cut at Otsu's
    threshold."""
    found = unsupervised(rows)
    if (rows.error.empty and rows.unsupervised.empty and rows.classic.empty) or found.empty:
        return None
    caption = f"INR Table 1: unsupervised localization. {said_collapse(rows)}".strip()
    return tables.save(found, rows.folder, "table1", caption, **BY_METRIC)


def figure_unsupervised(rows: Rows) -> Figure | None:
    """Pixel F1 of Table 1, one panel per test set."""
    drawn = unsupervised(rows)
    drawn = drawn[drawn["metric"] == "pixel F1"].assign(panel=lambda t: t["test_set"])
    if (rows.error.empty and rows.unsupervised.empty) or drawn.empty:
        return None
    figure = plots.interval_panels(drawn, panel="panel", trivial=blind(rows), untrained=untrained(rows))
    return plots.save(
        figure,
        drawn,
        rows.folder,
        "figure_unsupervised",
        what="INR Table 1: pixel F1 without any labels, a panel for each test set",
    )


def provenance(rows: Rows) -> HTML:
    """Which rows of the paper's Tables 1 to 3 are computed here, which are quoted, and why."""
    return rows_of(rows.folder, published.FOLDER, (1, 2, 3), [*rows.classic["method"], *rows.main["method"]])


@cache
def weak(rows: Rows) -> pd.DataFrame:
    """Tidy rows of Table 2."""
    paper = published.weak()
    both = pd.concat([rows.rivals, rows.two])
    maps = localization(rows, rows.trivial, rows.free, both, paper=paper)
    return pd.concat([maps, detection(rows, rows.always, both, paper=paper)])


def table2(rows: Rows) -> HTML | None:
    """INR Table 2: WSCL, baseline and whole method, trained on image labels."""
    if rows.two.empty:
        return None
    caption = "INR Table 2: trained on image labels"
    return tables.save(weak(rows), rows.folder, "table2", caption, **BY_METRIC)


def figure_weak(rows: Rows) -> Figure | None:
    """Pixel F1, image F1 and image AUC of Table 2, a line per test set and method; grey lines look at no image."""
    if rows.two.empty:
        return None
    found, ours = weak(rows), pd.concat([rows.rivals, rows.two])["method"].unique()
    drawn = found[found["metric"].isin(["pixel F1", "image F1", "image AUC"])]
    drawn = drawn[drawn["method"].isin([ALWAYS, "all-ones map", "centre blob", *ours])]
    drawn = drawn.assign(line=drawn["test_set"] + ": " + drawn["method"]).sort_values("test_set", kind="stable")
    grey = drawn.loc[~drawn["method"].isin(ours), "line"].unique()
    figure = plots.interval_panels(drawn, label="line", trivial=grey, floor=False)
    return plots.save(
        figure,
        drawn,
        rows.folder,
        "figure_weak",
        what="INR Table 2: WSCL, baseline and whole method, trained on image labels",
    )


def table_training_sets(rows: Rows) -> HTML | None:
    """Baseline and whole method trained on every set that there are runs of; None where that is one set."""
    found = rows.main[(rows.main["mode"] == "weak") & rows.main["row"].isin(["base", MAIN])]
    if found["train_set"].nunique() < 2:
        return None
    found = pd.concat([tables.rows(rows.tampered(found), names=PIXELS), image_rows(found)])
    found = found[found["metric"].isin(["pixel F1", "shuffled AUC", "image AUC", "image accuracy"])]
    caption, lines = "Baseline and whole method trained on other sets, too", ("metric", "train_set", "method")
    return tables.save(found, rows.folder, "table_training_sets", caption, index=lines, columns=("test_set",))


def table3(rows: Rows) -> HTML | None:
    """INR Table 3: local edits, and edits of whole images (image labels alone)."""
    novel = pd.concat([rows.supervised, rows.rivals, rows.two])
    novel = novel[short(novel["dataset"]).isin(NOVEL)]
    if novel.empty:
        return None
    same = [part[part["dataset"].isin(novel["dataset"])] for part in (rows.trivial, rows.free, rows.always)]
    paper = published.novel()
    maps = localization(rows, *same[:2], novel, paper=paper)
    found = pd.concat([maps, detection(rows, same[2], novel, paper=paper)])
    caption = "INR Table 3: novel manipulations"
    return tables.save(found, rows.folder, "table3", caption, index=("test_set", "method"), columns=("metric",))


def form(rows: Rows) -> HTML | None:
    """What the files' form alone tells of the label, on the sets that are tested on; None where it tells nothing."""
    return data_sets.form(rows.data, rows.weak["dataset"])


def table_recompressed(rows: Rows) -> HTML | None:
    """Baseline, whole method and rivals on test images as they are, and on the same with both classes recompressed alike."""
    jpeg = rows.every["attack"].str.startswith("jpeg")
    again = rows.every.loc[jpeg & rows.every["run"].isin(rows.main["run"]), ["run", "dataset", "image"]]
    both = rows.every[jpeg | (rows.every["attack"] == "none")].merge(
        again.drop_duplicates(), on=["run", "dataset", "image"]
    )
    both = both[both["row"].isin(["base", MAIN, *WEAK]) & (both["train_set"] == rows.target)]
    if both.empty:
        return None
    named = both.assign(method=both["method"] + (", " + both["attack"]).where(both["attack"] != "none", ""))
    blind = [within(part, both) for part in (rows.always, rows.trivial)]
    found = pd.concat([detection(rows, blind[0], named), localization(rows, blind[1], named)])
    found = found[found["metric"].isin(["image AUC", "image accuracy", "image F1", "pixel F1", "shuffled AUC"])]
    caption = "The same test images as they are, and with both classes recompressed alike"
    return tables.save(found, rows.folder, "table_recompressed", caption, index=("method",), columns=("metric",))
