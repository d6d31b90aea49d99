"""MagicBrush: photographs edited region by region by a generative model, following instructions."""

import re
from functools import partial
from pathlib import Path

import numpy as np

from imdlib.data.images import ImageError, decoded, load_image, opened
from imdlib.data.readers import values
from imdlib.data.readers.common import Found, Row, files_in, homes, refuse
from imdlib.data.readers.joins import only
from imdlib.data.splits import by_hash

SPLITS = {"train": "train", "dev": "val", "test": "test"}
WHITE, CHANGED = 250, 8  # of 255: blank from WHITE up in every channel, changed where any differs by more than CHANGED
TREE = "train/, dev/, test/ (or one of them) with images/<id>/<id>-input.png, -mask1.png, -output1.png, ..."


def magicbrush(root: Path) -> Found:
    """MagicBrush (Zhang et al. 2023), as the authors' archives unpack:

        MagicBrush/  (any name, the folder above, or one of the three)
            train/ dev/ test/                    8,807, 528 and 1,053 turns
                images/<id>/<id>-input.png       authentic, a photograph of MS COCO
                            <id>-output<k>.png   after the k-th edit (DALL-E 2)
                            <id>-mask<k>.png     the image before that edit, with the region to edit blank

    Had from osunlp/MagicBrush on the Hugging Face hub (CC BY 4.0; write its columns source_img, mask_img and target_img
    of img_id and turn_index under the names above), the test set as an archive by the link in
    github.com/OSU-NLP-Group/MagicBrush, not to be shared further. Images of up to 1024x1024.
    Kind: edit. Generator: dalle2. Scene: the id. Split: the folders, dev = val; without them about 60/10/30 by scene.
    Masks: a region is where the mask is transparent, or else where it is white and the image before the edit is not. An
    output holds the edits of all turns so far, and so does its mask here. The model re-renders the picture, so pixels
    outside the region may change slightly too.
    """
    found = Found(files_in(*homes(root, r"magic[ _-]?brush.*")))
    files = [f for f in found.pictures() if re.fullmatch(r"\d+-(input|(output|mask)\d+)", f.stem)]
    files = only(found, files, lambda f: f.stem).values()  # an id is in one of the three folders
    named = {(f.parent, f.stem): f for f in files}
    for image in files:
        name = re.fullmatch(r"(\d+)-(input|output(\d+))", image.stem)
        if not name:
            continue
        scene = name[1]
        folders = [SPLITS[part] for part in image.relative_to(root).parts[:-1] if part in SPLITS]
        split = (folders or [SPLITS.get(root.name) or by_hash(scene, "magicbrush")])[-1]
        if name[2] == "input":
            found.rows.append(Row(image, "authentic", scene, split))
            continue
        turns, missing = earlier(named, image.parent, scene, int(name[3]))
        for file in missing:
            found.problem(file, "is missing", f"needed for the mask of {image.name}", "unpack it again")
            found.exclude(image, f"goes with {file.name}, which is missing")
        if not missing:
            note = f"masks of turns 1 to {name[3]} together" if int(name[3]) > 1 else ""
            row = Row(image, "edit", scene, split, mask=turns[-1][0], note=note, generator="dalle2")
            row.decode, row.sources = partial(edited, turns=turns), tuple(file for turn in turns for file in turn)
            found.rows.append(row)
    if not any(row.mask for row in found.rows) and not found.problems:
        raise refuse(root, "magicbrush", TREE)
    return found


def earlier(
    named: dict[tuple[Path, str], Path], folder: Path, scene: str, turn: int
) -> tuple[list[list[Path | None]], list[Path]]:
    """((mask, image before the edit) of each turn so far, names of files that are missing)."""
    turns, missing = [], []
    for k in range(1, turn + 1):
        before = f"{scene}-input" if k == 1 else f"{scene}-output{k - 1}"
        pair = [(folder, f"{scene}-mask{k}"), (folder, before)]
        missing += [folder / f"{name}.png" for _, name in pair if (folder, name) not in named]
        turns.append([named.get(key) for key in pair])
    return turns, missing


def edited(mask: Path, image: Path, turns: list[list[Path]]) -> np.ndarray:
    """uint8 (H, W) in {0, 1}, 1 where any turn so far blanked the picture."""
    regions = [blank(*turn) for turn in turns]
    if len({region.shape for region in regions}) > 1:
        sizes = ", ".join(f"{r.shape[1]}x{r.shape[0]}" for r in regions)
        raise ImageError(mask, f"masks of sizes {sizes}", "unpack it again", "one size for all turns")
    return values.decided(np.any(regions, axis=0).astype(np.uint8), mask)


def blank(mask: Path, before: Path) -> np.ndarray:
    """Bool (H, W): the region that a mask file blanks."""
    with opened(mask) as image:
        if image.mode in ("RGBA", "LA"):
            alpha = np.asarray(decoded(image, mask).getchannel("A"))
            if (alpha == 0).any():
                return alpha == 0
    blanked, source = load_image(mask).astype(np.int16), load_image(before).astype(np.int16)
    if blanked.shape != source.shape:
        size = f"{source.shape[1]}x{source.shape[0]} like {before.name}"
        raise ImageError(mask, f"a mask of {blanked.shape[1]}x{blanked.shape[0]} pixels", "unpack it again", size)
    return (blanked >= WHITE).all(axis=2) & (np.abs(blanked - source).max(axis=2) > CHANGED)
