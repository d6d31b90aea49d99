"""Masks joined to images by their names, for plain folders: each mask to one image, an exact name before any ending or prefix."""

import os
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from imdlib.data.images import ImageError
from imdlib.data.readers import values
from imdlib.data.readers.common import IMAGES, Found, files_in

MASKS = IMAGES | {".npy"}
MASKLIKE = r"(edge|probe)?[ _-]?masks?([ _-].*)?|gts?|ground[ _-]?truths?|annotations?|labels?"
NUMBERED = re.compile(r".+[_-](?:mask|gt)[_-]?\d+", re.I)
WANTED = "the image's name, in the same folders or in none, perhaps with mask_ or gt_ before it or _mask, _gt or _mask<number> after it"


def owners(masks: Iterable[str], images: Iterable[str]) -> dict[str, list[str]]:
    """{mask: images that its name may mean}; names with suffixes and "/", below the folders of masks and of images.

    Looked for in this order, the first that any image answers to: the same name in the same folders, that name without the usual
    endings and prefixes, and both again for a mask that lies in no folder and an image in any.
    """
    exact, bare = {}, {}
    for image in images:
        path = PurePosixPath(composed(image))
        for name in {str(path), str(path.with_suffix(""))}:
            exact.setdefault(name, []).append(image)
        for name in {path.name, path.stem}:
            bare.setdefault(name, []).append(image)
    found = {}
    for mask in masks:
        path = PurePosixPath(composed(mask)).with_suffix("")
        short = [name for name in stripped(path.name) if name != path.name]
        inner = [str(path.with_name(name)) for name in short]
        levels = [[exact, [str(path)]], [exact, inner]]
        levels += [[bare, [path.name]], [bare, short]] if len(path.parts) == 1 else []
        found[mask] = next((hits for index, names in levels if (hits := answers(index, names))), [])
    return found


def composed(name: str) -> str:
    """A name with its accents in one form, since systems write them in two."""
    return unicodedata.normalize("NFC", name)


def answers(index: dict[str, list[str]], names: Iterable[str]) -> list[str]:
    """Images known by any of the names, each once."""
    return list(dict.fromkeys(image for name in names for image in index.get(name, [])))


def stripped(name: str) -> list[str]:
    """A mask's name without its ending, without its prefix, and without both, as far as something is left."""
    without = re.sub(r"[_-](mask|gt)([_-]?\d+)?$", "", name, flags=re.I)
    shorter = [without, *(re.sub(r"^(mask|gt)[_-]", "", one, flags=re.I) for one in (name, without))]
    return [one for one in shorter if one]


def join(found: Found, masks: dict[str, Path], images: dict[str, Path]) -> dict[str, list[Path]]:
    """{image: its masks}, after noting masks of no image or of several, and images with several masks that are not numbered."""
    joined = {}
    for mask, mine in owners(masks, images).items():
        if not mine:
            found.problem(masks[mask], "no image of its name", WANTED, "rename it")
        elif len(mine) > 1:
            named = ", ".join(str(images[image]) for image in mine)
            found.problem(masks[mask], f"one mask for {len(mine)} images: {named}", "one image", "rename them")
        for image in mine:
            joined.setdefault(image, []).append(masks[mask])
    for image, several in joined.items():
        if len(several) > 1 and not all(NUMBERED.fullmatch(mask.stem) for mask in several):
            for mask in several:
                others = ", ".join(other.name for other in several if other != mask)
                action = "keep one, or number all of them as <name>_mask1, <name>_mask2 to have them united"
                found.problem(mask, f"one of several masks of {image} (beside {others})", "one mask", action)
    return joined


def masks_of(
    found: Found, images: dict[str, Path], masks: dict[str, Path], lines: dict[str, dict[str, str]]
) -> dict[str, list[Path]]:
    """{image: its masks}: the one that images.csv names, else those of its name."""
    listed = {name: line["mask"] for name, line in lines.items() if line.get("mask") in masks}
    odd = {name: f for name, f in masks.items() if f.suffix.lower() not in MASKS}
    rest = {name: f for name, f in masks.items() if name not in odd and name not in listed.values()}
    joined = join(found, rest, images)
    for name, mine in join(Found(), odd, images).items():
        if name not in joined and name not in listed:  # without another mask, these would leave the image authentic
            joined[name] = mine
            for mask in mine:
                action = "save it as PNG"
                found.problem(mask, f"a mask of a form that is not read ({mask.suffix})", "an image or npy", action)
    for name, mask in listed.items():
        for other in joined.get(name, []):
            found.problem(other, f"has the name of {name}, whose mask is {mask}", "one mask", "correct images.csv")
        joined[name] = [masks[mask]]
        if masks[mask].suffix.lower() not in MASKS:
            found.problem(masks[mask], "a mask of a form that is not read", "an image or npy", "save it as PNG")
    return joined


def misplaced(found: Found, root: Path, images: dict[str, Path], joined: dict[str, list[Path]]) -> None:
    """Note masks that lie where they would not be seen, or be taken for images, and folders that are not looked at."""
    for inner in sorted(p for p in root.iterdir() if p.is_dir() and p.name not in ("images", "masks")):
        holds = any(file.suffix.lower() in MASKS for file in files_in(inner)) and not inner.name.startswith(".")
        if holds and re.fullmatch(MASKLIKE, inner.name, re.I):
            action = "rename it, or move it elsewhere"
            found.problem(f"{inner}{os.sep}", "a folder that looks like one of masks", "masks/", action)
        else:
            found.exclude(f"{inner}{os.sep}", "not looked at: neither images/ nor masks/")
    stems = Counter(str(PurePosixPath(name).with_suffix("")) for name in images)
    for name, file in images.items():
        stem = PurePosixPath(name).with_suffix("")
        kin = {str(stem.with_name(short)) for short in stripped(stem.name)} - {str(stem)}
        if name not in joined and (stems[str(stem)] > 1 or kin & set(stems)) and like_a_mask(file):
            found.problem(file, "looks like a mask among the images", "masks in masks/", "move it there")


def like_a_mask(file: Path) -> bool:
    """True for a picture whose values a mask might have."""
    try:
        values.tampered(file)
    except ImageError:
        return False
    return True
