"""The list images.csv of a plain folder: one line for an image, and nothing in it that contradicts itself or the files."""

from pathlib import Path

from imdlib.data.readers.common import Found
from imdlib.data.readers.lists import read_list
from imdlib.data.readers.named import composed

COLUMNS = ("image", "mask", "label", "kind", "scene", "split", "note", "generator")
KINDS = ("authentic", "splicing", "copy-move", "removal", "edit", "generated", "tampered")
SPLITS = ("train", "val", "test")


def read_lines(found: Found, index: Path, images: dict[str, Path], masks: dict[str, Path]) -> dict[str, dict[str, str]]:
    """{name of the image: its line of images.csv as a dict}."""
    table = read_list(found, index, ["image"])
    if table is None:
        return {}
    unknown = [str(column) for column in table.columns if column not in COLUMNS]
    if unknown:
        wanted = f"image and any of {', '.join(COLUMNS[1:])}"
        found.problem(index, f"columns {', '.join(unknown)}", wanted, "rename the columns")
        return {}
    if table.empty:
        found.problem(index, "no line but its heading", "one line for an image", "write them, or remove the file")
    lines, known, drawn = {}, {composed(name): name for name in images}, {composed(name): name for name in masks}
    for number, line in enumerate(table.to_dict("records"), start=2):
        name, mask = line["image"], line.get("mask", "")
        name = name if name in images else known.get(composed(name), name)
        mask = mask if mask in masks else drawn.get(composed(mask), mask)
        line |= {"image": name} | ({"mask": mask} if mask else {})
        if name not in images:
            came = f"line {number} names {name}, which is not in images/"
            found.problem(index, came, "files that are there", "correct the name")
        elif name in lines:
            found.problem(index, f"line {number} names {name} again", "one line for an image", "keep one of them")
            found.problem(images[name], "has several lines in images.csv", "one", "keep one of them")
        elif mask and mask not in masks:
            came = f"line {number} names the mask {mask}, which is not in masks/"
            found.problem(index, came, "files that are there", "correct the name")
            found.problem(
                images[name], f"its mask {mask} is not in masks/", "a file that is there", "correct images.csv"
            )
        label = line.get("label", "").strip()
        lines.setdefault(name, line | {"label": label.removesuffix(".0")})  # as pandas writes a column with a gap
    return lines


def contradiction(kind: str, split: str, said: dict[str, str]) -> tuple[str, str] | None:
    """(what is wrong, what is expected) of a line that says what cannot be, or None."""
    for value, allowed, what in ((kind or "tampered", KINDS, "kind"), (split, SPLITS, "split")):
        if value not in allowed:
            return f"{what} '{value}'", f"one of {', '.join(allowed)}"
    if said.get("label") and said["label"] != str(int(kind not in ("authentic", ""))):
        return f"label {said['label']} and kind {kind or 'none'}", "0 for authentic only, 1 for all others"
    return None
