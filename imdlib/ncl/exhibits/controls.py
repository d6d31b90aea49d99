"""Controls: which part of the whole method does it, what a network is let see, and where it starts."""

import pandas as pd
from IPython.display import HTML

from imdlib.ncl import cuts
from imdlib.ncl.grid import OWN
from imdlib.ncl.rows import Rows
from imdlib.pages import tables


def controls(rows: Rows) -> HTML | None:
    """Table of every variant, those that no paper prints too, on the sets that the latter were trained on and on others."""
    sets = cuts.control_sets(rows)
    found = rows.main[rows.main["train_set"].isin(sets) & rows.main["variant"].isin(OWN)]
    if found.empty:
        return None
    caption = "Which part does it: Base with classes balanced, with an auxiliary head, with Eq. 8 alone, and the steps of Table 5"
    index = ("metric", "train_set", "method")
    shown = tables.rows(pd.concat([rows.beside(found), found]))
    return tables.save(shown, rows.folder, "table_controls", caption, index=index, columns=("test_set",))


def inputs(rows: Rows) -> HTML | None:
    """Table of Base and the whole method by what they are let see and where they start, on the set they were trained on."""
    stems = rows.turned("stem_stride", variants=["base"])
    stems = stems.assign(method=stems["method"] + ", stem " + stems["stem_stride"].astype(str))
    found = pd.concat([cuts.eyes(rows), stems, rows.started])
    if found.empty:
        return None
    caption = (
        "What the networks are let see: RGB alone as in the paper, or a high-pass residual beside it; a stem of stride 2 or 4; "
        "and where they start: EfficientNet-lite0 from scratch or from ImageNet weights, RGB"
    )
    return tables.save(tables.rows(pd.concat([rows.beside(found), found])), rows.folder, "table_inputs", caption)
