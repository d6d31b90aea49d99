"""A plain folder: anybody's own images and masks."""

import contextlib
from collections.abc import Collection
from functools import partial
from pathlib import Path, PurePosixPath

import numpy as np

from imdlib.data.images import ImageError, opened
from imdlib.data.readers import values
from imdlib.data.readers.common import IMAGES, CatalogError, Found, Problem, Row, files_in, refuse
from imdlib.data.readers.images_csv import contradiction, read_lines
from imdlib.data.readers.named import masks_of, misplaced
from imdlib.data.splits import by_hash

TAMPERED = frozenset(["tp", "tampered", "fake", "forged", "forgeries", "spliced", "splicing", "manipulated", "edited"])
AUTHENTIC = frozenset(["au", "authentic", "real", "original", "originals", "pristine"])
VALUES = "mask_values.txt"
TREE = "images/ with image files, masks/ with a mask for each tampered one, and if wanted images.csv"


def folder(root: Path, mask_values: Collection[float] | None = None) -> Found:
    """Your own data:

        <any name>/
            images/<name>.<any>             folders in it as you like
            masks/<name>[_mask|_gt].<any>   white = tampered, in the same folders as the image, or in none; npy too;
                                            mask_<name> and gt_<name> too; <name>_mask1, <name>_mask2 are united
            images.csv                      may be left out; one line per image: image (below images/) and any of
                                            mask (below masks/), label (0, 1), kind, scene, split, note, generator
            mask_values.txt                 may be left out: numbers, the stored values that mean tampered

    Without images.csv an image with a mask that is not all black is tampered, any other is authentic: a missing mask
    cannot be noticed unless the image lies in a folder such as tampered/, a mask without an image is. With images.csv,
    images with label 1 must have a mask, unless their kind is "generated". Scene: the name; give it where images share a
    background. Split: about 60/10/30 by scene.

    mask_values: as in mask_values.txt, before which it counts; for masks of class ids, 12 bits in 16, or marks in the
    alpha channel alone, which are refused without it. Of a palette the numbers of its colours.
    """
    if not (root / "images").is_dir():
        inner = [p.name for p in sorted(root.iterdir()) if (p / "images").is_dir()]
        hint = f"; in it, {', '.join(inner[:6])} have images/: 'folder:{inner[0]}' is one of them" if inner else ""
        raise refuse(root, "folder", TREE + hint)
    beside = [f for f in sorted(root.iterdir()) if f.is_file() and not f.name.startswith(".")]
    found = Found([*beside, *files_in(root / "images", root / "masks")])
    images = {below(f, root / "images"): f for f in found.pictures() if f.is_relative_to(root / "images")}
    if not images:
        raise refuse(root, "folder", TREE)
    masks = {below(f, root / "masks"): f for f in found.files if f.is_relative_to(root / "masks")}
    lines = read_lines(found, root / "images.csv", images, masks) if (root / "images.csv").is_file() else None
    joined = masks_of(found, images, masks, lines or {})
    misplaced(found, root, images, joined)
    unread_images(found, root)
    meaning = stored_meaning(found, root, mask_values)
    for name, image in images.items():
        if lines is None or name in lines:
            add(found, image, name, joined.get(name, []), lines[name] if lines else {}, meaning)
        else:
            for file in [image, *joined.get(name, [])]:
                found.exclude(file, "not named in images.csv")
    if meaning is not None:
        all_occur(root, [mask for several in joined.values() for mask in several], meaning)
    return found


def all_occur(root: Path, masks: list[Path], meaning: list[float]) -> None:
    """Refuse values that no mask holds where some mask holds none of them all: it would be authentic for a slip of the pen."""
    absent, odd = values.unnamed(masks, meaning)
    if absent and odd:
        came = f"{', '.join(f'{one:g}' for one in absent)}: no mask holds it, and {odd} is not black and holds none of the values"
        raise refuse_values(root, came)


def unread_images(found: Found, root: Path) -> None:
    """Note files below images/ that are images by what they hold, under a suffix that is not read."""
    for file in found.files:
        if file.is_relative_to(root / "images") and file.suffix.lower() not in IMAGES:
            with contextlib.suppress(ImageError), opened(file):
                found.problem(
                    file, f"an image with the suffix '{file.suffix}'", "the suffix of its format", "rename it"
                )


def below(file: Path, top: Path) -> str:
    """A file's name below a folder, with "/"."""
    return file.relative_to(top).as_posix()


def stored_meaning(found: Found, root: Path, given: Collection[float] | None) -> list[float] | None:
    """The stored values that mean tampered, or None where masks are black and white."""
    file = root / VALUES
    if file.is_file():
        found.used.append(file)
        if given is None:
            try:
                given = [float(word) for word in file.read_text(encoding="utf-8-sig").replace(",", " ").split()]
            except ValueError as error:
                raise refuse_values(root, f"cannot be read as numbers ({error})") from error
    if given is None:
        return None
    try:
        meaning = sorted(float(one) for one in given)
    except (TypeError, ValueError) as error:
        raise refuse_values(root, f"mask_values={given!r}") from error
    if not meaning or not np.isfinite(meaning).all():
        raise refuse_values(root, f"{meaning or 'no value'}")
    return meaning


def refuse_values(root: Path, came: str) -> CatalogError:
    """The error about stored values that cannot be those of tampered pixels."""
    action = "write there, or give as `mask_values`, the stored values that mean tampered"
    return CatalogError([Problem(str(root / VALUES), came, "numbers such as 38 75", action)], "folder")


def add(
    found: Found, image: Path, name: str, masks: list[Path], said: dict[str, str], meaning: list[float] | None
) -> None:
    """The row of one image, or what is wrong with what is said of it."""
    kind = said.get("kind") or {"0": "authentic", "1": "tampered"}.get(said.get("label", ""), "")
    scene = said.get("scene") or name.rsplit(".", 1)[0]
    split = said.get("split") or by_hash(scene, "folder")
    wrong = contradiction(kind, split, said)
    region = None
    if masks and not any(str(mask) == problem.file for mask in masks for problem in found.problems):
        try:
            region = bool(united(masks[0], image, masks=masks, meaning=meaning).any())
        except ImageError as error:
            found.problem(error.file, error.problem, error.expected, error.action)
    if not wrong and region is not None and kind and kind != "generated" and region != (kind != "authentic"):
        holds = "tampered pixels" if region else "no tampered pixel"
        wrong = f"{kind} in images.csv, but its mask {masks[0].name} has {holds}", "both to agree"
    place = {part.lower() for part in PurePosixPath(name).parts[:-1]}
    if (
        not wrong
        and not kind
        and region is not None
        and region != bool(place & TAMPERED)
        and place & (TAMPERED | AUTHENTIC)
    ):
        wrong = f"its folder calls it the other than its mask {masks[0].name}", "both to agree"
    if not wrong and not kind and not masks and place & TAMPERED:
        wrong = "no mask, though its folder calls it tampered", f"masks/{name.rsplit('.', 1)[0]}.png"
    kind = kind or ("tampered" if region else "authentic")
    if not wrong and not masks and kind not in ("authentic", "generated"):
        wrong = "no mask", f"masks/{name.rsplit('.', 1)[0]}.png"
    if wrong:
        found.problem(image, *wrong, "correct images.csv, or the mask")
    row = Row(image, kind, scene, split, note=said.get("note", ""), generator=said.get("generator", ""), repair="scale")
    if masks and (wrong or region is None or kind != "authentic"):
        row.mask, row.sources = masks[0], tuple(masks[1:])
        if meaning is not None or len(masks) > 1:
            row.decode, row.how = partial(united, masks=masks, meaning=meaning), f"values {meaning}"
        row.note = "; ".join(filter(None, [row.note, f"{len(masks)} masks united" if len(masks) > 1 else ""]))
    else:
        found.used += masks
    found.rows.append(row)


def united(mask: Path, image: Path, masks: list[Path], meaning: list[float] | None) -> np.ndarray:
    """uint8 (H, W) in {0, 1}, 1 where any of an image's masks says tampered."""
    regions = [values.tampered(file) if meaning is None else values.meant(file, meaning) for file in masks]
    for file, region in zip(masks, regions):
        if region.shape != regions[0].shape:
            size = "{1}x{0}".format(*regions[0].shape)
            came = "{1}x{0}".format(*region.shape)
            raise ImageError(file, f"a mask of {came} pixels", "save them in one size", f"{size} like {mask.name}")
    return np.any(regions, axis=0).astype(np.uint8)
