"""CASIA v2.0: splicing and copy-move with post-processing, the papers' usual training set."""

import re
from pathlib import Path

from imdlib.data.groups import linked
from imdlib.data.images import ImageError, image_size
from imdlib.data.readers.common import Found, Row, files_in, homes, refuse
from imdlib.data.readers.joins import only
from imdlib.data.splits import by_hash

# images whose published mask has another size, by id: stored sideways, or cut by some pixels
SIDEWAYS = ("11227", "12437", "11524", "10508", "11230")
CUT = ("01602", "11912", "11913", "01654", "01883", "01778", "00751", "01719", "01971", "20010", "02316", "01980")
SHARES = {"train": 0.95, "val": 0.05}
LARGE = 0.02  # a linked group with a larger share of the images goes to training, or the 5% would be far off
AUTHENTIC = r"au_([a-z]{3})_(\d{5})"
TAMPERED = r"tp_([ds])_.*?([a-z]{3}\d{5})_([a-z]{3}\d{5})_(\d+)"
TREE = "Au/Au_*, Tp/Tp_* and a folder of masks Tp_*_gt.png (any folders: files are known by their names)"


def casia2(root: Path) -> Found:
    """CASIA v2.0 (Dong, Wang, Tan 2013), joined by the number at the end of a name wherever the files lie below `root`:

        CASIA2/  (or "CASIA2.0_revised", "CASIA 2 Groundtruth" beside it, or the folder above)
            Au/   Au_<cat>_<number>.jpg|bmp                       authentic, 7,491
            Tp/   Tp_D_<flags>_<scene>_<scene>_<id>.jpg|tif       splicing
                  Tp_S_<flags>_<scene>_<scene>_<id>.jpg|tif       copy-move, 5,123 in all in the revised release
            CASIA 2 Groundtruth/   <name>_gt.png                  white = tampered

    Had from forensics.idealtest.org on request (research only, 2 to 3 GB), its masks from the repository
    namtpham/casia2groundtruth on GitHub. Names differ between releases (99 files changed between splicing and
    copy-move, others their scenes), the id does not: kind and scene are read from the image's name.
    Known: 17 masks of another size than their image. Of these, 5 are sideways and turned; 12 are left out, unless the
    masks of SunnyHaze/CASIA2.0-Corrected-Groundtruth are there too, in a folder with "correct" in its name.
    Split: all for training, 5% of it for validation; images that share a scene, as background or as source, stay
    together. Some authentic images occur in CASIA v1 too, so image-level numbers on v1 after training here flatter.
    """
    found = Found(files_in(*homes(root, r"casia[ _-]?v?2([ ._-].*)?", r"au|tp")))
    files = found.pictures()
    masks = [f for f in files if re.fullmatch(r"tp_.*_\d+_gt", f.stem.lower())]
    masks = only(found, masks, lambda f: f.stem.split("_")[-2], better="correct")
    images = [f for f in files if re.fullmatch(AUTHENTIC, f.stem.lower()) or re.fullmatch(TAMPERED, f.stem.lower())]
    for image in only(found, images, lambda f: re.sub(r"^tp_.*_", "tp_", f.stem.lower())).values():
        authentic = re.fullmatch(AUTHENTIC, image.stem.lower())
        tampered = re.fullmatch(TAMPERED, image.stem.lower())
        if authentic:
            found.rows.append(Row(image, "authentic", authentic[1] + authentic[2], ""))
        else:
            add_tampered(found, image, masks.get(tampered[4]), *tampered.groups())
    if not any(row.kind != "authentic" for row in found.rows) and not found.problems:
        raise refuse(root, "casia2", TREE)
    draw(found.rows)
    return found


def add_tampered(
    found: Found, image: Path, mask: Path | None, letter: str, source: str, target: str, number: str
) -> None:
    """The row of a tampered image, or why it has none."""
    if mask is None:
        found.problem(image, "no mask", f"a mask named Tp_..._{number}_gt.png", "copy the masks again")
    elif number in CUT and not same_size(image, mask):
        for file in (image, mask):
            found.exclude(file, "known to have a mask of another size; the corrected masks have it right")
    else:
        kind = {"d": "splicing", "s": "copy-move"}[letter]
        row = Row(image, kind, f"{source} {target}", "", mask=mask, repair="turn" if number in SIDEWAYS else "")
        row.note = "" if mask.stem.lower() == f"{image.stem.lower()}_gt" else f"mask joined by its number: {mask.name}"
        found.rows.append(row)


def same_size(image: Path, mask: Path) -> bool:
    """True when both can be read and fit; an unreadable file is reported later, by name."""
    try:
        return image_size(image) == image_size(mask)
    except ImageError:
        return True


def draw(rows: list[Row]) -> None:
    """Scene and split: scenes that any image links together become one, under the first of their names."""
    groups = linked([row.scene.split() for row in rows])
    for row in rows:
        row.scene = groups[row.scene.split()[0]]
    sizes = {}
    for row in rows:
        sizes[row.scene] = sizes.get(row.scene, 0) + 1
    for row in rows:
        large = sizes[row.scene] > LARGE * len(rows) and len(rows) > 1000
        row.split = "train" if large else by_hash(row.scene, "casia2", SHARES)
