"""DEFACTO: splicing, copy-move and removal made automatically from MS COCO photographs."""

import re
from pathlib import Path

from imdlib.data.readers.common import Found, Row, files_in, homes, refuse, thin
from imdlib.data.readers.joins import only
from imdlib.data.splits import by_hash

KINDS = {"copymove": "copy-move", "inpainting": "removal", "splicing": "splicing"}
SHARES = {"train": 0.84, "val": 0.04, "test": 0.12}
COCO = r"coco_\w+_\d{12}"
TREE = "<type>_img/img/*.tif and <type>_annotations/probe_mask/*.jpg for the types copymove, inpainting, splicing_<n>"


def defacto(root: Path, limit: int | None = None) -> Found:
    """DEFACTO (Mahfoudi et al. 2019); the folders of one type have its name in theirs, whatever else is in it:

        DEFACTO/  (any name; the folders may also lie one level down)
            copymove_img/img/*.tif  (or Copy-Move-images/img/*.tif)              copy-move, about 19,000
            copymove_annotations/probe_mask/*.jpg                                white = tampered
            inpainting_img/img/*.tif, inpainting_annotations/probe_mask/*.jpg    removal, about 25,000
            splicing_<n>_img/img/*.tif, n = 1 ... 7                              splicing, about 105,000
            splicing_<n>_annotations/probe_mask/*.jpg
            COCO_<...>_<12 digits>.jpg, anywhere, such as in test2014/           authentic, from MS COCO

    Had from defactodataset.github.io (research only; MS COCO's terms for the photographs; over 100 GB). Masks are JPEG,
    cut at half; tampered regions are small. donor_mask/ and inpaint_mask/ are not used.
    Scene: the last COCO number in the name. Split: about 84/4/12 by scene, ours; the papers use MVSS-Net's lists.

    limit: at most so many images of each kind, chosen by a hash of their names, since the first reading decodes every
    mask of those that are asked for.
    """
    found = Found(files_in(*homes(root, r"defacto.*", r".*(copy-?move|inpainting|splicing).*")))
    files = found.pictures()
    masks = only(found, [f for f in files if f.parent.name.lower() == "probe_mask"], named)
    for file in files:
        if file.parent.name.lower() in ("donor_mask", "inpaint_mask"):
            found.exclude(file, "not used: where a piece was taken from, or what was painted over")
    photos = [f for f in files if re.fullmatch(COCO, f.stem.lower())]
    known = set(photos)
    images = [f for f in files if f not in known and f.parent.name.lower() == "img" and place(f)[0]]
    rows = []
    for image in [*only(found, photos, named).values(), *only(found, images, named).values()]:
        number = re.findall(r"\d{12}", image.stem)
        scene = number[-1] if number else image.stem
        split = by_hash(scene, "defacto", SHARES)
        if re.fullmatch(COCO, image.stem.lower()):
            rows.append(Row(image, "authentic", scene, split))
        else:
            rows.append(Row(image, KINDS[place(image)[0]], scene, split, mask=masks.get(named(image))))
    for row in thin(found, rows, lambda row: row.kind, limit, "defacto"):
        if row.kind != "authentic" and row.mask is None:
            found.problem(row.image, "no mask", f"probe_mask/{row.image.stem}.jpg of its type", "unpack it again")
        else:
            found.rows.append(row)
    if not any(row.kind != "authentic" for row in rows):
        raise refuse(root, "defacto", TREE)
    return found


def named(file: Path) -> tuple[tuple[str, str], str]:
    """What a file is known by: its type and part, and its name."""
    return place(file), file.stem.lower()


def place(file: Path) -> tuple[str, str]:
    """(type, number of the part) from the folder names above a file, ("", "") where they name no type."""
    for part in reversed(file.parts[:-1]):
        name = re.sub(r"[^a-z0-9]", "", part.lower())
        kind = next((kind for kind in KINDS if kind in name), "")
        if kind and re.search(r"img|images?|annotations?", name):
            return kind, "".join(re.findall(r"\d+", name))
    return "", ""
