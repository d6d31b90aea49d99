"""A job: the same work by imdlib and by what people would use instead, and made-up maps that several jobs work on."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np


class Job(NamedTuple):
    """ours and theirs do the work and return what `equal` compares, or return the figure itself where unit is not ms.

    target: the ratio ours / theirs that is aimed at; equal(a, b): whether both found the same; None where they do different things;
    once: whether one reading tells all there is, as with a process of its own.
    """

    job: str
    peer: str
    target: float
    ours: Callable
    theirs: Callable
    equal: Callable | None
    unit: str = "ms"
    once: bool = False


def maps(count, side, seed=0):
    """Probability maps (count,side,side) float32 with three decimals, so that there are ties, and masks with a rectangle each."""
    rng = np.random.default_rng(seed)
    masks = np.zeros((count, side, side), np.uint8)
    for mask in masks:
        top, left = rng.integers(side // 2, size=2)
        mask[top : top + side // 4, left : left + side // 3] = 1
    noise = rng.normal(size=masks.shape) + masks
    return (1 / (1 + np.exp(-noise))).round(3).astype(np.float32), masks


def close(tolerance, a, b):
    """Whether all numbers are within the tolerance."""
    return bool(np.allclose(a, b, rtol=0, atol=tolerance))
