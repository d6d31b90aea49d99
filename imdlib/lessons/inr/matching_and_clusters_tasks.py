"""Exercises of the notebook on matching and clusters: what the library says at hidden inputs, and what is often mistaken.

INR section 3.3, Eq. 4 and the intersected clustering.
"""

import math

import torch
from torch import Tensor

from imdlib.inr.contrast import matching_scores
from imdlib.lessons.exercises import Task, drawn, slips
from imdlib.lessons.inr.matching_and_clusters import perfect_match
from imdlib.networks.cluster import minority, two_means

MATCH = Task(
    perfect_match,
    "the dot product of a vector with itself is its length squared",
    lambda: {f"n = {n}, C = {c}": (n, c) for n, c in ((0.0, 64), (2.0, 256), (5.0, 16), (1.0, 4))},
    {
        "a perfect match has no score of 1; the length decides": lambda n, c: 1.0,
        "the dot product is the length squared": lambda n, c: 1 / (1 + math.exp(-n / c**0.5)),
        "the dot product is divided by the root of C": lambda n, c: 1 / (1 + math.exp(-(n**2) / c)),
        "the dot product is divided by something": lambda n, c: 1 / (1 + math.exp(-(n**2))),
        "the sigmoid is missing": lambda n, c: n**2 / c**0.5,
    },
)
LEFT_OUT = Task(
    lambda a, b: 1 - a * b - (1 - a) * (1 - b),
    "both say tampered: a b. Both say authentic: (1 - a) (1 - b). The rest is left out",
    lambda: {f"a = {a}, b = {b}": (a, b) for a, b in ((0.4, 0.45), (0.1, 0.8), (0.0, 0.3), (1.0, 1.0))},
    {
        "it depends on a and b": lambda a, b: 0.5,
        "cells that both call authentic are selected, too": lambda a, b: 1 - a * b,
        "that is what at least one of them calls tampered": lambda a, b: a + b - a * b,
        "that is what is selected": lambda a, b: a * b + (1 - a) * (1 - b),
        "there are two ways to disagree": lambda a, b: a * (1 - b),
        "the difference of the shares leaves out cells that trade places": lambda a, b: abs(a - b),
    },
)


def matched(proj: Tensor, proj_r: Tensor, *, wrong: str) -> Tensor:
    """Eq. 4 with a mistake."""
    dot, channels = (proj * proj_r).sum(1), proj.shape[1]
    if wrong == "cosine":
        dot = torch.nn.functional.cosine_similarity(proj, proj_r, dim=1)
    if wrong == "mean":
        dot = dot / channels
    if wrong == "raw":
        return dot.sigmoid()
    if wrong == "batch":
        return (torch.einsum("bchw,dchw->bhw", proj, proj_r) / channels**0.5).sigmoid()
    found = (dot if wrong == "mean" else dot / channels**0.5).sigmoid()
    return 1 - found if wrong == "turned" else dot / channels**0.5 if wrong == "logit" else found


MATCHING = Task(
    matching_scores,
    "the dot product over channels, divided by the square root of their number, through a sigmoid",
    lambda: {
        "two images": (drawn(2, 6, 3, 3), drawn(2, 6, 3, 3, seed=1)),
        "a feature of length 0": (drawn(1, 4, 2, 2) * 0, drawn(1, 4, 2, 2)),
    },
    slips(
        matched,
        {
            "cosine": "Eq. 4 takes the dot product, not the cosine: lengths count",
            "mean": "it is divided by the root of the number of channels, not by the number",
            "raw": "the division by the root of the number of channels is missing",
            "logit": "the sigmoid is missing",
            "turned": "a high score says that both are alike",
            "batch": "each picture is compared with its own reconstruction only",
        },
    ),
    gradients=(0, 1),
)


def split(x: Tensor, *, wrong: str) -> Tensor:
    """Two-means of numbers with a mistake."""
    if wrong == "lower":
        return x < x.mean() if x.min() == x.max() else ~two_means(x[None])[0][0]
    if wrong in ("lloyd", "ends"):
        low, high = (x[0], x[1]) if wrong == "lloyd" else (x.min(), x.max())
        for _ in range(20):
            near = (x - high).abs() < (x - low).abs()
            low, high = x[~near].mean(), x[near].mean()
        return near
    at = {"mean": x.mean(), "median": x.median(), "middle": (x.min() + x.max()) / 2}[wrong]
    return x > at


TWO_MEANS = Task(
    lambda x: two_means(x[None])[0][0],
    "try every split of the sorted numbers; keep the one with the least sum of squares within the groups",
    lambda: {
        "two heaps": (torch.cat([drawn(8), 6 + drawn(5, seed=1)]),),
        "one heap of three times the size": (torch.cat([drawn(30), 4 + 0.3 * drawn(4, seed=2)]),),
        "a long tail": (2 * drawn(40, seed=3).sigmoid() ** 4,),
        "a few far off": (torch.tensor([0.0, 0.1, 0.2, 0.3, 5.0, 5.1, 20.0], dtype=torch.float64),),
        "equal numbers": (torch.ones(6, dtype=torch.float64),),
        "ties": (torch.tensor([1.0, 1.0, 3.0, 3.0, 3.0], dtype=torch.float64),),
    },
    slips(
        split,
        {
            "mean": "the mean is not the border that leaves the least within the groups",
            "median": "halves of one size are not the split that leaves the least within the groups",
            "middle": "the middle between the ends is not the split that leaves the least within the groups",
            "ends": "steps between the means of two groups end in a split that is not the best; for numbers every split can be tried",
            "lower": "True stands for the higher numbers",
            "lloyd": "from such a start the steps end in a split that is not the best; for numbers every split can be tried",
        },
    ),
)


def voted(by_feature: Tensor, by_score: Tensor, *, wrong: str = "") -> tuple[Tensor, Tensor]:
    """Cells both clusterings call tampered, and authentic, with a mistake where one is named; labels (B,N) bool."""
    if wrong == "larger":
        smaller = [~minority(one) for one in (by_feature, by_score)]
    elif wrong == "true":
        smaller = [by_feature, by_score]
    elif wrong == "tie":
        smaller = [one ^ (2 * one.sum(1, keepdim=True) > one.shape[1]) for one in (by_feature, by_score)]
    else:
        smaller = [minority(one) for one in (by_feature, by_score)]
    both = [one.any(1) & ~one.all(1) for one in (by_feature, by_score)]
    valid = (both[0] & both[1])[:, None] | (wrong == "one group")
    tampered = (smaller[0] | smaller[1] if wrong == "union" else smaller[0] & smaller[1]) & valid
    authentic = (~tampered if wrong == "rest" else ~smaller[0] & ~smaller[1]) & valid
    return tampered, authentic


def votes() -> dict[str, tuple]:
    """Labels (B,N) bool of two clusterings."""
    first = torch.tensor([[1, 1, 0, 0, 0, 0, 1, 0], [1, 1, 1, 1, 1, 0, 0, 1]]) == 1
    second = torch.tensor([[0, 0, 1, 1, 1, 1, 1, 1], [1, 0, 0, 0, 0, 1, 0, 0]]) == 1
    half = torch.tensor([[1, 1, 1, 1, 0, 0, 0, 0], [0, 1, 0, 1, 0, 1, 0, 1]]) == 1
    one = torch.tensor([[0] * 8, [1] * 8]) == 1
    return {"two pictures": (first, second), "groups of one size": (half, first), "one group only": (one, second)}


SELECT = Task(
    voted,
    "the smaller group of each is tampered (of equal ones, group False); where one has a single group nothing is selected",
    votes,
    slips(
        voted,
        {
            "larger": "the smaller group is tampered, not the larger one",
            "true": "which number a group has says nothing; the smaller one is tampered",
            "tie": "of two groups of one size the library takes group False",
            "union": "tampered is what both call tampered, not what one of them does",
            "rest": "a cell on which they disagree is neither",
            "one group": "where a clustering has a single group nothing is selected, neither kind",
        },
    ),
)
TASKS = (MATCH, LEFT_OUT, MATCHING, TWO_MEANS, SELECT)
