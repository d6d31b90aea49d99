"""Tables 4 to 6 and one choice changed at a time: what each part of the method adds."""

from collections.abc import Iterable
from functools import cache

import pandas as pd
from IPython.display import HTML
from matplotlib.figure import Figure

from imdlib.inr import published
from imdlib.inr.exhibits.shared import BY_METRIC, PIXELS, detection, localization, said_collapse
from imdlib.inr.rows import Rows
from imdlib.inr.space import MAIN
from imdlib.pages import plots, tables

ON_RGB = ("rgb-base", "rgb-nrr", "rgb-highpass", "rgb-srm", "rgb-whole")
BACKBONES = ("base", MAIN, "rgb-base", "rgb-whole", "lite0-base", "lite0-whole")
TABLE4 = (
    "base",
    "nrr",
    "nrr+otsu",
    "nrr+agap",
    "nrr+scl",
    MAIN,
    "literal",
    "standard",
    "counter",
)  # of these `once` leaves as many as there are colours
FILTERED = ("highpass+scl+agap", "srm+scl+agap")  # fixed filters in place of the error map
SHOWN = ["pixel IoU", "pixel F1", "shuffled AUC", "image F1", "image AUC", "combined F1"]
DRAWN = ("pixel F1", "shuffled AUC", "image AUC")


def responses(found: pd.DataFrame) -> tuple[Figure, pd.DataFrame]:
    """One colour per method, one position per test set, one panel per metric of DRAWN: figure, and the rows drawn."""
    drawn = found[found["metric"].isin(DRAWN)].assign(tested=lambda t: t["test_set"])
    return plots.response(drawn, x="tested", panel="metric", share_y=False), drawn


def once(rows: Rows, names: Iterable[str]) -> list[str]:
    """Some of the compared rows without the whole method where both forms of its contrast were run apart: one of the two is it."""
    apart = {"literal", "standard"} <= set(rows.weak["row"])
    return [name for name in names if not (apart and name == MAIN)]


def of_rows(rows: Rows, names: Iterable[str]) -> pd.DataFrame:
    """Score rows of some of the compared rows."""
    return rows.weak[rows.weak["row"].isin(names)]


@cache
def components(rows: Rows) -> pd.DataFrame:
    """Tidy rows of Table 4, of what its steps are made of, and of the contrast in other forms."""
    paper, some = published.components(), of_rows(rows, (*TABLE4, *FILTERED))
    maps = localization(rows, rows.trivial, some, paper=paper)
    found = pd.concat([maps, detection(rows, rows.always, some, paper=paper)])
    return found[found["metric"].isin(SHOWN)]


def table4(rows: Rows) -> HTML | None:
    """INR Table 4: the paper's rows, what its steps are made of, and the contrast in other forms."""
    if of_rows(rows, TABLE4).empty:
        return None
    caption = "INR Table 4: ablation"
    return tables.save(components(rows), rows.folder, "table4", caption, **BY_METRIC)


def figure_ablation(rows: Rows) -> Figure | None:
    """The rows of Table 4 and of the contrast's forms."""
    some = of_rows(rows, once(rows, TABLE4))
    if some.empty:
        return None
    found = components(rows)
    figure, drawn = responses(found[found["method"].isin(some["method"])])
    forms = some["row"].isin(["literal", "standard", "counter"]).any()
    what = "INR Table 4: what each component adds" + (", and the contrast in other forms" if forms else "")
    return plots.save(figure, drawn, rows.folder, "figure_ablation", what=what)


def table_beside_blind(rows: Rows, names: Iterable[str], title: str, caption: str) -> HTML | None:
    """Some of the compared rows beside those that look at no image; None where there are fewer than two."""
    some = of_rows(rows, names)
    if some["row"].nunique() < 2:
        return None
    found = pd.concat([localization(rows, rows.trivial, some), detection(rows, rows.always, some)])
    return tables.save(found[found["metric"].isin(SHOWN)], rows.folder, title, caption, **BY_METRIC)


def table_priors(rows: Rows) -> HTML | None:
    """The baseline on RGB, as in the paper, with the NRR's error map and with fixed filters beside it, and the whole method."""
    caption = "On RGB: the error map and fixed filters as inputs of the baseline, and the whole method"
    return table_beside_blind(rows, ON_RGB, "table_priors", caption)


def table_backbones(rows: Rows) -> HTML | None:
    """Baseline and whole method from scratch and on a backbone that ImageNet trained."""
    if of_rows(rows, BACKBONES[4:]).empty:
        return None
    return table_beside_blind(
        rows, BACKBONES, "table_backbones", "From random weights and from ImageNet's (EfficientNet-lite0)"
    )


def table5(rows: Rows) -> HTML | None:
    """INR Table 5: self-distillation with and without the selection of pseudo-labels, and as it is printed."""
    if rows.unsupervised.empty:
        return None
    names = {name: PIXELS[name] for name in ("f1", "auc_shuffled")}
    parts = (rows.trivial, rows.free, rows.unsupervised)
    found = localization(rows, *parts, names=names, paper=published.selection())
    if found.empty:
        return None
    forms = rows.unsupervised["method"].unique()
    caption = f"INR Table 5: {', '.join(forms)}. {said_collapse(rows)}".strip()
    return tables.save(found, rows.folder, "table5", caption, **BY_METRIC)


@cache
def poolings(rows: Rows) -> pd.DataFrame:
    """Tidy rows of Table 6 without the contrast, and with it ('beside SCL'); none where there are fewer than two poolings."""
    found = [part for part in (rows.pooled, rows.contrast_pooled) if part["method"].nunique() > 1]
    if not found:
        return pd.DataFrame(columns=tables.COLUMNS)
    beside = rows.contrast_pooled.assign(method=rows.contrast_pooled["method"] + ", beside SCL")
    paper = published.pooling()
    paper = pd.concat([paper, paper.assign(method=paper["method"] + ", beside SCL")])
    both = pd.concat([rows.pooled, beside])
    return pd.concat(
        [localization(rows, rows.trivial, both, paper=paper), detection(rows, rows.always, both, paper=paper)]
    )


def table6(rows: Rows) -> HTML | None:
    """INR Table 6: NRR with other poolings, without the contrast and with it."""
    if poolings(rows).empty:
        return None
    caption = "INR Table 6: poolings, without the contrast and beside it"
    return tables.save(poolings(rows), rows.folder, "table6", caption, **BY_METRIC)


def figure_pooling(rows: Rows) -> Figure | None:
    """Table 6 without the contrast, on own test images and on the first three sets with masks."""
    if poolings(rows).empty:
        return None
    found = poolings(rows)
    shown = rows.pooled["method"].unique() if len(rows.pooled) else rows.contrast_pooled["method"] + ", beside SCL"
    alone = found["method"].isin(shown)
    figure, drawn = responses(found[alone & found["test_set"].isin([rows.target, *rows.masked[:3]])])
    what = (
        f"INR Table 6, the home set and two others: poolings {'without' if len(rows.pooled) else 'beside'} the contrast"
    )
    return plots.save(figure, drawn, rows.folder, "figure_pooling", what=what)


def table_variations(rows: Rows) -> HTML | None:
    """Baseline, whole method, and these with one choice changed at a time."""
    if rows.changed.empty:
        return None
    parts = (rows.rivals, rows.two, rows.changed)
    found = pd.concat([localization(rows, rows.trivial, *parts), detection(rows, rows.always, *parts)])
    found = found[found["metric"].isin(["pixel F1", "shuffled AUC", "image F1", "image AUC"])]
    return tables.save(found, rows.folder, "table_variations", "One choice changed at a time, weak mode", **BY_METRIC)
