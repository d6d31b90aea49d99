"""Data sets on the page: what they hold, what scores on them without looking, and what the form of their files gives away."""

from collections.abc import Iterable
from pathlib import Path

import pandas as pd
from IPython.display import HTML

from imdlib.pages import tables


def held(found: dict[str, pd.DataFrame]) -> HTML | None:
    """Table of what the data sets hold: authentic and tampered images of each split, masks, manipulations; None where that is not known.

    found: tables of the study `data`, of `archive.gather`.
    """
    if "held" not in found:
        return None
    lines = []
    for name, part in found["held"].groupby("run", sort=False):
        tampered = part["label"] == 1
        line = {"data set": name}
        for split, word in (("train", "training"), ("val", "validation"), ("test", "test")):
            here = part["split"] == split
            line[word] = " + ".join(f"{part.loc[here & some, 'images'].sum():,}" for some in (~tampered, tampered))
        line["with a mask"] = f"{part.loc[tampered, 'masks'].sum():,}"
        line["manipulations"] = ", ".join(sorted(part.loc[tampered, "kind"].unique()))
        lines.append(line)
    return tables.show(pd.DataFrame(lines))


def trivial(found: dict[str, pd.DataFrame], folder: Path) -> HTML | None:
    """Table of the predictors that look at no image on every data set, written under `folder`; None without masks. found: as above."""
    scores = found.get("scores")
    if scores is None or scores.empty:
        return None
    rows = tables.rows(scores.assign(train_set="none"))
    shape = dict(index=("metric", "test_set"), columns=("method",))
    caption = "Predictors that look at no image, on the tampered test images of every data set"
    shown = tables.save(rows, folder, "table_trivial", caption, **shape).data
    return HTML(shown.replace('data-file="tables/', 'data-file="data/tables/'))  # on a page that stands above


def form(found: dict[str, pd.DataFrame], names: Iterable[str] | None = None) -> HTML | None:
    """Table of what the form of the files says about the label; None where nothing could be told apart. found: as above; names: of the
    data sets that it is asked of, in this order; None: all.
    """
    named = found.get("form", pd.DataFrame(columns=["run"])).rename(columns={"run": "data set"})
    if names is not None:
        named = pd.concat([named.head(0), *(named[named["data set"] == name] for name in dict.fromkeys(names))])
    if named.empty:
        return None
    return tables.show(named[["data set", *(name for name in named if name != "data set")]], merge=1)
