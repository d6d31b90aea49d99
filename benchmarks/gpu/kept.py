"""Kept: what comes back from a machine, the rows of finished runs in columnar files and one archive of everything that git would hold."""

import shutil
import sys
import tempfile
import zipfile
from collections.abc import Iterable
from pathlib import Path

from imdlib import archive
from imdlib.places import results_folder
from imdlib.study import STUDIES

ROOMS = ("data", *STUDIES)
BACK = "back.zip"


def keep(results: str) -> list[str]:
    """Write the rows of all finished runs under `results`, as a page keeps them; returns the studies that have some."""
    there = [room for room in ROOMS if any(results_folder(results, room).glob("runs/*/stamp.json"))]
    for room in there:
        archive.keep(results, room)
    return there


def pack(profiles: Iterable[str], place: Path) -> Path:
    """Put the columnar files of some folders of results, and the tables in `place`, into <place>/back.zip."""
    with zipfile.ZipFile(place / BACK, "w", zipfile.ZIP_DEFLATED) as packed:
        for results in dict.fromkeys(profiles):
            folder = results_folder(results)
            for room in ROOMS:
                for path in sorted((folder / room).glob("*.parquet")) + sorted((folder / room).glob("SHA256SUMS")):
                    packed.write(path, f"rows/{folder.name}/{room}/{path.name}")
        for path in sorted(place.glob("*.csv")):
            packed.write(path, f"{place.parent.name}/{place.name}/{path.name}")
    return place / BACK


def unpack(packed: Path | str, results: str = "results") -> dict[str, list[str]]:
    """Join the rows of a back.zip to those under `results`, its tables beside them; {profile: studies that got rows}."""
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        with zipfile.ZipFile(packed) as opened:
            opened.extractall(folder)
        for runs in sorted(Path(folder).glob("rows/*/*/runs.parquet")):
            profile, room = runs.parts[-3:-1]
            archive.join(f"{results}/{profile}", room, [runs.parents[1]])
            found.setdefault(profile, []).append(room)
        for place in [path for path in Path(folder).glob("*/*") if path.parent.name != "rows"]:
            shutil.copytree(place, results_folder(results) / place.parent.name / place.name, dirs_exist_ok=True)
    return found


if __name__ == "__main__":
    for one in sys.argv[1:]:
        print(f"{one}: {unpack(one)}")
