"""Figures 2 and 4: maps that runs kept; in a clone, which holds none, stands what was drawn of the same runs."""

from typing import Any

import numpy as np
import torch
from IPython.display import HTML, Markdown
from matplotlib.figure import Figure

from imdlib import runs
from imdlib.inr.methods import DISTILLED, METHODS, WHOLE
from imdlib.inr.rows import Rows
from imdlib.networks.otsu import otsu_threshold
from imdlib.pages import plots
from imdlib.pages.standing import keys, standing

SHORT = {
    DISTILLED: "without labels",
    METHODS["base"]: "Baseline",
    METHODS["nrr"]: "+NRR",
    WHOLE: "whole, weak",
}  # the last chooses


def figure2(rows: Rows, examples: int) -> Figure | HTML | Markdown | None:
    """INR Figure 2: the NRR's error map, each stretched to its own maximum; authentic images last. examples: columns."""
    own = rows.plain_nrr[rows.plain_nrr["train_set"] == rows.target].sort_values("seed")
    if own.empty:
        return None
    run = own["run"].iloc[0]
    kept, of = runs.pictures(rows.results, "inr", run), keys(rows.settings, [run])
    if not kept:
        return standing(rows.folder, "figure2", of)
    kept = {name: stretched(found) for name, found in kept.items()}
    cut = rows.error[(rows.error["method"] == "NRR error, Otsu") & (rows.error["run"] == run)].assign(
        method="NRR error"
    )
    plain = {name: one for name, one in kept.items() if not one["mask"].any()}
    tampered = {name: one for name, one in kept.items() if name not in plain}
    columns, drawn = plots.choose_columns({"NRR error": tampered}, cut, examples - len(plain))
    for one in plain.values():
        maps = dict(maps={"NRR error": one["map"]}, cuts={"NRR error": one["cut"]}, captions={"NRR error": ""})
        columns.append(dict(image=one["image"], mask=one["mask"], title="authentic", **maps))
    return plots.save(
        plots.prediction_grid(columns, ["NRR error"], values="share of maximum", cut="Otsu's threshold"),
        drawn,
        rows.folder,
        "figure2",
        what="INR Figure 2: error maps of the NRR, each stretched to its own maximum",
        of=of,
    )


def stretched(found: dict[str, np.ndarray]) -> dict[str, Any]:
    """A kept error map with its maximum at 1, and Otsu's threshold of the squared error on that scale, `cut`."""
    share, most = found["map"], found["map"].max()  # error / (error + scale), of `ErrorDetector`
    error = torch.from_numpy(share / (1 - share.clip(max=1 - 1 / 512)))  # in units of that scale
    threshold = float(otsu_threshold(error.flatten()))
    return found | {"map": share / most, "cut": threshold / (1 + threshold) / most}


def figure4(rows: Rows, examples: int) -> Figure | HTML | Markdown:
    """INR Figure 4: image, mask and the map of each method of SHORT, first seed, sets that have masks. examples: columns."""
    shown = rows.usual(rows.detectors)
    shown = shown[(shown["seed"] == shown["seed"].min()) & (shown["train_set"] == rows.target)]
    shown = shown[shown["method"].isin(SHORT)].sort_values("method", key=lambda names: names.map([*SHORT].index))
    shown = shown.assign(method=shown["method"].map(SHORT))
    kept = {method: pictures(rows, run) for method, run in shown[["method", "run"]].itertuples(index=False)}
    of = keys(rows.settings, shown["run"])
    if not kept or not all(kept.values()):
        return standing(rows.folder, "figure4", of)
    named = rows.scores[rows.scores["run"].isin(shown["run"])].assign(method=lambda t: t["method"].map(SHORT))
    columns, drawn = plots.choose_columns(kept, named, examples)
    return plots.save(
        plots.prediction_grid(columns, list(kept)),
        drawn,
        rows.folder,
        "figure4",
        what="INR Figure 4: maps of each method on test images, first seed",
        of=of,
    )


def pictures(rows: Rows, run: str) -> dict:
    """What `runs.pictures` finds of a run, of sets that have masks."""
    found = runs.pictures(rows.results, "inr", run)
    return {name: one for name, one in found.items() if name.split("/")[0] in rows.masked}
