"""The floor: does Base learn at all, beside predictors that look at no image, and on which manipulations?"""

import pandas as pd
from IPython.display import HTML

from imdlib.ncl.rows import Rows
from imdlib.pages import tables

VISIBILITY = ["obvious", "matched", "trace"]  # of a twin's manipulations, the easiest first
SHUFFLED = {"auc_shuffled": "shuffled AUC"}


def calibration(rows: Rows) -> HTML | None:
    """Table of Base on its own test images beside predictors that look at no image."""
    base = rows.own[rows.own["variant"] == "base"].assign(train_set="the set itself")
    if base.empty:
        return None
    learned = tables.rows(pd.concat([rows.beside(rows.own), base]))
    caption = "Base against predictors that look at no image"
    return tables.save(
        learned, rows.folder, "table_calibration", caption, index=("test_set", "method"), columns=("metric",)
    )


def visibility(rows: Rows) -> HTML | None:
    """Table of shuffled AUC by kind and visibility of the manipulation, which only the embedded twins know."""
    blob = rows.beside(rows.own).query("method == 'centre blob'")
    found = pd.concat([blob, rows.both.assign(train_set="none")])
    found = found[found["visibility"].isin(VISIBILITY)]
    if found.empty:
        return None
    found = found.assign(
        image=found["dataset"] + "/" + found["image"], dataset=found["kind"] + ", " + found["visibility"]
    )
    found = found.sort_values("visibility", key=lambda level: level.map(VISIBILITY.index), kind="stable")
    caption = "Shuffled AUC by kind and visibility of the manipulation, training and test images from the same set"
    shown = tables.rows(found, names=SHUFFLED)
    return tables.save(shown, rows.folder, "table_visibility", caption, columns=["test_set"])
