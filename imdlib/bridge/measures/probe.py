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
from imdlib.scoring.evaluate import short_names

METHOD = "linear probe"


def pooled(features: Tensor | Features) -> np.ndarray:
    """Mean over tokens of each of N items (T,D): (N,D) float32."""
    return torch.stack([features[i].float().mean(0) for i in range(len(features))]).numpy()


def probabilities(train: np.ndarray, labels: np.ndarray, test: np.ndarray) -> np.ndarray:
    """Of the three classes, (M,3): a logistic regression on standardised train (N,D) with labels (N,), asked of test (M,D).

    A class that labels lack gets 0.
    """
    fitted = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000)).fit(train, labels)
    found = np.zeros((len(test), len(CLASSES)))
    found[:, fitted.classes_] = fitted.predict_proba(test)
    return found


def rows(manifest: pd.DataFrame, probability: np.ndarray, *, train_set: str) -> pd.DataFrame:
    """Score rows of the images of a manifest from probabilities (N,3), in the columns that tables need."""
    classes = np.array(CLASSES)
    known = manifest[["dataset", "kind", "label"]].reset_index(drop=True)
    columns = dict(zip(("p_real", "p_partly", "p_fully"), probability.T))
    named = dict(image=short_names(manifest), score=1 - probability[:, REAL], predicted=classes[probability.argmax(1)])
    named |= dict(method=METHOD, run=METHOD, train_set=train_set, seed=0)
    return pd.DataFrame(known.assign(**columns, **named, **{"class": classes[three_classes(manifest)]}))
