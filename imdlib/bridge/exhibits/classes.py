"""Three classes per generator, and the same methods on other training sets."""

from functools import cache

import pandas as pd
from IPython.display import HTML

from imdlib.bridge.labels import CLASSES
from imdlib.bridge.measures import detection, draws
from imdlib.bridge.rows import Rows
from imdlib.pages import tables


@cache
def threeway(rows: Rows) -> pd.DataFrame:
    """Tidy rows of the names of `detection.THREE` per generator; detectors of real against fake have none."""
    compared = pd.concat([rows.blind, rows.probed, rows.main, rows.turned["with_fully"]])
    both = {name: scope for name, scope in rows.scopes.items() if name.startswith("both")}
    found = draws.table(compared, detection.measure, both, detection.THREE)
    return found[found["value"].notna()].assign(test_set=lambda one: one["test_set"].str.removeprefix("both: "))


def table_threeway(rows: Rows) -> HTML:
    """Macro F1 and mean recall."""
    found = threeway(rows)
    found = found[~found["metric"].str.startswith("recall")]
    lacking = [name for name in CLASSES if name not in set(rows.main["class"])]
    caption = "Three classes: macro F1 and mean recall per generator"
    caption += f"; of {' and '.join(lacking)} there is no image here, and the means are over the others" * bool(lacking)
    return tables.save(found, rows.folder, "table_threeway", caption, index=("metric", "method"), columns=("test_set",))


def table_recall(rows: Rows) -> HTML:
    """Recall of each class, for the trained generator and for the unseen ones as a mean."""
    found = threeway(rows)
    found = found[found["metric"].str.startswith("recall") & found["test_set"].str.contains("generator")]
    shape = dict(index=("test_set", "method"), columns=("metric",))
    return tables.save(found, rows.folder, "table_recall", "Recall of each class", **shape)


def table_training_sets(rows: Rows) -> HTML | None:
    """F1 and AUC of the usual runs on other training sets, each on the test images that it has."""
    others = rows.scores[rows.scores["train_set"] != rows.target]
    if others.empty:
        return None
    found = [
        draws.table(some, detection.measure, detection.scopes(some, ("both",)), {"F1": "f1", "AUC": "auc"})
        for _, some in others.groupby("train_set", sort=False)
    ]
    shape = dict(index=("metric", "train_set", "method"), columns=("test_set",))
    caption = "The same methods trained on other sets"
    return tables.save(pd.concat(found), rows.folder, "table_training_sets", caption, **shape)
