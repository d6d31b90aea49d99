"""What each image was called, as numbers: fake or not, and which of three classes, per test set, with intervals.

Bridging section 4.2.1, Table 2 ("F1 score").

Differs from the paper: which F1 is not stated. Here that of fake against real, an image being called fake where the
probabilities of both kinds of fakes together exceed 0.5; on the images that a column stands for, real ones and one kind of
fakes. Of three classes beside it: macro F1, the mean recall, and the recall of each.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from imdlib.bridge.labels import CLASSES, FULLY, PARTLY, REAL
from imdlib.scoring import intervals, ranks

GROUPS = {
    "partly fake": [PARTLY],
    "fully fake": [FULLY],
    "both": [PARTLY, FULLY],
}  # fakes that stand against real images
BINARY = {"F1": "f1", "AUC": "auc", "balanced accuracy": "accuracy"}  # name in tables -> key
THREE = {"macro F1": "macro_f1", "mean recall": "mean_recall"} | {f"recall, {name}": name for name in CLASSES}
SEEN, UNSEEN = "trained generator", "mean of unseen generators"


def measure(rows: pd.DataFrame, times: np.ndarray) -> dict[tuple[str, str], np.ndarray]:
    """`draws.drawn`'s measure: {(group, name): (R,)} with names of BINARY's values and n in every group, of THREE in 'both'.

    rows: `class, score, predicted, p_partly, seed` of one data set; times (R,rows). Score > 0.5 = called fake. Three-class
    numbers are NaN for a detector without a third class (p_partly NaN); macro F1 and mean recall are over the classes that
    the set has. AUC: mean over seeds, as often as each is drawn.
    """
    truth = pd.Categorical(rows["class"], CLASSES).codes
    flagged, score = rows["score"].to_numpy() > 0.5, rows["score"].to_numpy()
    each = (truth[:, None] == np.arange(3)).astype(float)  # (rows,3)
    count, called = times @ each, times @ (each * flagged[:, None])  # (R,3)
    runs, found = list(rows.groupby("seed").indices.values()), {}
    for group, fakes in GROUPS.items():
        n, tp = count[:, fakes].sum(1), called[:, fakes].sum(1)
        sensitivity = intervals.divide(tp, n)
        specificity = 1 - intervals.divide(called[:, REAL], count[:, REAL])
        part = np.isin(truth, [REAL, *fakes])
        aucs = [
            ranks.drawn_auc(score[run], truth[run] != REAL, times[:, run]) for run in (run[part[run]] for run in runs)
        ]
        found[group, "f1"] = np.where(n > 0, intervals.divide(2 * tp, tp + called[:, REAL] + n), np.nan)
        found[group, "accuracy"] = (sensitivity + specificity) / 2
        turns = [times[:, run].sum(axis=1) for run in runs]  # in proportion to how often a seed is drawn
        found[group, "auc"] = intervals.weighted_mean(np.stack(aucs, axis=1), np.stack(turns, axis=1))
        found[group, "n"] = np.where(n > 0, n + count[:, REAL], 0)
    return found | {("both", name): values for name, values in three_way(rows, each, count, times).items()}


def three_way(rows: pd.DataFrame, each: np.ndarray, count: np.ndarray, times: np.ndarray) -> dict[str, np.ndarray]:
    """Names of THREE -> (R,), from the true class of each row (rows,3) and its counts (R,3)."""
    known = rows["p_partly"].notna().to_numpy()[:, None]
    called = pd.Categorical(rows["predicted"], CLASSES).codes[:, None] == np.arange(3)
    right, named = times @ (each * called * known), times @ (called * known).astype(float)
    undefined = np.where(known.all(), 0.0, np.nan)
    recall = intervals.divide(right, count) + undefined  # (R,3)
    f1 = np.where(count > 0, intervals.divide(2 * right, count + named), np.nan) + undefined
    present = each.any(0)
    means = {"macro_f1": f1[:, present].mean(1), "mean_recall": recall[:, present].mean(1)}
    return means | {name: recall[:, k] for k, name in enumerate(CLASSES)}


def balanced(rows: pd.DataFrame, by: Sequence[str] = ("run", "dataset")) -> pd.DataFrame:
    """Rows with `recall`, a value of each image whose mean over the images of one run and data set is R, the mean recall over the
    classes that the set has: R + (right - recall of its class) * images / (classes * images of its class).

    A value of each image lets an interval resample images, which macro F1, a ratio, does not; it holds to first order, classes
    being drawn as often as they are. NaN for a detector without a third class (p_partly NaN).
    """
    group, one = [rows[name] for name in by], [*(rows[name] for name in by), rows["class"]]
    right = (rows["predicted"] == rows["class"]).astype(float)
    recall = right.groupby(one).transform("mean")
    weight = 1 / (rows.groupby(group)["class"].transform("nunique") * rows.groupby(one)["class"].transform("size"))
    mean, images = (recall * weight).groupby(group).transform("sum"), rows.groupby(group)["class"].transform("size")
    return rows.assign(recall=(mean + (right - recall) * weight * images).where(rows["p_partly"].notna()))


def scopes(rows: pd.DataFrame, groups: Sequence[str] = tuple(GROUPS)) -> dict[str, tuple[str, dict[str, float]]]:
    """{'<group>: <set>': (group, {dataset: weight})} for `draws.table`: the trained generator, each unseen one, and their mean.

    rows: of one training set, `dataset, seen, class`. Several trained sets are averaged under SEEN, and stand alone before it. A set
    without fakes of a group is left out of it.
    """
    sets, found = rows.drop_duplicates("dataset").set_index("dataset")["seen"], {}
    for group in groups:
        fakes = rows["class"].isin([CLASSES[k] for k in GROUPS[group]])
        having = set(rows.loc[fakes, "dataset"])
        seen, unseen = (
            [name for name in sets.index if sets[name] == which and name in having] for which in (True, False)
        )
        alone = [*(seen if len(seen) > 1 else []), *unseen]
        found |= {f"{group}: {SEEN}": (group, mean(seen))} if seen else {}
        found |= {f"{group}: {short(name)}": (group, {name: 1}) for name in alone}
        found |= {f"{group}: {UNSEEN}": (group, mean(unseen))} if unseen else {}
    return found


def drops(rows: pd.DataFrame, groups: Sequence[str] = tuple(GROUPS)) -> dict[str, tuple[str, dict[str, float]]]:
    """{group: (group, weights)} whose value is in domain minus the mean over unseen generators; {} where either is lacking."""
    every = scopes(rows, groups)
    pairs = {group: (every.get(f"{group}: {SEEN}"), every.get(f"{group}: {UNSEEN}")) for group in groups}
    return {
        group: (group, home[1] | {name: -weight for name, weight in away[1].items()})
        for group, (home, away) in pairs.items()
        if home and away
    }


def mean(sets: Sequence[str]) -> dict[str, float]:
    """Equal weights that sum to one."""
    return {name: 1 / len(sets) for name in sets}


def short(dataset: str) -> str:
    """Name of a test set in tables: the generator of a twin."""
    return dataset.removeprefix("sim-").removeprefix("dolos-")
