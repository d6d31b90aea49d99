"""Small files for the tests of data: photographs, masks, and how a reader's manifest is looked at."""

import numpy as np
from PIL import Image


def photo(path, height=24, width=36, seed=0):
    """Write a picture of noise; the suffix gives the format."""
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    Image.fromarray(noise).save(path)
    return path


def region(height=24, width=36, box=(4, 10, 6, 20)):
    """uint8 (H, W) in {0, 1}: 1 in rows box[0]:box[1] and columns box[2]:box[3]."""
    mask = np.zeros((height, width), np.uint8)
    mask[box[0] : box[1], box[2] : box[3]] = 1
    return mask


def mask(path, values=None, mode="L", invert=False):
    """Write a mask of {0, 255} in a Pillow mode; the suffix gives the format."""
    path.parent.mkdir(parents=True, exist_ok=True)
    values = region() if values is None else values
    picture = Image.fromarray((1 - values if invert else values) * np.uint8(255)).convert(mode)
    picture.save(path, **({"quality": 95} if path.suffix == ".jpg" else {}))
    return path


def row(manifest, name):
    """The one row whose image has this file name, as a Series."""
    rows = manifest[[path.endswith("/" + name) for path in manifest["image"]]]
    assert len(rows) == 1, f"{name}: {len(rows)} rows"
    return rows.iloc[0]


def stored(manifest, name):
    """The mask of an image as its file holds it, uint8 (H, W); it must be in the form that a manifest promises."""
    with Image.open(row(manifest, name)["mask"]) as picture:
        values = np.array(picture)
        assert picture.mode == "L" and set(np.unique(values)) <= {0, 255}
    return values // 255
