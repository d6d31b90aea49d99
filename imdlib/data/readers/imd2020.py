"""IMD2020, "Real-Life Manipulated Images": edits by people on the Internet, with their originals."""

from pathlib import Path

import numpy as np

from imdlib.data.images import ImageError, image_size, load_grey
from imdlib.data.readers.common import Found, Row, homes, images_in, refuse
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
    "tampered". Scene: the folder. Split: about 60/10/30 by folder, ours; INR uses the tampered images for testing only.
    Known: the mask of z14/00030_fake.jpg has another size; the image is left out unless the corrected mask of
    SunnyHaze/IML-Dataset-Corrections is in its place.
    """
    found, files = Found(), images_in(*homes(root, r"imd[ _-]?(20)?20.*"))
    masks = {(f.parent, f.stem[: -len("_mask")]): f for f in files if f.stem.lower().endswith("_mask")}
    for image in (f for f in files if not f.stem.lower().endswith("_mask")):
        scene, mask = image.parent.name, masks.get((image.parent, image.stem))
        split = by_hash(scene, "imd2020")
        if image.stem.lower().endswith("_orig"):
            found.rows.append(Row(image, "authentic", scene, split))
        elif mask is None:
            found.problem(image, "no mask", f"{image.stem}_mask.png beside it", "unpack it again")
        elif image.stem == MISFIT and misfit(image, mask):
            found.exclude(image, "known to have a mask of another size; the corrected mask has it right")
        else:
            found.rows.append(Row(image, "tampered", scene, split, mask=mask, decode=above_zero))
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
    return (load_grey(mask) > 0).astype(np.uint8)
