"""Exercises of the notebook on the pivot: what the library says at hidden inputs, and what is often mistaken."""

import torch
from torch import Tensor

from imdlib.lessons.exercises import Task, drawn, slips
from imdlib.ncl.pivot import PivotNet

HALVES = Task(
    lambda a, b, m, n: (m * a + n * b) / (m + n),
    "se+ is a mean over cells. What is the mean of two groups of different size?",
    lambda: {f"{m} and {n} cells": (drawn(4), drawn(4, seed=1), m, n) for m, n in ((7, 50), (1, 1), (20, 3))},
    {
        "the mean of both counts each part once, however many cells it has": lambda a, b, m, n: (a + b) / 2,
        "a mean is asked for, not a sum": lambda a, b, m, n: m * a + n * b,
        "the part with more cells counts more": lambda a, b, m, n: (n * a + m * b) / (m + n),
        "the smaller part counts, too": lambda a, b, m, n: a if m > n else b,
    },
)
PIVOT_WEIGHTS = Task(
    lambda d: sum(w.numel() for w in PivotNet(d).parameters()),
    "the convolution is a D x D matrix; batch norm has a scale and a shift per channel",
    lambda: {f"D = {d}": (d,) for d in (16, 64, 256)},
    {
        "that is one branch; there are two": lambda d: d * d + 2 * d,
        "batch norm has weights, too": lambda d: 2 * d * d,
        "the convolution has no bias": lambda d: 2 * (d * d + 3 * d),
        "a 1x1 convolution has D x D weights, not D": lambda d: 2 * 3 * d,
        "a 1x1 convolution has one place, a 3x3 has nine": lambda d: 2 * (9 * d * d + 2 * d),
    },
    rtol=1e-9,
)


def one_branch(feat: Tensor, patches: Tensor, weight: Tensor, scale: Tensor, shift: Tensor) -> tuple[Tensor, Tensor]:
    """se+ (B,D) and valid (B,) of a `PivotNet` with these weights, in training."""
    pivot = PivotNet(feat.shape[1]).double()
    values = {"project.weight": weight, "norm.weight": scale, "norm.bias": shift}

    def branch(x):
        return torch.func.functional_call(pivot.positive, values, (x,))

    contour = (patches == 2).flatten(1)
    cells = feat.permute(0, 2, 3, 1).flatten(1, 2)
    image, cell = contour.nonzero(as_tuple=True)
    total = cells.new_zeros(len(cells), cells.shape[2]).index_add(0, image, branch(cells[image, cell]))
    return total / contour.sum(1).clamp(min=1)[:, None], contour.any(1)


def pivoted(
    feat: Tensor, patches: Tensor, weight: Tensor, scale: Tensor, shift: Tensor, *, wrong: str
) -> tuple[Tensor, Tensor]:
    """The same with a mistake."""
    kind = (
        torch.ones_like(patches, dtype=torch.bool) if wrong == "all" else patches == (1 if wrong == "tampered" else 2)
    )
    kind, found = kind.flatten(1), []
    cells = feat.permute(0, 2, 3, 1).flatten(1, 2)
    x = cells[kind] @ weight.T
    mean, var = (x.mean(0), x.var(0, unbiased=wrong == "unbiased")) if len(x) > 1 else (0, 1)
    for one, here in zip(cells, kind):
        y = one[here] @ weight.T
        if wrong == "early":
            y = y.mean(0, keepdim=True)
        centre, spread = (y.mean(0), y.var(0, unbiased=False)) if wrong == "image" and len(y) > 1 else (mean, var)
        y = y if wrong == "norm" else (y - centre) / (spread + 1e-5 + torch.zeros(len(scale))) ** 0.5 * scale + shift
        y = y if wrong == "relu" else y.relu()
        total = y.nan_to_num().sum(0) if wrong != "nan" else y.sum(0)
        count = {"sum": 1, "cells": len(one)}.get(wrong, len(y) if wrong == "nan" else max(len(y), 1))
        found.append(total / count)
    valid = kind.any(1) | (wrong == "valid")
    return torch.stack(found), torch.stack(found).any(1) if wrong == "dead" else valid


def contours() -> dict[str, tuple]:
    """Features (B,D,h,w), patches (B,h,w) and the weights of a branch."""
    some = torch.tensor([[[2, 2, 1], [0, 2, -1]], [[2, 2, 2], [2, 2, 1]], [[0, 1, 0], [0, 0, 0]]])
    single = torch.tensor([[[2, 0, 1], [0, 0, 0]], [[0, 0, 0], [0, 0, 1]], [[1, 1, 1], [1, 1, 1]]])
    given = drawn(3, 4, 2, 3), drawn(4, 4, seed=1), 1 + 0.1 * drawn(4, seed=2), 0.1 * drawn(4, seed=3)
    labels = {
        "one picture has no contour": some,
        "a single contour cell in the batch": single,
        "no contour cell at all": torch.zeros_like(some),
    }
    found = {name: (given[0], one, *given[1:]) for name, one in labels.items()}
    return found | {"a contour of which the ReLU leaves nothing": (given[0], some, *given[1:3], given[3] - 10)}


PIVOT = Task(
    one_branch,
    "pick the contour cells of the whole batch, then matrix, batch norm, ReLU, then the mean of each picture",
    contours,
    slips(
        pivoted,
        {
            "early": "the mean is taken before batch norm and ReLU; it comes last",
            "image": "batch norm sees each picture alone; it sees the contour cells of the whole batch",
            "all": "all cells go in, not the contour cells",
            "tampered": "the tampered cells go in, not the contour cells",
            "relu": "the ReLU is missing",
            "norm": "batch norm is missing",
            "sum": "the cells are added up, not averaged",
            "cells": "the sum is divided by the number of all cells",
            "nan": "the mean of no cell is NaN; a picture without contour has zeros",
            "valid": "a picture without contour is not valid",
            "dead": "a picture is valid where it has contour, also where the ReLU leaves nothing of it",
            "unbiased": "batch norm divides by n, not by n - 1",
        },
    ),
    gradients=(0, 2, 3, 4),
)
TASKS = (PIVOT_WEIGHTS, HALVES, PIVOT)
