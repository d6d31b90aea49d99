"""Exercises of the notebook on pooling: what the library says at hidden inputs, and what is often mistaken.

INR section 3.4 (adaptive pooling), Eq. 6 and Table 6.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from imdlib.inr.pooling import pool
from imdlib.inr.weak import classification_loss
from imdlib.lessons.exercises import Task, drawn, slips
from imdlib.lessons.inr.pooling import norm_over_n
from imdlib.networks.cluster import otsu_threshold

NORM = Task(
    norm_over_n,
    "the sum is n r^p; take the root, then divide",
    lambda: {f"r = {r}, n = {n}, p = {p}": (r, n, p) for r, n, p in ((0.5, 196, 100), (0.9, 49, 3), (0.2, 4, 1))},
    {
        "that is the mean, with n inside the root": lambda r, n, p: r,
        "the root is taken of n, too": lambda r, n, p: r / n,
        "the division comes after the root": lambda r, n, p: r * n ** (1 / p) / n ** (1 / p) / n ** (1 / p),
        "the division by n is missing": lambda r, n, p: r * n ** (1 / p),
        "the root is the power 1 / p": lambda r, n, p: r * n**p / n,
    },
    rtol=1e-3,
)
SHARE = Task(
    lambda a, b: (0.5 - b) / (a - b),
    "share * a + (1 - share) * b is the score",
    lambda: {f"a = {a}, b = {b}": (a, b) for a, b in ((0.9, 0.1), (0.75, 0.2), (1.0, 0.0), (0.6, 0.4), (0.95, 0.3))},
    {
        "it depends on a and b": lambda a, b: 0.5,
        "the other cells have their value, too": lambda a, b: 0.5 / a,
        "that is the authentic share": lambda a, b: (a - 0.5) / (a - b),
        "the distance of both values is what is shared out": lambda a, b: (0.5 - b) / a,
        "the score is half, not the share": lambda a, b: (a + b) / 2,
    },
)


def above(x: Tensor, *, wrong: str) -> Tensor:
    """Otsu's split with a mistake."""
    ordered = x.unique()
    if len(ordered) == 1:
        return torch.full_like(x, wrong == "constant", dtype=torch.bool)
    cut = {}
    for at in ordered[:-1]:
        low, high = x[x <= at], x[x > at]
        within = (low - low.mean()).square().sum() + (high - high.mean()).square().sum()
        between = (high.mean() - low.mean()) ** 2
        equal = low.var(unbiased=False) + high.var(unbiased=False)
        cut[float(at)] = float({"gap": -between, "weights": equal}.get(wrong, within))
    best = min(cut, key=cut.get)
    start = {"mean": x.mean(), "steps": x.mean(), "half": torch.tensor(0.5), "median": x.median()}
    at = start.get(wrong, torch.tensor(best))
    if wrong == "widest":
        at = ordered[(ordered[1:] - ordered[:-1]).argmax()]
    for _ in range(50 if wrong == "steps" else 0):
        at = (x[x > at].mean() + x[x <= at].mean()) / 2
    return x >= best if wrong == "edge" else x <= best if wrong == "low" else x > at.double()


def maps() -> dict[str, Tensor]:
    """Maps (N,) in [0,1]."""
    return {
        "two heaps": (torch.cat([drawn(30) - 2, drawn(9, seed=1) + 2])).sigmoid(),
        "a long tail": drawn(40, seed=3).sigmoid() ** 4,
        "one high cell": torch.tensor([0.1, 0.12, 0.1, 0.11, 0.9, 0.1, 0.13], dtype=torch.float64),
        "a constant map": torch.full((6,), 0.3, dtype=torch.float64),
        "two values": torch.tensor([0.2, 0.8, 0.8, 0.8], dtype=torch.float64),
        "uneven heaps": torch.tensor([0.05] * 20 + [0.1, 0.15, 0.2, 0.3] * 3 + [0.55, 0.6, 0.95], dtype=torch.float64),
        "many values": torch.linspace(0.01, 0.99, 700, dtype=torch.float64) ** 1.45,
    }


OTSU = Task(
    lambda x: x > otsu_threshold(x),
    "try every split of the sorted values; keep the least sum of squares within both groups; nothing lies above in a constant map",
    lambda: {name: (x,) for name, x in maps().items()},
    slips(
        above,
        {
            "mean": "the mean is not Otsu's threshold",
            "half": "0.5 is not Otsu's threshold, which looks at the map",
            "median": "the median is not Otsu's threshold",
            "gap": "the groups count by their sizes: a far cell alone is not yet the best split",
            "weights": "the spread of each group counts by its number of cells",
            "widest": "the widest gap between two values is not yet Otsu's threshold",
            "steps": "the middle between the groups' means, taken again and again, ends in a split that is not the best",
            "edge": "the threshold belongs to the lower group",
            "low": "the cells above are asked for",
            "constant": "nothing lies above the threshold of a constant map",
        },
    ),
)


def pooled(prob: Tensor, selected: Tensor, *, wrong: str) -> tuple[Tensor, ...]:
    """Adaptive pooling with a mistake."""
    kept = prob.detach() > otsu_threshold(prob.detach())
    otsu = prob[kept].mean() if kept.any() or wrong == "constant" else prob.mean()
    cluster = prob[selected].mean() if selected.any() else torch.tensor(torch.nan) if wrong == "nan" else otsu
    if wrong == "zero" and not selected.any():
        cluster = prob.sum() * 0
    if wrong == "all" and not selected.any():
        cluster = prob.mean()
    if wrong == "max":
        otsu = prob.max()
    if wrong == "both":
        both = kept & selected
        otsu = prob[both].mean() if both.any() else otsu
    if wrong == "cells":
        cluster = (prob * selected).sum() / len(prob) if selected.any() else otsu
    if wrong == "detached":
        otsu = otsu.detach()
    return ((otsu + cluster) / 2,) if wrong == "one" else (cluster, otsu) if wrong == "order" else (otsu, cluster)


def mapped() -> dict[str, tuple]:
    """Maps and what the clusterings select."""
    found = {name: (x, torch.arange(len(x)) % 3 == 0) for name, x in maps().items()}
    heaps = maps()["two heaps"]
    return found | {"the clusterings agree on no cell": (heaps, heaps > 2)}


ADAPTIVE = Task(
    lambda prob, selected: tuple(one[0] for one in pool(prob[None], "adaptive", selected[None])),
    "the mean above Otsu's threshold (of a constant map its value), and the mean of the selected cells (Otsu's where there is none)",
    mapped,
    slips(
        pooled,
        {
            "nan": "where the clusterings agree on no cell the second score is the first one, not NaN",
            "zero": "where the clusterings agree on no cell the second score is the first one, not 0",
            "all": "where the clusterings agree on no cell the second score is the first one, not the mean of the map",
            "constant": "nothing lies above the threshold of a constant map; its score is its value",
            "max": "the first score is a mean over all cells above the threshold",
            "both": "each score has its own selection; they are not intersected",
            "cells": "the sum is divided by the number of selected cells",
            "one": "two scores come out, each of which meets the label",
            "order": "the first score is Otsu's",
            "detached": "the selection is a constant, the mean is not",
        },
    ),
    gradients=(0,),
)


def classified(prob: Tensor, selected: Tensor, label: Tensor, *, wrong: str) -> Tensor:
    """L_cls of weak supervision with a mistake."""
    scores = list(pool(prob, "adaptive", selected))
    if wrong in ("widest", "steps"):
        scores[0] = torch.stack([one[above(one.detach(), wrong=wrong)].mean() for one in prob])
        scores[1] = scores[1].where(selected.any(1), scores[0])
    if wrong == "drop":
        there = selected.any(1)
        scores[1] = scores[1].where(there, label)
    if wrong == "mean":
        return F.binary_cross_entropy(torch.stack(scores).mean(0), label.to(prob.dtype))
    if wrong == "otsu":
        scores = scores[:1]
    losses = [F.binary_cross_entropy(one, label.to(prob.dtype), reduction="none") for one in scores]
    if wrong == "tampered":
        losses = [one * label for one in losses]
    total = sum(losses)
    return total.sum() if wrong == "sum" else total.mean() / 2 if wrong == "half" else total.mean()


def labelled() -> dict[str, tuple]:
    """Maps (B,N), selections and labels; one picture without a cell on which the clusterings agree."""
    prob = drawn(3, 12).sigmoid()
    selected = drawn(3, 12, seed=1) > 0.5
    selected[2] = False
    heaps = torch.stack([maps()["uneven heaps"], drawn(35, seed=3).sigmoid() ** 4])
    return {
        "maps of which a few cells stand out": (heaps, torch.arange(70).view(2, 35) % 3 == 0, torch.tensor([1.0, 0.0])),
        "one picture without an agreed cell": (prob, selected, torch.tensor([1.0, 0.0, 1.0])),
        "no picture with one": (prob, selected & False, torch.tensor([0.0, 1.0, 1.0])),
        "authentic pictures": (prob, selected, torch.zeros(3)),
    }


WEAK_LOSS = Task(
    lambda prob, selected, label: classification_loss(label, pool(prob, "adaptive", selected)),
    "two scores a picture, Eq. 6 of each, the mean over pictures of each, then the sum",
    labelled,
    slips(
        classified,
        {
            "drop": "without an agreed cell Otsu's score counts twice, it is not left out",
            "mean": "each score meets the label by itself; the mean of the scores is for inference",
            "otsu": "there are two scores",
            "tampered": "authentic pictures count, too",
            "sum": "pictures are averaged, not added",
            "half": "the two losses are added, not averaged",
            "widest": "the widest gap between two values is not yet Otsu's threshold",
            "steps": "the middle between the groups' means, taken again and again, is not yet Otsu's threshold",
        },
    ),
    rtol=1e-3,
    gradients=(0,),
)
TASKS = (NORM, SHARE, OTSU, ADAPTIVE, WEAK_LOSS)
