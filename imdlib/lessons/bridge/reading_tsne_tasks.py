"""Exercises of the notebook on reading a t-SNE: what the library says at hidden inputs, and what is often mistaken.

Bridging section 4.2.2, Figure 4.
"""

import torch
from torch import Tensor

from imdlib.lessons.bridge.reading_tsne import everyone_votes
from imdlib.lessons.exercises import Task, drawn, slips
from imdlib.scoring import embedding

SQUARED = Task(
    lambda d: (2 * (d - 1), 2 * (d - 1) + 4),
    "two independent values of variance 1 have a mean squared difference of 2, in every column",
    lambda: {f"D = {d}": (d,) for d in (5, 50, 2)},
    {
        "the one column tells the classes apart by 2, squared 4": lambda d: (2 * (d - 1), 2 * (d - 1) + 2),
        "the one column has no spread left within a class": lambda d: (2 * d, 2 * d + 4),
        "two values differ by more than one does from its mean": lambda d: (d - 1, d - 1 + 4),
        "the squared distance is asked for": lambda d: ((2 * (d - 1)) ** 0.5, (2 * (d - 1) + 4) ** 0.5),
        "the other columns are noise between classes as well": lambda d: (2 * (d - 1), 4),
        "the means are nearly 2 apart, not 1": lambda d: (2 * (d - 1), 2 * (d - 1) + 1),
        "the classes are apart in one column": lambda d: (2 * d, 2 * d),
    },
)
EVERYONE = Task(
    everyone_votes,
    "the point itself does not vote; who has the majority?",
    mistakes={
        "that is guessing": 1 / 3,
        "the own class is short of one vote": 1.0,
        "the point is outvoted, by one vote": 0.5,
        "that is the share of the own class's votes": 32 / 98,
        "that is the share of another class's votes": 33 / 98,
        "labels by lot do not help": 2 / 3,
    },
    rtol=1e-6,
)


def counted(features: Tensor, labels: Tensor, k: int, *, wrong: str) -> Tensor:
    """k-NN accuracy with a mistake."""
    if len(features) <= k:
        return torch.tensor(0.0 if wrong == "zero" else torch.nan)
    distance = torch.cdist(features, features, p=1 if wrong == "blocks" else 2)
    if wrong != "itself":
        distance.fill_diagonal_(torch.inf)
    nearest = distance.argsort(dim=1, descending=wrong == "far", stable=True)[:, :k]
    votes = torch.nn.functional.one_hot(labels[nearest], int(labels.max()) + 1).sum(1)
    own = votes.gather(1, labels[:, None])[:, 0]
    if wrong == "share":
        return (own / k).mean(dtype=torch.float64)
    if wrong == "any":
        return (own > 0).double().mean()
    if wrong == "half":
        return (own > k / 2).double().mean()
    if wrong == "ties":
        return (own == votes.amax(1)).double().mean()
    if wrong == "one":
        return (labels[nearest[:, 0]] == labels).double().mean()
    right = (votes.argmax(1) == labels).double()
    return right.sum() if wrong == "sum" else right.mean()


def clouds() -> dict[str, tuple]:
    """Features (N,D), labels (N,) and k."""
    labels = torch.arange(24) % 3
    near = drawn(24, 2) + 1.2 * torch.eye(3, 2, dtype=torch.float64)[labels]
    return {
        "three classes": (near, labels, 5),
        "two neighbours, so that classes tie": (near, labels, 2),
        "four neighbours": (near, labels, 4),
        "not more than k points": (near[:4], labels[:4], 4),
    }


KNN = Task(
    lambda features, labels, k: embedding.leave_one_out(features.numpy(), labels.numpy(), k),
    "for each point the k nearest others vote, of equal classes the smallest number wins; NaN where there are not more than k points",
    clouds,
    slips(
        counted,
        {
            "itself": "the point itself does not vote",
            "share": "the majority is counted, not the share of votes",
            "any": "the majority decides, one right neighbour is not enough",
            "half": "the most votes win, half of all is not needed",
            "ties": "of equal classes the smallest number wins",
            "one": "k neighbours vote, not the nearest alone",
            "far": "the nearest vote, not the farthest",
            "sum": "a share is asked for, not a number",
            "zero": "where there are not more than k points it is NaN",
        },
    ),
)
TASKS = (SQUARED, EVERYONE, KNN)
