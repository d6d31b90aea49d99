"""Figure 3: do the discrepancies tell the classes apart, as densities, as shares of pairs, and over the epochs.

Bridging section 4.2.2. The paper does not say of which teacher "before training" is: both are drawn, an untrained one, and the
trained one from which its students begin to learn.
"""

from functools import cache

import pandas as pd
import seaborn as sns
from IPython.display import HTML
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from imdlib.bridge.grid import DETAIL, MAIN
from imdlib.bridge.labels import CLASSES, three_classes
from imdlib.bridge.measures import detection, draws, ordering
from imdlib.bridge.methods import METHODS
from imdlib.bridge.rows import Rows
from imdlib.pages import plots, tables

TIMES = {
    "_start": "untrained teacher",
    "_fresh": "trained teacher, fresh students",
    "": "after training",
}  # suffix of d1 and d2 -> of when they are


def figure3(rows: Rows) -> Figure | None:
    """Figure 3 of the whole method, test images of the training set, all seeds."""
    here = rows.measured[rows.measured["seen"] & (rows.measured["variant"] == MAIN)]
    return plots.save(densities(here), long_distances(here), rows.folder, "figure3") if len(here) else None


def long_distances(scores: pd.DataFrame) -> pd.DataFrame:
    """Rows of scores -> one row per image, discrepancy and time: class, which (d1, d2), when, distance (L2, not squared)."""
    frame = scores.assign(**{"class": [CLASSES[c] for c in three_classes(scores)]})
    parts = [
        frame[["class"]].assign(which=which, when=when, distance=frame[f"{which}{suffix}"] ** 0.5)
        for which in ("d1", "d2")
        for suffix, when in TIMES.items()
        if f"{which}{suffix}" in frame
    ]
    return pd.concat(parts, ignore_index=True)


def densities(scores: pd.DataFrame) -> Figure:
    """Densities of d1 and d2, a row for each class that occurs."""
    long = long_distances(scores)
    occurring = [name for name in CLASSES if name in set(long["class"])]
    shape = dict(height=plots.PAGE / 5, aspect=2, facet_kws=dict(margin_titles=True, sharey=False))
    curves = dict(kind="kde", common_norm=False, fill=True, warn_singular=False, cut=0)
    panels = dict(
        row="class", row_order=occurring, col="which", hue="when", palette=plots.PALETTE[: long["when"].nunique()]
    )
    with plt.rc_context({"figure.constrained_layout.use": False}):  # seaborn lays it out itself
        drawn = sns.displot(long, x="distance", **panels, **curves, **shape)
    drawn.set_titles(row_template="{row_name}", col_template="{col_name}")
    return drawn.set_axis_labels("distance to the teacher", "density").figure


@cache
def ordered(rows: Rows) -> pd.DataFrame:
    """Tidy rows of `ordering.METRICS`: the whole method before training (either teacher), all methods after it, what was turned."""
    ours = rows.measured[rows.measured["variant"] == MAIN]
    begun = [
        ordering.before(ours, suffix).assign(method=f"{METHODS[MAIN]}, before training: {when}")
        for suffix, when in TIMES.items()
        if suffix
    ]
    compared = pd.concat([*begun, rows.measured, *map(ordering.measured, rows.turned.values())])
    found = draws.table(compared, ordering.measure, rows.generators, ordering.METRICS)
    return found[found["value"].notna()]


def table_ordering(rows: Rows) -> HTML | None:
    """Shares of pairs, or of images, that are ordered as stated."""
    if rows.measured.empty:
        return None
    caption = "Share of pairs of images, or of images, whose distances are ordered as stated; chance is 0.5"
    shape = dict(index=("test_set", "metric"), columns=("method",))
    return tables.save(ordered(rows), rows.folder, "table_ordering", caption, **shape)


def figure_ordering(rows: Rows) -> Figure | None:
    """The same for the trained generator, without what was turned."""
    if rows.measured.empty:
        return None
    found = ordered(rows)
    usual = found["method"].isin(rows.measured["method"]) | found["method"].str.contains("before")
    drawn = found[usual & (found["test_set"] == detection.SEEN)]
    panel = drawn["metric"].str.replace(": ", ":\n").str.replace(" above ", "\nabove\n")
    drawn = drawn.assign(panel=panel)
    figure = plots.interval_panels(drawn, panel="panel", floor=False)
    return plots.save(figure, drawn, rows.folder, "figure_ordering")


def figure_trajectory(rows: Rows) -> Figure | None:
    """Medians of squared distances over the epochs, of the whole method, or of the discrepancies alone without it."""
    runs = rows.usual_runs[rows.usual_runs["variant"].isin([MAIN, DETAIL])]
    history = runs[["run", "method"]].merge(rows.history, on="run")
    if history.empty:
        return None
    kinds = dict(zip((*CLASSES[1:], CLASSES[0]), ("pf", "ff", "real")))
    parts = []
    for which in ("d1", "d2"):
        medians = {name: history.get(f"{which}_{one}", float("nan")) for name, one in kinds.items()}
        parts.append(history[["epoch", "method"]].assign(distance=which, **medians))
    long, shown = pd.concat(parts), METHODS[MAIN if MAIN in set(runs["variant"]) else DETAIL]
    figure = plots.learning_curves(
        long[long["method"] == shown], {name: f"{name} images" for name in kinds}, hue="distance"
    )
    return plots.save(figure, long, rows.folder, "figure_trajectory")
