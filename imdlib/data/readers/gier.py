"""GIER: edits asked for in words and made by people, the "IEdit" of the INR paper."""

import json
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from imdlib.data.images import ImageError, image_size
from imdlib.data.readers.common import CatalogError, Found, Problem, Row, files_in, folder_with, refuse
from imdlib.data.readers.lists import inside

INDEXES = ("GIER.json", "IER2.json")
TREE = "GIER.json (or IER2.json), images/*.jpg and masks/*_mask.json"


def gier(root: Path) -> Found:
    """GIER (Shi et al. 2020), the "IEdit" of the INR paper:

        GIER/  (or "IER2", or the folder above)
            GIER.json                      a list; each entry names input, output and operator {name: {local, ids}}
            images/<id>_<id>.jpg           input: authentic
                   <id>_<name>.jpg         output: edited
            masks/<id>_<id>_mask.json      segments of the input as COCO run lengths; `ids` choose among them

    Had by the link in github.com/jshi31/T2ONet (research only). 6,179 pairs. The mask of an output is the union of the
    segments of its operators. An output that was also, or only, edited as a whole has no region: its mask is empty and
    its note says so. Kind: edit. Scene: the input.
    Split: the authors' 4,943 / 618 / 618, drawn as they draw it (NumPy's generator of 2020, seed 0, in file order).
    Known: some outputs are scaled, and their masks with them (noted); others are cropped or turned and are left out.
    """
    folder = folder_with(root, *INDEXES)
    if folder is None:
        raise refuse(root, "gier", TREE)
    found, inputs = Found(files_in(folder)), set()
    index = next(folder / name for name in INDEXES if (folder / name).is_file())
    found.used.append(index)
    try:
        entries = json.loads(index.read_text(encoding="utf-8"))
        pairs = [[inside(folder / "images", entry[key]) for key in ("input", "output")] for entry in entries]
        edits = [[(edit["local"], list(edit["ids"])) for edit in entry["operator"].values()] for entry in entries]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        action = "unpack it again"
        raise CatalogError([Problem(str(index), f"{type(error).__name__}: {error}", TREE, action)], "gier") from error
    for entry, pair, operators, split in zip(entries, pairs, edits, official(len(entries))):
        if None in pair:
            found.problem(index, f"names {entry['input']}, {entry['output']}", "files below images/", "unpack it again")
            continue
        source, target = pair
        scene = source.stem.split("_")[0]
        absent = [path for path in (source, target) if not path.is_file()]
        for path in absent:
            found.problem(path, "is missing", "an image that the index names", "unpack it again")
            found.exclude(target if path == source else source, f"goes with {path.name}, which is missing")
        if not absent and source not in inputs:
            inputs.add(source)
            found.rows.append(Row(source, "authentic", scene, split))
        if not absent:
            add_edit(found, folder, entry, operators, Row(target, "edit", scene, split))
    if not found.rows and not found.problems:
        found.problem(index, "lists no pair", TREE, "unpack it again")
    shared_inputs_stay_together(found.rows)
    return found


def add_edit(found: Found, folder: Path, entry: dict[str, Any], operators: list[tuple], row: Row) -> None:
    """Put in the row of an edited image, with its mask where all of its operators, (local, ids) each, are local."""
    ids = sorted({number for _, numbers in operators for number in numbers})
    if not ids or not all(local for local, _ in operators):
        row.note = "edited as a whole or in an unknown region, no mask"
        found.rows.append(row)
        return
    row.mask = folder / "masks" / f"{entry['input'].rsplit('.', 1)[0]}_mask.json"
    try:
        segments = json.loads(row.mask.read_text())
        height, width = segments[ids[-1]]["size"]
        size = image_size(row.image)
    except ImageError as error:
        found.problem(error.file, error.problem, error.expected, error.action)
    except (OSError, ValueError, KeyError, IndexError, TypeError) as error:
        found.problem(row.mask, f"{type(error).__name__}: {error}", f"segments with the ids {ids}", "unpack it again")
        found.exclude(row.image, f"goes with {row.mask.name}, which has a problem")
    else:
        if "crop" in entry["operator"] or abs(size[0] * width / (size[1] * height) - 1) > 0.02:
            found.exclude(row.image, "cropped or turned, so that its mask does not fit")
        else:
            row.note = "" if size == (height, width) else f"mask of {width}x{height} resized with the image (nearest)"
            row.decode, row.how = partial(union, ids=ids, size=size), f"segments {ids}"
            found.rows.append(row)


def official(count: int) -> list[str]:
    """The split of each entry, in file order."""
    order = np.arange(count)
    np.random.RandomState(0).shuffle(order)  # noqa: NPY002 (the authors' list depends on this very generator)
    splits = np.full(count, "test", dtype=object)
    splits[order[: int(count * 0.8)]] = "train"
    splits[order[int(count * 0.8) : int(count * 0.9)]] = "val"
    return splits.tolist()


def shared_inputs_stay_together(rows: Iterable[Row]) -> None:
    """Pairs of one input get the split that its first pair drew."""
    first = {}
    for row in rows:
        row.split = first.setdefault(row.scene, row.split)


def union(mask: Path, image: Path, ids: list[int], size: tuple[int, int]) -> np.ndarray:
    """uint8 (H, W) in {0, 1} of the size asked for: the segments `ids` of a file of run lengths, together."""
    segments = json.loads(mask.read_text())
    try:
        together = np.any([run_lengths(segments[number]) for number in ids], axis=0).astype(np.uint8)
    except (ValueError, KeyError, IndexError, TypeError) as error:
        raise ImageError(mask, f"{type(error).__name__}: {error}", "unpack it again", "COCO run lengths") from error
    return np.array(Image.fromarray(together).resize(size[::-1], Image.Resampling.NEAREST))


def run_lengths(segment: dict[str, Any]) -> np.ndarray:
    """Bool (H, W) from COCO's run lengths {size, counts: numbers or their text}: runs of 0 and 1, columns first.

    In text, each number is written in groups of 5 bits, the lowest first, on characters from '0' on; bit 6 says that
    more follow, and the top bit of the last is its sign. From the fourth on, a number is the change since the last but
    one.
    """
    counts = segment["counts"]
    if isinstance(counts, str):
        values, at = [], 0
        while at < len(counts):
            value, shift, more = 0, 0, True
            while more:
                group = ord(counts[at]) - 48
                value |= (group & 31) << shift
                at, shift, more = at + 1, shift + 5, bool(group & 32)
            if group & 16:
                value -= 1 << shift
            values.append(value + values[-2] if len(values) > 2 else value)
        counts = values
    height, width = segment["size"]
    flat = np.repeat(np.arange(len(counts)) % 2 == 1, counts)
    if len(flat) != height * width:
        raise ValueError(f"run lengths of {len(flat)} pixels, expected {height}x{width}")
    return flat.reshape(width, height).T
