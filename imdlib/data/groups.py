"""Near-duplicates: images made from one photograph, found by comparing thumbnails.

Two images are neighbours when at least half of their 16x16 cells differ by less than 16 of 255 in every channel: a
local manipulation leaves the other cells alone, and other photographs rarely agree in a third of them. Groups are the
connected components. Among 383 images of NIST16 no pair lies between 0.45 and 0.54, so the threshold decides nothing.
"""

import hashlib
import json
import os
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike
from PIL import Image
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from tqdm.auto import tqdm

from imdlib.data.images import ImageError, decoded, opened, to_rgb
from imdlib.files import read_sealed, write_sealed
from imdlib.freshness import contents
from imdlib.places import cache_folder
from imdlib.progress import interactive

SIDE, TOLERANCE, SHARE = 16, 16, 0.5


def thumbnail(file: Path | str) -> np.ndarray:
    """Mean colours of SIDE x SIDE cells, float32 (SIDE*SIDE, 3), 0-255."""
    with opened(file) as image:
        image.draft("RGB", (8 * SIDE, 8 * SIDE))  # JPEG only: decode at a smaller size
        cells = to_rgb(decoded(image, file), file).resize((SIDE, SIDE), Image.Resampling.BOX)
        return np.asarray(cells, np.float32).reshape(-1, 3)


def near_duplicates(thumbnails: ArrayLike) -> np.ndarray:
    """Group number of each image, int (n,). thumbnails: float32 (n, cells, 3)."""
    thumbnails = np.asarray(thumbnails, np.float32)
    # a row at a time: all n x n x cells differences would not fit into memory
    pairs = [np.flatnonzero(agreement(thumbnails, i) >= SHARE) for i in range(len(thumbnails))]
    ends = np.concatenate([*pairs, np.empty(0, int)]).astype(int)
    starts = np.repeat(np.arange(len(pairs)), [len(p) for p in pairs])
    links = coo_matrix((np.ones(len(ends), bool), (starts, ends)), shape=(len(pairs), len(pairs)))
    return connected_components(links, directed=False)[1]


def agreement(thumbnails: np.ndarray, index: int) -> np.ndarray:
    """Share of cells in which each image agrees with the image `index`, float (n,)."""
    return (np.abs(thumbnails - thumbnails[index]).max(axis=2) < TOLERANCE).mean(axis=1)


def linked(sets: Iterable[Sequence[str]]) -> dict[str, str]:
    """{member: first name, in order, of its group} for lists of names that belong together, directly or by others."""
    leader = {}

    def find(name):
        while leader.setdefault(name, name) != name:
            leader[name] = name = leader[leader[name]]
        return name

    for names in sets:
        for name in names:
            one, other = sorted((find(names[0]), find(name)))
            leader[other] = one
    return {name: find(name) for name in list(leader)}


def cached_groups(dataset: str, files: dict[str, Path]) -> dict[str, str]:
    """{name: first name of its group}. files: {name: image file}; unreadable files stand alone.

    Kept below the cache under the names and contents of the files, since large photographs take a while to decode; made anew
    where what is kept was damaged.
    """
    names = sorted(files)
    if not names:
        return {}
    readable = [name for name in names if os.path.isfile(files[name]) and os.access(files[name], os.R_OK)]
    sums = dict(zip(readable, contents.digests(files[name] for name in readable)))
    key = hashlib.sha256(repr([(name, sums.get(name)) for name in names]).encode()).hexdigest()[:12]
    kept = cache_folder("groups") / f"{dataset}-{key}.txt"
    if known := read_sealed(kept):
        return json.loads(known)
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        bar = pool.map(lambda name: thumbnail_or_none(files[name]), names)
        bar = tqdm(bar, f"comparing {dataset}", len(names), unit="image", leave=False, disable=not interactive())
        thumbnails = dict(zip(names, bar))
    readable = [name for name in names if thumbnails[name] is not None]
    groups = {name: name for name in names} | name_groups(readable, [thumbnails[name] for name in readable])
    write_sealed(kept, json.dumps(groups))
    return groups


def name_groups(names: Sequence[str], thumbnails: Sequence[np.ndarray]) -> dict[str, str]:
    """{name: the first name, in order, of its group}."""
    labels = near_duplicates(thumbnails)
    first = {}
    for name, label in sorted(zip(names, labels)):
        first.setdefault(label, name)
    return {name: first[label] for name, label in zip(names, labels)}


def thumbnail_or_none(file: Path | str) -> np.ndarray | None:
    """The thumbnail, or None for a file that cannot be read; the reader reports it."""
    try:
        return thumbnail(file)
    except ImageError:
        return None
