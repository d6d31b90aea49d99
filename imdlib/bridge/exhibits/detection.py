"""Real or fake: what is learned at all, and Table 2, the trained generator beside those that were not trained on."""

from functools import cache

import pandas as pd
from IPython.display import HTML
from matplotlib.figure import Figure

from imdlib.bridge import published
from imdlib.bridge.measures import blind, detection, draws
from imdlib.bridge.measures.labelled import NAMES
from imdlib.bridge.methods import BINARY, METHODS
from imdlib.bridge.rows import Rows
from imdlib.pages import plots, tables
from imdlib.pages.provenance import provenance as rows_of

LEARNED = {
    "balanced accuracy": "accuracy",
    "mean recall": "mean_recall",
    "macro F1": "macro_f1",
    "F1": "f1",
    "AUC": "auc",
}
TWO = (*BINARY, "transcam", "late", "wang-imagenet", "late-features")  # methods of Table 2


@cache
def calibration(rows: Rows) -> pd.DataFrame:
    """Tidy rows on the test images of the training set: blind predictors, the probe, and every method."""
    own = {name: scope for name, scope in rows.scopes.items() if name == f"both: {detection.SEEN}"}
    return draws.table(pd.concat([rows.blind, rows.probed, rows.main]), detection.measure, own, LEARNED)


def table_calibration(rows: Rows) -> HTML:
    """Whether anything is learned, in domain."""
    caption = "In domain: what is learned at all, beside predictors that look at no image"
    return tables.save(
        calibration(rows), rows.folder, "table_calibration", caption, index=("method",), columns=("metric",)
    )


def figure_calibration(rows: Rows) -> Figure:
    """The same for balanced accuracy, mean recall and AUC; blind predictors in grey."""
    found = calibration(rows)
    drawn = found[found["metric"].isin(["balanced accuracy", "mean recall", "AUC"])]
    figure = plots.interval_panels(drawn, trivial=rows.blind["method"].unique(), floor=False)
    return plots.save(
        figure, drawn, rows.folder, "figure_calibration", what="What is learned at all, test images of the training set"
    )


@cache
def generators(rows: Rows) -> pd.DataFrame:
    """Tidy rows of Table 2: F1 and AUC per kind of fakes and generator, beside the paper's F1."""
    compared = [rows.blind[rows.blind["method"] != blind.REAL], rows.main[rows.main["variant"].isin(TWO)]]
    compared = pd.concat([*compared, rows.turned["with_fully"], rows.turned["equal_passes"]])
    paper = as_theirs(published.detection())
    one = len(rows.groups) == 2  # "both" and a kind of fakes: the same images
    scopes = {name: scope for name, scope in rows.scopes.items() if not (one and name.startswith("both"))}
    return draws.table(compared, detection.measure, scopes, {"F1": "f1", "AUC": "auc"}, published=paper)


def as_theirs(paper: pd.DataFrame) -> pd.DataFrame:
    """Published rows, those of the detectors a second time for runs without fully fake images: what theirs learned from is
    said once to be partly fake images alone.
    """
    theirs = paper[paper["method"].isin([METHODS[key] for key in BINARY])]
    return pd.concat([paper, theirs.assign(method=theirs["method"] + f", {NAMES['with_fully']}")])


def table2(rows: Rows) -> HTML:
    """Table 2: F1 and AUC of each kind of fakes against real images, per generator; a table of its own for each metric and kind."""
    found = generators(rows)
    kind, generator = found["test_set"].str.split(": ", n=1, expand=True).T.to_numpy()
    found = found.assign(metric_and_kind=found["metric"] + ", " + kind, generator=generator)
    shape = dict(index=("metric_and_kind", "method"), columns=("generator",))
    return tables.save(found, rows.folder, "table2", "Bridging Table 2: F1 and AUC, generator by generator", **shape)


def provenance(rows: Rows) -> HTML:
    """Which rivals of the paper's Table 2 and section 4.2 are computed here, and how."""
    return rows_of(rows.folder, published.FOLDER, (2,), rows.main["method"], more=[METHODS["transcam"]])


def figure_generators(rows: Rows) -> Figure:
    """F1 of either kind of fakes, of the trained generator and of the unseen ones as a mean."""
    found = generators(rows)
    drawn = found[found["metric"].eq("F1") & found["test_set"].str.contains("generator")]
    drawn = drawn[~drawn["test_set"].str.startswith("both")]
    panel = drawn["test_set"].str.replace(": ", ":\n").str.replace(detection.SEEN, "trained")
    drawn = drawn.assign(panel=panel.str.replace(detection.UNSEEN, "unseen, mean"))
    figure = plots.interval_panels(drawn, panel="panel", trivial=rows.blind["method"].unique())
    return plots.save(
        figure,
        drawn,
        rows.folder,
        "figure_generators",
        what="Bridging Table 2: each kind of fakes, of the trained generator and, where there are any, of unseen ones as a mean",
    )
