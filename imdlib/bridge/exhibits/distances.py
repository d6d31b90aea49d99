"""Figure 3: do the discrepancies tell the classes apart, as densities, as shares of pairs, and over the epochs.

Bridging section 4.2.2. The paper does not say of which teacher "before training" is: both are drawn, an untrained one, and the
trained one from which its students begin to learn.
"""

from functools import cache
from itertools import product

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
LINES = dict(zip(TIMES.values(), (":", "--", "-")))
DISTANCE = "distance to the teacher, d"  # L2, as in tables and figures; rows and histories keep its square, of which the margin is


def figure3(rows: Rows) -> Figure | None:
    """Figure 3 of the whole method, test images of the training set, all seeds."""
    here = rows.measured[rows.measured["seen"] & (rows.measured["variant"] == MAIN)]
    if here.empty:
        return None
    what = "Bridging Figure 3: distances d1 and d2 (L2) of the students to the teacher, by class, on test images of the training set"
    facts = dict(n=here["image"].nunique(), seeds=here["seed"].nunique())
    return plots.save(densities(here), long_distances(here).assign(**facts), rows.folder, "figure3", what=what)


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
    long = long[long["distance"] > 0]
    occurring = [name for name in CLASSES if name in set(long["class"])]
    figure, axes = plt.subplots(
        len(occurring), 2, figsize=(plots.PAGE, 0.9 * len(occurring) + 0.9), sharex=True, sharey=True, squeeze=False
    )
    for (row, name), (column, which) in product(enumerate(occurring), enumerate(("d1", "d2"))):
        part, axis = long[(long["class"] == name) & (long["which"] == which)], axes[row, column]
        for (when, line), color in zip(LINES.items(), plots.PALETTE):
            some = part.loc[part["when"] == when, "distance"]
            look = dict(color=color, ls=line, label=when, fill=True, alpha=0.25, lw=1.3, warn_singular=False)
            if len(some):
                sns.kdeplot(some, log_scale=True, cut=1, ax=axis, **look)
        axis.set(xlabel=DISTANCE if row == len(occurring) - 1 else "", ylabel="density" if column == 0 else "")
        axis.set_title(f"{which}, {name}", loc="left")
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=len(LINES))
    figure.set_label(
        "Every curve has the area 1 on the logarithmic axis, and all axes are the same, so that heights compare. "
        "Dotted and dashed: before training, of an untrained and of the trained teacher; solid: after it."
    )
    return figure


@cache
def ordered(rows: Rows) -> pd.DataFrame:
    """Tidy rows of `ordering.METRICS`: the whole method before training (either teacher), all methods after it, what was turned; and,
    of those after it, of `ordering.NEARER`.
    """
    ours = rows.measured[rows.measured["variant"] == MAIN]
    begun = [
        ordering.before(ours, suffix).assign(method=f"{METHODS[MAIN]}, before training: {when}")
        for suffix, when in TIMES.items()
        if suffix
    ]
    ended = pd.concat([rows.measured, *map(ordering.measured, rows.turned.values())])
    found = [draws.table(pd.concat([*begun, ended]), ordering.measure, rows.generators, ordering.METRICS)]
    if "d1_fresh" in ended:
        fresh, names = ended[ended["d1_fresh"].notna()], {name: name for name in ordering.NEARER}
        found.append(draws.table(fresh, ordering.nearer, rows.generators, names))
    found = pd.concat(found, ignore_index=True)
    return found[found["value"].notna()]


def table_ordering(rows: Rows) -> HTML | None:
    """Shares of pairs, or of images, that are ordered as stated."""
    if rows.measured.empty:
        return None
    caption = (
        "Share of pairs of images, or of images, whose distances are ordered as stated; chance is 0.5. Nearer than fresh students: share "
        "of distances below those of untrained students beside the trained teacher, class by class: real images shall come nearer, fakes "
        "shall not"
    )
    shape = dict(index=("test_set", "metric"), columns=("method",))
    return tables.save(ordered(rows), rows.folder, "table_ordering", caption, **shape)


def figure_ordering(rows: Rows) -> Figure | None:
    """The same for the trained generator, without what was turned."""
    if rows.measured.empty:
        return None
    found = ordered(rows)
    usual = found["method"].isin(rows.measured["method"]) | found["method"].str.contains("before")
    drawn = found[usual & (found["test_set"] == detection.SEEN) & found["metric"].isin(ordering.METRICS)]
    panel = drawn["metric"].str.replace(": ", ":\n").str.replace(" above ", "\nabove\n")
    drawn = drawn.assign(panel=panel)
    figure = plots.interval_panels(drawn, panel="panel", floor=False)
    for axis in figure.axes:
        axis.axvline(0.5, color="0.4", lw=0.8, ls="--", zorder=1)
    return plots.save(
        figure,
        drawn,
        rows.folder,
        "figure_ordering",
        what="Share of pairs of images, or of images, whose distances d are ordered as stated; dashed: chance",
    )


def figure_trajectory(rows: Rows) -> Figure | None:
    """Medians of the distances (roots of those of their squares) over the epochs: the whole method, or the discrepancies alone."""
    runs = rows.usual_runs[rows.usual_runs["variant"].isin([MAIN, DETAIL])]
    history = runs[["run", "method"]].merge(rows.history, on="run")
    if history.empty:
        return None
    kinds = dict(zip((*CLASSES[1:], CLASSES[0]), ("pf", "ff", "real")))
    parts = []
    for which in ("d1", "d2"):
        medians = {name: history.get(f"{which}_{one}", float("nan")) ** 0.5 for name, one in kinds.items()}
        parts.append(history[["run", "epoch", "method"]].assign(distance=which, **medians))
    long, shown = pd.concat(parts), METHODS[MAIN if MAIN in set(runs["variant"]) else DETAIL]
    figure = plots.learning_curves(
        long[long["method"] == shown], {name: f"{name} images" for name in kinds}, hue="distance"
    )
    figure.axes[0].set_ylabel("median of d")
    what = "Medians of the distances d1 and d2 (L2) to the teacher over the epochs, validation images"
    return plots.save(figure, long, rows.folder, "figure_trajectory", what=what)
