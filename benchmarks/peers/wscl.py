"""Otsu's split of WSCL (github.com/yhZhai/WSCL, models/main_model.py, get_otsu_k), from what it computes.

From the middle of the sorted values it walks left, or else right, for as long as the variance within the two classes does not grow, and
takes the variance of both sides anew at each step: a local optimum, in quadratic time.
"""

import torch
from torch import Tensor


def within(ordered: Tensor, k: int) -> Tensor:
    """Variance within the classes of the k lowest values and of the others."""
    share = k / len(ordered)
    return share * ordered[:k].var() + (1 - share) * ordered[k:].var()


def walk(ordered: Tensor, start: int, steps: range) -> int:
    """The last split along the steps before the variance grows."""
    found, least = start, within(ordered, start)
    for k in steps:
        variance = within(ordered, k)
        if variance > least:
            break
        found, least = k, variance
    return found


def threshold(x: Tensor) -> float:
    """Largest value of the lower class: (N,) -> number."""
    ordered = torch.sort(x).values
    middle = len(x) // 2
    left = walk(ordered, middle, range(middle - 1, 0, -1))
    return ordered[(left if left < middle else walk(ordered, middle, range(middle + 1, len(x)))) - 1].item()
