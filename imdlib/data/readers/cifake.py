"""CIFAKE: small real photographs of CIFAR-10 against images generated in their manner."""

from pathlib import Path

from imdlib.data.readers.common import Found, Row, files_in, homes, refuse
from imdlib.data.readers.joins import only
from imdlib.data.splits import by_hash

GENERATOR = "stable-diffusion-1.4"
TREE = "REAL/*.jpg and FAKE/*.jpg, or train/ and test/ with REAL and FAKE in each"


def cifake(root: Path) -> Found:
    """CIFAKE (Bird, Lotfi 2024):

        CIFAKE/  (any name, or the folder above)
            train/REAL/*.jpg  train/FAKE/*.jpg     50,000 each, a tenth of them for validation
            test/REAL/*.jpg   test/FAKE/*.jpg      10,000 each
        or REAL/*.jpg and FAKE/*.jpg alone, split here about 60/10/30 by name

    Had from kaggle.com/datasets/birdy654/cifake-real-and-ai-generated-synthetic-images (MIT licence, about 100 MB).
    Whole images of 32x32, so there are no masks: kind is authentic or generated (CIFAR-10; Stable Diffusion 1.4).
    """
    found = Found(files_in(*homes(root, r"cifake.*")))
    images = [image for image in found.pictures() if image.parent.name.upper() in ("REAL", "FAKE")]
    for scene, image in only(found, images, place).items():
        folder, above = image.parent.name.upper(), image.parent.parent.name.lower()
        if above == "test":
            split = "test"
        elif above == "train":
            split = by_hash(scene, "cifake", {"train": 0.9, "val": 0.1})
        else:
            split = by_hash(scene, "cifake")
        kind, generator = ("generated", GENERATOR) if folder == "FAKE" else ("authentic", "")
        found.rows.append(Row(image, kind, scene, split, generator=generator))
    if {row.kind for row in found.rows} != {"authentic", "generated"}:
        raise refuse(root, "cifake", TREE)
    return found


def place(image: Path) -> str:
    """An image's place in the set, such as "train/REAL/0001"."""
    above = image.parent.parent.name.lower()
    return f"{above}/" * (above in ("train", "test")) + f"{image.parent.name.upper()}/{image.stem}"
