"""IMD2020, "Real-Life Manipulated Images": edits by people on the Internet, with their originals."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from imdlib.data.groups import cached_groups
from imdlib.data.images import ImageError, image_size, load_grey
from imdlib.data.readers import values
from imdlib.data.readers.common import Found, Row, files_in, homes, refuse
from imdlib.data.readers.joins import only
from imdlib.data.splits import by_hash

MISFIT = "00030_fake"  # in z14/: its published mask has another size
TREE = "one folder per original with <name>_0.jpg, <name>_0_mask.png and <folder>_orig.jpg"


def imd2020(root: Path) -> Found:
    """IMD2020 Real-Life (Novozamsky, Mahdian, Saic 2020):

        IMD2020/  (any name, or the folder above)
            <id>/   <id>_orig.jpg          authentic, 414 in all (jpg or png)
                    <name>_0.jpg           tampered, 2,010 in all (jpg or png); z<nn>/<number>_fake.jpg too
                    <name>_0_mask.png      any value above 0 = tampered

    Had from staff.utia.cas.cz/novozada/db (research only). How an image was manipulated is not recorded: kind is
    "tampered". Scene: the folder; where all images lie in one, with several originals in it, the group of
    near-duplicates (`imdlib.data.groups`). Split: about 60/10/30 by scene, ours; INR uses the tampered images for
    testing only.
    Known: the mask of z14/00030_fake.jpg has another size; the image is left out unless the corrected mask of
    SunnyHaze/IML-Dataset-Corrections is in its place.
    """
    found = Found(files_in(*homes(root, r"imd[ _-]?(20)?20.*")))
    masks = [file for file in found.pictures() if named(file)[1].endswith("_mask")]
    masks = only(found, masks, named)
    images = [file for file in found.pictures() if not named(file)[1].endswith("_mask")]
    images = only(found, images, named).values()
    together = scenes(images)
    for image in images:
        mask, scene = masks.get((named(image)[0], named(image)[1] + "_mask")), together[image]
        split = by_hash(scene, "imd2020")
        if image.stem.lower().endswith("_orig"):
            found.rows.append(Row(image, "authentic", scene, split))
        elif mask is None:
            found.problem(image, "no mask", f"{image.stem}_mask.png beside it", "unpack it again")
        elif image.stem == MISFIT and misfit(image, mask):
            found.exclude(image, "known to have a mask of another size; the corrected mask has it right")
        else:
            found.rows.append(Row(image, "tampered", scene, split, mask=mask, decode=above_zero))
    used = {row.mask for row in found.rows}
    for mask in masks.values():
        if mask not in used:
            found.exclude(mask, "mask without an image that can be used")
    if not any(row.mask for row in found.rows):
        raise refuse(root, "imd2020", TREE)
    return found


def misfit(image: Path, mask: Path) -> bool:
    """True when the sizes differ; an unreadable file is reported later, by name."""
    try:
        return image_size(image) != image_size(mask)
    except ImageError:
        return False


def above_zero(mask: Path, image: Path) -> np.ndarray:
    """uint8 (H, W) in {0, 1}, 1 where the mask is not black."""
    return values.decided((load_grey(mask) > 0).astype(np.uint8), mask)


def named(file: Path) -> tuple[str, str]:
    """What a file is known by: the name of its folder, and its own without suffix."""
    return file.parent.name.lower(), file.stem.lower()


def scenes(images: Iterable[Path]) -> dict[Path, str]:
    """The scene of each image: its folder; where one folder holds several originals, the group of its near-duplicates."""
    images = list(images)
    originals = Counter(image.parent for image in images if image.stem.lower().endswith("_orig"))
    flat = {str(image): image for image in images if originals[image.parent] > 1}
    groups = {flat[name]: Path(first).stem for name, first in cached_groups("imd2020", flat).items()}
    return {image: groups.get(image, image.parent.name) for image in images}
