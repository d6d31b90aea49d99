"""NIST16 (NC2016 of the Nimble Challenge): splicing, removal and copy-move, large photographs."""

import re
from pathlib import Path

import numpy as np

from imdlib.data.groups import cached_groups
from imdlib.data.readers import values
from imdlib.data.readers.common import Found, Row, files_in, folder_with, homes, refuse
from imdlib.data.readers.joins import only
from imdlib.data.readers.lists import inside, read_list
from imdlib.data.splits import by_count, by_hash, published

INDEX = "reference/manipulation/NC2016-manipulation-ref.csv"
TYPES = {"Removal": "removal", "Splice": "splicing", "CopyClone": "copy-move"}
RANDOM = {"train": 364, "val": 40, "test": 160}  # train and val together are the 404 images of the papers
TREE = f"{INDEX} and probe/ (the official release), or Tp/NC2016_*.jpg and Gt/NC2016_*_mask.jpg"


def nist16(root: Path, split: str = "group") -> Found:
    """NIST16 (NIST 2016, "NC2016_Test0613"), in either of two forms:

        NC2016_Test0613/                                          NIST16/ or NIST16_1024/ (a cleaned copy)
            probe/NC2016_<id>.jpg              564 tampered           Tp/NC2016_<id>.jpg
            reference/manipulation/                                   Gt/NC2016_<id>_mask.jpg   white = tampered
                NC2016-manipulation-ref.csv    index, '|'
                mask/*.png                     black = tampered

    Had from mig.nist.gov/MediForBTC on signing an agreement (research only). Photographs of up to 5616x3744. Official
    masks are inverted here. The cleaned copy has no index, so its kind is "tampered": which manipulation is not known;
    its masks are JPEG, cut at half. No authentic images: those of the release (`world/`) are not probes of this task.
    Scene: the group of near-duplicates, since up to 18 probes come from one photograph (`imdlib.data.groups`; for the
    383 images whose names are known, `splits/nist16_groups.csv`).

    split: "group", about 60/10/30 by group; "random", the papers' 404/160 with 40 of the 404 for validation, which
    leaks groups and is there to compare; "published", the 383 training images of the leak-free split of
    github.com/DSLJDI/NIST16-data-set-deduplication (a tenth of their groups for validation), all others for testing.
    """
    if split not in ("group", "random", "published"):
        raise ValueError(f"nist16: split must be 'group', 'random' or 'published', got {split!r}")
    found, folders = Found(), homes(root, r"nist[ _-]?(20)?16.*|nc2016.*")
    official = folder_with(root, INDEX)
    found.files = files_in(*([official] if official else folders))
    (read_official(found, official) if official else read_copy(found))
    if not found.rows and not found.problems:
        raise refuse(root, "nist16", TREE)
    draw(found.rows, split)
    return found


def read_official(found: Found, folder: Path) -> None:
    """Rows from the index of the official release."""
    index = read_list(found, folder / INDEX, ["IsTarget", "ProbeFileName", "ProbeMaskFileName"], sep="|")
    for entry in [] if index is None else index[index["IsTarget"] == "Y"].to_dict("records"):
        image, mask = (inside(folder, entry[name]) for name in ("ProbeFileName", "ProbeMaskFileName"))
        if image is None or mask is None:
            found.problem(folder / INDEX, f"names {entry}", "files below its folder", "unpack it again")
            continue
        if not image.is_file() or not mask.is_file():
            missing, named = (image, "ProbeFileName") if not image.is_file() else (mask, "ProbeMaskFileName")
            found.exclude(image if missing == mask else mask, f"goes with {missing.name}, which is missing")
            found.problem(missing, "is missing", f"the file that {INDEX} names as {named}", "unpack it again")
            continue
        kind = next((kind for name, kind in TYPES.items() if entry.get(f"IsManipulationType{name}") == "Y"), "tampered")
        found.rows.append(Row(image, kind, image.stem, "", mask=mask, decode=black_is_tampered))


def read_copy(found: Found) -> None:
    """Rows from folders of images and masks that are joined by their number."""
    files = [f for f in found.pictures() if re.fullmatch(r"nc2016_\d{4}(_mask)?", f.stem.lower())]
    masks = only(
        found, (f for f in files if f.stem.lower().endswith("_mask")), lambda f: f.stem.lower()[: -len("_mask")]
    )
    images = only(found, (f for f in files if not f.stem.lower().endswith("_mask")), lambda f: f.stem.lower())
    for name, image in images.items():
        if name in masks:
            found.rows.append(Row(image, "tampered", image.stem, "", mask=masks.pop(name), repair="scale"))
        else:
            found.problem(image, "no mask", f"{image.stem}_mask in a folder of masks", "copy the masks again")
    for mask in masks.values():
        found.exclude(mask, "mask without an image")


def draw(rows: list[Row], split: str) -> None:
    """Fill in scene and split."""
    known = published("nist16_groups")
    unknown = {row.image.stem: row.image for row in rows if row.image.stem not in known}
    groups = known | cached_groups("nist16", unknown)
    part = {name: round(count * len(rows) / sum(RANDOM.values())) for name, count in RANDOM.items()}
    part["train"] = len(rows) - part["val"] - part["test"]
    drawn = by_count([row.image.stem for row in rows], "nist16", part)
    for row in rows:
        row.scene = groups[row.image.stem]
        if split == "random":
            row.split = drawn[row.image.stem]
        elif split == "group":
            row.split = by_hash(row.scene, "nist16")
        else:
            row.split = by_hash(row.scene, "nist16", {"val": 0.1, "train": 0.9}) if row.image.stem in known else "test"


def black_is_tampered(mask: Path, image: Path) -> np.ndarray:
    """The official masks, the other way round: uint8 (H, W), 1 where the file is black."""
    return np.uint8(1) - values.tampered(mask)
