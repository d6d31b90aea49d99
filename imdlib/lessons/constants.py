"""Constants of a study in one table: what the library takes unless told otherwise, read from its signatures, beside what the paper says."""

import inspect
from collections.abc import Callable, Iterable

import pandas as pd


def table(rows: Iterable[tuple[str, Callable, str, str]]) -> pd.DataFrame:
    """rows: (what it is, function or class that takes it, name of its parameter, what the paper says) -> DataFrame of four columns."""
    found = []
    for what, taker, name, paper in rows:
        value = inspect.signature(taker).parameters[name].default
        found.append((what, name, f"{value:g}" if isinstance(value, float) else str(value), paper))
    return pd.DataFrame(found, columns=["constant", "parameter", "library", "paper"])
