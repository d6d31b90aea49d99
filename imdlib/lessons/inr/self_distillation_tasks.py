"""Exercises of the notebook on self-distillation: what the library says at hidden inputs, and what is often mistaken.

INR section 3.5, Eq. 7 of the unsupervised mode.
"""

import torch
from torch import Tensor

from imdlib.inr.distill import chosen_bce, pseudo_labels
from imdlib.lessons.exercises import Task, drawn, slips
from imdlib.lessons.inr.self_distillation import best_score

AGREED = Task(
    lambda a, b: a * b / (a * b + (1 - a) * (1 - b)),
    "they agree when both are right or both are wrong; which part of that is both right?",
    lambda: {f"a = {a}, b = {b}": (a, b) for a, b in ((0.84, 0.84), (0.4, 0.7), (0.5, 0.9), (0.6, 0.6), (1.0, 0.3))},
    {
        "that is how often at least one is right": lambda a, b: a + b - a * b,
        "that is how often both are right, among all pictures": lambda a, b: a * b,
        "that is how often they agree": lambda a, b: a * b + (1 - a) * (1 - b),
        "agreement is worth more than the mean of both": lambda a, b: (a + b) / 2,
        "the better one is not what agreement gives": lambda a, b: max(a, b),
        "both can be wrong, too": lambda a, b: a * b / (a + b - a * b),
    },
)
FLOOR = Task(
    best_score,
    "without the floor the best score is the share of ones, 1 - f",
    lambda: {f"f = {f}": (f,) for f in (0.1, 0.3, 0.45, 0.5, 0.8, 1.0)},
    {
        "the floor at 0.5 is missing": lambda f: 1 - f,
        "it is the floor only from f = 0.5 on": lambda f: 0.5,
        "f is the share of zeros": lambda f: max(0.5, f),
        "the score is not rounded to the majority": lambda f: 1.0 if f < 0.5 else 0.5,
        "the best constant is the share of ones, not its middle with the floor": lambda f: (1 - f + 0.5) / 2,
    },
    rtol=2e-3,
)


def pseudo(p_otsu: Tensor, p_clu: Tensor, *, wrong: str) -> tuple[Tensor, Tensor]:
    """Pseudo-labels with a mistake."""
    label, other = p_otsu > 0.5, p_clu > 0.5
    if wrong == "edge":
        label, other = p_otsu >= 0.5, p_clu >= 0.5
    if wrong == "mean":
        label = torch.stack([p_otsu, p_clu]).nanmean(0) > 0.5
    if wrong == "near":
        return label.double(), (p_otsu - p_clu).abs() < 0.5
    if wrong == "cluster":
        label = other
    chosen = label == other if wrong == "nan" else (label == other) & ~p_clu.isnan()
    if wrong == "one source":
        chosen = (label == other) | p_clu.isnan()
    if wrong == "all":
        chosen = torch.ones_like(chosen)
    if wrong == "positive":
        chosen = chosen & label
    return label.double(), chosen


PSEUDO_LABELS = Task(
    pseudo_labels,
    "label: whether Otsu's score is above 0.5; chosen: both scores above 0.5 or neither, and the second one is there (not NaN)",
    lambda: {
        "four pictures": (torch.tensor([0.9, 0.2, 0.7, 0.1]), torch.tensor([0.6, 0.4, 0.3, 0.9])),
        "no second score": (torch.tensor([0.9, 0.2]), torch.tensor([torch.nan, torch.nan])),
        "exactly 0.5": (torch.tensor([0.5, 0.5, 0.6]), torch.tensor([0.5, 0.6, 0.5])),
        "far apart, and close together": (torch.tensor([0.55, 0.99, 0.48]), torch.tensor([0.45, 0.51, 0.02])),
    },
    slips(
        pseudo,
        {
            "edge": "0.5 itself is not above 0.5",
            "mean": "Otsu's score decides the label, not the mean",
            "near": "what counts is the side of 0.5, not the distance of the scores",
            "nan": "a picture with one source has no two that agree",
            "one source": "a picture with one source is not chosen",
            "all": "pictures on which the scores disagree are not chosen",
            "positive": "pictures that both call authentic are chosen, too",
        },
    ),
)


def total(
    label: Tensor,
    chosen: Tensor,
    shallow: Tensor,
    otsu: Tensor,
    cluster: Tensor,
    scl: Tensor,
    beta: float,
    *,
    wrong: str = "",
) -> Tensor:
    """Eq. 7 without labels, alpha 1, with a mistake where one is named; see the notebook for the arguments."""
    if wrong == "all":
        chosen = torch.ones_like(chosen)
    students = [chosen_bce(label, score, chosen) for score in shallow]
    second = chosen_bce(label, cluster.nan_to_num(0.5), chosen)  # one source: not chosen
    if wrong == "one source":
        entropy = -(label * cluster.log() + (1 - label) * (1 - cluster).log())
        second = (entropy * chosen).sum() / chosen.sum().clamp(min=1)
    teachers = chosen_bce(label, otsu, chosen) + second
    which = chosen if wrong == "authentic" else label == 1 if wrong == "doubt" else chosen & (label == 1)
    contrast = (scl * which).sum() / (which.sum() if wrong == "nan" else which.sum().clamp(min=1))
    if wrong == "divided":
        contrast = (scl * which).mean()
    if wrong == "averaged":
        students = [sum(students) / len(students)]
    if wrong == "literal":
        teachers = 0
    if wrong == "weak":
        beta = 0.1
    if wrong == "outside":
        return beta * (sum(students) + teachers + contrast)
    return sum(students) + teachers + beta * contrast


def batches() -> dict[str, tuple]:
    """Pseudo-labels, chosen, shallow scores (3,B), both deep scores and the contrast of each picture."""
    label, chosen = torch.tensor([1.0, 0.0, 1.0, 0.0]), torch.tensor([True, True, False, True])
    scores = drawn(3, 4).sigmoid(), drawn(4, seed=1).sigmoid(), drawn(4, seed=2).sigmoid(), drawn(4, seed=3)
    alone = scores[2].masked_fill(~chosen, torch.nan)
    return {
        "four pictures": (label, chosen, *scores, 0.3),
        "another beta": (label, chosen, *scores, 2.0),
        "a picture with one source, p_clu NaN": (label, chosen, *scores[:2], alone, scores[3], 0.3),
        "no picture with two": (label, chosen & False, *scores[:2], alone * torch.nan, scores[3], 0.3),
        "nothing chosen": (label, chosen & False, *scores, 0.3),
        "no picture called tampered": (0 * label, chosen, *scores, 0.3),
    }


SELF_DISTILLATION = Task(
    total,
    "the mean of Eq. 6 over chosen pictures, for three shallow and two deep scores, plus beta times the mean contrast of chosen "
    "pictures with label 1; a picture with one source (p_clu NaN) is not chosen and adds 0, but 0 times NaN is NaN",
    batches,
    slips(
        total,
        {
            "all": "pictures that are not chosen do not count",
            "authentic": "the contrast counts only where the pseudo-label is 1",
            "doubt": "the contrast counts only in chosen pictures",
            "divided": "the contrast is the mean of the pictures in which it counts",
            "nan": "where no picture counts the contrast is 0, not NaN",
            "one source": "a picture whose second deep score is NaN is not chosen and adds 0; 0 times NaN is NaN",
            "averaged": "the three shallow losses are added, not averaged",
            "literal": "without the deep scores' loss nothing trains the mask",
            "weak": "beta is an argument (0.3 here, 0.1 under weak supervision)",
            "outside": "beta weighs the contrast alone",
        },
    ),
    rtol=1e-3,
    gradients=(2, 3, 4, 5),
)
TASKS = (AGREED, FLOOR, PSEUDO_LABELS, SELF_DISTILLATION)
