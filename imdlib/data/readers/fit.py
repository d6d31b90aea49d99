"""Sizes and frames: how a mask is brought to the upright picture of its image, or the refusal that names both.

Where only the image carries an EXIF rotation and mirroring or a square shape hides in which frame its mask was stored, nothing tells
the two apart, and the pair is refused unless the mask looks the same either way.
"""

from collections.abc import Callable

import numpy as np
from PIL import Image

from imdlib.data.images import Header, ImageError
from imdlib.data.readers.common import Row

Turn = Callable[[np.ndarray], np.ndarray]
TURNS = {  # by EXIF orientation: from the stored frame to the upright one
    2: np.fliplr,
    3: lambda mask: np.rot90(mask, 2),
    4: np.flipud,
    5: lambda mask: mask.T,
    6: lambda mask: np.rot90(mask, -1),
    7: lambda mask: np.rot90(mask, 2).T,
    8: np.rot90,
}
ASPECT = 0.01  # two sizes are of one picture where their ratios of width to height differ by less


def fitting(row: Row, header: Header, found: tuple[int, int], orientation: int = 1) -> tuple[list[str], Turn | None]:
    """(repairs, function that brings the decoded mask to the image's size, or None where it fits as it is).

    header: of the image; found: (height, width) of the mask, upright; orientation: its own EXIF tag.
    """
    size, turn = (header.height, header.width), TURNS.get(header.orientation)
    if found == size and turn and orientation == header.orientation:
        return ["EXIF rotation applied to the image and its mask alike"], None
    if found == size and turn and (header.orientation < 5 or size[0] == size[1]):
        return ["EXIF rotation applied, which leaves its mask as it is"], lambda mask: alike(row, header, mask, turn)
    if found == size and turn:
        return ["EXIF rotation applied to the image, its mask fits as stored"], None
    if found == size:
        return ["mask turned by an EXIF rotation of its own"] * (orientation > 1), None
    if found == size[::-1] and header.orientation >= 5 and orientation == 1:
        return ["mask turned with the image's EXIF rotation"], turn
    if found == size[::-1] and row.repair == "turn":
        return ["mask stored sideways, turned by 90 degrees"], np.rot90
    if row.repair == "resize" or (row.repair == "scale" and header.orientation == 1 and same_aspect(found, size)):
        note = f"mask of {found[1]}x{found[0]} resized to its image's {size[1]}x{size[0]} (nearest)"
        return [note], lambda mask: resized(mask, size)
    if row.repair.startswith("crop"):
        corner = tuple(map(int, row.repair.split()[1:]))
        return [f"mask of {found[1]}x{found[0]} {moved(corner)}"], lambda mask: window(mask, corner, size)
    raise mismatch(row, found, size)


def alike(row: Row, header: Header, mask: np.ndarray, turn: Turn) -> np.ndarray:
    """The mask, if turning it with its image's EXIF tag leaves it as it is."""
    if mask.shape == turn(mask).shape and (mask == turn(mask)).all():
        return mask
    problem = f"the image has the EXIF orientation {header.orientation}, its mask has none: it may be turned or not"
    action = "save the image upright, without the tag, beside a mask that fits it, or give the mask the same tag"
    raise ImageError(row.mask, f"{problem} ({row.image.name})", action, "image and mask in one frame")


def same_aspect(one: tuple[int, int], other: tuple[int, int]) -> bool:
    """True where two sizes (height, width) may be of one picture."""
    return abs(one[1] * other[0] / (one[0] * other[1]) - 1) < ASPECT


def resized(mask: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """The mask stretched to (height, width), nearest neighbour."""
    return np.array(Image.fromarray(mask).resize(size[::-1], Image.Resampling.NEAREST))


def window(mask: np.ndarray, corner: tuple[int, int], size: tuple[int, int]) -> np.ndarray:
    """The part (height, width) of a mask whose upper left pixel is `corner`; 0 where the mask does not reach."""
    (top, left), (height, width) = corner, size
    before = max(-top, 0), max(-left, 0)
    after = max(top + height - mask.shape[0], 0), max(left + width - mask.shape[1], 0)
    padded = np.pad(mask, tuple(zip(before, after)))
    top, left = top + before[0], left + before[1]
    return padded[top : top + height, left : left + width]


def moved(corner: tuple[int, int]) -> str:
    """What cropping at a corner (row, column) does, in words."""
    return f"cropped, not stretched: its pixel in row {corner[0]}, column {corner[1]} is the image's first"


def mismatch(row: Row, found: tuple[int, int], size: tuple[int, int]) -> ImageError:
    """The error for a mask that does not fit its image; sizes are (height, width)."""
    expected = f"{size[1]}x{size[0]} like its image {row.image.name}"
    action = "get the mask again, or take the image out of the folder"
    return ImageError(row.mask, f"a mask of {found[1]}x{found[0]} pixels", action, expected)
