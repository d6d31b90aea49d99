"""The drop from the trained generator to unseen ones, and what changes when one part is left out or turned."""

from functools import cache

import pandas as pd
from IPython.display import HTML
from matplotlib.figure import Figure

from imdlib.bridge import published
from imdlib.bridge.exhibits.detection import as_theirs
from imdlib.bridge.measures import blind, detection, draws
from imdlib.bridge.methods import PARTS, VARIANTS
from imdlib.bridge.rows import Rows
from imdlib.pages import plots, tables


@cache
def drops(rows: Rows) -> pd.DataFrame:
    """Tidy rows of in domain minus the mean over unseen generators, beside the paper's; none where there are no such."""
    compared = pd.concat([rows.probed, rows.main, rows.turned["with_fully"], rows.turned["equal_passes"]])
    scopes = detection.drops(rows.main, rows.groups)
    return draws.table(compared, detection.measure, scopes, detection.BINARY, published=as_theirs(published.drops()))


def table_drop(rows: Rows) -> HTML | None:
    """What is lost on unseen generators."""
    found = drops(rows)
    if found.empty:
        return None
    caption = "In domain minus the mean over unseen generators (less is better)"
    return tables.save(
        found, rows.folder, "table_drop", caption, index=("test_set", "method"), columns=("metric",), best=False
    )


def figure_drop(rows: Rows) -> Figure | None:
    """The same for both kinds of fakes together."""
    found = drops(rows)
    if found.empty:
        return None
    drawn = found[found["test_set"] == "both"]
    return plots.save(
        plots.interval_panels(drawn, floor=False),
        drawn,
        rows.folder,
        "figure_drop",
        what="In domain minus the mean over unseen generators, fakes of every kind: to the left is better",
    )


@cache
def ablation(rows: Rows) -> pd.DataFrame:
    """Tidy rows of the parts of the method, and of runs with one parameter turned; the metric says on which generators."""
    lucky = rows.blind[rows.blind["method"] == blind.RANDOM]
    three = rows.main[rows.main["p_partly"].notna() & rows.main["variant"].isin([*PARTS, *VARIANTS])]
    compared = pd.concat([lucky, three, *rows.turned.values()])
    metrics = {"F1": "f1", "AUC": "auc", "macro F1": "macro_f1"}
    found = draws.table(compared, detection.measure, rows.generators, metrics)
    where = found["test_set"].str.replace(detection.SEEN, "trained").str.replace(detection.UNSEEN, "unseen")
    return found.assign(metric=found["metric"] + ", " + where)


def table_ablation(rows: Rows) -> HTML:
    """One thing left out or changed at a time."""
    caption = "One thing left out or changed at a time, fakes of every kind"
    shape = dict(index=("method",), columns=("metric",))
    return tables.save(ablation(rows), rows.folder, "table_ablation", caption, **shape)


def figure_ablation(rows: Rows) -> Figure:
    """The same for AUC and macro F1."""
    found = ablation(rows)
    drawn = found[found["metric"].str.startswith(("AUC", "macro"))]
    drawn = drawn.assign(panel=drawn["metric"].str.replace(", ", ",\n"))
    figure = plots.interval_panels(drawn, panel="panel", trivial=rows.blind["method"].unique(), floor=False)
    return plots.save(
        figure,
        drawn,
        rows.folder,
        "figure_ablation",
        what="One thing left out or changed at a time, fakes of every kind",
    )
