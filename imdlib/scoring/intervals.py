"""Means and pooled ratios of score rows with their 95% bootstrap intervals, and effects between methods with those of Student's t.

Score rows hold one line per image and seed, with the columns of `metrics.per_image`, `image`, `seed` and, where sets
are mixed, `dataset`. Every number here is a ratio of two sums over rows, sum(part) / sum(whole), so a resample is a
matrix of how often each image was drawn, times those sums.

The bootstrap (pigeonhole, Owen 2007) is for values in tables. With three to five seeds it is too narrow where trainings differ more
than images do, so that what decides a claim does not use it: `paired_effect`.
"""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import pandas as pd
from scipy.special import stdtr, stdtrit

BLOCK = 2**23  # draws times things at a time: 64 MiB
ROUNDING = 1e-12  # sums of equal numbers may differ by less

# Ratios of sums: name -> the columns it needs, then part, whole and number of positives of every row; without any
# positive the ratio is undefined. Any other metric is the name of a column, averaged over images.
POOLED = {
    "pooled_f1": (["tp", "fp", "fn"], lambda s: (2 * s.tp, 2 * s.tp + s.fp + s.fn, s.tp + s.fn)),
    "pooled_iou": (["tp", "fp", "fn"], lambda s: (s.tp, s.tp + s.fp + s.fn, s.tp + s.fn)),
    "image_f1": (["label", "score"], lambda s: (2 * s.label * (s.score > 0.5), s.label + (s.score > 0.5), s.label)),
    "image_acc": (["label", "score"], lambda s: ((s.score > 0.5) == (s.label == 1), s.label * 0 + 1, s.label * 0 + 1)),
}


def summarise(
    scores: pd.DataFrame,
    metrics: Iterable[str] = ("f1", "iou", "auc"),
    by: Iterable[str] = (),
    resamples: int = 2000,
    seed: int = 0,
) -> pd.DataFrame:
    """Tidy table, one row per group and metric: the columns of `by`, metric, value, low, high, n, n_undefined, seeds.

    metrics: columns of `scores`, whose value is the mean per image, or names in POOLED: `pooled_f1`, `pooled_iou`
    (ratios of the summed counts of all rows given: authentic images add their false positives, so pass tampered ones
    only to follow the papers), `image_f1`, `image_acc` (image labels against score > 0.5).
    Seeds are pooled in the value. low, high: images and seeds are resampled at the same time, as in `paired_effect`, all seeds'
    rows of an image and all images of a seed being drawn together; with one seed, images alone. n: images that count;
    n_undefined: images left out because the metric is undefined there (NaN). No interval (NaN) for fewer than two images.
    """
    metrics, by = list(metrics), list(by)
    for name in metrics:
        _refuse_absent(scores, name, by)
    keys = _image_keys(scores)
    rows = []
    groups = scores.groupby(by, sort=False, dropna=False, observed=True).indices if by else {(): np.arange(len(scores))}
    for group, where in groups.items():
        group_rows = scores.iloc[where]
        refuse_repeats(group_rows, keys, f"group {group}" if by else "scores")
        image = group_rows.groupby(keys, sort=False, dropna=False).ngroup().to_numpy()
        images = image.max(initial=-1) + 1
        columns = np.concatenate([_parts(group_rows, name) for name in metrics], axis=1)  # (rows, 3 per metric)
        code, seeds = pd.factorize(group_rows["seed"])
        sums = np.zeros((images, len(seeds), columns.shape[1]))
        np.add.at(sums, (image, code), columns)
        draws = over_seeds(sums, resamples, seed)
        sums = sums.sum(axis=1)
        for k, name in enumerate(metrics):
            part, whole, defined = sums[:, 3 * k : 3 * k + 3].T
            n = int((defined > 0).sum())
            low, high = interval(divide(draws[:, 3 * k], draws[:, 3 * k + 1]), n)
            value = float(divide(part.sum(), whole.sum()))
            shared = (name, value, low, high, n, int(images - n), len(seeds))
            rows.append((*(group if isinstance(group, tuple) else (group,)), *shared))
    return pd.DataFrame(rows, columns=[*by, "metric", "value", "low", "high", "n", "n_undefined", "seeds"])


def paired_effect(scores_a: pd.DataFrame, scores_b: pd.DataFrame, metric: str) -> dict[str, float]:
    """How much higher b is than a on the same images: dict of effect, low, high, p, n (images), seeds, a, b.

    a, b: value of either side; effect = b - a, seeds pooled; metric as in `summarise`, a pooled ratio by its linear part in each image.
    Images where the metric is undefined for either side are left out of both; an image that only one side scored is an error. low, high,
    p: of Student's t, two-sided, with images and seeds both drawn at random (`standard_error`), which a bootstrap of three to five seeds
    is too narrow for. If both sides ran the same seeds these are compared in pairs, and so is a side with one seed, such as a predictor
    that looks at no image, with every seed of the other; else seeds of the sides are independent.
    """
    a, b = _by_image(scores_a, metric, "a"), _by_image(scores_b, metric, "b")
    in_a, in_b = a.dropna().index, b.dropna().index
    alone = in_a.difference(b.index).union(in_b.difference(a.index))
    if len(alone):
        raise ValueError(
            f"paired_effect: expected the same images on both sides, but {len(alone)} are scored on one side only, "
            f"such as {alone[0]}; keep the rows of the images that both have"
        )
    images = in_a.intersection(in_b).sort_values()
    seeds = [list(side.columns.get_level_values("seed").unique()) for side in (a, b)]
    values_a, values_b = (_linear(side.loc[images].to_numpy()) for side in (a, b))
    paired = seeds[0] == seeds[1] or 1 in map(len, seeds)
    error, df = standard_error([values_b - values_a] if paired else [values_a, values_b])
    value_a, value_b = (float(side.mean()) if side.size else np.nan for side in (values_a, values_b))
    effect, error = (0.0 if abs(one) < ROUNDING else one for one in (value_b - value_a, error))
    margin = float(stdtrit(df, 0.975)) * error
    return {
        "effect": effect,
        "low": effect - margin,
        "high": effect + margin,
        "p": float(2 * stdtr(df, -abs(effect) / error)) if error else float(not effect),
        "n": len(images),
        "seeds": max(map(len, seeds)),
        "a": value_a,
        "b": value_b,
    }


def standard_error(sides: Sequence[np.ndarray]) -> tuple[float, float]:
    """(standard error, degrees of freedom) of an effect, of which images and seeds are both a sample; NaN for fewer than two images.

    sides: [changes (n,S)] of n images under S paired seeds, or [values (n,S), values (n,T)] whose seeds are independent. The variance of
    the mean is that of the seeds' means, plus what is left of the images' means beyond the noise of single rows; its degrees of freedom
    are Satterthwaite's: Dorfman, Berbaum and Metz (1992) for readers and cases, with the degrees of freedom of Hillis (2007), here seeds
    and images, and those of the images counted too.
    """
    images = len(sides[0])
    if images < 2:
        return np.nan, np.nan
    parts, noise = [], 0.0  # (variance of the mean through the seeds, its degrees of freedom)
    for side in sides:
        seeds = side.shape[1]
        if seeds > 1:
            noise += of_rows(side) / (images * seeds)
            parts.append((side.mean(0).var(ddof=1) / seeds, seeds - 1))
    change = sides[-1].mean(1) - (sides[0].mean(1) if len(sides) > 1 else 0)
    parts.append((max(change.var(ddof=1) / images - noise, 0.0), images - 1))
    variance = sum(part for part, _ in parts)
    below = sum(part**2 / df for part, df in parts)
    return float(np.sqrt(variance)), float(variance**2 / below) if below > 0 else 1.0


def of_rows(values: np.ndarray) -> float:
    """Variance of single rows of values (n,S), beyond what images and seeds have in common."""
    images, seeds = values.shape
    rest = values - values.mean(1, keepdims=True) - values.mean(0) + values.mean()
    return float((rest**2).sum() / ((images - 1) * (seeds - 1)))


def holm(values: Sequence[float]) -> np.ndarray:
    """p adjusted for how many there are (Holm 1979): each times the number of those that are not smaller, never falling, at most 1.

    NaN counts for nothing and stays.
    """
    values = np.asarray(values, dtype=float)
    found = np.full(len(values), np.nan)
    order = np.argsort(values)[: (~np.isnan(values)).sum()]
    steps = np.arange(len(order), 0, -1)
    found[order] = np.minimum(np.maximum.accumulate(values[order] * steps), 1)
    return found


def _refuse_absent(scores, name, by=()):
    needed = POOLED[name][0] if name in POOLED else [name]
    absent = [column for column in [*needed, *by, "image", "seed"] if column not in scores]
    if absent:
        raise ValueError(f"{name}: the score rows lack the columns {absent}; they have {list(scores.columns)}")


def _parts(scores, name):
    """Part, whole and whether defined (1 or 0) of every row, (rows,3) float64; undefined rows are 0 in all three."""
    needed, ratio = POOLED.get(name, ([name], lambda s: (s[name], s[name] * 0 + 1, s[name] * 0 + 1)))
    defined = scores[needed].notna().all(axis=1).to_numpy()
    part, whole, positives = ratio(scores[needed])
    table = np.stack([part, whole, defined], axis=1).astype(float)
    table[~(defined & (positives[defined].sum() > 0))] = 0
    return table


def _image_keys(*tables):
    """Columns that tell images apart: the file's name, and its data set where the rows say it."""
    return (["dataset"] if all("dataset" in table for table in tables) else []) + ["image"]


def refuse_repeats(scores: pd.DataFrame, keys: Sequence[str], what: str) -> None:
    """Raise ValueError where rows repeat an image and seed. what: how the rows are called in it."""
    repeated = scores.duplicated([*keys, "seed"])
    if repeated.any():
        example = scores.loc[repeated, [*keys, "seed"]].iloc[0].to_dict()
        raise ValueError(
            f"{what}: expected one row per image and seed, but {int(repeated.sum())} rows repeat one, such as "
            f"{example}; separate methods, training sets and attacks first (by=, or a filter)"
        )


def _by_image(scores, metric, side):
    """Part and whole as a table: a row per image, columns (part, seeds...), then (whole, seeds...); undefined = NaN."""
    keys = _image_keys(scores)
    _refuse_absent(scores, metric)
    table = _parts(scores, metric)
    refuse_repeats(scores, keys, f"paired_effect: side {side}")
    rows = pd.DataFrame(np.where(table[:, 2:] > 0, table[:, :2], np.nan), columns=["part", "whole"])
    rows[[*keys, "seed"]] = scores[[*keys, "seed"]].to_numpy()
    wide = rows.set_index([*keys, "seed"]).unstack("seed")
    if wide.size != 2 * len(rows):
        count = rows.groupby("seed").size().to_dict()
        raise ValueError(f"paired_effect: side {side}: every seed must score the same images; images per seed: {count}")
    return wide


def _resampled(sums, resamples, seed):
    """Sums over `resamples` draws of n images with replacement: (n,k) -> (resamples,k)."""
    draws = blocks(len(sums), resamples, np.random.default_rng(seed))
    return np.concatenate([times @ sums for times in draws])


def over_seeds(sums: np.ndarray, resamples: int, seed: int) -> np.ndarray:
    """Sums over draws of n images and of S seeds, both with replacement: (n,S,k) -> (resamples,k)."""
    images, seeds, k = sums.shape
    draws = _resampled(sums.reshape(images, seeds * k), resamples, seed).reshape(resamples, seeds, k)
    return (draws * turns(seeds, resamples, seed)[..., None]).sum(axis=1)


def turns(seeds: int, resamples: int, seed: int) -> np.ndarray:
    """How often each of S seeds is drawn in a resample, (resamples,S); of a stream of its own, beside that of images."""
    return drawn(seeds, resamples, np.random.default_rng([seed, 1]))


def weighted_mean(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Mean over the last axis; a value of weight 0 may be NaN, and all of weight 0 are NaN."""
    return divide(np.where(weights > 0, values * weights, 0).sum(axis=-1), weights.sum(axis=-1))


def drawn(n: int, resamples: int, rng: np.random.Generator) -> np.ndarray:
    """How often each of n things is drawn in n draws with replacement, (resamples,n) float64."""
    if n == 0:
        return np.zeros((resamples, 0))
    picks = rng.integers(n, size=(resamples, n)) + n * np.arange(resamples)[:, None]
    return np.bincount(picks.ravel(), minlength=resamples * n).reshape(resamples, n).astype(float)


def blocks(n: int, resamples: int, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """`drawn` in parts of at most BLOCK numbers: how often each of n things is drawn, (R,n), together in `resamples` draws."""
    size = max(1, BLOCK // max(n, 1))
    for start in range(0, resamples, size):
        yield drawn(n, min(size, resamples - start), rng)


def _linear(sums):
    """Values (n,S) of images and seeds whose mean is sum(part) / sum(whole), from (n,2S), parts of S seeds, then wholes: each value is
    what its part and whole move that ratio by, to first order; of a plain mean, whose wholes are 1, the parts."""
    part, whole = np.split(sums, 2, axis=1)
    ratio = divide(part.sum(), whole.sum())
    return ratio + divide(part - ratio * whole, np.broadcast_to(whole.mean(), part.shape)) if part.size else part


def divide(part: np.ndarray | float, whole: np.ndarray | float) -> np.ndarray:
    """part / whole elementwise; NaN where whole is not above 0."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(whole > 0, np.divide(part, whole), np.nan)


def interval(draws: np.ndarray, n: int) -> tuple[float, float]:
    """2.5% and 97.5% quantile of the draws that are defined; NaN, NaN for fewer than two images."""
    draws = draws[~np.isnan(draws)]
    if n < 2 or not len(draws):
        return np.nan, np.nan
    return tuple(float(x) for x in np.quantile(draws, [0.025, 0.975]))
