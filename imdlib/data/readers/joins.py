"""Joins one to one: a name stands for one file, a mask for one image, and every file ends in exactly one list.

What two files of one name, or one mask for two images, would decide in silence is refused by name here, for all readers.
"""

import os
from collections.abc import Callable, Hashable, Iterable
from pathlib import Path

from imdlib.data.readers.common import IMAGES, Found, Row
from imdlib.freshness import contents

UNKNOWN = "not used: neither its name nor its folder is one of this set's"
MANY = 100  # more files of one folder that are left out for one reason are one entry


def only(
    found: Found, files: Iterable[Path], name: Callable[[Path], Hashable], better: str = ""
) -> dict[Hashable, Path]:
    """{name(file): the one file of that name}, in their order; of several, the one in the fewest folders comes first.

    Of several, one in a folder with `better` in its name replaces the others, and copies of the same bytes are left out;
    what still shares a name is a problem, which takes the row of the first out too.
    """
    groups, chosen = {}, {}
    for file in files:
        groups.setdefault(name(file), []).append(file)
    for key, group in groups.items():
        shared = len(os.path.commonpath(group)) if len(group) > 1 else 0
        preferred = [file for file in group if better and better in str(file.parent)[shared:].lower()] or group
        first, *others = sorted(preferred, key=lambda file: len(file.parts))
        chosen[key] = first
        for file in group:
            if file not in preferred:
                found.exclude(file, f"replaced by the corrected {first}")
        for file in others:
            if same_bytes(first, file):
                found.exclude(file, f"the same bytes as {first}")
            else:
                action = f"keep one of them, or one of the folders {first.parent} and {file.parent}"
                found.problem(file, f"the same name as {first}", "one file of a name", action)
                found.problem(first, f"the same name as {file}", "one file of a name", action)
    return chosen


def same_bytes(one: Path, other: Path) -> bool:
    """True for two files that hold the same; a file that cannot be read holds nothing that is known."""
    try:
        return os.path.getsize(one) == os.path.getsize(other) and len(set(contents.digests([one, other]))) == 1
    except OSError:
        return False


def one_to_one(found: Found) -> None:
    """Note images that have several rows and masks that belong to several images, and take out every row with a problem."""
    images, masks = {}, {}
    for row in found.rows:
        images.setdefault(row.image, []).append(row)
        if row.mask is not None and row.mask.suffix.lower() != ".json":  # GIER's lists hold segments for several images
            masks.setdefault(row.mask, []).append(row.image)
    for image, rows in images.items():
        if len(rows) > 1:
            found.problem(image, f"is listed {len(rows)} times", "one row for an image", "correct the list")
    known = {problem.file for problem in found.problems}
    for mask, owners in masks.items():
        if len(set(owners)) > 1 and str(mask) not in known:
            named = ", ".join(map(str, sorted(set(owners))))
            found.problem(mask, f"one mask for {len(set(owners))} images: {named}", "one image", "rename them")
    wrong = {problem.file for problem in found.problems}
    kept = []
    for row in found.rows:
        named = [str(file) for file in files_of(row) if str(file) in wrong]
        if named:
            leave_out(found, row, named[0])
        else:
            kept.append(row)
    found.rows = kept


def files_of(row: Row) -> list[Path]:
    """All files that a row is made from."""
    return [file for file in (row.image, row.mask, *row.sources) if file is not None]


def leave_out(found: Found, row: Row, wrong: str) -> None:
    """Leave out the files of a row of which one is a problem, but for that one."""
    for file in (row.image, row.mask):
        if file is not None and str(file) != wrong:
            found.exclude(file, f"goes with {Path(wrong).name}, which has a problem")


def account(found: Found) -> None:
    """Leave out what no list names, and name every file of the others once: rows before problems before what is left out."""
    seen = {str(file) for row in found.rows for file in files_of(row)} | {str(file) for file in found.used}
    wrong = {problem.file for problem in found.problems}
    listed = {}
    for file, why in found.excluded:
        if file not in seen and file not in wrong:
            listed.setdefault(file, why)
    for file in map(str, found.files):
        if file not in seen and file not in wrong:
            listed.setdefault(file, UNKNOWN)
    found.excluded = collapsed(listed)


def collapsed(listed: dict[str, str]) -> list[tuple[str, str]]:
    """(file, why) of each, but one entry for a folder of which more than MANY are left out for one reason."""
    groups = {}
    for file, why in listed.items():
        groups.setdefault((os.path.dirname(file), why), []).append(file)
    entries = []
    for (folder, why), files in groups.items():
        together = (folder + os.sep, f"{len(files)} files: {why}")
        entries += [together] if len(files) > MANY else [(file, why) for file in files]
    return entries


def unknown_images(excluded: Iterable[tuple[str, str]]) -> int:
    """How many images (or folders of them) are left out because nothing says what they are."""
    ends = [file for file, why in excluded if why.endswith(UNKNOWN)]
    return sum(file.endswith(os.sep) or Path(file).suffix.lower() in IMAGES for file in ends)
