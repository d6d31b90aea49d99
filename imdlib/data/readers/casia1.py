"""CASIA v1.0: splicing and copy-move, JPEG of 384x256."""

import re
from pathlib import Path

from imdlib.data.groups import linked
from imdlib.data.readers.common import Found, Row, files_in, homes, refuse
from imdlib.data.readers.joins import only
from imdlib.data.splits import by_hash

# what is known to be wrong with single files, by the name of the image
SIDEWAYS = ("Sp_D_CNN_A_sec0012_ani0007_0275",)
DOUBTFUL = ("Sp_D_NNN_A_cha0039_nat0019_0320",)
MASKLESS = ("Sp_D_NRN_A_cha0011_sec0011_0542",)
TABLES = (".csv", ".txt", ".tsv", ".bat", ".cmd", ".sh", ".ps1")
AGAIN = "copy the masks again"
RENAMED = (
    "106 of the published masks carry corrected names: put the table of new names that comes with them, saved as csv or text "
    "(old name, new name), beside them, or take the renamed images"
)
TREE = "Au/Au_*.jpg, Tp/Sp_*.jpg and Gt/Sp_*_gt.png (any folders: files are known by their names)"


def casia1(root: Path) -> Found:
    """CASIA v1.0 (Dong, Wang, Tan 2013), joined by file name wherever the files lie below `root`:

        CASIA1/  (or "CASIA1.0", "CASIA 1.0 dataset" beside "CASIA 1.0 groundtruth", or the folder above)
            Au/   Au_<cat>_<number>.jpg               authentic, 800
            Tp/   Sp_D_<flags>_<scene>_<scene>_<id>   splicing, 461 with a mask ("Modified Tp/Tp/..." too)
                  Sp_S_<flags>_<scene>_<scene>_<id>   copy-move, 459
            Gt/   <name of the image>_gt.png          white = tampered, RGB, RGBA or grey
            any csv or text file                      lines that name two images: old names and corrected ones

    Had from forensics.idealtest.org on request (research only, about 70 MB), its masks from the repository
    namtpham/casia1groundtruth on GitHub. 106 of the masks carry corrected names. Images under their original names are
    joined to them by the table of names that comes with the masks (a workbook: save it as csv) and have the kind and
    scene of the corrected name; without it they are listed as problems.
    Scene: a tampered name holds two scenes; in 194 of 196 splices whose two originals are at hand the picture is the first
    of them with a piece of the second (docs/datasets.md), though the last is often taken for the background. Both are linked here,
    directly or by other images, and a scene is such a group under the first of its names: neither a background nor a
    donor is on both sides of a split. Split by scene, about 60/10/30, our own: the set has none.
    Tampered files were saved by other software than authentic ones (other JPEG tables), so image-level numbers say
    little unless both are compressed alike.
    Known: one mask is sideways (turned), one has doubtful polarity (kept as it is, see its note), one image has no
    mask (left out).
    """
    found = Found(files_in(*homes(root, r"casia[ _-]?v?1([ ._-].*)?", r"au|tp|modified tp")))
    files = [f for f in found.pictures() if key(f.name).startswith(("au_", "sp_"))]
    masks = only(found, [f for f in files if key(f.name).endswith("_gt")], lambda f: key(f.name))
    images = only(found, [f for f in files if not key(f.name).endswith("_gt")], lambda f: key(f.name))
    renamed, joined = new_names(found), set()
    for old, image in sorted(images.items()):
        name = old if old + "_gt" in masks or renamed.get(old, "") + "_gt" not in masks else renamed[old]
        joined.add(name + "_gt")
        authentic = re.fullmatch(r"au_([a-z]{3})_(\d{4})", name)
        tampered = re.fullmatch(r"sp_([ds])_[a-z]{3}_[a-z]_([a-z]{3}\d{4})_([a-z]{3}\d{4})_\d+", name)
        if authentic:
            found.rows.append(Row(image, "authentic", authentic[1] + authentic[2], ""))
        elif tampered and image.stem in MASKLESS and name + "_gt" not in masks:
            found.exclude(image, "known to have no mask")
        elif tampered and name + "_gt" not in masks:
            near = [f.name for mask, f in masks.items() if mask.split("_")[-2] == name.split("_")[-1]]
            came = f"no mask of its name ({near[0]} has its number)" if near else "no mask"
            found.problem(image, came, f"{image.stem}_gt.png in a folder of masks", RENAMED if near else AGAIN)
        elif tampered:
            kind = {"d": "splicing", "s": "copy-move"}[tampered[1]]
            row = Row(image, kind, f"{tampered[2]} {tampered[3]}", "", mask=masks[name + "_gt"])
            row.repair = "turn" if image.stem in SIDEWAYS else ""
            row.note = "doubtful polarity" if image.stem in DOUBTFUL else ""
            row.note = row.note if name == old else f"mask joined by the table of new names: {row.mask.name}"
            found.rows.append(row)
    for name in sorted(set(masks) - joined):
        found.exclude(masks[name], "mask without an image")
    if not any(row.kind != "authentic" for row in found.rows) and not found.problems:
        raise refuse(root, "casia1", TREE)
    groups = linked([row.scene.split() for row in found.rows])
    for row in found.rows:
        row.scene = groups[row.scene.split()[0]]
        row.split = by_hash(row.scene, "casia1")
    return found


def key(name: str) -> str:
    """A file's name in lower case without its suffix; one name of the set has a dot where the others have an underscore."""
    return re.sub(r"\.(jpe?g|png|tiff?|bmp)$", "", name.lower()).replace(".", "_")


def new_names(found: Found) -> dict[str, str]:
    """{name: its other name} from text files whose lines name two images, such as `ren Sp_a.jpg Sp_b.jpg`; both ways."""
    names = {}
    for file in found.files:
        if file.suffix.lower() in TABLES:
            lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
            pairs = [re.findall(r"Sp_[\w.]*\w", line, re.I) for line in lines]
            pairs = [tuple(key(name) for name in pair) for pair in pairs if len(pair) == 2]
            names |= {one: other for pair in pairs for one, other in (pair, pair[::-1])}
            found.used += [file] * bool(pairs)
        elif file.suffix.lower() in (".xls", ".xlsx"):
            found.exclude(file, "a workbook is not read: save its table of new names as csv")
    return names
