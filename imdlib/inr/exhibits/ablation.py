"""Tables 4 to 6 and one choice changed at a time: what each part of the method adds."""

from functools import cache

import pandas as pd
from IPython.display import HTML
from matplotlib.figure import Figure

from imdlib.inr import published
from imdlib.inr.exhibits.shared import BY_METRIC, PIXELS, detection, localization
from imdlib.inr.rows import Rows
from imdlib.pages import plots, tables

DRAWN = ("pixel F1", "shuffled AUC", "image AUC")


def responses(found: pd.DataFrame) -> tuple[Figure, pd.DataFrame]:
    """One colour per method, one position per test set, one panel per metric of DRAWN: figure, and the rows drawn."""
    drawn = found[found["metric"].isin(DRAWN)].assign(tested=lambda t: t["test_set"])
    return plots.response(drawn, x="tested", panel="metric", share_y=False), drawn


@cache
def components(rows: Rows) -> pd.DataFrame:
    """Tidy rows of Table 4."""
    paper = published.components()
    maps = localization(rows, rows.trivial, rows.weak, paper=paper)
    found = pd.concat([maps, detection(rows, rows.always, rows.weak, paper=paper)])
    shown = ["pixel IoU", "pixel F1", "shuffled AUC", "image F1", "image AUC", "combined F1"]
    return found[found["metric"].isin(shown)]


def table4(rows: Rows) -> HTML | None:
    """INR Table 4: the paper's rows, and fixed filters in place of the NRR's error map."""
    if rows.weak.empty:
        return None
    caption = "INR Table 4: ablation"
    return tables.save(components(rows), rows.folder, "table4", caption, **BY_METRIC)


def figure_ablation(rows: Rows) -> Figure | None:
    """The trained rows of Table 4."""
    if rows.weak.empty:
        return None
    found = components(rows)
    figure, drawn = responses(found[found["method"].isin(rows.weak["method"])])
    return plots.save(figure, drawn, rows.folder, "figure_ablation", what="INR Table 4: what each component adds")


def table5(rows: Rows) -> HTML | None:
    """INR Table 5: self-distillation with and without the selection of pseudo-labels, and as it is printed."""
    if rows.unsupervised.empty:
        return None
    names = {name: PIXELS[name] for name in ("f1", "auc_shuffled")}
    parts = (rows.trivial, rows.free, rows.unsupervised)
    found = localization(rows, *parts, names=names, paper=published.selection())
    caption = "INR Table 5: self-distillation with and without selection, and as it is printed"
    return tables.save(found, rows.folder, "table5", caption, **BY_METRIC)


@cache
def poolings(rows: Rows) -> pd.DataFrame:
    """Tidy rows of Table 6; none where nothing but the adaptive pooling and Otsu's was run."""
    if rows.pooled["method"].nunique() < 3:
        return pd.DataFrame(columns=tables.COLUMNS)
    paper = published.pooling()
    return pd.concat([localization(rows, rows.pooled, paper=paper), detection(rows, rows.pooled, paper=paper)])


def table6(rows: Rows) -> HTML | None:
    """INR Table 6: the whole method with other poolings."""
    if poolings(rows).empty:
        return None
    caption = "INR Table 6: the whole method with other poolings"
    return tables.save(poolings(rows), rows.folder, "table6", caption, **BY_METRIC)


def figure_pooling(rows: Rows) -> Figure | None:
    """Table 6 on own test images and on the first three sets with masks."""
    if poolings(rows).empty:
        return None
    found = poolings(rows)
    figure, drawn = responses(found[found["test_set"].isin([rows.target, *rows.masked[:3]])])
    return plots.save(
        figure, drawn, rows.folder, "figure_pooling", what="INR Table 6: the whole method with other poolings"
    )


def table_variations(rows: Rows) -> HTML | None:
    """Baseline, whole method, and these with one choice changed at a time."""
    if rows.changed.empty:
        return None
    parts = (rows.two, rows.changed)
    found = pd.concat([localization(rows, *parts), detection(rows, *parts)])
    found = found[found["metric"].isin(["pixel F1", "shuffled AUC", "image F1", "image AUC"])]
    return tables.save(found, rows.folder, "table_variations", "One choice changed at a time, weak mode", **BY_METRIC)
