"""How a study, and each of its tables alone, is made again, and what its runs cost: for its page."""

from collections.abc import Iterable
from pathlib import Path

import pandas as pd
from IPython.display import Markdown

from imdlib import archive
from imdlib.pages import captions, made

MEANT = Markdown("""The command that trains what a table was made from, with what these runs need first, and draws the pages again
(minutes: of the table's own runs, and of these with those that they start from); runs that are there, or were kept, are taken as they are
(to train them again beside these, copy the profile under another name and give that: README). `tables/runs.csv` says of each table's rows
which runs made them; `imdlib.archive.gather("results/<profile>", "<study>")` gives their parameters and stamps, and the score of every
test image.

Drawn again in seconds, without training, in another width, style or language:
`.venv/bin/papermill notebooks/figures.ipynb out.ipynb -p results results/<profile> -p study <study> -p only table2`.""")


def commands(folder: Path) -> pd.DataFrame:
    """What, runs, minutes that they took on one core, alone and with the runs that they use, command: of everything in a study's folder,
    then of each table that runs made.
    """
    profile, study = folder.parent.name, folder.name
    stamps = archive.stamps(folder.parent, study)
    real = any(not name.startswith("sim-") for stamp in stamps.values() for name in stamp["needs"]["data"])
    command = f"make study PROFILE={profile}" + " DATA=..." * real
    lines = [("all that is here", list(stamps), f"{command} RUNS='{study}/*'")]
    for title, rows in tables_of(folder):
        patterns = sorted({one for some in rows["runs"] for one in some.split()})
        named = " ".join(f"{study}/{one}" for one in patterns)
        lines.append((title, [run for run in stamps if made.pattern(run) in patterns], f"{command} RUNS='{named}'"))
    shown = [
        (title, len(some), minutes(stamps, some), minutes(stamps, with_used(stamps, some)), line)
        for title, some, line in lines
        if some
    ]
    return pd.DataFrame(shown, columns=["what", "runs", "minutes of one core", "with what they need", "command"])


def costs(folder: Path) -> pd.DataFrame:
    """What a run of each method in a study's folder cost, whole, from its start to its scores."""
    stamps = archive.stamps(folder.parent, folder.name)
    names = {}  # runs -> the method that tables call them, where they stand for it alone
    for _, rows in tables_of(folder):
        for method, runs in zip(rows["method"], rows["runs"]):
            names.setdefault(runs, method)
    groups = {}
    for run in stamps:
        groups.setdefault("the search of settings" if "_trial" in run else made.pattern(run) or run, []).append(run)
    shown = [
        {
            "method": names.get(kind, ""),
            "runs": kind,
            "how many": len(some),
            "minutes each": minutes(stamps, some) / len(some),
            "MB at most": max(stamps[run]["peak_memory_mb"] for run in some),
        }
        for kind, some in groups.items()
    ]
    return pd.DataFrame(shown)


def with_used(stamps: dict, some: Iterable[str]) -> list[str]:
    """These runs and, among `stamps`, all that any of them uses."""
    found, asked = {}, list(some)
    while asked:
        run = asked.pop()
        if run in stamps and run not in found:
            needs = found[run] = stamps[run]["needs"]
            asked += [needs["parameters"][name] for name in needs.get("uses", {})]
    return list(found)


def minutes(stamps: dict, some: Iterable[str]) -> float:
    """What these runs took together."""
    return sum(stamps[run]["seconds"] for run in some) / 60


def tables_of(folder: Path) -> list[tuple[str, pd.DataFrame]]:
    """(title, rows of `made.read`) of a study's tables that runs made, those with a number in the paper first."""
    found = made.read(folder / "tables")
    names = sorted(found["exhibit"].unique(), key=lambda name: ("_" in name, name))
    return [(captions.title(name), found[found["exhibit"] == name]) for name in names]
