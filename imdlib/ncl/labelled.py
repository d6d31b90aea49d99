"""Runs and score rows of NCL under the names that its tables use, and what is cut from any rows in one way."""

from collections.abc import Iterable

import pandas as pd

from imdlib.baselines.names import DETECTORS
from imdlib.ncl.grid import METHODS, TESTED_ON
from imdlib.ncl.space import ROWS
from imdlib.pages.published import paper_name
from imdlib.protocol.search import row_of
from imdlib.scoring.rows import within

METRICS = ("f1", "f1_best", "auc", "auc_shuffled")  # of an image, compared by the statements
ABOUT = ("visibility",)  # columns of score rows that only some data sets fill


def named(settings: pd.DataFrame) -> pd.DataFrame:
    """Runs with their `method` and `row`, several training sets called 'all', ordered by training set, method and seed."""
    several = settings["train_set"].str.contains("+", regex=False)
    settings = settings.assign(
        method=settings["variant"].map(METHODS),
        row=[row_of(run, ROWS) for run in settings.to_dict("records")],
        train_set=settings["train_set"].mask(several, "all"),
        train_sets=settings["train_set"],
        order=settings["variant"].map(list(METHODS).index),
    )
    return settings.sort_values(["train_set", "order", "seed", "run"], ignore_index=True).drop(columns="order")


def filled(scores: pd.DataFrame) -> pd.DataFrame:
    """Score rows with empty columns for what is known of no image among them."""
    return scores.assign(**{name: None for name in ABOUT if name not in scores})


def of_detectors(runs: pd.DataFrame, scores: pd.DataFrame, every: pd.DataFrame) -> pd.DataFrame:
    """Score rows of detectors that nobody trains, on images that trained runs were scored on; train_set is 'none'.

    runs: their rows of settings; scores: of all runs; every: rows of trained runs.
    """
    if runs.empty:
        return every.head(0)
    runs = runs.assign(method=runs["detector"].map(DETECTORS))[["run", "method", "seed"]]
    found = runs.merge(filled(scores), on="run").assign(train_set="none")
    return within(found, every)


def ordered(rows: pd.DataFrame, column: str, values: Iterable) -> pd.DataFrame:
    """Rows whose `column` is among `values`, in the order of these."""
    place = {value: number for number, value in enumerate(values)}
    rows = rows[rows[column].isin(place)]
    return rows.sort_values(column, key=lambda some: some.map(place), kind="stable", ignore_index=True)


def on_own_set(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows tested on the set that the run was trained on, of CASIA v2 on v1, which the paper counts as one benchmark."""
    return rows[rows["train_set"].replace(TESTED_ON) == rows["dataset"]]


def on_other_sets(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows tested on another benchmark than the run was trained on; two splits of one benchmark are the same, which leaks."""
    apart = rows["train_set"].map(paper_name) != rows["dataset"].map(paper_name)
    return rows[apart & (rows["train_set"] != "all")]


def attacked(scores: pd.DataFrame) -> pd.DataFrame:
    """Rows of the images that were attacked, before and after: of each run on each set, those with any attack."""
    keys = ["run", "dataset", "image"]
    return scores.merge(scores.loc[scores["attack"] != "none", keys].drop_duplicates(), on=keys)


def changed_by_attacks(rows: pd.DataFrame) -> pd.DataFrame:
    """Value under attack minus value without, below 0 where attacks take something: mean over attacks, one row per run and image."""
    keys, metrics = ["method", "train_set", "seed", "dataset", "image"], list(METRICS)
    clean = rows[rows["attack"] == "none"].set_index(keys)[metrics]
    return (rows[rows["attack"] != "none"].groupby(keys)[metrics].mean() - clean).reset_index()
