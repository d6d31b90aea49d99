"""Runs of both of INR's notebooks, apart again, with their methods named as in the tables."""

import pandas as pd

from imdlib.inr.grid import MAIN, METHODS

WHOLE = METHODS[MAIN]
DISTILLED = "self-distillation"
UNSUPERVISED = {  # (selection, deep) -> name in tables
    ("agreement", True): DISTILLED,
    ("all", True): f"{DISTILLED}, without selection",
    ("agreement", False): f"{DISTILLED}, as printed",
}


def method(run) -> str:
    """Name of a run's method: the variant, or the kind of self-distillation. run: {parameter: value}."""
    if run["mode"] == "weak":
        return METHODS[run["variant"]]
    return UNSUPERVISED.get((run["selection"], run["deep"]), f"{DISTILLED}, other")


def nrrs(settings: pd.DataFrame) -> pd.DataFrame:
    """Those of all runs (a row per run) in which an NRR was trained."""
    return whole_numbers(settings[settings["run"].str.startswith("nrr_")])


def detectors(settings: pd.DataFrame) -> pd.DataFrame:
    """Those in which a detector was trained, `method` named, sorted by training set, method and seed."""
    found = whole_numbers(settings[~settings["run"].str.startswith("nrr_")])
    found["method"] = [method(run) for run in found.to_dict("records")]
    place = {name: k for k, name in enumerate([*METHODS.values(), *UNSUPERVISED.values()])}
    by = ["train_set", "method", "seed"]
    return found.sort_values(by, key=lambda c: c.map(place) if c.name == "method" else c, ignore_index=True)


def whole_numbers(settings: pd.DataFrame) -> pd.DataFrame:
    """Runs of one notebook alone: without the other's columns, and with the integers that the missing values made floats."""
    found = settings.dropna(axis=1, how="all").copy() if len(settings) else settings.copy()
    for name in found.select_dtypes("float"):
        if (found[name] % 1 == 0).all():
            found[name] = found[name].astype(int)
    return found
