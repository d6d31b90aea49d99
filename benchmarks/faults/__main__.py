"""Everything that `make faults` runs: python -m benchmarks.faults [--count 1000] [--kills 50] [--seed 0] [part ...].

Writes results/faults/<part>.csv and, between their marks, the tables of docs/faults.md and the sentence of the README.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pandas as pd

from benchmarks.faults.mutants import BAD, BY_NAME, NOTICED, SAME, counted
from imdlib import files

REPO = Path(__file__).resolve().parents[2]
PARTS = ("mutants", "kills", "injected", "determinism")
PAGE, COUNTS = REPO / "docs" / "faults.md", ("<!-- counts: python -m benchmarks.faults -->", "<!-- end of counts -->")
README, SENTENCE = REPO / "README.md", ("<!-- faults -->", "<!-- end of faults -->")


def copied(folder):
    """A copy of the project whose own files may be changed."""
    for name in ("imdlib", "notebooks", "profiles", "benchmarks"):
        shutil.copytree(REPO / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints"))
    for name in ("Snakefile", "Makefile", "requirements.lock"):
        shutil.copy(REPO / name, folder)
    return folder


def rows_of(part, *words):
    """The rows that a part leaves, run in a copy of the project with a cache of its own."""
    with tempfile.TemporaryDirectory() as folder:
        project, house, target = copied(Path(folder) / "project"), Path(folder) / "house", Path(folder) / "rows.csv"
        places = [] if part == "determinism" else [str(house)]
        command = [sys.executable, "-m", f"benchmarks.faults.{part}", *places, *words, str(target)]
        environment = os.environ | {
            "PYTHONPATH": str(project),
            "IMDLIB_CACHE": f"{folder}/cache",
            "OMP_NUM_THREADS": "1",
        }
        subprocess.run(command, cwd=project, env=environment, check=True)
        return pd.read_csv(target, keep_default_na=False)


def kills_counted(rows):
    """A row per phase: kills, epochs that were lost, chains that did not end as one that was never killed."""
    parts = rows.groupby("phase", sort=False)
    found = parts.agg(
        kills=("phase", "size"),
        finished_epochs_lost=("lost", "sum"),
        ended_otherwise=("same", lambda same: (~same).sum()),
    )
    return found.reset_index()


def work(options):
    """Run the parts that were asked for and write their csv; returns whether all held."""
    held = True
    for part in options.parts or PARTS:
        words = {"mutants": (options.count, options.seed), "kills": (options.kills, options.seed)}.get(part, ())
        rows = rows_of(part, *map(str, words))
        if part == "mutants":
            found, bad = counted(rows), rows[rows["outcome"].isin(BAD)]
        elif part == "kills":
            found, bad = kills_counted(rows), rows[rows["lost"] | ~rows["same"]]
        else:
            found, bad = rows, rows[rows["held"].astype(str).isin(["no", "False"])]
        held = held and bad.empty
        path = REPO / "results" / "faults" / f"{part}.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        found.to_csv(path, index=False)
        print(
            f"-- {part}: {len(rows)}, of which {len(bad)} did not hold\n{found.to_string()}\n{bad.to_string() if len(bad) else ''}"
        )
    return held


def tables():
    """Tables of results/faults, a part each."""
    found = []
    for path in (REPO / "results" / "faults" / f"{part}.csv" for part in PARTS):
        if path.exists():
            rows = pd.read_csv(path, keep_default_na=False)
            total = rows.select_dtypes("integer").sum()
            rows = pd.concat([rows, pd.DataFrame([{rows.columns[0]: "all", **total}])]) if len(total) else rows
            found.append(f"## {path.stem}\n\n{rows.to_markdown(index=False)}")
    return "\n\n".join(found)


def sentence():
    """What results/faults comes to, in the README's words."""
    mutants, kills, injected = (
        pd.read_csv(REPO / "results" / "faults" / f"{part}.csv") for part in ("mutants", "kills", "injected")
    )
    files, held = mutants.select_dtypes("integer").to_numpy().sum(), injected["held"].eq("yes")
    return (
        f"Of {files:,} damaged files {mutants[BY_NAME].sum()} were refused by name, {mutants[NOTICED].sum()} noticed as changed, "
        f"{mutants[SAME].sum()} damaged where nothing is read, and {mutants[[*BAD]].to_numpy().sum()} ended otherwise; "
        f"{kills['kills'].sum()} kills at random moments cost {kills['finished_epochs_lost'].sum()} finished epochs and changed "
        f"{kills['ended_otherwise'].sum()} results; {held.sum()} of {len(held)} faults that were injected (a full disk, a dead "
        "kernel, ...) ended as they should: `make faults`, [docs/faults.md](docs/faults.md)."
    )


def pages():
    """Put the tables into docs/faults.md, and the sentence into the README."""
    for path, marks, make in ((PAGE, COUNTS, tables), (README, SENTENCE, sentence)):
        files.write_text(path, files.between(path.read_text(encoding="utf-8"), marks, make()))


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], help="all where none is named")
    parser.add_argument("--count", type=int, default=1000, help="files that are changed")
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    held = work(parser.parse_args(arguments))
    pages()
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
