"""What every reader uses: the rows and problems it finds, and folders walked in a fixed order.

A reader is a function `(root, **options) -> Found`. It joins files by name (`joins.py`), gives each image its kind and scene, and
says how its mask is decoded and which known defect it has. Sizes, decoding and writing are done for all in `build.py`.
"""

import os
import re
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from imdlib.data.splits import place
from imdlib.places import cache_folder

JPEGS = (".jpg", ".jpeg", ".jpe", ".jfif")
IMAGES = frozenset([*JPEGS, ".png", ".tif", ".tiff", ".bmp", ".webp", ".gif", ".ppm", ".pgm", ".pbm", ".jp2", ".avif"])


@dataclass
class Row:
    """One image, and what its reader knows about it.

    mask: its file, or None; kind: as in the manifest; scene: what a split must keep together.
    decode: (mask file, image file) -> uint8 (H, W) in {0, 1}; None where the file's values say it (`values.tampered`).
    sources: other files that decode looks at; how: what else it goes by, as text. A mask is written anew where these change.
    repair: what is known to be needed where sizes differ: "turn" (a sideways mask), "resize" (a few pixels off), "scale" (the same
    picture at another size), "crop <top> <left>" (the image's upper left corner in a larger mask, or negative in a smaller one).
    """

    image: Path
    kind: str
    scene: str
    split: str
    mask: Path | None = None
    note: str = ""
    generator: str = ""
    decode: Callable | None = None
    sources: tuple = ()
    how: str = ""
    repair: str = ""


@dataclass
class Problem:
    """One thing that keeps a file from being used, and what to do about it."""

    file: str
    problem: str
    expected: str
    action: str

    def __str__(self) -> str:
        return f"{self.file}: {self.problem}; expected {self.expected}; {self.action}"


@dataclass
class Found:
    """What a reader finds in `files`, all those that it looked at: each ends in rows, used, problems or excluded.

    used: files beside images and masks that rows are made from, such as a list; excluded: (file, reason) of what is left out on
    purpose. A file that the reader names nowhere is left out as unknown, by `joins.account`.
    """

    files: list = field(default_factory=list)
    rows: list = field(default_factory=list)
    used: list = field(default_factory=list)
    problems: list = field(default_factory=list)
    excluded: list = field(default_factory=list)

    def pictures(self) -> list[Path]:
        """Those of the files that have an image's suffix."""
        return [path for path in self.files if path.suffix.lower() in IMAGES]

    def problem(self, file: Path | str, problem: str, expected: str, action: str) -> None:
        """Note what is wrong with a file; it gets no row."""
        self.problems.append(Problem(str(file), problem, expected, action))

    def exclude(self, file: Path | str, reason: str) -> None:
        """Note that a file is left out, and why."""
        self.excluded.append((str(file), reason))


class CatalogError(ValueError):
    """A data set that cannot be used as it lies: one line for each thing that is wrong with it, all in `problems`."""

    def __init__(self, problems: str | Iterable[Problem], dataset: str = "", hint: str = "") -> None:
        self.problems = [] if isinstance(problems, str) else list(problems)
        super().__init__(problems if isinstance(problems, str) else report(self.problems, dataset, hint))


def report(problems: list[Problem], dataset: str, hint: str, most: int = 100) -> str:
    """The problems as text, one a line, the first `most` of them."""
    lines = [f"data set '{dataset}': {len(problems)} problem{'s' if len(problems) > 1 else ''}"]
    lines += [f"  {problem}" for problem in problems[:most]]
    lines += [f"  and {len(problems) - most} more, see the error's `problems`"] * (len(problems) > most)
    return "\n".join(lines + [hint] * bool(hint))


# ---- folders -------------------------------------------------------------------------------------------------------


def check_root(root: Path | str | None, dataset: str) -> Path:
    """`root` as an absolute Path, or the CatalogError that says why it is no folder."""
    if root is None:
        text = f"data set '{dataset}' is not embedded: give its folder, read('{dataset}', root)"
        raise CatalogError(f"{text}. Without any download, use an embedded twin such as 'sim-casia'.")
    path = Path(root).expanduser().absolute()
    if not path.is_dir():
        came = "is a file (unpack it first if it is an archive)" if path.exists() else "does not exist"
        raise refuse(path, dataset, "a folder", came)
    if not os.access(path, os.R_OK | os.X_OK):
        raise CatalogError(str(Problem(str(path), "may not be read", "a folder that may be", "change its permissions")))
    return path


def refuse(root: Path | str, dataset: str, expected: str, came: str = "") -> CatalogError:
    """The CatalogError for a folder that does not hold the data set; expected: its tree in words."""
    if not came:
        inside = sorted(p.name for p in Path(root).iterdir())
        came = "holds only " + ", ".join(inside[:6]) + (", ..." if len(inside) > 6 else "") if inside else "is empty"
    action = f"give the folder of {dataset} or the one above it; help(imdlib.data.catalog.DATASETS['{dataset}'])"
    return CatalogError([Problem(str(root), came, expected, action + " draws the tree")], dataset)


def homes(root: Path, pattern: str, parts: str = "(?!)") -> list[Path]:
    """Folders to look in: `root`, or the folders in it that hold the data set where it is one of several there.

    pattern: regular expression of the data set's folder names; parts: of names that only its own folder has in it.
    """
    inner = [p for p in sorted(root.iterdir()) if p.is_dir()]
    own = re.fullmatch(pattern, root.name, re.I) or any(re.fullmatch(parts, p.name, re.I) for p in inner)
    return [root] if own else [p for p in inner if re.fullmatch(pattern, p.name, re.I)] or [root]


def folder_with(root: Path, *files: str) -> Path | None:
    """`root` or the first folder in it that holds one of the files, or None."""
    inner = [p for p in sorted(root.iterdir()) if p.is_dir()]
    return next((folder for folder in [root, *inner] if any((folder / file).is_file() for file in files)), None)


def files_in(*folders: Path | str) -> list[Path]:
    """All files below the folders, sorted; linked folders are followed, in no circles; hidden names are left out.

    One that is not there holds nothing. Raises CatalogError where a folder cannot be looked into, for what is in it would vanish.
    """
    found, seen = [], {os.path.realpath(cache_folder("masks"))}  # masks written here earlier are not the data set's
    for top in folders:
        if os.path.lexists(top) and not os.path.isdir(top):
            came = "is a link to what is not there" if os.path.islink(top) else "is a file"
            raise CatalogError(str(Problem(str(top), came, "a folder", "put the folder there, or take it away")))
        for folder, inner, names in os.walk(top, onerror=closed, followlinks=True):
            real = os.path.realpath(folder)
            if real in seen:
                inner.clear()
                continue
            seen.add(real)
            inner[:] = sorted(name for name in inner if not name.startswith(".") and name != "__MACOSX")
            found += [os.path.join(folder, name) for name in names if not name.startswith(".")]
    return [Path(name) for name in sorted(found)]


def closed(error: OSError) -> None:
    """The CatalogError for a folder below a data set that cannot be looked into; one that is not there is none."""
    if not isinstance(error, FileNotFoundError):
        came = f"cannot be looked into ({error.strerror})"
        raise CatalogError(str(Problem(error.filename, came, "a folder that may be read", "change its permissions")))


def images_in(*folders: Path | str) -> list[Path]:
    """Files below the folders that have an image's suffix, sorted."""
    return [path for path in files_in(*folders) if path.suffix.lower() in IMAGES]


def thin(found: Found, rows: list[Row], group: Callable[[Row], Hashable], limit: int | None, salt: str) -> list[Row]:
    """At most `limit` rows of each group(row), those whose names come first by hash, the others left out; all where it is None."""
    if limit is None:
        return rows
    ranked = sorted(rows, key=lambda row: place(f"{row.image.parent.name}/{row.image.name}", salt))
    kept, counts = set(), {}
    for row in ranked:
        counts[group(row)] = counts.get(group(row), 0) + 1
        if counts[group(row)] <= limit:
            kept.add(row.image)
    for row in rows:
        for file in [row.image, row.mask] * (row.image not in kept):
            if file is not None:
                found.exclude(file, f"not among the {limit} of its kind that were asked for")
    return [row for row in rows if row.image in kept]
