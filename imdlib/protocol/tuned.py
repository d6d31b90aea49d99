"""Tuned settings: which of a row's trials did best on validation images, and the file in which final runs find it.

As a command: python -m imdlib.protocol.tuned <results of a profile>, after its trials were made (`make tune`).

`profiles/tuned/<study>.yaml` is written from finished trials (`make tune`) and committed, so that what a profile asks for is known
before anything is trained; the page of the trials shows how each was found.
"""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from imdlib import archive, files, parameters
from imdlib.places import REPO, results_folder
from imdlib.protocol.search import Row, row_of
from imdlib.study import STUDIES, load

HEAD = "# Settings of {study}'s rows, each the best of {count} trials on validation images. Written by `make tune`; not by hand.\n"


def place(study: str) -> Path:
    """Where a study's tuned settings lie."""
    return REPO / "profiles" / "tuned" / f"{study}.yaml"


def of(study: str) -> dict[str, dict[str, Any]]:
    """{row: {parameter: value}} of a study's rows; {} where none was tuned yet."""
    path = place(study)
    return (yaml.safe_load(path.read_text(encoding="utf-8")) or {}) if path.exists() else {}


def best(settings: pd.DataFrame, history: pd.DataFrame, rows: Mapping[str, Row]) -> pd.DataFrame:
    """One line per finished trial: row, trial, run, score, chosen, then the parameters that were searched.

    settings: a line per run with its parameters, among them `trial` and `keep`, the validation number that chooses; history: a
    line per run and epoch. score: the highest of that number over the epochs; chosen: the trial of each row with the highest score,
    of equal ones the first. Trials of rows and settings that are searched no more are left out.
    """
    lines = []
    for run in settings[settings["trial"] >= 0].sort_values("trial", kind="stable").to_dict("records"):
        row = row_of(run, rows)
        if not row or any(key not in run for key in rows[row].searched):  # of an older space
            continue
        score = history.loc[history["run"] == run["run"], run["keep"]].max()
        searched = {key: run[key] for key in rows[row].searched}
        lines.append(dict(row=row, trial=int(run["trial"]), run=run["run"], score=score) | searched)
    lines.sort(key=lambda line: [*rows].index(line["row"]))
    found = pd.DataFrame(lines, columns=None if lines else ["row", "trial", "run", "score"])
    first = found.sort_values(["score", "trial"], ascending=[False, True]).groupby("row")["trial"].first()
    found.insert(4, "chosen", found["trial"] == found["row"].map(first))
    return found


def write(study: str, tried: pd.DataFrame, rows: Mapping[str, Row]) -> Path:
    """Write the chosen settings of `best` to the study's file, in the order of its rows; returns the path."""
    chosen, usual = tried[tried["chosen"]].set_index("row"), parameters.declared(f"{study}/run")
    table = {
        name: {key: plain(chosen.at[name, key], usual.get(key)) for key in row.searched}
        for name, row in rows.items()
        if name in chosen.index
    }
    text = yaml.safe_dump(table, sort_keys=False)
    path = place(study)
    files.write_text(path, HEAD.format(study=study, count=tried["trial"].nunique()) + text)
    return path


def plain(value: Any, usual: Any) -> Any:
    """A number of NumPy as Python's; one of a parameter whose default is an integer as that: a row that lacks it made it a float."""
    value = value.item() if hasattr(value, "item") else value
    return int(value) if type(usual) is int else value


def main(results: str) -> None:
    """Write the settings of every study that has trials under `results`."""
    for study in map(load, STUDIES):
        if not any(results_folder(results, study.name).glob("runs*")):  # of runs, or of what was kept of them
            continue
        settings, tables = archive.gather(results, study.name)
        if "trial" in settings and (settings["trial"] >= 0).any():
            tried = best(settings, tables["history"], study.rows)
            print(f"{write(study.name, tried, study.rows)}: {tried['row'].nunique()} rows, {len(tried)} trials")


if __name__ == "__main__":
    main(sys.argv[1])
