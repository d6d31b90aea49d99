"""Which runs made the rows of a table: known from their score rows, and written once for all tables of a folder."""

import re
from pathlib import Path

import pandas as pd

from imdlib import files

FILE = "runs.csv"  # beside the tables
COLUMNS = ["exhibit", "method", "train_set", "runs"]
SEED = re.compile(r"seed\d+$")  # how the name of a run ends


def made_by(found: pd.DataFrame, scores: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    """Tidy rows with the `runs` behind each: of the score rows that have the same values in `by`; '' where no run made them."""
    if "run" not in scores or found.empty:
        return found.assign(runs="")
    names = scores[[*by, "run"]].drop_duplicates()
    names = names.assign(run=names["run"].map(pattern)).dropna(subset="run").drop_duplicates()
    several = names.groupby(by, sort=False, dropna=False, observed=True)["run"].agg(" ".join)
    found = found.merge(several.rename("runs").reset_index(), on=by, how="left")
    return found.assign(runs=found["runs"].fillna(""))


def pattern(run: object) -> str | None:
    """`base_sim-casia_seed*` for a run of any seed, the name for one without; None for what is no run, such as a data set's rows."""
    if not isinstance(run, str):
        return None
    return SEED.sub("seed*", run) if SEED.search(run) else run if run.startswith("classic_") else None


def save(rows: pd.DataFrame, folder: Path, exhibit: str) -> None:
    """Note in the file of a folder of tables which runs made the rows of one; nothing where none did."""
    found = rows.loc[rows["runs"].fillna("") != "", COLUMNS[1:]].drop_duplicates().assign(exhibit=exhibit)
    before = read(folder)
    both = pd.concat([before[before["exhibit"] != exhibit], found])
    if len(both):
        files.write_text(folder / FILE, both[COLUMNS].to_csv(index=False))


def read(folder: Path) -> pd.DataFrame:
    """What `save` noted, COLUMNS; without rows where there is no file."""
    path = folder / FILE
    return pd.read_csv(path, keep_default_na=False) if path.exists() else pd.DataFrame(columns=COLUMNS)
