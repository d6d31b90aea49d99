"""The embedded benchmark's recipes: twins of the real data sets, with their mix of manipulations and their file format.

They are simulations and named so everywhere (`sim-`); the forensic traces are real because a camera is simulated.
Every image has random generators of its own, derived from (seed, data set, index): its bytes depend on nothing else,
neither on the number of workers nor on how many images are built. Splits (60/10/30) are by scene; PER_SCENE images
share one.
"""

import difflib
import zlib
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from imdlib.twins import manipulate
from imdlib.twins.camera import CAMERAS, Camera, develop
from imdlib.twins.masks import random_mask
from imdlib.twins.scenes import scene

PER_SCENE = 4
# The split of each scene, repeated: 6 : 1 : 3. All three come early, so that even a dozen images have them.
SPLITS = ("train", "test", "val", "train", "train", "test", "train", "train", "test", "train")
MARGIN = 32  # a scene is larger than a picture of it by this many pixels: pictures of one scene are framed differently
FINAL_QUALITIES = (92, 94, 96, 98)  # JPEG twins: every image is saved a last time, authentic and tampered ones alike
CONTRAST = 7  # noise variances of the two cameras of a splice differ by at least this factor
LEVELS = ("obvious", "matched", "trace")
CHANGES = {
    "copy-move": manipulate.copy_move,
    "removal": manipulate.remove,
    "edit": manipulate.edit,
    "repaint": manipulate.repaint,
}  # splicing needs a second photograph


@dataclass(frozen=True)
class Twin:
    """What a twin is made of; shares are probabilities."""

    kinds: dict  # share of each manipulation among tampered images
    visibility: tuple  # shares of obvious, matched, trace
    suffix: str  # of the files: .jpg, or .tif (uncompressed)
    camera_jpeg: bool  # whether photographs were JPEG files before anybody touched them
    tampered: tuple = (1, 3)  # which of the PER_SCENE images of each scene; half of them here
    area: float = 0.061  # median tampered fraction, as in the real set
    whole: bool = False  # the whole image is edited: a label, and no mask


MIX = (0.2, 0.5, 0.3)  # of obvious, matched and trace; see manipulate.py
TWINS = {
    "sim-casia": Twin({"splicing": 0.5, "copy-move": 0.5}, MIX, ".jpg", True),
    "sim-coverage": Twin({"copy-move": 1.0}, MIX, ".tif", False, area=0.10),
    "sim-columbia": Twin({"splicing": 1.0}, MIX, ".tif", False, area=0.22),
    "sim-nist16": Twin(
        {"splicing": 0.51, "removal": 0.37, "copy-move": 0.12}, MIX, ".jpg", True, tampered=(1, 2, 3), area=0.05
    ),
    "sim-defacto": Twin({"splicing": 0.34, "copy-move": 0.33, "removal": 0.33}, MIX, ".tif", True, area=0.03),
    "sim-imd2020": Twin(
        {"splicing": 0.4, "copy-move": 0.2, "removal": 0.2, "edit": 0.2}, MIX, ".jpg", True, tampered=(1, 2, 3)
    ),
    "sim-magicbrush": Twin({"repaint": 0.7, "edit": 0.3}, MIX, ".jpg", True, area=0.12),
    "sim-iedit": Twin({"edit": 1.0}, MIX, ".jpg", True, whole=True),
}


def twin(dataset: str) -> Twin:
    """The Twin of that name; an unknown name is refused with the nearest known one."""
    if dataset not in TWINS:
        near = difflib.get_close_matches(dataset, TWINS, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(TWINS)}, and sim-dolos-*"
        raise ValueError(f"no embedded data set is called {dataset!r}; {hint}")
    return TWINS[dataset]


def generator(seed: int, dataset: str, purpose: str, index: int) -> np.random.Generator:
    """Random generator that depends on exactly these four and on nothing that happened before."""
    return np.random.default_rng([seed, zlib.crc32(f"{dataset}/{purpose}".encode()), index])


@lru_cache(maxsize=16)  # the images of one scene are made one after the other
def background(dataset: str, seed: int, index: int, side: int) -> np.ndarray:
    """Scene number `index` of a twin, (side, side, 3) linear light, from the pictures of that scene's split."""
    linear = scene(generator(seed, dataset, "scene", index), side, SPLITS[index % len(SPLITS)])
    linear.flags.writeable = False
    return linear


def shoot(
    linear: np.ndarray,
    camera: Camera,
    top: int,
    left: int,
    size: int,
    rng: np.random.Generator,
    compress: bool,
    grid: tuple[int, int] = (0, 0),
) -> np.ndarray:
    """Photograph the `size` x `size` frame at (top, left) of a scene; uint8 RGB.

    grid: rows above and columns left of the frame at which the camera's own picture, its Bayer and JPEG grids begin.
    """
    above, before = grid
    picture = develop(linear[top - above : top + size, left - before : left + size], camera, rng, compress)
    return np.ascontiguousarray(picture[above:, before:])


def unlike(camera: Camera) -> list[Camera]:
    """Cameras whose noise is so different from that of `camera` that a splice of the two can be found."""
    return [c for c in CAMERAS if max(c.shot / camera.shot, camera.shot / c.shot) > CONTRAST]


def donor_scene(dataset: str, seed: int, index: int, side: int, rng: np.random.Generator) -> np.ndarray:
    """Another scene of the same split: index + 10 k, because SPLITS repeats every ten; any k, whether built or not."""
    other = index + len(SPLITS) * int(rng.integers(1, 1000))
    return background(dataset, seed, other, side)


def make_image(
    dataset: str, seed: int, index: int, size: int
) -> tuple[np.ndarray, np.ndarray | None, dict[str, str | int]]:
    """Image `index` of a twin: image uint8 RGB (size, size, 3), mask uint8 (size, size) or None, and manifest row."""
    recipe, rng = twin(dataset), generator(seed, dataset, "image", index)
    number, member = divmod(index, PER_SCENE)
    side = size + MARGIN
    linear = background(dataset, seed, number, side)
    top, left = rng.integers(8, MARGIN + 1, 2)
    camera = CAMERAS[rng.integers(len(CAMERAS))]
    image = shoot(linear, camera, top, left, size, rng, recipe.camera_jpeg)
    kind, visibility, mask = "authentic", "", None
    if member in recipe.tampered:
        kind = str(rng.choice(list(recipe.kinds), p=list(recipe.kinds.values())))
        visibility = str(rng.choice(LEVELS, p=recipe.visibility))
        mask = np.full((size, size), 255, np.uint8) if recipe.whole else random_mask(rng, size, recipe.area)
        if kind == "splicing":
            other = rng.choice(unlike(camera))
            grid = divmod(int(rng.integers(1, 64)), 8)  # any JPEG and Bayer offset but (0, 0)
            if visibility == "trace":
                other = replace(other, gamma=camera.gamma)  # the same tone curve: nothing to see
            else:
                linear = donor_scene(dataset, seed, number, side, rng)
                top, left = rng.integers(8, MARGIN + 1, 2)
            donor = shoot(linear, other, top, left, size, rng, recipe.camera_jpeg, grid)
            image = manipulate.splice(image, manipulate.fit_in(donor, visibility, rng), mask, visibility)
        else:
            image = CHANGES[kind](image, mask, visibility, rng)
        mask = None if recipe.whole else mask
    masked = mask is not None
    return image, mask, row_of(dataset, dataset, seed, index, kind, recipe.suffix, masked, visibility)


def row_of(
    dataset: str, scenes: str, seed: int, index: int, kind: str, suffix: str, masked: bool, visibility: str = ""
) -> dict[str, str | int]:
    """The manifest's row of image `index`, a dict; scenes: what its scene is named after, the data set if it has its own."""
    number = index // PER_SCENE
    return {
        "image": f"images/{index:06d}{suffix}",
        "mask": f"masks/{index:06d}.png" if masked else "",
        "label": int(kind != "authentic"),
        "kind": kind,
        "scene": f"{scenes}-{seed}-{number:05d}",
        "split": SPLITS[number % len(SPLITS)],
        "dataset": dataset,
        "visibility": visibility,
        "note": "",
    }


def final_quality(dataset: str, seed: int, index: int) -> int:
    """JPEG quality at which image number `index` is saved in the end; knows nothing of whether it was tampered."""
    return int(generator(seed, dataset, "save", index).choice(FINAL_QUALITIES))
