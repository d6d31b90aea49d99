"""What was run: configurations with their seeds, training images, time and memory, as every report begins."""

from collections.abc import Sequence

import pandas as pd
from IPython.display import HTML

from imdlib.pages import tables
from imdlib.scoring.rows import usual_value

USUAL = "as usual"


def ran(settings: pd.DataFrame, turned: Sequence[str] = ()) -> HTML:
    """Runs of one configuration in a line, usual ones first: seeds, training images, mean minutes of a run, peak memory in MB.

    settings: a row per run, of `archive.gather`, with `method` and `train_set`; turned: parameters whose unusual values are named.
    """
    usual = {key: usual_value(settings, key) for key in turned}
    words = [[f"{k}={run[k]}" for k in turned if run[k] != usual[k]] for run in settings.to_dict("records")]
    settings = settings.assign(differs=[", ".join(some) or USUAL for some in words], minutes=settings["seconds"] / 60)
    by = ["train_set", *(["differs"] if turned else []), "method"]
    shown = settings.groupby(by, sort=False).agg(
        runs=("run", "size"),
        seeds=("seed", "nunique"),
        images=("train_images", "first"),
        minutes=("minutes", "mean"),
        memory_MB=("peak_memory_mb", "max"),
    )
    shown = shown.reset_index()
    if turned:
        shown = shown.sort_values("differs", key=lambda differs: differs != USUAL, kind="stable")
    return tables.show(shown, digits=1)
