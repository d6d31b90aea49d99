"""Until flat: the one rule by which every row of every study decides how long it trains.

The learning rate stays where it is until loss and validation have both gone flat over the last third of the epochs so far, or
until the budget leaves no more than the cool-down; then it falls to 0 in a straight line over a quarter as many epochs as came
before (a constant rate with a cool-down ends where a schedule of that length would: Haegele et al. 2024).
"""

from collections.abc import Sequence

import numpy as np

GAIN = 0.01  # of a validation number in [0,1]: less than that over a third of the training is flat
FALL = 0.03  # share of its value by which a flat loss falls at most
LEAST = 6  # looks at the validation images before anything is called flat
COOLING = 0.25  # epochs of the cool-down, as a share of those before it


def cooling(epochs: int) -> int:
    """How many epochs the cool-down has after so many, at least one."""
    return max(1, round(COOLING * epochs))


def latest(budget: int) -> int:
    """After how many epochs of a budget the cool-down begins at the latest."""
    return max(n for n in range(budget) if n == 0 or n + cooling(n) <= budget)


def flat(history: Sequence[dict[str, float]], validation: str, losses: Sequence[str]) -> bool:
    """Whether a validation number and all losses stood still over the last third of the epochs, against the third before.

    history: a dict per epoch; the validation number stands in those in which somebody looked. False before LEAST looks.
    """
    looks = [row[validation] for row in history if validation in row]
    if len(looks) < LEAST or gain(looks) >= GAIN:
        return False
    falls = [fall([row[name] for row in history if name in row]) for name in losses]
    return all(one < FALL for one in falls)


def gain(values: Sequence[float]) -> float:
    """Mean of the last third less the mean of the third before; NaN counts for nothing."""
    last, before = thirds(values)
    return np.nanmean(last) - np.nanmean(before)


def fall(values: Sequence[float]) -> float:
    """Share of its size by which the mean of the last third lies below that of the third before; 0 for too few values."""
    if len(values) < LEAST:
        return 0.0
    last, before = thirds(values)
    return float((np.mean(before) - np.mean(last)) / max(abs(np.mean(before)), 1e-12))


def thirds(values: Sequence[float]) -> tuple[Sequence[float], Sequence[float]]:
    """(last third, third before) of some values."""
    third = max(1, len(values) // 3)
    return values[-third:], values[-2 * third : -third]
