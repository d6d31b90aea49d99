"""Archive: what finished runs left, gathered for a page, and kept a second time in one columnar file a table.

These files are what git holds: every number of a page can be drawn again from them, in a clone in which nothing was trained.
"""

import contextlib
import fcntl
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from imdlib import store
from imdlib.places import results_folder
from imdlib.runs import AGAIN, STAMP, RunError, State, state

RUNS = "runs.parquet"  # a row per run: its stamp, and the columns of its tables


def gather(results: Path | str, study: str, runs: dict | None = None) -> tuple[pd.DataFrame, dict]:
    """(runs, tables) of finished runs: a row of parameters and stamp per run, and {name: rows of all runs with `run` named}.

    runs: {name: key} of those that count, in this order; empty or None = all that are there. Each is taken from its folder,
    or from what `keep` left. The column `outdated` says in which rows another key was found than the one asked for: their
    numbers are of other parameters, code or data than those at hand, and a page has to say so.
    Raises RunError for runs that are missing or damaged.
    """
    with held_still(results_folder(results, study), fcntl.LOCK_SH):
        found = collect(results, study, runs)
    settings = [
        {**about["needs"]["parameters"], **flat(about), "run": name, "outdated": outdated}
        for name, (about, _, outdated) in found.items()
    ]
    return pd.DataFrame(settings), joined(found)


def keep(results: Path | str, study: str, runs: dict | None = None) -> list[Path]:
    """Write what counts of a study's runs into one columnar file a table, with sums beside them; returns the files."""
    folder = results_folder(results, study)
    with held_still(folder, fcntl.LOCK_EX):
        return written(folder, collect(results, study, runs))


def join(results: Path | str, study: str, others: list[Path | str]) -> list[Path]:
    """`keep`, with the runs that other folders of results hold, too: of other machines. A run that is in several is taken from the
    first, `results` before `others`; returns the files.
    """
    folder = results_folder(results, study)
    folder.mkdir(parents=True, exist_ok=True)
    with held_still(folder, fcntl.LOCK_EX):
        found = {}
        for place in (results, *others):
            there = results_folder(place, study)
            some = collect(place, study, None) if (there / RUNS).exists() or any(there.glob(f"runs/*/{STAMP}")) else {}
            found = some | found
        return written(folder, dict(sorted(found.items())))


def stamps(results: Path | str, study: str) -> dict:
    """{run: stamp} of what `keep` left; empty where there is nothing."""
    folder = results_folder(results, study)
    with held_still(folder, fcntl.LOCK_SH):
        return Kept(folder).stamps


# ---- steps ---------------------------------------------------------------------------------------------------------


def written(folder: Path, found: dict) -> list[Path]:
    """Write what `collect` found into a folder's columnar files, with sums beside them; returns the files."""
    rows = [
        {
            "run": name,
            "stamp": json.dumps(about),
            "columns": json.dumps({title: table.dtypes.astype(str).to_dict() for title, table in parts.items()}),
        }
        for name, (about, parts, _) in found.items()
    ]
    paths = [store.write(pd.DataFrame(rows), folder / RUNS)]
    paths += [store.write(frame, folder / f"{title}.parquet") for title, frame in joined(found).items()]
    store.write_sums(folder, [path.name for path in paths])
    return paths


@contextlib.contextmanager
def held_still(folder: Path, how: int) -> Iterator[None]:
    """While it lasts, nobody writes what is kept in a folder (LOCK_SH), or nobody else reads or writes it (LOCK_EX)."""
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(OSError):  # no such folder yet, or a file system without locks
            opened = os.open(folder, os.O_RDONLY)
            stack.callback(os.close, opened)
            fcntl.flock(opened, how)
        yield


def collect(results: Path | str, study: str, runs: dict | None) -> dict:
    """{run: (stamp, its tables, whether it is outdated)} of finished runs, as `gather` describes it.

    What was kept is not looked at where the folders hold all that is asked for: a damaged file can then be written anew.
    """
    folder = results_folder(results, study)
    here = {path.parent.name: path.parent for path in sorted(folder.glob(f"runs/*/{STAMP}"))}
    here = {name: path for name, path in here.items() if not name.endswith("~")}
    kept, found = None if runs else Kept(folder), {}
    wanted = runs or dict.fromkeys(sorted({*here, *kept.stamps}))
    if not wanted:
        raise RunError(f"{folder}/runs holds no finished run: `make study` trains them")
    for name, key in wanted.items():
        lies = state(here[name]) if name in here else State("absent")
        own = lies.stamp if lies.word == "finished" else None
        if not own or own["key"] != key is not None:
            kept = kept or Kept(folder)
        abouts = [about for about in (own, kept and kept.stamps.get(name)) if about]
        if not abouts:
            raise RunError(f"{folder}/runs/{name}: {lies.why or 'no finished run is there'}; {AGAIN}")
        about = next((one for one in abouts if one["key"] == key), abouts[0])
        parts = read_tables(here[name], about) if about is own else kept.tables(name)
        found[name] = about, parts, key not in (None, about["key"])
    return found


def read_tables(folder: Path, about: dict) -> dict:
    """{name: table} of a finished run, from its folder."""
    names = [name for name in about["sums"] if name.endswith(".parquet")]
    return {name.removesuffix(".parquet"): store.read(folder / name) for name in names}


def joined(found: dict) -> dict:
    """{name: rows of all runs of `collect`, with `run` named}; tables without rows only add their columns."""
    frames = {}
    for name, (_, parts, _) in found.items():
        for title, table in parts.items():
            frames.setdefault(title, []).append(table.assign(run=name))
    return {title: together(some) for title, some in frames.items()}


def together(frames: list) -> pd.DataFrame:
    """Tables under each other; those without rows only add their columns."""
    filled = [frame for frame in frames if len(frame)]
    columns = list(dict.fromkeys(name for frame in frames for name in frame))
    return pd.concat(filled, ignore_index=True).reindex(columns=columns) if filled else frames[0]


def flat(about: dict) -> dict:
    """A stamp without what is nested in it."""
    return {name: value for name, value in about.items() if name not in ("needs", "sums", "seal")}


class Kept:
    """What `keep` left of a study's runs in one folder: stamps, and the rows of a run when they are asked for."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.stamps, self.columns, self.read = folder, {}, {}, {}
        if (folder / RUNS).exists():
            store.check_sums(folder)
            store.check_sums(folder, [RUNS])  # is listed itself
            rows = store.read(folder / RUNS)
            self.stamps = {name: json.loads(text) for name, text in zip(rows["run"], rows["stamp"])}
            self.columns = {name: json.loads(text) for name, text in zip(rows["run"], rows["columns"])}

    def tables(self, run: str) -> dict:
        """{name: rows of one run}, in the columns and types that its own table had."""
        return {title: self.rows(title, run)[list(c)].astype(c) for title, c in self.columns[run].items()}

    def rows(self, title: str, run: str) -> pd.DataFrame:
        """Rows of one run in one table, in all of its columns; the file is read once."""
        if title not in self.read:
            store.check_sums(self.folder, [f"{title}.parquet"])
            every = store.read(self.folder / f"{title}.parquet")
            self.read[title] = every, dict(iter(every.groupby("run", sort=False)))
        every, parts = self.read[title]
        return parts.get(run, every.head(0)).reset_index(drop=True)
