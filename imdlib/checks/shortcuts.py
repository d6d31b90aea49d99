"""Shortcuts: how well an image's label can be told from its file's form, without a look at the picture."""

from collections.abc import Iterable

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.tree import DecisionTreeClassifier

from imdlib.scoring import metrics

FORM = ["format", "mode", "tables", "sampling", "width", "height"]
NAMES = {
    "format": "file format",
    "mode": "colour mode",
    "tables": "JPEG quantization tables",
    "sampling": "JPEG chroma sampling",
    "width": "width",
    "height": "height",
    "density": "bytes per pixel",
}
FOLDS = 5


def differences(facts: pd.DataFrame, label: ArrayLike) -> pd.DataFrame:
    """What authentic and tampered files look like: DataFrame, one row per property.

    values: different ones; authentic, tampered: the commonest value and the share of files that have it.
    """
    label, sound = np.asarray(label), (facts["height"] > 0).to_numpy()
    rows = []
    for name in FORM:
        sides = [facts.loc[sound & (label == side), name].map(str).replace("", "none") for side in (0, 1)]
        values = pd.concat(sides).nunique()
        rows.append((NAMES[name], values, *(commonest(side) for side in sides)))
    return pd.DataFrame(rows, columns=["property", "values", "authentic", "tampered"])


def commonest(values: pd.Series) -> str:
    """`JPEG (98%)`: the commonest value and its share; "" for no values."""
    counts = values.value_counts()
    return f"{counts.index[0]} ({100 * counts.iloc[0] / len(values):.0f}%)" if len(counts) else ""


def predictors(facts: pd.DataFrame, label: ArrayLike, scene: ArrayLike, seed: int = 0) -> pd.DataFrame:
    """Image AUC and balanced accuracy that a decision tree reaches from the files' form, cross-validated by scene.

    facts: of `facts.measure`; label: (N,) in {0, 1}; scene: (N,), whose images stay in one of FOLDS folds.
    DataFrame `predictor, auc, accuracy, n`: one row per property that varies, one for all of FORM together, one for
    the bytes per pixel (which depend on what is shown, too). No rows where a class has fewer images than folds.
    """
    sound = (facts["height"] > 0).to_numpy()
    facts, label, scene = facts[sound], np.asarray(label)[sound], np.asarray(scene)[sound]
    columns = ["predictor", "auc", "accuracy", "n"]
    if min(np.bincount(label, minlength=2)) < FOLDS or len(set(scene)) < FOLDS:
        return pd.DataFrame(columns=columns)
    codes = pd.DataFrame({name: pd.factorize(facts[name], sort=True)[0] for name in FORM})
    codes["density"] = (facts["bytes"] / (facts["height"] * facts["width"])).to_numpy()
    varied = [name for name in codes if codes[name].nunique() > 1]
    chosen = {NAMES[name]: [name] for name in varied}
    together = [name for name in varied if name in FORM]
    chosen |= {"all of these but bytes per pixel": together} if len(together) > 1 else {}
    folds = list(StratifiedGroupKFold(FOLDS, shuffle=True, random_state=seed).split(label, label, scene))
    rows = [(name, *cross_validated(codes[used].to_numpy(), label, folds, seed)) for name, used in chosen.items()]
    return pd.DataFrame([(*row, len(label)) for row in rows], columns=columns)


def cross_validated(
    values: np.ndarray, label: np.ndarray, folds: Iterable[tuple[np.ndarray, np.ndarray]], seed: int
) -> tuple[float, float]:
    """(AUC, balanced accuracy) of a decision tree on values (N, k), each image scored by the one that did not see it."""
    score = np.zeros(len(label))
    for train, test in folds:
        tree = DecisionTreeClassifier(min_samples_leaf=5, class_weight="balanced", random_state=seed)
        score[test] = tree.fit(values[train], label[train]).predict_proba(values[test])[:, 1]
    return metrics.auc(score, label), balanced_accuracy_score(label, score > 0.5)
