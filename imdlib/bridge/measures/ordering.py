"""Are the discrepancies ordered as stated: numbers in place of Figure 3, with intervals, and one value per image for claims.

Bridging section 4.2.2: after training d1 (teacher to student 1) is large for fully fake images, d2 for partly fake ones,
both are near zero for real ones.

Differs from the paper: it shows densities alone. Here: the share of pairs of images (one of each class) that are ordered as
stated, which is an AUC, and the share of images of one class whose two distances are.
"""

import numpy as np
import pandas as pd

from imdlib.bridge.labels import CLASSES, FULLY, PARTLY, REAL
from imdlib.scoring import intervals, ranks

BETWEEN = {
    "d2: partly fake above real": ("d2", PARTLY, REAL),
    "d2: partly fake above fully fake": ("d2", PARTLY, FULLY),
    "d1: fully fake above real": ("d1", FULLY, REAL),
    "d1: fully fake above partly fake": ("d1", FULLY, PARTLY),
}  # statement -> distance, class above, class below
WITHIN = {
    "partly fake: d2 above d1": (PARTLY, "d2", "d1"),
    "fully fake: d1 above d2": (FULLY, "d1", "d2"),
}  # statement -> class, the larger, the smaller
METRICS = {name: name for name in (*BETWEEN, *WITHIN)}
NEARER = {f"{name}: nearer than fresh students": code for code, name in enumerate(CLASSES)}  # statement -> class


def measured(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows of runs whose distances d1 and d2 were measured."""
    return rows[rows["d1"].notna()] if "d1" in rows else rows.head(0)


def measure(rows: pd.DataFrame, times: np.ndarray) -> dict[tuple[str, str], np.ndarray]:
    """`draws.drawn`'s measure: {('both', statement): (R,) in [0,1]}, ties half, chance 0.5; NaN where a class is lacking.

    rows: `class, d1, d2, seed` of one data set; times (R,rows). Shares of pairs: mean over seeds, as often as each is drawn.
    """
    truth, d = codes(rows), {name: rows[name].to_numpy(float) for name in ("d1", "d2")}
    runs, found = list(rows.groupby("seed").indices.values()), {("both", "n"): times.sum(1)}
    for statement, (name, above, below) in BETWEEN.items():
        some = [run[np.isin(truth[run], [above, below])] for run in runs]
        aucs = [ranks.drawn_auc(d[name][run], truth[run] == above, times[:, run]) for run in some]
        turns = [times[:, run].sum(axis=1) for run in runs]  # in proportion to how often a seed is drawn
        found["both", statement] = intervals.weighted_mean(np.stack(aucs, axis=1), np.stack(turns, axis=1))
    for statement, (one, larger, smaller) in WITHIN.items():
        part = truth == one
        right = above_half(d[larger][part], d[smaller][part])
        found["both", statement] = intervals.divide(times[:, part] @ right, times[:, part].sum(1))
    return found


def nearer(rows: pd.DataFrame, times: np.ndarray) -> dict[tuple[str, str], np.ndarray]:
    """As `measure`, for the statements of NEARER: how often a distance after training lies below that of students about to learn.

    rows: with `d1_fresh, d2_fresh`. Real images shall come nearer and fakes shall not: the one says little without the other.
    """
    below = [above_half(rows[f"{name}_fresh"], rows[name]) for name in ("d1", "d2")]
    truth, share, found = codes(rows), np.mean(below, axis=0), {("both", "n"): times.sum(1)}
    for statement, one in NEARER.items():
        part = truth == one
        found["both", statement] = intervals.divide(times[:, part] @ share[part], times[:, part].sum(1))
    return found


def per_image(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows of one value per image and statement, to be compared with chance: the columns of rows, `statement`, `ordered`.

    For a pair of classes `ranks.parts_of_auc` of the same run and set, whose mean is the share of pairs; within a class 1, 0 or one half.
    """
    parts = [rows.head(0).assign(statement="", ordered=np.nan)]
    for _, one in rows.groupby(["run", "dataset"], sort=False):
        truth = codes(one)
        for statement, (name, above, below) in BETWEEN.items():
            value = one[name].to_numpy(float)
            pair = np.isin(truth, [above, below])
            share = ranks.parts_of_auc(value[pair], truth[pair] == above)
            parts.append(one[pair].assign(statement=statement, ordered=share))
        for statement, (label, larger, smaller) in WITHIN.items():
            part = one[truth == label]
            parts.append(part.assign(statement=statement, ordered=above_half(part[larger], part[smaller])))
    return pd.concat(parts[1:] or parts, ignore_index=True)


def before(rows: pd.DataFrame, suffix: str = "_start") -> pd.DataFrame:
    """The same rows with the distances before training in place of those after: of a teacher and students that have learned
    nothing ('_start'), or of the trained teacher and students that have not ('_fresh'); none where they were not noted.
    """
    if f"d1{suffix}" not in rows:
        return rows.head(0)
    return rows.assign(d1=rows[f"d1{suffix}"], d2=rows[f"d2{suffix}"])


def codes(rows: pd.DataFrame) -> np.ndarray:
    """Class numbers (N,) of the column `class`."""
    return pd.Categorical(rows["class"], CLASSES).codes


def above_half(larger: np.ndarray | pd.Series, smaller: np.ndarray | pd.Series) -> np.ndarray:
    """1 where larger > smaller, 0 where less, one half where level."""
    return np.asarray((np.sign(np.asarray(larger, float) - np.asarray(smaller, float)) + 1) / 2)
