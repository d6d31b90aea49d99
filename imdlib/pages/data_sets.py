"""Data sets on the page: what scores on them without looking, and what the form of their files gives away."""

from pathlib import Path

import pandas as pd
from IPython.display import HTML

from imdlib.pages import tables


def trivial(found: dict[str, pd.DataFrame], folder: Path) -> HTML | None:
    """Table of the predictors that look at no image on every data set, written under `folder`; None without masks.

    found: tables of the study `data`, of `archive.gather`.
    """
    scores = found.get("scores")
    if scores is None or scores.empty:
        return None
    rows = tables.rows(scores.assign(train_set="none"))
    shape = dict(index=("metric", "test_set"), columns=("method",))
    caption = "Predictors that look at no image, on the tampered test images of every data set"
    shown = tables.save(rows, folder, "table_trivial", caption, **shape).data
    return HTML(shown.replace('data-file="tables/', 'data-file="data/tables/'))  # on a page that stands above


def form(found: dict[str, pd.DataFrame]) -> HTML | None:
    """Table of what the form of the files says about the label; None where nothing could be told apart. found: as above."""
    if "form" not in found or found["form"].empty:
        return None
    named = found["form"].rename(columns={"run": "data set"})
    return tables.show(named[["data set", *(name for name in named if name != "data set")]], merge=1)
