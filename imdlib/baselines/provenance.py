"""Which rows of the papers' tables are computed here, which keep their published number, and why."""

from collections.abc import Iterable

import pandas as pd
from IPython.display import HTML

from imdlib.baselines.names import DETECTORS, LOCALIZERS, WEAK
from imdlib.pages import tables

COMPUTED, PARTLY, QUOTED = "computed", "computed, not the same", "quoted"
HAND, SAME_LOOP = "a formula of the literature", "trained here, same data, loop, tuning and seeds"
NO_WEIGHTS = "needs its authors' weights or training data, which are not public as a whole; a folder of its maps: score_maps.ipynb"
ROWS = (
    *((name, COMPUTED, HAND) for name in ("ELA", "NOI", "IVC")),
    ("CFA, CFA1", COMPUTED, f"{HAND}, the green lattice estimated"),
    ("MCA", PARTLY, "fitted to each image alone, the authors' start from weights trained elsewhere"),
    ("NoisePrint", PARTLY, f"its weights are not ours to bundle: {DETECTORS['camera-traces']}, trained on the embedded cameras"),
    ("FCN", COMPUTED, f"{SAME_LOOP}; under image labels it is INR's baseline"),
    *((name, COMPUTED, SAME_LOOP) for name in (*WEAK.values(), "RRU-Net", "Wang et al.", "TAR", "TransCAM")),
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


def provenance(named: Iterable[str], there: Iterable[str]) -> HTML:
    """The rows of ROWS whose names a paper's tables print. named: methods of the published tables; there: those that have runs."""
    named, there = set(named), set(there)
    found = pd.DataFrame(ROWS, columns=["row of the paper", "here", "why"])
    found["runs on this page"] = ["yes" if OURS.get(row, row) in there else "" for row, *_ in ROWS]
    printed = [any(name in named for name in one.split(", ")) for one in found["row of the paper"]]
    return tables.show(found[printed].sort_values("here", kind="stable", ignore_index=True))


def unknown(named: Iterable[str]) -> set[str]:
    """Methods of the published tables of which ROWS says nothing, the paper's own left out."""
    known = {name for row, *_ in ROWS for name in row.split(", ")}
    own = {name for name in named if name.lower().startswith("ours") or name.startswith("Baseline")}
    return set(named) - known - own
