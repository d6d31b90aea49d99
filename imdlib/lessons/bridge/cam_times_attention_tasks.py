"""Exercises of the notebook on activation times attention: what the library says at hidden inputs, and what is often mistaken.

Bridging sections 3.5 and 3.6.
"""

import torch
from torch import Tensor

from imdlib.bridge.localize import refined_cam, unit_range
from imdlib.lessons.bridge.cam_times_attention import twin_map, uniform
from imdlib.lessons.exercises import Task, drawn, slips


def everywhere(mean: float, layers: int) -> float:
    """`refined_cam` of a map with this mean, attention alike everywhere."""
    cam = torch.linspace(-1, 1, 3 * 16).view(1, 3, 4, 4)
    return uniform(cam - cam.mean((2, 3), keepdim=True) + mean, layers)[0, 0, 0, 0]


UNIFORM = Task(
    everywhere,
    "each row of the sum of L matrices adds up to L",
    lambda: {f"m = {m}, L = {n}": (m, n) for m, n in ((0.7, 1), (0.5, 12), (-1.0, 3))},
    {
        "the matrices are added, not averaged": lambda m, n: m,
        "the matrices are added, not multiplied": lambda m, n: m**n,
        "a row of one matrix adds up to 1": lambda m, n: n,
        "negative values are dropped later": lambda m, n: max(0, n * m),
        "the mean is over all cells already": lambda m, n: n * m / 16,
        "there is one matrix for each layer": lambda m, n: (n - 1) * m,
        "nothing is squared": lambda m, n: n**2 * m,
    },
)
TWIN = Task(
    lambda: next(w / 1000 for w in range(300, 400) if twin_map(w / 1000)[4] > 0.5),
    "the forged cells have 1 - w, the twins w, the ground 0; stretch, and compare with 0.5; three digits are enough",
    mistakes={
        "the maximum is 1 - w, to which w is compared": 0.5,
        "w / (1 - w) is the twin's value after the stretch": 0.25,
        "that is where the twin has the same as the region": 2 / 3,
        "the map is stretched before it is compared": 0.4,
        "a twin gets something from any w on, but not half of the maximum": 0.0,
        "it happens before w = 1": 1.0,
        "it is the share itself, no root": 0.7071,
    },
    rtol=0.005,
)


def gathered(cam: Tensor, attention: Tensor, *, wrong: str) -> Tensor:
    """The product with a mistake."""
    total = {"mean": attention.mean, "last": lambda dim: attention[-1]}.get(wrong, attention.sum)(0)
    if wrong == "product":
        total = attention[0]
        for one in attention[1:]:
            total = one @ total
    if wrong == "transposed":
        total = total.transpose(1, 2)
    if wrong == "rows":
        total = total / total.sum(2, keepdim=True)
    flat = cam.transpose(2, 3).flatten(2) if wrong == "columns" else cam.flatten(2)
    found = torch.einsum("bij,bcj->bci", total, flat).unflatten(2, cam.shape[2:])
    if wrong == "elementwise":
        found = cam * total.sum(1).unflatten(1, cam.shape[2:])[:, None]
    return cam + found if wrong == "residual" else found.relu() if wrong == "relu" else found


REFINED = Task(
    refined_cam,
    "A is the sum over layers; cell i gets the sum over j of A[i, j] times the activation of cell j",
    lambda: {
        "two layers": (drawn(2, 3, 2, 3), drawn(2, 2, 6, 6, seed=1).softmax(3)),
        "one layer, a square": (drawn(1, 3, 2, 2), drawn(1, 1, 4, 4, seed=1).softmax(3)),
        "rows that do not add up to one": (drawn(1, 3, 2, 2), 0.7 * drawn(3, 1, 4, 4, seed=1).softmax(3)),
    },
    slips(
        gathered,
        {
            "mean": "the matrices of the layers are added, not averaged",
            "last": "all layers count, not the last one alone",
            "product": "the matrices of the layers are added, not multiplied",
            "transposed": "row i says to whom cell i attends; it gathers, it does not send",
            "rows": "rows are not brought to 1: a part may go to the class token",
            "columns": "cells stand row by row",
            "elementwise": "it is a matrix product",
            "residual": "the map itself is not added",
            "relu": "negative values are dropped later, not here",
        },
    ),
    rtol=1e-3,
    gradients=(0, 1),
)


def stretched(logits: Tensor, *, wrong: str) -> Tensor:
    """The stretch with a mistake."""
    values = logits if wrong == "negative" else logits.abs() if wrong == "absolute" else logits.clamp(min=0)
    dims = (0, 1, 2, 3) if wrong == "batch" else (2, 3)
    low, high = values.amin(dims, keepdim=True), values.amax(dims, keepdim=True)
    if wrong == "low":
        return values / (high + 1e-5)
    if wrong == "nan":
        return (values - low) / (high - low)
    if wrong == "sigmoid":
        return logits.sigmoid()
    return (
        (values - low) / (high - low + 1e-5) if wrong != "sum" else values / (values.sum((2, 3), keepdim=True) + 1e-5)
    )


UNIT_RANGE = Task(
    unit_range,
    "drop negative values, then minimum to maximum of each picture from 0 to 1, with 1e-5 added to what is divided by",
    lambda: {
        "two pictures": (torch.stack([drawn(1, 4, 4), 10 * drawn(1, 4, 4, seed=1)]),),
        "all positive": (3 + drawn(1, 1, 3, 3).abs(),),
        "a constant map": (torch.full((1, 1, 2, 2), 0.4, dtype=torch.float64),),
        "all negative": (-drawn(1, 1, 3, 3).abs(),),
    },
    slips(
        stretched,
        {
            "negative": "negative values are dropped first",
            "absolute": "negative values are dropped, not turned",
            "batch": "each picture is stretched by its own minimum and maximum",
            "low": "the minimum becomes 0",
            "nan": "a constant map becomes 0, not NaN",
            "sigmoid": "the map is stretched; there is no sigmoid",
            "sum": "the maximum becomes 1, not the sum",
        },
    ),
    rtol=1e-3,
)
TASKS = (UNIFORM, TWIN, REFINED, UNIT_RANGE)
