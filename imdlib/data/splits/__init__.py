"""Splits that anyone draws alike: a name's place in [0, 1) comes from its SHA-256, no generator and no order counts.

Lists of whole data sets that are published with the library lie beside this file as csv.
"""

import hashlib
from collections.abc import Iterable
from pathlib import Path

import pandas as pd

SHARES = {"train": 0.6, "val": 0.1, "test": 0.3}
LISTS = Path(__file__).parent


def place(name: str, salt: str) -> float:
    """A number in [0, 1) that depends on `name` and `salt` alone."""
    return int(hashlib.sha256(f"{salt}/{name}".encode(errors="surrogateescape")).hexdigest()[:13], 16) / 16**13


def by_hash(name: str, salt: str, shares: dict[str, float] = SHARES) -> str:
    """The split of a scene. shares: {split: fraction}, in order, summing to 1. What is added later moves nothing."""
    at, end = place(name, salt), 0.0
    for split, share in shares.items():
        end += share
        if at < end:
            return split
    return list(shares)[-1]


def by_count(names: Iterable[str], salt: str, counts: dict[str, int]) -> dict[str, str]:
    """{name: split} with exact numbers, in the order of their places.

    counts: {split: number}; the last split takes what is left over.
    """
    order = sorted(set(names), key=lambda name: (place(name, salt), name))
    splits = [split for split, count in counts.items() for _ in range(count)]
    splits += [list(counts)[-1]] * max(0, len(order) - len(splits))
    return dict(zip(order, splits))


def published(name: str) -> dict[str, str]:
    """The list `<name>.csv` beside this file, as {first column: second column}."""
    table = pd.read_csv(LISTS / f"{name}.csv", dtype=str, keep_default_na=False)
    return dict(zip(table.iloc[:, 0], table.iloc[:, 1]))
