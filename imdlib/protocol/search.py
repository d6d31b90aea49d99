"""Search: the settings that every compared row is tried with, so that none of them was tuned longer than another.

A study declares one space of settings and its rows. Draw k of a low-discrepancy sequence (Sobol, scrambled; Joe and Kuo 2008)
gives a value to every parameter of the space; a row takes those that it has. Two rows therefore share, trial by trial, whatever
they have in common, and differ in nothing but what makes them two rows.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

TRIAL_SEED = 100  # of every trial's training: none that a final run has
DIMENSIONS = 32  # of the sequence, more than any study's space has: so a parameter that joins changes no other's values


@dataclass(frozen=True)
class Log:
    """Evenly over the logarithm, from low to high, to three digits."""

    low: float
    high: float

    def at(self, place: float) -> float:
        """The value at a place in [0,1)."""
        return float(f"{self.low * (self.high / self.low) ** place:.3g}")


@dataclass(frozen=True)
class Linear:
    """Evenly from low to high, to three digits."""

    low: float
    high: float

    def at(self, place: float) -> float:
        """The value at a place in [0,1)."""
        return float(f"{self.low + (self.high - self.low) * place:.3g}")


@dataclass(frozen=True)
class Choice:
    """One of some values, each as often."""

    values: tuple

    def __init__(self, *values: Any) -> None:
        object.__setattr__(self, "values", values)

    def at(self, place: float) -> Any:
        """The value at a place in [0,1)."""
        return self.values[int(place * len(self.values))]


Range = Log | Linear | Choice


@dataclass(frozen=True)
class Row:
    """One compared method: parameters that make it what it is, and those of the space that it is tuned in."""

    fixed: Mapping[str, Any]
    searched: Sequence[str] = field(default=())


def draws(space: Mapping[str, Range], count: int, seed: int = 0) -> list[dict[str, Any]]:
    """The first `count` draws of a space, each {parameter: value}; more draws continue the same sequence.

    space: at most DIMENSIONS, in an order that stays: a parameter that joins at its end changes none of the others' values.
    """
    from scipy.stats import qmc  # takes a second to import

    if len(space) > DIMENSIONS:
        raise ValueError(f"{len(space)} parameters to search: expected at most {DIMENSIONS}")
    places = qmc.Sobol(DIMENSIONS, rng=seed).random(1 << max(count - 1, 0).bit_length())[:count]
    return [{name: one.at(place) for (name, one), place in zip(space.items(), some)} for some in places]


def trials(space: Mapping[str, Range], rows: Mapping[str, Row], count: int) -> dict[tuple[str, int], dict[str, Any]]:
    """{(row, number of the draw): parameters of the run} for every row and each of `count` draws.

    Raises ValueError where a row is to be tuned in a parameter that the space lacks, or that it holds fixed itself, or count is negative.
    """
    if count < 0:
        raise ValueError(f"trials: expected 0 or more, got {count}")
    for name, row in rows.items():
        if wrong := [key for key in row.searched if key not in space or key in row.fixed]:
            raise ValueError(
                f"row '{name}': {', '.join(wrong)} cannot be searched: not in the space, or fixed by the row"
            )
    return {
        (name, number): dict(row.fixed) | {key: draw[key] for key in row.searched} | dict(trial=number, seed=TRIAL_SEED)
        for name, row in rows.items()
        for number, draw in enumerate(draws(space, count))
    }


def check_names(parameter: str, wanted: Iterable[str], known: Iterable[str]) -> None:
    """ValueError that names the parameter of a grid, and what it may hold, where it asks for a row that there is not."""
    unknown = sorted({*wanted} - {*known})
    if unknown:
        raise ValueError(f"{parameter}: expected some of {', '.join(known)}, got {', '.join(unknown)}")


def row_of(parameters: Mapping[str, Any], rows: Mapping[str, Row]) -> str:
    """The row that a run belongs to: the one whose fixed parameters all are the run's, of several the one that fixes most; '' if none."""
    fitting = {
        name: len(row.fixed)
        for name, row in rows.items()
        if all(key in parameters and same(parameters[key], value) for key, value in row.fixed.items())
    }
    return max(fitting, key=fitting.get, default="")


def same(one: Any, other: Any) -> bool:
    """Whether two parameters are equal; lists as they come back from a table count as lists."""
    return list(one) == list(other) if isinstance(other, list | tuple) else one == other
