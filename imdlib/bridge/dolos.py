"""Twins of Dolos, `sim-dolos-<generator>`: real photographs, partly fake ones with exact masks, and fully fake ones.

Bridging section 4.1 and Table 2; the fakes are made by `generators`, the scenes and cameras are those of the embedded
benchmark. All twins show the same scenes, with the same cameras and masks, so that they differ in the generator alone.
Every image, real or fake, is a developed photograph to begin with and is saved one last time, at a quality drawn without
regard to its class; no class is resized.
"""

import numpy as np
import torch

from imdlib.bridge.autoencoders import GENERATORS
from imdlib.bridge.generators import generator, grain
from imdlib.data import manipulate, twins
from imdlib.data.camera import CAMERAS, encode
from imdlib.data.masks import random_mask

PREFIX, BASE = "sim-dolos-", "sim-dolos"  # of the names; of the random numbers that all of these twins share
KINDS = ("authentic", "edit", "authentic", "generated")  # of the images of a scene, PER_SCENE of them
AREA = 0.12  # median fake fraction
DATASETS = tuple(PREFIX + name for name in GENERATORS)


def generator_of(dataset):
    """`transposed` of `sim-dolos-transposed`; other names are refused."""
    if dataset not in DATASETS:
        raise ValueError(f"dataset={dataset!r}: expected one of {', '.join(DATASETS)}")
    return dataset.removeprefix(PREFIX)


def whole(name, image, rng):
    """The photograph (H,W,3) uint8 made anew by generator `name`, sides of any length: uint8."""
    height, width = image.shape[:2]
    tensor = torch.from_numpy(image).permute(2, 0, 1)[None].float() / 255
    padded = torch.nn.functional.pad(tensor, (0, width % 2, 0, height % 2), mode="replicate")
    made = grain(generator(name), padded, rng)[0, :, :height, :width].permute(1, 2, 0)
    return np.round(made.numpy() * 255).astype(np.uint8)


def region(name, image, mask, rng):
    """The photograph with the region of mask (H,W) uint8 {0,255} made anew; it fades in over two pixels inside the mask."""
    return manipulate.blend(image, whole(name, image, rng), mask, "matched")


def make_image(dataset, seed, index, size):
    """Image `index` of a twin: image uint8 RGB (size,size,3), mask uint8 {0,255} (size,size) or None, manifest row."""
    name = generator_of(dataset)
    rng, fake = twins.generator(seed, BASE, "image", index), twins.generator(seed, dataset, "fake", index)
    number, member = divmod(index, twins.PER_SCENE)
    linear = twins.background(BASE, seed, number, size + twins.MARGIN)
    top, left = rng.integers(8, twins.MARGIN + 1, 2)
    image = twins.shoot(linear, CAMERAS[rng.integers(len(CAMERAS))], top, left, size, rng, True)
    kind, mask = KINDS[member], None
    if kind == "edit":
        mask = random_mask(rng, size, AREA)
        image = region(name, image, mask, fake)
    elif kind == "generated":
        image = whole(name, image, fake)
    row = {
        "image": f"images/{index:06d}.jpg",
        "mask": f"masks/{index:06d}.png" if mask is not None else "",
        "label": int(kind != "authentic"),
        "kind": kind,
        "scene": f"{BASE}-{seed}-{number:05d}",
        "split": twins.SPLITS[number % len(twins.SPLITS)],
        "dataset": dataset,
        "visibility": "",
        "note": "",
        "generator": "" if kind == "authentic" else name,
    }
    return image, mask, row


def saved(image, seed, index):
    """Bytes of the JPEG file of image `index`, the last step of every class."""
    return encode(image, ".jpg", twins.final_quality(BASE, seed, index))


def write(folder, dataset, seed, index, size):
    """Make image `index`, write it and its mask under `folder`; returns its manifest row (relative paths)."""
    image, mask, row = make_image(dataset, seed, index, size)
    for name, content in ((row["image"], saved(image, seed, index)), (row["mask"], mask)):
        if name:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content if isinstance(content, bytes) else encode(content, ".png"))
    return row
