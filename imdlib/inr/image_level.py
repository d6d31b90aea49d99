"""Image-level rows of INR's tables: whether the image was tampered, from its score, with intervals.

INR section 4 reports image F1 and combined F1, and accuracy in Table 3. The paper does not define image F1; Table 3 holds
numbers that only the standard one can reach, Table 2 does not tell. Both are here: the standard one and, as in WSCL (Zhai
et al. 2023), the harmonic mean of sensitivity and specificity.
"""

import numpy as np
import pandas as pd

from imdlib.pages import made, tables
from imdlib.scoring import intervals, metrics, trivial
from imdlib.scoring.ranks import drawn_auc

NAMES = {
    "auc": "image AUC",
    "acc": "image accuracy",
    "f1": "image F1",
    "f1_hmean": "image F1 (sen, spe)",
    "sen": "sensitivity",
    "spe": "specificity",
    "combined": "combined F1",
    "combined_hmean": "combined F1 (sen, spe)",
}
NEEDED = ["method", "train_set", "seed", "dataset", "image", "label", "score", "f1"]
KEYS = ["method", "train_set", "test_set", "metric"]


def image_rows(
    scores: pd.DataFrame, *, published: pd.DataFrame | None = None, resamples: int = 2000, seed: int = 0
) -> pd.DataFrame:
    """Tidy rows (`tables.COLUMNS`) of the image-level metrics in NAMES for each method, train_set and dataset.

    scores: one row per image and seed with the columns NEEDED: label in {0,1}, score > 0.5 = called tampered, f1 = pixel F1
    (NaN where undefined). published: as in `tables.rows`.
    Seeds are pooled in every value, as in `intervals.summarise`, except the AUC: ranks hold within one network, so it is
    the mean of the seeds' AUCs. Combined F1: harmonic mean of the mean pixel F1 over tampered images and image F1.
    low, high: percentile bootstrap over images and seeds at once, as in `intervals.summarise`. n: images that count, of one
    class for sensitivity and specificity. What a missing class or missing pixel F1 leaves undefined is NaN, with a note.
    """
    absent = [name for name in NEEDED if name not in scores]
    if absent:
        raise ValueError(f"scores: the rows lack the columns {absent}; they have {list(scores.columns)}")
    rows = []
    for group, found in scores.groupby(["method", "train_set", "dataset"], sort=False, dropna=False, observed=True):
        intervals.refuse_repeats(found, ["image"], f"scores of {group}")
        value, draws = point(found), resampled(found, resamples, seed)
        tampered = found.groupby("image")["label"].first()
        n = {"sen": int((tampered == 1).sum()), "spe": int((tampered == 0).sum())}
        lacking = {"no tampered images": n["sen"], "no authentic images": n["spe"], "no pixel F1": found["f1"].count()}
        note = ", ".join(what for what, count in lacking.items() if not count)
        for name, title in NAMES.items():
            undefined = np.isnan(value[name])
            count = 0 if undefined else n.get(name, len(tampered))
            interval = intervals.interval(draws[name], count)
            about = f"undefined: {note}" if undefined else ""
            rows.append((*group, title, value[name], *interval, count, found["seed"].nunique(), about))
    table = pd.DataFrame(rows, columns=[*KEYS, "value", "low", "high", "n", "seeds", "note"])
    by = ["method", "train_set", "test_set"]
    table = made.made_by(table, scores.rename(columns={"dataset": "test_set"}), by)
    return tables.beside(table, published).reindex(columns=tables.COLUMNS)


def always_tampered(scores: pd.DataFrame) -> pd.DataFrame:
    """Score rows of the predictor that calls every image of `scores` tampered; without pixels, hence without f1."""
    images = scores.drop_duplicates(["dataset", "image"])[["dataset", "image", "label"]]
    named = images.assign(
        method="always tampered", train_set="none", seed=0, score=trivial.always_tampered(len(images))
    )
    return named.assign(f1=np.nan)[NEEDED]


def point(rows: pd.DataFrame) -> dict[str, float]:
    """The metrics of NAMES over rows of one group: dict of floats."""
    found = metrics.image_level(rows["label"], rows["score"])
    found["auc"] = np.mean([metrics.auc(one["score"], one["label"] == 1) for _, one in rows.groupby("seed")])
    pixel = rows["f1"].mean()
    combined = {f"combined{kind}": metrics.combined_f1(pixel, found[f"f1{kind}"]) for kind in ("", "_hmean")}
    return {name: float({**found, **combined}[name]) for name in NAMES}


def resampled(rows: pd.DataFrame, resamples: int, seed: int) -> dict[str, np.ndarray]:
    """The same over `resamples` draws of as many images and seeds as there are, with replacement: dict of (resamples,)."""
    image, names = pd.factorize(rows["image"])
    turns, done, parts = intervals.turns(rows["seed"].nunique(), resamples, seed), 0, []
    for times in intervals.blocks(len(names), resamples, np.random.default_rng(seed)):
        parts.append(drawn_metrics(rows, image, times, turns[done : done + len(times)]))
        done += len(times)
    return {name: np.concatenate([part[name] for part in parts]) for name in NAMES}


def drawn_metrics(rows: pd.DataFrame, image: np.ndarray, times: np.ndarray, turns: np.ndarray) -> dict[str, np.ndarray]:
    """The same with image i counted times[r,i] times and seed s, in the order of first appearance, turns[r,s] times: image (rows,) =
    number of each row's image, times (R,n), turns (R,S) -> dict of (R,).
    """
    label, called = rows["label"].to_numpy() == 1, rows["score"].to_numpy() > 0.5
    pixel = rows["f1"].to_numpy(dtype=float)
    cells = [label & called, ~label & called, label & ~called, ~label & ~called]
    counts = np.stack([*cells, np.nan_to_num(pixel), ~np.isnan(pixel)], axis=1).astype(float)  # (rows,6)
    code, seeds = pd.factorize(rows["seed"])
    sums = np.zeros((times.shape[1], len(seeds), 6))
    np.add.at(sums, (image, code), counts)
    summed = (times @ sums.reshape(len(sums), -1)).reshape(len(times), len(seeds), 6)
    tp, fp, fn, tn, part, whole = (summed * turns[..., None]).sum(axis=1).T
    ratio = intervals.divide
    sen, spe, pixel_f1 = ratio(tp, tp + fn), ratio(tn, tn + fp), ratio(part, whole)
    f1 = np.where(tp + fn > 0, ratio(2 * tp, 2 * tp + fp + fn), np.nan)
    f1_hmean = harmonic_means(sen, spe)
    score, runs = rows["score"].to_numpy(), [np.flatnonzero(code == s) for s in range(len(seeds))]
    aucs = np.stack([drawn_auc(score[run], label[run], times[:, image[run]]) for run in runs], axis=1)
    return {
        "auc": intervals.weighted_mean(aucs, turns),
        "acc": ratio(tp + tn, tp + fp + fn + tn),
        "f1": f1,
        "f1_hmean": f1_hmean,
        "sen": sen,
        "spe": spe,
        "combined": harmonic_means(pixel_f1, f1),
        "combined_hmean": harmonic_means(pixel_f1, f1_hmean),
    }


def harmonic_means(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """`metrics.harmonic_mean` of arrays: 2ab/(a+b), 0 where both are 0, NaN where either is NaN."""
    return np.where(a + b == 0, 0.0, intervals.divide(2 * a * b, a + b))
