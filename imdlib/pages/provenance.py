"""Which rows of the papers' tables are computed here, which keep their published number, and why."""

from collections.abc import Iterable
from importlib.resources.abc import Traversable
from pathlib import Path

import numpy as np
import pandas as pd
from IPython.display import HTML

from imdlib.baselines.names import DETECTORS, LOCALIZERS, WEAK
from imdlib.pages import tables
from imdlib.pages.published import read

COMPUTED, PARTLY, QUOTED = "computed", "computed, not the same", "quoted"
HAND, SAME_LOOP = "a formula of the literature", "trained here, same data, loop, tuning and seeds"
NO_WEIGHTS = "needs its authors' weights or training data, which are not public as a whole; a folder of its maps: score_maps.ipynb"
ROWS = (
    *((name, COMPUTED, HAND) for name in ("ELA", "NOI", "IVC")),
    ("CFA, CFA1", COMPUTED, f"{HAND}, the green lattice estimated"),
    ("MCA", PARTLY, "fitted to each image alone, the authors' start from weights trained elsewhere"),
    ("NoisePrint", PARTLY, f"its weights are not ours to bundle: {DETECTORS['camera-traces']}, trained on the embedded cameras"),
    ("FCN", COMPUTED, f"{SAME_LOOP}; under image labels it is INR's baseline"),
    *((name, COMPUTED, SAME_LOOP) for name in (*WEAK.values(), "RRU-Net", "Wang et al.", "TransCAM")),
    ("TAR", COMPUTED, f"{SAME_LOOP}; never pre-trained, since nobody has weights for its encoder"),
    ("MVSS-Net", PARTLY, f"{SAME_LOOP}; attention over channels alone"),
    ("MVSS-Net++", QUOTED, "MVSS-Net under other losses, trained on DEFACTO-84k"),
    ("ObjectFormer", QUOTED, f"no training code; beside it stands the {LOCALIZERS['vit']}"),
    *(
        (name, QUOTED, NO_WEIGHTS)
        for name in (
            "J-LSTM", "RGB-N", "ManTra", "Mantra-Net", "SPAN", "SPAN (1)", "SPAN (2)", "OSN", "CR-CNN", "CAT-Net", "PSCC-Net",
            "Trufor", "Hifi-Net",
        )
    ),
)  # fmt: skip
OURS = {
    "CFA, CFA1": "CFA1",
    "NoisePrint": DETECTORS["camera-traces"],
}  # row of the paper -> our name, where it is another


def provenance(
    folder: Path | str, source: Traversable, numbers: Iterable[int], there: Iterable[str], *, more: Iterable[str] = ()
) -> HTML:
    """The rows of ROWS that a paper's tables print, and below them the numbers that it prints for rows that are not computed here.

    folder: of the study's results; source, numbers: of `pages.published.read`; there: methods that have runs; more: rivals that the
    paper names outside these tables.
    """
    paper = pd.concat([read(source, number).assign(table=f"Table {number}") for number in numbers])
    named, there = {*paper["method"], *more}, set(there)
    found = pd.DataFrame(ROWS, columns=["row of the paper", "in this project", "why"])
    made = found["in this project"] != QUOTED
    has = [OURS.get(row, row) in there for row in found["row of the paper"]]
    found["in this profile"] = np.select([has, made], ["run", "not run"], "its published numbers, below")
    tables_of = [
        ", ".join(paper.loc[paper["method"].isin(one.split(", ")), "table"].unique())
        for one in found["row of the paper"]
    ]
    found.insert(1, "in", [of or "text" for of in tables_of])
    printed = [any(name in named for name in one.split(", ")) for one in found["row of the paper"]]
    shown = tables.show(found[printed].sort_values("in this project", kind="stable", ignore_index=True))
    below = quoted(paper, folder)
    return shown if below is None else HTML(f"{shown.data}\n{below.data}")


def quoted(paper: pd.DataFrame, folder: Path | str) -> HTML | None:
    """`table_quoted`: the published numbers of rows that are not, or not quite, computed here; None where there are none.

    paper: rows of `pages.published.read` with their `table`. In the csv they stand under `published`; `value` is for what is computed.
    """
    names = {name for row, here, _ in ROWS if here != COMPUTED for name in row.split(", ")}
    rows = paper[paper["method"].isin(names)]
    if rows.empty:
        return None
    note = ("quoted; " + rows["table"] + "; " + rows["note"]).str.removesuffix("; ")
    tables.save_csv(
        rows.assign(published=rows["value"], value=np.nan, note=note).reindex(columns=tables.WRITTEN),
        folder,
        "table_quoted",
    )
    heading = rows["test_set"] + " " + rows["metric"]
    cells = rows.assign(heading=pd.Categorical(heading, heading.unique()), value=rows["value"].map("{:.3f}".format))
    shown = cells.pivot_table(
        index=["table", "method"], columns="heading", values="value", aggfunc="first", observed=True, sort=False
    )
    shown.columns.name = None
    caption = (
        "Numbers that the paper prints for rows which are not, or not quite, computed here: quoted from it, measured on its data sets by "
        "their authors or by the paper's, without intervals, and as printed, even where an F1 lies below its IoU, which cannot be. They "
        "are not comparable with any other number of this page."
    )
    return tables.write(shown.astype(object).fillna(""), Path(folder) / "tables", "table_quoted", caption)
