"""COVERAGE: copy-move among similar but genuine objects, each with its original."""

import re
from pathlib import Path

import numpy as np
from scipy.signal import correlate

from imdlib.data.images import ImageError, image_size, load_image
from imdlib.data.readers import values
from imdlib.data.readers.common import Found, Row, files_in, homes, refuse
from imdlib.data.readers.fit import resized, window
from imdlib.data.readers.joins import only
from imdlib.data.splits import by_hash, published

MISFITS = ("41", "48", "55", "56", "57", "58", "59", "61", "95")  # masks of another size than their image
CHANGED = 12  # of 255: a pixel that differs from the original by more in any channel was changed
INSIDE = 0.8  # share of the changed pixels that a mask must hold once it lies right
TREE = "image/<n>.tif, image/<n>t.tif and mask/<n>forged.tif"


def coverage(root: Path) -> Found:
    """COVERAGE (Wen et al. 2016):

        COVERAGE/  (any name, or the folder above)
            image/   <n>.tif         authentic, n = 1 ... 100
                     <n>t.tif        tampered, copy-move
            mask/    <n>forged.tif   white = tampered, used here
                     <n>copy.tif     where the copy was taken from, not used; <n>paste.tif likewise

    Had from github.com/wenbihan/coverage (research use, under 300 MB). Images of about 400x486 pixels.
    Known: 9 masks have another size than their image: some images were cropped after their masks were made, others
    scaled. Each is decided by the pixels that differ from the original beside it: the mask is stretched, or cropped
    where the changed pixels fit it best, whichever overlaps them more; the note says which, and what share of them it
    holds. One that holds less than INSIDE, or has no original of the image's size, is left out. The corrected masks of
    SunnyHaze/IML-Dataset-Corrections, in a folder with "correct" in its name or in place of the others, are used as they
    are.
    Split: the papers' 75/25 without a list; ours is `splits/coverage.csv`, where train and val together are 75. An
    original and its forgery stay together.
    """
    found = Found(files_in(*homes(root, r"coverage.*")))
    named = {file: re.fullmatch(r"(\d+)(t|forged|copy|paste|)", file.stem.lower()) for file in found.pictures()}
    masks = [file for file, name in named.items() if name and name[2] == "forged"]
    masks = only(found, masks, lambda file: named[file][1], better="correct")
    images = [
        file for file, name in named.items() if name and name[2] in ("", "t") and file.parent.name.lower() != "mask"
    ]
    images = only(found, images, lambda file: file.stem.lower())
    for file, name in named.items():
        if name and name[2] in ("copy", "paste"):
            found.exclude(file, "not used: where a copy was taken from or put")
    drawn = published("coverage")
    for stem, image in images.items():
        number = stem.removesuffix("t")
        split = drawn.get(number) or by_hash(number, "coverage", {"train": 0.67, "val": 0.08, "test": 0.25})
        if stem == number:
            found.rows.append(Row(image, "authentic", number, split))
        elif number not in masks:
            found.problem(image, "no mask", f"mask/{number}forged.tif", "copy the masks again")
        else:
            row = Row(image, "copy-move", number, split, mask=masks[number])
            if number not in MISFITS or settled(found, row, images.get(number)):
                found.rows.append(row)
    if not any(row.kind != "authentic" for row in found.rows) and not found.problems:
        raise refuse(root, "coverage", TREE)
    return found


def settled(found: Found, row: Row, original: Path | None) -> bool:
    """Give the row of a mask of another size its repair and note; False where nothing decides it and both are left out."""
    try:
        size = image_size(row.image)
        if values.mask_size(row.mask) == size:
            return True
        if original is None or image_size(original) != size:
            why = (
                "its mask has another size and no original of its own size decides how they fit; corrected masks exist"
            )
        else:
            why = repaired(row, original, size)
    except ImageError as error:
        found.problem(error.file, error.problem, error.expected, error.action)
        return True  # taken out with its problem
    for file in (row.image, row.mask) if why else ():
        found.exclude(file, why)
    return not why


def repaired(row: Row, original: Path, size: tuple[int, int]) -> str:
    """ "" after giving the row its repair and note, or why it has none. size: (height, width) of the image."""
    changed = np.abs(load_image(row.image).astype(np.int16) - load_image(original)).max(2) > CHANGED
    mask = values.tampered(row.mask)
    corner = best_corner(mask, changed)
    stretched, cropped = resized(mask, size), window(mask, corner, size)
    shares = [inside(fitted, changed) for fitted in (cropped, stretched)]
    note = "{:.2f} of the changed pixels inside when cropped, {:.2f} when stretched".format(*shares)
    crop = overlap(cropped, changed) > overlap(
        stretched, changed
    )  # a region too large would hold all changed pixels too
    if not shares[0 if crop else 1] >= INSIDE:
        return f"its mask has another size and does not lie on the change: {note}; corrected masks exist"
    row.repair = f"crop {corner[0]} {corner[1]}" if crop else "resize"
    row.note = note
    return ""


def overlap(mask: np.ndarray, changed: np.ndarray) -> float:
    """Intersection over union of a mask, (H, W) in {0, 1}, and the changed pixels."""
    return (changed & (mask > 0)).sum() / max((changed | (mask > 0)).sum(), 1)


def inside(mask: np.ndarray, changed: np.ndarray) -> float:
    """Share of the changed pixels, bool (H, W), that lie in the mask; NaN where none changed."""
    return mask[changed].mean() if changed.any() else np.nan


def best_corner(mask: np.ndarray, changed: np.ndarray) -> tuple[int, int]:
    """(row, column) in the mask, negative where it is smaller, at which the image's changed pixels overlap it most (IoU)."""
    margins = [max(c - m, 0) for m, c in zip(mask.shape, changed.shape)]
    padded = np.pad(mask, [(margin, margin) for margin in margins]).astype(np.float32)
    both = correlate(padded, changed.astype(np.float32), "valid", "fft")  # one value for each corner
    area = correlate(padded, np.ones(changed.shape, np.float32), "valid", "fft")
    top, left = np.unravel_index(np.argmax(both / np.maximum(changed.sum() + area - both, 1)), both.shape)
    return int(top) - margins[0], int(left) - margins[1]
