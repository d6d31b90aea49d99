"""COVERAGE: copy-move among similar but genuine objects, each with its original."""

import re
from pathlib import Path

from imdlib.data.readers.common import Found, Row, homes, images_in, refuse
from imdlib.data.splits import by_hash, published

MISFITS = ("41", "48", "55", "56", "57", "58", "59", "61", "95")  # masks of another size than their image
TREE = "image/<n>.tif, image/<n>t.tif and mask/<n>forged.tif"


def coverage(root: Path) -> Found:
    """COVERAGE (Wen et al. 2016):

        COVERAGE/  (any name, or the folder above)
            image/   <n>.tif         authentic, n = 1 ... 100
                     <n>t.tif        tampered, copy-move
            mask/    <n>forged.tif   white = tampered, used here
                     <n>copy.tif     where the copy was taken from, not used; <n>paste.tif likewise

    Had from github.com/wenbihan/coverage (research use, under 300 MB). Images of about 400x486 pixels.
    Known: 9 masks have another size than their image. They are resized (nearest), and their note says so; the corrected
    masks of SunnyHaze/IML-Dataset-Corrections, put in their place, are used as they are.
    Split: the papers' 75/25 without a list; ours is `splits/coverage.csv`, where train and val together are 75. An
    original and its forgery stay together.
    """
    found, files = Found(), images_in(*homes(root, r"coverage.*"))
    masks = {f.stem.lower(): f for f in reversed(files) if re.fullmatch(r"\d+forged", f.stem.lower())}
    names = [(f, re.fullmatch(r"(\d+)(t?)", f.stem.lower())) for f in files if f.parent.name.lower() != "mask"]
    drawn = published("coverage")
    for image, name in names:
        if not name:
            continue
        number = name[1]
        split = drawn.get(number) or by_hash(number, "coverage", {"train": 0.67, "val": 0.08, "test": 0.25})
        mask = masks.get(f"{number}forged")
        if not name[2]:
            found.rows.append(Row(image, "authentic", number, split))
        elif mask is None:
            found.problem(image, "no mask", f"mask/{number}forged.tif", "copy the masks again")
        else:
            repair = "resize" if number in MISFITS else ""
            found.rows.append(Row(image, "copy-move", number, split, mask=mask, repair=repair))
    if not any(row.kind != "authentic" for row in found.rows) and not found.problems:
        raise refuse(root, "coverage", TREE)
    return found
