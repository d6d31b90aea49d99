"""From a reader's rows to the manifest: sizes compared, masks brought to one form, problems collected.

A mask file that is not already a single-channel image of {0, 255}, 255 = tampered, of its image's size, is written as
one below the cache, once and atomically, under a name made of what the source holds; the manifest names that file.
A mask whose values or size leave a doubt is a problem: none is read as authentic in silence (`values.py`, `fit.py`, `joins.py`).
"""

import hashlib
import os
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image
from tqdm.auto import tqdm

from imdlib.data.images import Header, ImageError, load_grey, read_header
from imdlib.data.readers import joins, values
from imdlib.data.readers.common import IMAGES, CatalogError, Found, Problem, Row
from imdlib.data.readers.fit import fitting, mismatch
from imdlib.files import replacing
from imdlib.freshness import contents
from imdlib.places import cache_folder
from imdlib.progress import interactive

COLUMNS = ["image", "mask", "label", "kind", "scene", "split", "dataset", "visibility", "note"]
FORM = 2  # raise it when masks come to be written otherwise, so that older ones are not used again
WORKERS = min(8, os.cpu_count() or 1)  # threads: decoding works outside Python's lock
REPAIRED = 24  # masks brought to another size or frame that the manifest remembers, to be shown


def build(dataset: str, root: Path | str, found: Found, on_error: str = "raise") -> pd.DataFrame:
    """The manifest of a reader's rows; see `imdlib.data.catalog.read`."""
    joins.one_to_one(found)
    code = hashlib.sha256(f"{FORM}{Path(root).resolve()}".encode()).hexdigest()[:10]
    folder = cache_folder("masks") / f"{dataset.replace(':', '-')}-{code}"
    masked = [row for row in found.rows if row.mask]
    read = [file for row in masked for file in [row.mask, *row.sources, *([row.image] if row.decode else [])]]
    read = [
        path for path in dict.fromkeys(read) if path.is_file() and os.access(path, os.R_OK)
    ]  # others are refused below
    known = dict(zip(read, contents.digests(read)))
    with ThreadPoolExecutor(WORKERS) as pool:
        jobs = pool.map(lambda row: settle(row, dataset, Path(root), folder, known), found.rows)
        bar = tqdm(jobs, f"reading {dataset}", len(found.rows), unit="image", leave=False, disable=not interactive())
        settled = list(zip(found.rows, bar))
    for row, problem in settled:
        if isinstance(problem, Problem):
            found.problems.append(problem)
            joins.leave_out(found, row, problem.file)
    settled = [(row, facts) for row, facts in settled if isinstance(facts, dict)]
    if found.problems and (on_error == "raise" or not settled):
        raise CatalogError(found.problems, dataset, "read(..., on_error='skip') leaves these files out and lists them")
    found.rows = [row for row, _ in settled]
    joins.account(found)
    manifest = pd.DataFrame([facts for _, facts in settled], columns=[*COLUMNS, "generator"])
    if not manifest["generator"].any():
        manifest = manifest.drop(columns="generator")
    # plain lists: pandas compares attrs when manifests are joined, which tables in them would break
    manifest.attrs = {
        "root": str(root),
        "problems": [vars(problem) for problem in found.problems],
        "excluded": [list(pair) for pair in found.excluded],
        "repaired": [[str(row.image), str(row.mask)] for row, facts in settled if refitted(row, facts["note"])][
            :REPAIRED
        ],
    }
    return manifest


def refitted(row: Row, note: str) -> bool:
    """True where the mask of a row is a picture that was brought to another size or frame."""
    return bool(row.mask and row.mask.suffix.lower() in IMAGES and re.search("mask .*(turned|resized|cropped)", note))


def settle(row: Row, dataset: str, root: Path, folder: Path, known: dict[Path, str]) -> dict[str, Any] | Problem:
    """One row of the manifest as a dict, or the Problem that keeps it out; known: {file: digest of its bytes}."""
    try:
        header = read_header(row.image)
        mask, repairs = ("", []) if row.mask is None else settle_mask(row, header, root, folder, known)
    except ImageError as error:
        return Problem(error.file, error.problem, error.expected, error.action)
    if header.animated:
        repairs.append("several frames or pages, the first is used")
    return {
        "image": str(row.image),
        "mask": str(mask),
        "label": int(row.kind != "authentic"),
        "kind": row.kind,
        "scene": row.scene,
        "split": row.split,
        "dataset": dataset,
        "visibility": "",
        "note": "; ".join([row.note] * bool(row.note) + repairs),
        "generator": row.generator,
    }


def settle_mask(row: Row, header: Header, root: Path, folder: Path, known: dict[Path, str]) -> tuple[Path, list[str]]:
    """(file of the mask in the manifest's form, list of repairs)."""
    size = (header.height, header.width)
    form = read_header(row.mask) if row.mask.suffix.lower() in IMAGES else None
    repairs, fit = [], None
    if form and form.animated:
        raise ImageError(row.mask, "a mask of several frames or pages", "save one mask in a file", "one picture")
    if form:
        repairs, fit = fitting(row, header, (form.height, form.width), form.orientation)
    elif row.decode is None:
        repairs, fit = fitting(row, header, values.mask_size(row.mask))
    place = folder / row.image.relative_to(root).parent
    facts = [known.get(row.mask), known.get(row.image) if row.decode else "", size, header.orientation]
    facts += [row.repair if fit else ""]
    facts += [[known.get(file) for file in row.sources], row.how] * bool(row.sources or row.how)
    target = place / f"{row.image.name}.{fingerprint(*facts)}.png"
    if (
        row.decode is None
        and fit is None
        and form
        and form.orientation == 1
        and form.mode == "L"
        and form.format in ("PNG", "TIFF", "BMP")
    ):
        marker = target.with_suffix(".exact")  # its being there spares decoding the mask the next time
        if marker.exists():
            return row.mask, repairs
        if np.isin(np.unique(load_grey(row.mask)), (0, 255)).all():
            write(marker, b"")
            return row.mask, repairs
    if not target.exists():
        mask = row.decode(row.mask, row.image) if row.decode else values.tampered(row.mask)
        mask = fit(mask) if fit else mask
        if mask.shape != size:
            raise mismatch(row, mask.shape, size)
        write(target, Image.fromarray(np.ascontiguousarray(mask) * np.uint8(255)))
    return target, repairs


def fingerprint(*facts: object) -> str:
    """Eight characters that stand for the bytes of a mask's file, and for what else decides how it is written."""
    return hashlib.sha256(repr(facts).encode()).hexdigest()[:8]


def write(target: Path, content: Image.Image | bytes) -> None:
    """Write an image or bytes."""
    with replacing(target) as draft:
        content.save(draft, "PNG", compress_level=1) if isinstance(content, Image.Image) else draft.write_bytes(content)
