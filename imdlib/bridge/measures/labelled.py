"""Labels of runs and of their score rows: names of methods, classes of images, and whether a data set was trained on."""

import numpy as np
import pandas as pd

from imdlib.bridge.grid import TURNED
from imdlib.bridge.labels import CLASSES, three_classes
from imdlib.bridge.methods import METHODS
from imdlib.scoring.rows import judged

NAMES = {
    "with_fully": "without fully fake images",
    "diverge_on_raw_too": "diverging on raw fakes too",
}  # what a turned parameter is called where its value goes without saying


def labelled(settings: pd.DataFrame, rows: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """(settings, rows) of `archive.gather` with labels; `train_set` is 'all' where there were several.

    Both have `variant` (key of METHODS) and `method` (its name in tables). Rows have TURNED, `class` (one of CLASSES), `seen`
    (whether their data set was trained on), and what `judged` adds. Both are ordered by training set, method, seed and name;
    rows stand in the order of the runs' test sets before all.
    """
    settings = settings.assign(variant=settings["method"], sets=settings["train_set"].str.split("+"))
    settings["method"] = settings["variant"].map(METHODS)
    settings["train_set"] = settings["train_set"].mask(settings["sets"].str.len() > 1, "all")
    order = {name: k for k, name in enumerate(METHODS)}
    by = ["train_set", "variant", "seed", "run"]
    settings = settings.sort_values(by, key=lambda c: c.map(order) if c.name == "variant" else c, ignore_index=True)
    listed = list(dict.fromkeys(name for names in settings["test_sets"] for name in names))
    rows = settings[["run", "variant", "method", "train_set", "sets", "seed", *TURNED]].merge(rows, on="run")
    rows = rows.sort_values("dataset", key=lambda c: c.map(listed.index), kind="stable", ignore_index=True)
    rows["p_partly"] = rows.get("p_partly", np.nan)  # which detectors of real against fake alone do not have
    seen = [dataset in sets for dataset, sets in zip(rows["dataset"], rows["sets"])]
    rows = rows.drop(columns="sets").assign(seen=seen, **{"class": np.array(CLASSES)[three_classes(rows)]})
    return settings, judged(rows)


def named(rows: pd.DataFrame, key: str) -> pd.DataFrame:
    """Rows of runs in which `key` is turned, their method named for it."""
    words = [NAMES.get(key, f"{key.replace('_', ' ')} {value}") for value in rows[key]]
    return rows.assign(method=[f"{method}, {word}" for method, word in zip(rows["method"], words)])
