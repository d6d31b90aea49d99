"""Twins of Dolos, `sim-dolos-<generator>`: real photographs, partly fake ones with exact masks, and fully fake ones.

Bridging section 4.1 and Table 2; the fakes are made by `generators`, the scenes and cameras are those of the embedded
benchmark. All twins of one seed show the same scenes, with the same cameras and masks, under the same scene names: they
differ in the generator alone, and the training images of one share no scene with the test images of another.
Every image, real or fake, is a developed photograph to begin with and is saved one last time, at a quality drawn without
regard to its class; no class is resized.
"""

import numpy as np
import torch

from imdlib.twins import manipulate, recipes
from imdlib.twins.autoencoders import GENERATORS, Autoencoder
from imdlib.twins.camera import CAMERAS
from imdlib.twins.generators import generator, grain
from imdlib.twins.masks import random_mask

PREFIX, BASE = "sim-dolos-", "sim-dolos"  # of the names; of the random numbers that all of these twins share
KINDS = ("authentic", "edit", "authentic", "generated")  # of the images of a scene, PER_SCENE of them
AREA = 0.12  # median fake fraction
FRAME = 8  # pixels around a picture while it is made anew; even, so that the grid of the upsampling stays in place
DATASETS = tuple(PREFIX + name for name in GENERATORS)


def generator_of(dataset: str) -> str:
    """`transposed` of `sim-dolos-transposed`; other names are refused."""
    if dataset not in DATASETS:
        raise ValueError(f"dataset={dataset!r}: expected one of {', '.join(DATASETS)}")
    return dataset.removeprefix(PREFIX)


def whole(name: str | Autoencoder, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The photograph (H,W,3) uint8 made anew by generator `name`, or by an exact model, sides of any length: uint8.

    It is continued by reflection first: what zero padding does to the frame of a picture would give the whole ones away.
    """
    height, width = image.shape[:2]
    tensor = torch.from_numpy(image).permute(2, 0, 1)[None].double() / 255
    sides = (FRAME, FRAME + width % 2, FRAME, FRAME + height % 2)
    model = generator(name) if isinstance(name, str) else name
    made = grain(model, torch.nn.functional.pad(tensor, sides, mode="reflect"), rng)[0]
    inside = made[:, FRAME : FRAME + height, FRAME : FRAME + width].permute(1, 2, 0)
    return np.round(inside.numpy() * 255).astype(np.uint8)


def region(name: str | Autoencoder, image: np.ndarray, mask: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The photograph with the region of mask (H,W) uint8 {0,255} made anew; it fades in over two pixels inside the mask."""
    return manipulate.blend(image, whole(name, image, rng), mask, "matched")


def make_image(
    dataset: str, seed: int, index: int, size: int
) -> tuple[np.ndarray, np.ndarray | None, dict[str, str | int]]:
    """Image `index` of a twin: image uint8 RGB (size,size,3), mask uint8 {0,255} (size,size) or None, manifest row.

    The row has one column more than those of other twins: `generator`, "" for a real photograph.
    """
    name = generator_of(dataset)
    rng, fake = recipes.generator(seed, BASE, "image", index), recipes.generator(seed, dataset, "fake", index)
    number, member = divmod(index, recipes.PER_SCENE)
    linear = recipes.background(BASE, seed, number, size + recipes.MARGIN)
    top, left = rng.integers(8, recipes.MARGIN + 1, 2)
    image = recipes.shoot(linear, CAMERAS[rng.integers(len(CAMERAS))], top, left, size, rng, True)
    kind, mask = KINDS[member], None
    if kind == "edit":
        mask = random_mask(rng, size, AREA)
        image = region(name, image, mask, fake)
    elif kind == "generated":
        image = whole(name, image, fake)
    row = recipes.row_of(dataset, BASE, seed, index, kind, ".jpg", mask is not None)
    return image, mask, row | {"generator": "" if kind == "authentic" else name}


def final_quality(dataset: str, seed: int, index: int) -> int:
    """JPEG quality at which image `index` is saved in the end: one for all of these twins, whatever its class."""
    return recipes.final_quality(BASE, seed, index)
