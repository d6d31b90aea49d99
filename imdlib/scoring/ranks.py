"""Ranks: how often one score lies above another, for each image and over draws of images; ties count half.

The mean of either is the area under the ROC curve (Mann and Whitney 1947).
"""

import numpy as np

from imdlib.scoring import intervals


def beaten(score: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Share of `others` (M,) below each score (N,), ties half: (N,); NaN where there are none."""
    if len(others) == 0:
        return np.full(len(score), np.nan)
    ordered = np.sort(others)
    return (np.searchsorted(ordered, score, "left") + np.searchsorted(ordered, score, "right")) / (2 * len(ordered))


def parts_of_auc(score: np.ndarray, positive: np.ndarray) -> np.ndarray:
    """A value of each image, (N,), whose mean is the AUC and whose mean over a resample of images is, to first order, the resample's.

    score (N,), positive (N,) bool. With s the share of the other class's images that an image is ranked rightly against, ties half, and
    n the images of its class: AUC + (s - AUC) N / n, the projection of DeLong, DeLong and Clarke-Pearson (1988). The mean of the plain
    shares is the AUC as well, but it counts the spread of each class with the weight n / N: for two classes alike its interval is half
    as wide as it should be. NaN where a class is lacking.
    """
    if positive.all() or not positive.any():
        return np.full(len(score), np.nan)
    shares = np.where(positive, beaten(score, score[~positive]), 1 - beaten(score, score[positive]))
    auc, own = shares[positive].mean(), np.where(positive, positive.sum(), (~positive).sum())
    return auc + (shares - auc) * len(score) / own


def drawn_auc(score: np.ndarray, positive: np.ndarray, times: np.ndarray) -> np.ndarray:
    """AUC, ties half, of scores (N,) for boolean labels (N,), row i counted times[r,i] times: (R,N) -> (R,), NaN where a
    class is not drawn.
    """
    order = np.argsort(score[~positive])
    left, right = (np.searchsorted(score[~positive][order], score[positive], side) for side in ("left", "right"))
    negatives = np.cumsum(times[:, ~positive][:, order], axis=1)  # weight of the k + 1 lowest
    negatives = np.concatenate([np.zeros((len(times), 1)), negatives], axis=1)
    positives = times[:, positive]
    below = (positives * (negatives[:, left] + negatives[:, right])).sum(axis=1)
    return intervals.divide(below, 2 * positives.sum(axis=1) * negatives[:, -1])
