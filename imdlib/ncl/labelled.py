"""Runs and score rows of NCL under the names that its tables use, and what is cut from any rows in one way."""

from collections.abc import Iterable, Sequence

import pandas as pd

from imdlib.ncl.grid import METHODS

METRICS = ("f1", "f1_best", "auc", "auc_shuffled")  # of an image, compared by the statements
ABOUT = ("visibility",)  # columns of score rows that only some data sets fill


def named(settings: pd.DataFrame) -> pd.DataFrame:
    """Runs with their `method`, several training sets called 'all', in the order of training sets, methods and seeds."""
    several = settings["train_set"].str.contains("+", regex=False)
    settings = settings.assign(
        method=settings["variant"].map(METHODS),
        train_set=settings["train_set"].mask(several, "all"),
        order=settings["variant"].map(list(METHODS).index),
    )
    return settings.sort_values(["train_set", "order", "seed", "run"], ignore_index=True).drop(columns="order")


def filled(scores: pd.DataFrame) -> pd.DataFrame:
    """Score rows with empty columns for what is known of no image among them."""
    return scores.assign(**{name: None for name in ABOUT if name not in scores})


def ordered(rows: pd.DataFrame, column: str, values: Iterable) -> pd.DataFrame:
    """Rows whose `column` is among `values`, in the order of these."""
    place = {value: number for number, value in enumerate(values)}
    rows = rows[rows[column].isin(place)]
    return rows.sort_values(column, key=lambda some: some.map(place), kind="stable", ignore_index=True)


def on_own_set(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows tested on the set that the run was trained on."""
    return rows[rows["train_set"] == rows["dataset"]]


def attacked(scores: pd.DataFrame) -> pd.DataFrame:
    """Rows of the images that were attacked, before and after: of each run on each set, those with any attack."""
    keys = ["run", "dataset", "image"]
    return scores.merge(scores.loc[scores["attack"] != "none", keys].drop_duplicates(), on=keys)


def lost(rows: pd.DataFrame, metrics: Sequence[str] = METRICS) -> pd.DataFrame:
    """What attacks take: value under attack minus value without, mean over attacks, one row per run and image."""
    keys, metrics = ["method", "train_set", "seed", "dataset", "image"], list(metrics)
    clean = rows[rows["attack"] == "none"].set_index(keys)[metrics]
    return (rows[rows["attack"] != "none"].groupby(keys)[metrics].mean() - clean).reset_index()
