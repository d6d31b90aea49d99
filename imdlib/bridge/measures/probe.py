"""A linear probe: what a logistic regression makes of the frozen tower's features, the least that a trained method must beat.

Not in the paper. Features of an image are the mean over its tokens.
"""

import numpy as np
import pandas as pd
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import Tensor

from imdlib.bridge.labels import CLASSES, REAL, three_classes
from imdlib.bridge.towers.cache import Features
from imdlib.bridge.validation import judgement
from imdlib.scoring.evaluate import short_names

METHOD = "linear probe"
STRENGTHS = tuple(10.0**power for power in range(-5, 3))  # eight trials, as every row has


def pooled(features: Tensor | Features) -> np.ndarray:
    """Mean over tokens of each of N items (T,D): (N,D) float32."""
    return torch.stack([features[i].float().mean(0) for i in range(len(features))]).numpy()


def probabilities(train: np.ndarray, labels: np.ndarray, test: np.ndarray, strength: float = 1.0) -> np.ndarray:
    """Of the three classes, (M,3): a logistic regression on standardised train (N,D) with labels (N,), asked of test (M,D).

    strength: scikit-learn's C, the inverse of the penalty. A class that labels lack gets 0.
    """
    fitted = make_pipeline(StandardScaler(), LogisticRegression(C=strength, max_iter=2000)).fit(train, labels)
    found = np.zeros((len(test), len(CLASSES)))
    found[:, fitted.classes_] = fitted.predict_proba(test)
    return found


def tuned(train: np.ndarray, labels: np.ndarray, val: np.ndarray, truth: np.ndarray) -> float:
    """The one of STRENGTHS that does best on validation features (M,D) with labels (M,), by the number that chooses the settings of
    every row; 1 where there are no validation images.
    """
    if not len(val):
        return 1.0
    found = {}
    for strength in STRENGTHS:
        p = probabilities(train, labels, val, strength)
        found[strength] = judgement("val", truth, p.argmax(1), 1 - p[:, REAL])["val_both"]
    return max(found, key=found.get)


def rows(manifest: pd.DataFrame, probability: np.ndarray, *, train_set: str, method: str = METHOD) -> pd.DataFrame:
    """Score rows of the images of a manifest from probabilities (N,3), in the columns that tables need."""
    classes = np.array(CLASSES)
    known = manifest[["dataset", "kind", "label"]].reset_index(drop=True)
    columns = dict(zip(("p_real", "p_partly", "p_fully"), probability.T))
    named = dict(image=short_names(manifest), score=1 - probability[:, REAL], predicted=classes[probability.argmax(1)])
    named |= dict(method=method, run=method, train_set=train_set, seed=0)
    return pd.DataFrame(known.assign(**columns, **named, **{"class": classes[three_classes(manifest)]}))
