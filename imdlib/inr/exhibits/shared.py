"""What most of INR's tables are made of: tidy rows of maps and of image labels, whatever they were trained on."""

from functools import cache

import pandas as pd

from imdlib.baselines.names import DETECTORS
from imdlib.inr import distill
from imdlib.inr.image_level import image_rows
from imdlib.inr.rows import Rows
from imdlib.pages import published, tables

PIXELS = {"iou": "pixel IoU", "f1": "pixel F1", "auc": "pixel AUC", "auc_shuffled": "shuffled AUC"}
BY_METRIC = dict(index=("metric", "method"), columns=("test_set",))  # layout of most tables


def localization(
    rows: Rows, *parts: pd.DataFrame, names: dict[str, str] = PIXELS, paper: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Tidy rows (`tables.COLUMNS`) of maps on tampered images, of the score rows `parts`. names: {metric: its name in the table};
    paper: published rows, whose values are set beside those of the same method, set and metric.
    """
    scores = rows.tampered(pd.concat(parts)).assign(train_set="none")
    return tables.rows(scores, names=names, published=beside(rows, paper))


def detection(rows: Rows, *parts: pd.DataFrame, paper: pd.DataFrame | None = None) -> pd.DataFrame:
    """Tidy rows of image labels; arguments as for `localization`."""
    return image_rows(pd.concat(parts).assign(train_set="none"), published=beside(rows, paper))


def beside(rows: Rows, paper: pd.DataFrame | None) -> pd.DataFrame | None:
    """Published rows under the names of the test sets here; None stays None."""
    return None if paper is None else published.on_test_sets(paper, rows.scores)


@cache
def endings(rows: Rows) -> pd.DataFrame:
    """`method, seed, epochs, collapsed_epochs, ends_collapsed` of every run of self-distillation: in a collapsed epoch less than 2% or more
    than 98% of its pseudo-labels were of one kind.
    """
    shown = rows.detectors[rows.detectors["mode"] == "unsupervised"]
    epochs = rows.history.groupby("run")["epoch"].max().rename("epochs")
    ends = [
        "yes" if distill.collapsed(rows.history[rows.history["run"] == run]).iloc[-1] else "no" for run in shown["run"]
    ]
    found = shown.merge(epochs, left_on="run", right_index=True).assign(ends_collapsed=ends)
    return found.reindex(columns=["method", "seed", "epochs", "collapsed_epochs", "ends_collapsed"])


def said_collapse(rows: Rows) -> str:
    """For captions: of which methods how many runs ended with one answer for all; '' where none did."""
    if endings(rows).empty:
        return ""
    of = (endings(rows)["ends_collapsed"] == "yes").groupby(endings(rows)["method"], sort=False).agg(["sum", "size"])
    parts = [f"{name} in {row['sum']} of {row['size']} runs" for name, row in of.iterrows() if row["sum"]]
    return (
        f"Ended with one pseudo-label for everything, so that its maps show nothing learned: {', '.join(parts)}."
        if parts
        else ""
    )


def short(sets: pd.Series) -> pd.Series:
    """Names of data sets without what marks a twin, for the axes of figures."""
    return sets.str.removeprefix("sim-")


def blind(rows: Rows) -> list[str]:
    """Methods that look at no image: the grey lines of figures."""
    return [*rows.trivial["method"].unique(), "random minority"]


def untrained(rows: Rows) -> list[str]:
    """Methods that look at an image and were not trained on this study's: classic detectors and fixed filters."""
    return [*DETECTORS.values(), *(name for name in rows.error["method"].unique() if " energy" in name)]
