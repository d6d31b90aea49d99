"""Constants of a study in tables: what the library takes unless told otherwise, and what its run notebook does; read, not typed."""

import inspect
from collections.abc import Callable, Iterable

import pandas as pd

from imdlib import parameters
from imdlib.freshness import sources


def table(rows: Iterable[tuple[str, Callable, str, str]]) -> pd.DataFrame:
    """rows: (what it is, function or class that takes it, name of its parameter, what the paper says) -> DataFrame of four columns."""
    found = []
    for what, taker, name, paper in rows:
        value = inspect.signature(taker).parameters[name].default
        found.append((what, name, f"{value:g}" if isinstance(value, float) else str(value), paper))
    return pd.DataFrame(found, columns=["constant", "parameter", "library", "paper"])


def of_run(notebook: str, names: Iterable[str]) -> pd.DataFrame:
    """Defaults of some parameters of `notebooks/<notebook>.ipynb` and the comments behind them: DataFrame parameter, default, what it is.

    A name that the notebook does not have raises a KeyError.
    """
    values = parameters.declared(notebook)
    cell = next(one for one in sources.cells(notebook) if "parameters" in sources.tags(one))
    said = dict(line.split("  # ", 1) for line in sources.source(cell).splitlines())
    said = {line.split(" = ")[0]: comment for line, comment in said.items()}
    rows = [(name, repr(values[name]), said[name]) for name in names]
    return pd.DataFrame(rows, columns=["parameter", "default", "what it is"])
