"""Contents: data known by every byte of its files, read once and remembered by size and times of change.

A digest is remembered per folder, in the cache, under the file's size, its inode and its times of change in nanoseconds: the one
that copying programs set back, and the one that they cannot. A file that changed within the last seconds is not remembered yet,
since it could change again without its times showing it. A memory that is damaged, or cannot be kept, costs time alone.
"""

import contextlib
import hashlib
import json
import os
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pandas as pd

from imdlib.files import read_sealed, sha256, write_sealed
from imdlib.places import cache_folder

SETTLED = 2.0  # seconds after which a file's time of change is trusted
COLUMNS = ["label", "kind", "scene", "split", "dataset", "visibility", "generator"]  # of a manifest, that runs look at


def digests(files: Iterable[Path | str]) -> list[str]:
    """SHA-256 of each file's bytes, in their order; folders' memories are read and written once."""
    places = [os.path.split(os.path.abspath(file)) for file in files]
    memories = {folder: remembered(folder) for folder in dict.fromkeys(folder for folder, _ in places)}
    states = {place: state(os.path.join(*place)) for place in dict.fromkeys(places)}
    new = [place for place, now in states.items() if memories[place[0]].get(place[1], [None])[:-1] != now]
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:  # hashing works outside Python's lock
        made = pool.map(sha256, (os.path.join(*place) for place in new))
        for (folder, name), found in zip(new, made):
            memories[folder][name] = [*states[folder, name], found]
    for folder in dict.fromkeys(folder for folder, _ in new):
        remember(folder, memories[folder])
    return [memories[folder][name][-1] for folder, name in places]


def state(file: Path | str) -> list[int]:
    """What tells whether a file has changed: size, inode, nanoseconds of its contents and of anything about it."""
    found = os.stat(file)
    return [found.st_size, found.st_ino, found.st_mtime_ns, found.st_ctime_ns]


def memory_of(folder: Path | str) -> Path:
    """File that remembers the digests of a folder's files."""
    return cache_folder("contents") / f"{hashlib.sha256(os.fsencode(folder)).hexdigest()[:24]}.json"


def remembered(folder: Path | str) -> dict:
    """{name: [size, inode, nanoseconds, nanoseconds, digest]}; empty where nothing whole is remembered."""
    with contextlib.suppress(OSError):  # no cache
        return json.loads(read_sealed(memory_of(folder)) or "{}")
    return {}


def remember(folder: Path | str, memory: dict[str, list[int | str]]) -> None:
    """Write a folder's memory, without the files that changed just now."""
    settled = time.time_ns() - int(SETTLED * 1e9)
    text = json.dumps({name: entry for name, entry in memory.items() if max(entry[2:4]) < settled})
    with contextlib.suppress(OSError):  # a full disk forgets, no more
        write_sealed(memory_of(folder), text)


def fingerprint(manifest: pd.DataFrame) -> str:
    """Twelve characters that stand for a manifest: what runs look at in its rows, and every byte of its images and masks.

    Names count without their folders, so that a data set may lie anywhere.
    """
    sums = hashlib.sha256(plain(manifest.reindex(columns=COLUMNS).to_csv(index=False)))
    names = [name for name in [*manifest["image"], *manifest["mask"]] if name]
    for name, found in zip(names, digests(names)):
        sums.update(plain(f"{os.path.basename(name)} {found}\n"))
    sums.update("".join(str(int(bool(mask))) for mask in manifest["mask"]).encode())
    return sums.hexdigest()[:12]


def plain(text: str) -> bytes:
    """A text's bytes, those of file names in no known encoding included."""
    return text.encode(errors="surrogateescape")
