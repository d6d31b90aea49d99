"""A plain folder: anybody's own images and masks."""

from pathlib import Path

import pandas as pd

from imdlib.data.images import ImageError, load_mask
from imdlib.data.readers.common import Found, Row, images_in, refuse
from imdlib.data.splits import by_hash

ENDINGS = ("", "_mask", "_gt", "-mask", "-gt")
COLUMNS = ("image", "mask", "label", "kind", "scene", "split", "note", "generator")
KINDS = ("authentic", "splicing", "copy-move", "removal", "edit", "generated", "tampered")
SPLITS = ("train", "val", "test")
TREE = "images/ with image files, masks/ with a mask for each tampered one, and if wanted images.csv"


def folder(root: Path) -> Found:
    """Your own data:

        <any name>/
            images/<name>.<any>             folders in it as you like
            masks/<name>[_mask|_gt].<any>   white = tampered, in the same folders as the image, or in none
            images.csv                      may be left out; one line per image: image (below images/) and any of
                                            mask (below masks/), label (0, 1), kind, scene, split, note, generator

    Without images.csv an image with a mask that is not all black is tampered, any other is authentic: a missing mask
    cannot be noticed, a mask without an image is. With images.csv, images with label 1 must have a mask, unless their
    kind is "generated". Scene: the name; give it where images share a background. Split: about 60/10/30 by scene.
    """
    if not (root / "images").is_dir():
        raise refuse(root, "folder", TREE)
    found = Found()
    images = {str(f.relative_to(root / "images").as_posix()): f for f in images_in(root / "images")}
    masks = {}
    for mask in images_in(root / "masks") if (root / "masks").is_dir() else []:
        masks.setdefault(mask.relative_to(root / "masks").with_suffix("").as_posix(), mask)
    lines = read_lines(root / "images.csv", images, found) if (root / "images.csv").is_file() else None
    for name, image in images.items():
        if lines is None or name in lines:
            add(found, root, image, name, masks, lines[name] if lines else None)
    if lines is None:
        for mask in sorted(set(masks.values()) - {mask_of(name, masks) for name in images}):
            found.problem(mask, "no image of its name", "images/ with the same name and folders", "rename it")
    if not images:
        raise refuse(root, "folder", TREE)
    return found


def read_lines(index: Path, images: dict[str, Path], found: Found) -> dict[str, dict[str, str]]:
    """{name of the image: its line of images.csv as a dict}."""
    try:
        table = pd.read_csv(index, dtype=str, keep_default_na=False)
    except ValueError as error:  # no UTF-8, nothing in it, or lines of other lengths
        found.problem(index, f"cannot be read ({error})", "a table in UTF-8, a line per image", "write it again")
        return {}
    unknown = [column for column in table.columns if column not in COLUMNS]
    if unknown or "image" not in table.columns:
        problem = f"columns {', '.join(table.columns)}"
        found.problem(index, problem, f"image and any of {', '.join(COLUMNS[1:])}", "rename the columns")
        return {}
    for name in table["image"]:
        if name not in images:
            found.problem(index, f"names {name}, which is not in images/", "files that are there", "correct the name")
    return {line["image"]: line for line in table.to_dict("records")}


def add(found: Found, root: Path, image: Path, name: str, masks: dict[str, Path], line: dict[str, str] | None) -> None:
    """The row of one image, or what is wrong with what is said of it."""
    said = line or {}
    mask = root / "masks" / said["mask"] if said.get("mask") else mask_of(name, masks)
    kind = said.get("kind") or {"0": "authentic", "1": "tampered"}.get(said.get("label", ""), "")
    scene = said.get("scene") or name.rsplit(".", 1)[0]
    split = said.get("split") or by_hash(scene, "folder")
    for value, allowed, what in ((kind or "tampered", KINDS, "kind"), (split, SPLITS, "split")):
        if value not in allowed:
            found.problem(image, f"{what} '{value}'", f"one of {', '.join(allowed)}", "correct images.csv")
            return
    if said.get("label") and said["label"] != str(int(kind != "authentic")):
        found.problem(image, f"label {said['label']} and kind {kind}", "0 for authentic only", "correct images.csv")
        return
    if mask is not None and not kind:
        try:
            kind = "tampered" if load_mask(mask).any() else "authentic"
        except ImageError as error:
            found.problem(error.file, error.problem, error.expected, error.action)
            return
    kind = kind or "authentic"
    if mask is None and kind not in ("authentic", "generated"):
        found.problem(image, "no mask", f"masks/{name.rsplit('.', 1)[0]}.png", "add it, or correct images.csv")
        return
    row = Row(image, kind, scene, split, mask=None if kind == "authentic" else mask)
    row.note, row.generator = said.get("note", ""), said.get("generator", "")
    found.rows.append(row)


def mask_of(name: str, masks: dict[str, Path]) -> Path | None:
    """The mask of an image: its name with one of the usual endings, in the same folders or in none."""
    stem = name.rsplit(".", 1)[0]
    names = [base + ending for base in (stem, stem.rsplit("/", 1)[-1]) for ending in ENDINGS]
    return next((masks[name] for name in names if name in masks), None)
