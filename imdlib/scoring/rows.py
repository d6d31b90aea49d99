"""Score rows, cut and labelled: what every study does with the rows of its runs before a table, a figure or a claim.

A row is one image scored by one run (by one predictor, after one attack). `method` is its name in tables; parameters that
runs turn stand beside it under their own names.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from imdlib.scoring.ranks import parts_of_auc


def usual(rows: pd.DataFrame, turned: Iterable[str], *but: str, among: pd.DataFrame | None = None) -> pd.DataFrame:
    """Rows of runs in which none of the parameters `turned` differs from its usual value, those named in `but` aside.

    Usual is the commonest value, each run counted once, among the runs of `among` (default: of these rows).
    """
    for key in turned:
        if key not in but and key in rows and len(rows):
            rows = rows[rows[key] == usual_value(rows if among is None else among, key)]
    return rows


def usual_value(rows: pd.DataFrame, key: str) -> Any:
    """The commonest value of a parameter, each run counted once."""
    each = rows.drop_duplicates("run") if "run" in rows else rows
    return each[key].mode()[0]


def as_usual(settings: pd.DataFrame, keys: Iterable[str], by: Sequence[str]) -> pd.DataFrame:
    """Whether each run's value of each of the parameters `keys` is the usual one of its row: bool, a line per run.

    A row is what has the same values in the columns `by`; usual is the commonest value among its runs, of equally common ones that which
    is commonest among all runs. Rows are tuned apart, so that a parameter may have another usual value in each.
    """
    row = settings.groupby(list(by), sort=False).ngroup()
    found = {}
    for key in keys:
        inside = settings.groupby([row, key])["run"].transform("size")
        common = inside + settings.groupby(key)["run"].transform("size") / (len(settings) + 1)
        value = settings[key].loc[common.groupby(row).idxmax()].to_numpy()
        found[key] = settings[key] == value[row]
    return pd.DataFrame(found, index=settings.index)


def varied(rows: pd.DataFrame, turned: Sequence[str], key: str, **options: pd.DataFrame | None) -> pd.DataFrame:
    """Rows of runs in which `key` alone is turned away from its usual value; options: of `usual`."""
    found = usual(rows, turned, key, **options)
    plain = usual(rows, turned, **options)
    return found[~found["run"].isin(plain["run"])]


def best_of(maps: pd.DataFrame, metric: str, seeds: pd.DataFrame, name: str) -> pd.DataFrame:
    """Rows of the method with the highest mean of a metric, which has no seeds of its own, called `name` and once for every seed among
    the rows `seeds`.
    """
    means = maps.groupby("method")[metric].mean()
    best = maps[maps["method"] == means.idxmax()].assign(method=name) if len(means) else maps
    return best.drop(columns="seed").merge(seeds[["seed"]].drop_duplicates(), how="cross")


def averaged(
    rows: pd.DataFrame, metrics: Iterable[str], keys: Iterable[str] = ("method", "seed", "dataset", "image")
) -> pd.DataFrame:
    """One row per method, seed and image: the mean over whatever else there is, for effects over all of it."""
    return rows.groupby(list(keys), sort=False)[list(metrics)].mean().reset_index()


def judged(rows: pd.DataFrame, by: Iterable[str] = ("run", "dataset", "attack")) -> pd.DataFrame:
    """Rows with two values of each image's label: `correct`, 1.0 where score > 0.5 says what the label says, and
    `image_auc`, `ranks.parts_of_auc` of the images of one run on one data set.

    The mean of `image_auc` over all these images, of both labels, is their AUC; as a value of each image it lets an interval resample
    images. To rank a part of them, choose the part first. NaN in a data set of one label.
    """
    rows = rows.assign(correct=((rows["score"] > 0.5) == (rows["label"] == 1)).astype(float), image_auc=np.nan)
    for _, one in rows.groupby([name for name in by if name in rows]):
        tampered, score = (one["label"] == 1).to_numpy(), one["score"].to_numpy()
        rows.loc[one.index, "image_auc"] = parts_of_auc(score, tampered)
    return rows


def within(rows: pd.DataFrame, others: pd.DataFrame) -> pd.DataFrame:
    """Rows of the images that `others` has, too: predictors that look at no image beside those that do."""
    if rows.empty or others.empty:  # an empty column has no type to join by
        return rows.head(0)
    return rows.merge(others[["dataset", "image"]].drop_duplicates(), on=["dataset", "image"])


def whole_numbers(settings: pd.DataFrame) -> pd.DataFrame:
    """Runs of one notebook alone: without the other's columns, and with the integers that the missing values made floats."""
    found = settings.dropna(axis=1, how="all").copy() if len(settings) else settings.copy()
    for name in found.select_dtypes("float"):
        if (found[name] % 1 == 0).all():
            found[name] = found[name].astype(int)
    return found
