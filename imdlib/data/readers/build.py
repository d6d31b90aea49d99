"""From a reader's rows to the manifest: sizes compared, masks brought to one form, problems collected.

A mask file that is not already a single-channel image of {0, 255}, 255 = tampered, of its image's size, is written as
one below the cache, once and atomically, under a name made of what the source holds; the manifest names that file.
"""

import hashlib
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image
from tqdm.auto import tqdm

from imdlib.data.images import Header, ImageError, load_grey, load_mask, read_header
from imdlib.data.readers.common import IMAGES, CatalogError, Found, Problem, Row
from imdlib.files import replacing
from imdlib.freshness import contents
from imdlib.places import cache_folder
from imdlib.progress import interactive

COLUMNS = ["image", "mask", "label", "kind", "scene", "split", "dataset", "visibility", "note"]
FORM = 1  # raise it when masks come to be written otherwise, so that older ones are not used again
WORKERS = min(8, os.cpu_count() or 1)  # threads: decoding works outside Python's lock
SIDEWAYS = {5: lambda m: m.T, 6: lambda m: np.rot90(m, -1), 7: lambda m: np.rot90(m, 2).T, 8: np.rot90}


def build(dataset: str, root: Path | str, found: Found, on_error: str = "raise") -> pd.DataFrame:
    """The manifest of a reader's rows; see `imdlib.data.catalog.read`."""
    code = hashlib.sha256(f"{FORM}{Path(root).resolve()}".encode()).hexdigest()[:10]
    folder = cache_folder("masks") / f"{dataset}-{code}"
    read = [row.mask for row in found.rows if row.mask] + [row.image for row in found.rows if row.mask and row.decode]
    read = [path for path in read if path.is_file() and os.access(path, os.R_OK)]  # others are refused below
    known = dict(zip(read, contents.digests(read)))
    with ThreadPoolExecutor(WORKERS) as pool:
        jobs = pool.map(lambda row: settle(row, dataset, Path(root), folder, known), found.rows)
        bar = tqdm(jobs, f"reading {dataset}", len(found.rows), unit="image", leave=False, disable=not interactive())
        settled = list(bar)
    rows = [row for row in settled if isinstance(row, dict)]
    problems = [*found.problems, *(row for row in settled if isinstance(row, Problem))]
    if problems and (on_error == "raise" or not rows):
        raise CatalogError(problems, dataset, "read(..., on_error='skip') leaves these files out and lists them")
    manifest = pd.DataFrame(rows, columns=[*COLUMNS, "generator"])
    if not manifest["generator"].any():
        manifest = manifest.drop(columns="generator")
    # plain lists: pandas compares attrs when manifests are joined, which tables in them would break
    manifest.attrs = {
        "root": str(root),
        "problems": [vars(problem) for problem in problems],
        "excluded": [list(pair) for pair in found.excluded],
    }
    return manifest


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
    repairs, fit = [], None
    pictured = row.mask.suffix.lower() in IMAGES
    form = read_header(row.mask) if pictured else None
    if pictured:
        repairs, fit = fitting(row, header, (form.height, form.width))
    place = folder / row.image.relative_to(root).parent
    bytes_of = known.get(row.mask), known.get(row.image) if row.decode else ""
    target = place / f"{row.image.name}.{fingerprint(*bytes_of, size, header.orientation, row.repair)}.png"
    if row.decode is None and fit is None and form and form.mode == "L" and form.format in ("PNG", "TIFF", "BMP"):
        marker = target.with_suffix(".exact")  # its being there spares decoding the mask the next time
        if marker.exists():
            return row.mask, repairs
        if np.isin(np.unique(load_grey(row.mask)), (0, 255)).all():
            write(marker, b"")
            return row.mask, repairs
    if not target.exists():
        mask = row.decode(row.mask, row.image) if row.decode else load_mask(row.mask)
        mask = fit(mask) if fit else mask
        if mask.shape != size:
            raise mismatch(row, mask.shape, size)
        write(target, Image.fromarray(mask * np.uint8(255)))
    return target, repairs


def fitting(
    row: Row, header: Header, found: tuple[int, int]
) -> tuple[list[str], Callable[[np.ndarray], np.ndarray] | None]:
    """(repairs, function that brings the mask to the image's size or None) from the two sizes, (height, width) each."""
    size = (header.height, header.width)
    if found == size:
        turned = header.orientation > 1
        return ["EXIF rotation applied to the image, its mask fits as stored"] * turned, None
    if found == size[::-1] and header.orientation in SIDEWAYS:
        return ["mask turned with the image's EXIF rotation"], SIDEWAYS[header.orientation]
    if found == size[::-1] and row.repair == "turn":
        return ["mask stored sideways, turned by 90 degrees"], np.rot90
    if row.repair == "resize":
        note = f"mask of {found[1]}x{found[0]} resized to its image's {size[1]}x{size[0]} (nearest)"
        return [note], lambda mask: np.array(Image.fromarray(mask).resize(size[::-1], Image.Resampling.NEAREST))
    raise mismatch(row, found, size)


def mismatch(row: Row, found: tuple[int, int], size: tuple[int, int]) -> ImageError:
    """The error for a mask that does not fit its image; sizes are (height, width)."""
    expected = f"{size[1]}x{size[0]} like its image {row.image.name}"
    action = "get the mask again, or take the image out of the folder"
    return ImageError(row.mask, f"a mask of {found[1]}x{found[0]} pixels", action, expected)


def fingerprint(*facts: object) -> str:
    """Eight characters that stand for the bytes of a mask's file, and for what else decides how it is written."""
    return hashlib.sha256(repr(facts).encode()).hexdigest()[:8]


def write(target: Path, content: Image.Image | bytes) -> None:
    """Write an image or bytes."""
    with replacing(target) as draft:
        content.save(draft, "PNG", compress_level=1) if isinstance(content, Image.Image) else draft.write_bytes(content)
