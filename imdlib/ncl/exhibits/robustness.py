"""Robustness: attacks between the forger and the detector (Table 3)."""

from functools import cache

import pandas as pd
from IPython.display import HTML
from matplotlib.figure import Figure

from imdlib.data.attacks import ATTACKS
from imdlib.ncl import published
from imdlib.ncl.exhibits.benchmarks import CROSSED
from imdlib.ncl.rows import Rows
from imdlib.pages import plots, tables
from imdlib.pages.published import beside

KINDS = ["resize", "blur", "noise", "jpeg"]


@cache
def attacked(rows: Rows) -> pd.DataFrame:
    """Tidy rows of Table 3, test_set 'sim-nist16, blur 3': the attacks in the order of `data.attacks`."""
    hit = rows.under_attack
    found = hit.sort_values("attack", key=lambda names: names.map(list(ATTACKS).index), kind="stable")
    found = found.assign(dataset=found["dataset"] + ", " + found["attack"])
    paper = beside(published.robustness(), hit)
    paper = paper.assign(test_set=paper["test_set"] + ", " + paper["attack"])
    return tables.rows(found, published=paper, names=CROSSED)


def table3(rows: Rows) -> HTML | None:
    """Table 3: the same images, attacked."""
    if rows.under_attack.empty:
        return None
    caption = "NCL Table 3: the same images, attacked"
    index = ("metric", "test_set")
    return tables.save(attacked(rows), rows.folder, "table3", caption, index=index, columns=("method",))


def figure_robustness(rows: Rows) -> Figure | None:
    """Pixel AUC against the strength of each kind of attack; dashed the centre blob on the same sets."""
    if rows.under_attack.empty:
        return None
    found = attacked(rows)
    found = found[found["metric"] == "pixel AUC"]
    found = found.assign(attack=found["test_set"].str.split(", ").str[1])
    drawn = pd.concat([found[found["attack"].str.startswith((kind, "none"))].assign(kind=kind) for kind in KINDS])
    drawn = drawn.assign(strength=drawn["attack"].str.split(" ").str[-1])
    blob = rows.beside(rows.under_attack).query("method == 'centre blob'")["auc"].mean()
    figure = plots.response(drawn, x="strength", panel="kind", reference=dict.fromkeys(KINDS, blob))
    return plots.save(
        figure,
        drawn,
        rows.folder,
        "figure_robustness",
        what="NCL Table 3: the same test images, attacked ever harder from left to right; dashed: the centre blob",
    )
