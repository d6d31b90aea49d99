"""Labels of runs and of their score rows: names of methods, what was turned, classes of images, whether a set was trained on."""

import numpy as np
import pandas as pd

from imdlib import parameters
from imdlib.bridge.grid import TURNED
from imdlib.bridge.labels import CLASSES, three_classes
from imdlib.bridge.measures.detection import balanced
from imdlib.bridge.methods import NAMES as TITLES
from imdlib.bridge.space import KINDS, kind_of
from imdlib.scoring.rows import as_usual, judged

NAMES = {
    "with_fully": "without fully fake images",
    "diverge_on_raw_too": "diverging on raw fakes too",
    "equal_passes": "as many passes as ours",
}  # what a turned parameter is called where its value goes without saying


def labelled(settings: pd.DataFrame, rows: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """(settings, rows) of `archive.gather` with labels; `train_set` is 'all' where there were several.

    Both have `variant` (key of KINDS), `method` (its name in tables), and `turned`, the names of those of TURNED in which a run is
    not usual among runs of its variant. Rows have TURNED, `class` (one of CLASSES), `seen` (whether their data set was trained
    on), and what `judged` and `balanced` add. Both are ordered by training set, method, seed and name; rows stand in the order of
    the runs' test sets before all. What a run's record lacks has its default.
    """
    settings = completed(settings).assign(sets=lambda one: one["train_set"].str.split("+"))
    settings["variant"] = [kind_of(one) for one in settings.to_dict("records")]
    settings["method"] = settings["variant"].map(TITLES)
    settings["turned"] = turned(settings)
    settings["train_set"] = settings["train_set"].mask(settings["sets"].str.len() > 1, "all")
    order = {name: k for k, name in enumerate(TITLES)}
    by = ["train_set", "variant", "seed", "run"]
    settings = settings.sort_values(by, key=lambda c: c.map(order) if c.name == "variant" else c, ignore_index=True)
    listed = list(dict.fromkeys(name for names in settings["test_sets"] for name in names))
    about = ["run", "variant", "method", "turned", "train_set", "sets", "seed", *TURNED]
    rows = settings[about].merge(rows, on="run")
    rows = rows.sort_values("dataset", key=lambda c: c.map(listed.index), kind="stable", ignore_index=True)
    rows["p_partly"] = rows.get("p_partly", np.nan)  # which detectors of real against fake alone do not have
    seen = [dataset in sets for dataset, sets in zip(rows["dataset"], rows["sets"])]
    rows = rows.drop(columns="sets").assign(seen=seen, **{"class": np.array(CLASSES)[three_classes(rows)]})
    return settings, balanced(judged(rows))


def completed(settings: pd.DataFrame) -> pd.DataFrame:
    """Settings with what makes a run and older records lack, as the notebook has it by default."""
    default, needed = (
        parameters.declared("bridge/run"),
        {*TURNED, "trial", *(key for row in KINDS.values() for key in row.fixed)},
    )
    filled = {key: settings[key].fillna(default[key]) if key in settings else default[key] for key in sorted(needed)}
    return settings.assign(**filled).infer_objects()


def turned(settings: pd.DataFrame) -> list[str]:
    """The parameters of TURNED in which each run differs from the usual of its own variant, joined by ' '.

    So a row that is made by other inputs, or was tuned to others, has its own usual ones.
    """
    usual = as_usual(settings, TURNED, ["variant"])
    return [" ".join(key for key in TURNED if not same[key]) for same in usual.to_dict("records")]


def named(rows: pd.DataFrame, key: str) -> pd.DataFrame:
    """Rows of runs in which `key` is turned, their method named for it."""
    words = [NAMES.get(key, f"{key.replace('_', ' ')} {value}") for value in rows[key]]
    return rows.assign(method=[f"{method}, {word}" for method, word in zip(rows["method"], words)])
