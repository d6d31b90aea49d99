"""Benchmarks: trained and tested on one set (Table 1), and across sets (Table 2)."""

from functools import cache

import pandas as pd
from IPython.display import HTML
from matplotlib.figure import Figure

from imdlib.baselines.names import DETECTORS, LOCALIZERS
from imdlib.ncl import published
from imdlib.ncl.grid import BOTH, METHODS, TESTED_ON
from imdlib.ncl.labelled import on_own_set
from imdlib.ncl.rows import Rows
from imdlib.pages import plots, tables
from imdlib.pages.provenance import provenance as rows_of
from imdlib.pages.published import beside

CROSSED = {"auc": "pixel AUC", "auc_shuffled": "shuffled AUC", "f1": "pixel F1"}  # metrics of Tables 2 and 3
BLIND_DRAWN = ["all-ones map", "centre blob", "average training mask"]  # of what looks at no image
BASE, WHOLE = (METHODS[variant] for variant in BOTH)


@cache
def same_set(rows: Rows) -> pd.DataFrame:
    """Tidy rows of Table 1: predictors that look at no image, detectors that nobody trains, other papers' networks, Base and
    the whole method, each set's own test images."""
    found = pd.concat([rows.beside(rows.own), rows.untrained(rows.own), on_own_set(rows.rivals), rows.both])
    found = found.assign(train_set=found["dataset"].where(found["train_set"] != "none", "none"))
    paper = pd.concat([published.ablation(), published.hand_crafted()])
    paper = paper.assign(train_set=paper["train_set"].replace(TESTED_ON))
    return tables.rows(found, published=beside(paper, pd.concat([rows.scores, rows.untrained(rows.own)])))


def table1(rows: Rows) -> HTML | None:
    """Table 1: training and testing on the same benchmark."""
    if rows.both.empty:
        return None
    caption = "NCL Table 1: benchmark training"
    found = same_set(rows)
    return tables.save(found, rows.folder, "table1", caption, index=("metric", "method"), columns=("test_set",))


def figure_benchmarks(rows: Rows) -> Figure | None:
    """Intervals of Table 1, the rows that look at no image in grey."""
    if rows.both.empty:
        return None
    found = same_set(rows)
    methods = [*BLIND_DRAWN, *DETECTORS.values(), *LOCALIZERS.values(), BASE, WHOLE]
    drawn = found[found["metric"].isin(CROSSED.values()) & found["method"].isin(methods)]
    drawn = drawn.assign(line=drawn["test_set"] + ": " + drawn["method"]).sort_values("test_set", kind="stable")
    grey = drawn.loc[drawn["method"].isin(BLIND_DRAWN), "line"].unique()
    classic = drawn.loc[drawn["method"].isin(DETECTORS.values()), "line"].unique()
    figure = plots.interval_panels(drawn, label="line", trivial=grey, untrained=classic, floor=False)
    return plots.save(
        figure,
        drawn,
        rows.folder,
        "figure_benchmarks",
        what="NCL Table 1 as intervals: trained and tested on the same set",
    )


def provenance(rows: Rows) -> HTML:
    """Which rows of the paper's Tables 1 and 2 are computed here, which are quoted, and why."""
    there = [*rows.untrained(rows.own).get("method", []), *rows.main["method"]]
    return rows_of(rows.folder, published.FOLDER, (1, 2), there)


@cache
def across(rows: Rows) -> pd.DataFrame:
    """Tidy rows of Table 2: Base and the whole method, from every training set to every test set."""
    place = [*rows.scores["dataset"].unique(), "all"].index
    found = rows.main[rows.main["variant"].isin([*LOCALIZERS, *BOTH])]
    found = found.sort_values("train_set", key=lambda names: names.map(place), kind="stable")
    found = found.sort_values("method", kind="stable")
    paper = pd.concat([published.ablation(), published.crossed()])
    return tables.rows(found, published=beside(paper, rows.scores), names=CROSSED)


def table2(rows: Rows) -> HTML | None:
    """Table 2: training on one set, testing on all."""
    if rows.main.empty:
        return None
    caption = "NCL Table 2: every training set (lines) on every test set (columns)"
    index = ("metric", "method", "train_set")
    return tables.save(across(rows), rows.folder, "table2", caption, index=index, columns=("test_set",))


def figure_cross(rows: Rows) -> Figure | None:
    """Shuffled AUC of Table 2 as matrices, and the paper's AUC of the same pairs of sets beside them."""
    if rows.main.empty:
        return None
    found = across(rows)
    ours = found[(found["metric"] == "shuffled AUC") & found["method"].isin([BASE, WHOLE])]
    ours = ours.assign(method=ours["method"] + ", shuffled AUC")
    theirs = found[(found["metric"] == "pixel AUC") & (found["method"] == WHOLE) & found["published"].notna()]
    theirs = theirs.assign(method="the paper, AUC of NCL on the real sets", value=theirs["published"])
    drawn = pd.concat([ours, theirs])
    if drawn.empty:
        return None
    return plots.save(
        plots.cross_matrix(drawn),
        drawn,
        rows.folder,
        "figure_cross",
        what="NCL Table 2 as matrices: from every training set to every test set",
    )
