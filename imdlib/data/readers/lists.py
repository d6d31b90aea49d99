"""Lists that come with a data set: tables as text, and the files that they name."""

import os
from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from imdlib.data.readers.common import Found


def inside(folder: Path, name: str) -> Path | None:
    """The file `name` of a list that lies below `folder`, or None for a name that leads out of it."""
    path = Path(os.path.normpath(folder / name))
    return path if path != folder and path.is_relative_to(os.path.normpath(folder)) else None


def read_list(found: Found, index: Path, columns: Iterable[str] = (), sep: str = ",") -> pd.DataFrame | None:
    """A list of a data set as text, or None after noting what is wrong with it; columns: those that it must have."""
    found.used.append(index)
    try:
        table = pd.read_csv(index, sep=sep, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    except (OSError, ValueError) as error:
        found.problem(index, f"cannot be read ({error})", "a table as csv in UTF-8", "save it again")
        return None
    lacking = [name for name in columns if name not in table]
    if lacking:
        came = f"has no column {', '.join(lacking)}, only {', '.join(map(str, table.columns))}"
        found.problem(index, came, f"columns {', '.join(columns)}, with '{sep}' between them", "rename its columns")
    return None if lacking else table
