"""Contents: data known by every byte of its files, read once and remembered by size and time of change.

A digest is remembered per folder, in the cache, under the file's size, its time of change in nanoseconds and its inode; a
file that changed within the last seconds is not remembered yet, since it could change again without its time showing it.
"""

import hashlib
import json
import os
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pandas as pd

from imdlib.places import cache_folder

SETTLED = 2.0  # seconds after which a file's time of change is trusted
COLUMNS = ["label", "kind", "scene", "split", "dataset", "visibility", "generator"]  # of a manifest, that runs look at


def digests(files) -> list[str]:
    """SHA-256 of each file's bytes, in their order; folders' memories are read and written once."""
    files = [Path(file).absolute() for file in files]
    memories = {folder: remembered(folder) for folder in {file.parent for file in files}}
    states = [state(file) for file in files]
    new = {file: now for file, now in zip(files, states) if memories[file.parent].get(file.name, [None])[:-1] != now}
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:  # hashing works outside Python's lock
        made = dict(zip(new, pool.map(sha256, new)))
    for file, found in made.items():
        memories[file.parent][file.name] = [*new[file], found]
    for folder in {file.parent for file in new}:
        remember(folder, memories[folder])
    return [memories[file.parent][file.name][-1] for file in files]


def digest(file) -> str:
    """SHA-256 of one file's bytes."""
    return digests([file])[0]


def state(file) -> list[int]:
    """What tells whether a file has changed: size, nanoseconds, inode."""
    found = file.stat()
    return [found.st_size, found.st_mtime_ns, found.st_ino]


def sha256(file) -> str:
    """SHA-256 of a file's bytes, read now."""
    with open(file, "rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def memory_of(folder) -> Path:
    """File that remembers the digests of a folder's files."""
    return cache_folder("contents") / f"{hashlib.sha256(str(folder).encode()).hexdigest()[:24]}.json"


def remembered(folder) -> dict:
    """{name: [size, nanoseconds, inode, digest]}; empty where nothing readable is remembered."""
    try:
        return json.loads(memory_of(folder).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def remember(folder, memory):
    """Write a folder's memory in one step, without the files that changed just now. A full disk forgets, no more."""
    settled = time.time_ns() - int(SETTLED * 1e9)
    kept = {name: entry for name, entry in memory.items() if entry[1] < settled}
    target = memory_of(folder)
    try:
        with tempfile.NamedTemporaryFile("w", dir=target.parent, suffix=".part", delete=False) as draft:
            json.dump(kept, draft)
        os.replace(draft.name, target)
    except OSError:
        Path(draft.name).unlink(missing_ok=True)


def fingerprint(manifest: pd.DataFrame) -> str:
    """Twelve characters that stand for a manifest: what runs look at in its rows, and every byte of its images and masks.

    Names count without their folders, so that a data set may lie anywhere.
    """
    sums = hashlib.sha256(manifest.reindex(columns=COLUMNS).to_csv(index=False).encode())
    names = [name for name in [*manifest["image"], *manifest["mask"]] if name]
    for name, found in zip(names, digests(names)):
        sums.update(f"{Path(name).name} {found}\n".encode())
    sums.update("".join(str(int(bool(mask))) for mask in manifest["mask"]).encode())
    return sums.hexdigest()[:12]
