"""Draws: values of several test sets over the same draws of images and seeds, so that their means and differences have intervals, too.

Bridging section 4.2.1 compares sets: in domain with the mean over other generators. All embedded twins show the same
scenes under the same names, so an image is drawn in all of them together; on sets of different images this only means that
the sizes of the draws vary.
"""

from collections.abc import Callable, Hashable, Iterator

import numpy as np
import pandas as pd

from imdlib.pages import made, tables
from imdlib.pages.tables import COLUMNS
from imdlib.scoring import intervals


def drawn(
    rows: pd.DataFrame,
    measure: Callable[[pd.DataFrame, np.ndarray], dict[Hashable, np.ndarray]],
    *,
    resamples: int = 2000,
    seed: int = 0,
) -> dict[tuple[str, Hashable], np.ndarray]:
    """{(dataset, key): (1 + resamples,)}, of which the first is the value and the others are those of draws of images and
    seeds at once, as in `intervals.summarise`.

    rows: of one method and training set, `dataset, image, seed` and what measure needs, one row per image and seed.
    measure(rows of one data set, times (R,rows) how often each is drawn) -> {key: (R,)}.
    """
    intervals.refuse_repeats(rows, ["dataset", "image"], "rows of one method")
    (number, names), (code, seeds) = pd.factorize(rows["image"]), pd.factorize(rows["seed"])
    rng, parts = np.random.default_rng(seed), {}
    sets = rows.groupby("dataset", sort=False).indices
    turns, done = np.concatenate([np.ones((1, len(seeds))), intervals.turns(len(seeds), resamples, seed)]), 0
    for times in chunks(len(names), resamples, rng):
        some, done = turns[done : done + len(times)], done + len(times)
        for dataset, where in sets.items():
            for key, values in measure(rows.iloc[where], times[:, number[where]] * some[:, code[where]]).items():
                parts.setdefault((dataset, key), []).append(values)
    return {name: np.concatenate(some) for name, some in parts.items()}


def chunks(count: int, resamples: int, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """How often each of `count` images is drawn: once each, then blocks of draws of `count` with replacement, (R,count)."""
    yield np.ones((1, count))
    yield from intervals.blocks(count, resamples, rng)


def table(
    rows: pd.DataFrame,
    measure: Callable[[pd.DataFrame, np.ndarray], dict[tuple[str, str], np.ndarray]],
    scopes: dict[str, tuple[str, dict[str, float]]],
    metrics: dict[str, str],
    *,
    published: pd.DataFrame | None = None,
    resamples: int = 2000,
    seed: int = 0,
) -> pd.DataFrame:
    """Tidy rows (`tables.COLUMNS`) of each method and training set of rows, for each scope and metric.

    measure: as of `drawn`, its keys (group, name), with a name 'n' that counts rows. scopes: {test_set: (group, {dataset:
    weight})}, a weighted sum over sets, such as the mean over other generators, or in domain minus it; one that lacks a
    set, or images of its group, gives no row. metrics: {name in the table: name of measure}. published: DataFrame of
    method, test_set, metric, value, note, set beside whatever ours were trained on. n: images of the group in all sets of
    the scope. Undefined values are NaN.
    """
    lines, needed = [], {dataset for _, weights in scopes.values() for dataset in weights}
    rows = rows[rows["dataset"].isin(needed)]
    for (method, train_set), one in rows.groupby(["method", "train_set"], sort=False):
        found, seeds = drawn(one, measure, resamples=resamples, seed=seed), one["seed"].nunique()
        for test_set, (group, weights) in scopes.items():
            counts = [found[dataset, (group, "n")][0] for dataset in weights if (dataset, (group, "n")) in found]
            if len(counts) < len(weights) or not all(counts):
                continue
            for title, name in metrics.items():
                values = sum(weight * found[dataset, (group, name)] for dataset, weight in weights.items())
                n = 0 if np.isnan(values[0]) else round(sum(counts) / seeds)
                interval = intervals.interval(values[1:], n)
                lines.append((method, train_set, test_set, title, values[0], *interval, n, seeds))
    found = pd.DataFrame(lines, columns=COLUMNS[:9]).assign(note="")
    found = made.made_by(found, rows, ["method", "train_set"])
    paper = None if published is None else published.drop(columns="train_set", errors="ignore")
    return tables.beside(found, paper).reindex(columns=COLUMNS)
