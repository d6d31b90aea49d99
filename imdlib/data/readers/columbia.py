"""Columbia uncompressed splicing: photographs of four cameras, spliced two by two."""

import re
from pathlib import Path

import numpy as np

from imdlib.data.images import load_image
from imdlib.data.readers import values
from imdlib.data.readers.common import Found, Row, files_in, homes, refuse
from imdlib.data.readers.joins import only
from imdlib.data.splits import by_hash, published

NAME = re.compile(r".+_sub_\d+")
SHARES = {"train": 117 / 180, "val": 13 / 180, "test": 50 / 180}
TREE = "4cam_auth/*.tif, 4cam_splc/*.tif and 4cam_splc/edgemask/*_edgemask.jpg"


def columbia(root: Path) -> Found:
    """Columbia Uncompressed Image Splicing Detection (Hsu, Chang 2006):

        Columbia/  (any name, or the folder above "4cam_auth")
            4cam_auth/   <camera>_<..>_sub_<nn>.tif               authentic, 183 (tif or bmp; its edgemask/ is not used)
            4cam_splc/   <camera>_<camera>_sub_<nn>.tif           splicing, 180
                edgemask/  <name>_edgemask.jpg                    red = first camera, green = second camera
                           <name>_edgemask_3.jpg                  a variant, not used

    Had from ee.columbia.edu/ln/dvmm/downloads/authsplcuncmp on request (research only, under 1 GB). 757x568 to
    1152x768, never compressed. Masks are JPEG in four colours, bright red and green near the seam, darker ones
    elsewhere; the nearest colour decides (a mask that someone made grey is read where it is black and white: white is
    tampered). Which camera is called tampered is a convention: here green, the second one,
    as in CAT-Net's evaluation. A method cannot know, so pixel numbers should also be given for the map or its inverse.
    Split: the papers train on 130 images and test on 50 without a list; ours is `splits/columbia.csv`, where train and
    val together are 130. Authentic images are split in the same proportion.
    """
    found = Found(files_in(*homes(root, r"columbia.*")))
    files = found.pictures()
    authentic, spliced = (
        only(found, [f for f in files if f.parent.name.lower() == part and NAME.fullmatch(stem(f))], stem).values()
        for part in ("4cam_auth", "4cam_splc")
    )
    for file in files:
        if re.search(r"4cam_auth[\\/]edgemask", str(file), re.I) or stem(file).endswith("_edgemask_3"):
            found.exclude(file, "not used: edges of an authentic image, or a variant of a mask")
    unused = {file for file, _ in found.excluded}
    masks = [f for f in files if re.fullmatch(r"(edge)?masks?|gts?|ground[ _-]?truth", f.parent.name, re.I)]
    masks = only(
        found, [f for f in masks if str(f) not in unused], lambda f: re.sub("_(edgemask|mask|gt)$", "", stem(f))
    )
    if not spliced:
        raise refuse(root, "columbia", TREE)
    drawn = published("columbia")
    for image in authentic:
        found.rows.append(Row(image, "authentic", image.stem, by_hash(image.stem, "columbia", SHARES)))
    for image in spliced:
        mask, name = masks.get(image.stem.lower()), image.stem
        if mask is None:
            found.problem(image, "no mask", f"edgemask/{name}_edgemask.jpg", "copy the masks again")
            continue
        split = drawn.get(name.lower()) or by_hash(name, "columbia", SHARES)
        found.rows.append(Row(image, "splicing", name, split, mask=mask, decode=green_is_tampered))
    return found


def green_is_tampered(mask: Path, image: Path) -> np.ndarray:
    """uint8 (H, W) in {0, 1}: 1 where one of the two greens is the nearest of the four colours; of a grey mask where it is white.

    Red and green come in the same two brightnesses, so the nearest is green exactly where green exceeds red.
    """
    colours = load_image(mask)
    if np.ptp(colours, axis=2).max(initial=0) < values.COLOURED:
        return values.tampered(mask)
    return values.decided((colours[..., 1] > colours[..., 0]).astype(np.uint8), mask)


def stem(file: Path) -> str:
    """A file's name in lower case, without its suffix."""
    return file.stem.lower()
