"""Built folders: data sets that are made here appear under their name only when complete, and are found again.

`fingerprint.txt` in such a folder holds what it is made by, and `contents` at the time of building, a line each.
"""

import errno
import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from imdlib.freshness.contents import digests

ABANDONED = 3600  # seconds without a new file after which a half-built folder is known to be a dead build's


def built(target: Path, known: str, write: Callable[[Path], None], images: int, side: int) -> Path:
    """The folder `target`, found or built by `write(folder)`, which fills images/, masks/ and manifest.csv; returns it.

    known: what it is made by; one made by anything else is replaced. images, side: how many of how many pixels a side, for
    the error where the disk is full. A build killed at any point leaves nothing that looks finished.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    if finished(target, known):
        return unchanged(target)
    sweep(target.parent, target.name)
    partial = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    try:
        for name in ("images", "masks"):
            (partial / name).mkdir()
        write(partial)
        (partial / "fingerprint.txt").write_text(f"{known}\n{contents(partial)}\n")
        publish(partial, target, known)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        need = max(1, images * side**2 * 4 // 2**20)
        raise OSError(
            error.errno,
            f"the disk is full while building {target.name}: {images} images of {side}x{side} need up to {need} MB; "
            "free some space, or set IMDLIB_CACHE to a folder on another disk",
            str(target.parent),
        ) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return target


def contents(folder: Path) -> str:
    """Sixteen characters that stand for the names and bytes of a built folder's manifest, images and masks."""
    files = [file for name in ("images", "masks") for file in sorted((folder / name).iterdir())]
    files = [folder / "manifest.csv", *files]
    lines = (f"{file.relative_to(folder).as_posix()} {found}\n" for file, found in zip(files, digests(files)))
    return hashlib.sha256("".join(lines).encode()).hexdigest()[:16]


def finished(folder: Path, known: str) -> bool:
    """True when `folder` holds the complete data set, made by what is known by `known`."""
    return (folder / "manifest.csv").is_file() and noted(folder)[0] == known


def noted(folder: Path) -> list[str]:
    """The two lines of a folder's fingerprint.txt, '' for those that cannot be read."""
    try:
        lines = (folder / "fingerprint.txt").read_text(encoding="utf-8").split("\n")
    except (OSError, ValueError):
        lines = []
    return [*lines, "", ""][:2]


def unchanged(folder: Path) -> Path:
    """A built folder, whose files have to be what was built; ValueError where one was edited or damaged since."""
    if noted(folder)[1] != contents(folder):
        raise ValueError(
            f"{folder}: its files are not those that were built; delete this folder, it is built again in seconds"
        )
    return folder


def publish(partial: Path, target: Path, known: str) -> None:
    """Give the complete folder `partial` its name, replacing an outdated one; of two builders the first stays."""
    os.chmod(partial, 0o755)
    if target.exists() and not finished(target, known):
        old = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
        target.rename(old / "outdated")
        shutil.rmtree(old, ignore_errors=True)
    try:
        partial.rename(target)
    except OSError:
        if not finished(target, known):
            raise


def sweep(root: Path, name: str) -> None:
    """Remove what killed builds of `name` left under `root`: hidden folders where nothing was written for an hour."""
    for folder in root.glob(f".{name}.*"):
        newest = max((p.stat().st_mtime for p in (folder, folder / "images") if p.exists()), default=0)
        if time.time() - newest > ABANDONED:
            shutil.rmtree(folder, ignore_errors=True)
