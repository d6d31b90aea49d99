"""Exercises of the notebook on three kinds of patches: what the library says at hidden inputs, and what is often mistaken."""

import math
from functools import cache

import torch
from torch import Tensor
from torch.nn import functional as F

from imdlib.lessons.exercises import Task
from imdlib.lessons.ncl import three_kinds_of_patches as picture
from imdlib.ncl.patches import CONTOUR, label_patches


def masks() -> dict[str, tuple]:
    """Masks (B,H,W) uint8 and grids."""
    disk = picture.disk(9, [[0, 0], [3, -5]], size=32)
    one, half, padded = (torch.zeros(1, 16, 16, dtype=torch.uint8) for _ in range(3))
    one[0, 5, 6], half[0, :, 2:4] = 1, 1
    padded[0, :6, :6], padded[0, :, 10:] = 1, 255
    wide, slim = torch.zeros(1, 8, 16, dtype=torch.uint8), torch.zeros(1, 16, 16, dtype=torch.uint8)
    wide[0, 1:5, 3:12], wide[0, :, 15] = 1, 255
    slim[0, 3:13, 2:9] = 1
    pure = torch.stack([torch.zeros(16, 16), torch.ones(16, 16)]).to(torch.uint8)
    return {
        "two disks": (disk, (8, 8)),
        "nothing tampered, and everything": (pure, (4, 4)),
        "one tampered pixel": (one, (4, 4)),
        "cells that are half tampered": (half, (4, 4)),
        "cells of one pixel": (padded, (16, 16)),
        "padding, 255": (padded, (4, 4)),
        "a picture that is wider than high": (wide, (2, 4)),
        "cells that are wider than high": (slim, (8, 4)),
    }


def shares(mask: Tensor, grid: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """Share of tampered and of ignored pixels of each cell, (B,h,w)."""
    found = (F.adaptive_avg_pool2d((mask == value)[:, None].float(), grid)[:, 0] for value in (1, 255))
    return tuple(found)


def labelled(mask: Tensor, grid: tuple[int, int], *, low: float = 1e-6, padding: str = "any") -> Tensor:
    """Labels with a mistake: low: share below which a cell is pure; padding: how ignored cells are dealt with."""
    share, ignored = shares(mask, grid)
    share = share + ignored if padding == "tampered" else share
    labels = torch.where((share > low) & (share < 1 - low), 2, (share > 0.5).long())
    known = {"any": ignored == 0, "all": ignored < 1}.get(padding, ignored >= 0)
    return labels.where(known, -1)


SQUARE = Task(
    lambda: (label_patches(picture.square(40, 40, 96), (16, 16)) == 2).sum(),
    "in patches, the square reaches from 2.5 to 8.5: which are touched, which are full?",
    mistakes={
        "49 patches are touched, and the full ones among them are no contour": 49,
        "25 patches are full, and those are no contour": 25,
        "all patches of the border are mixed, the corners too": 20,
        "that is a square of 6 patches a side, filled": 36,
        "with the corner on the grid it would be 0": 0,
    },
)


@cache
def counted(radius: int, side: int) -> float:
    """Mean number of contour patches of `side` pixels of a disk at 64 random places."""
    places = torch.randint(-16, 16, (64, 2), generator=torch.Generator().manual_seed(0))
    labels = label_patches(picture.disk(radius, places), (256 // side, 256 // side))
    return float((labels == CONTOUR).sum((1, 2)).double().mean())


DISK = Task(
    counted,  # 8 r (s - 1) / s^2, but for chance: less than 8 r / s by one part in s
    "how wide and how high is a disk? The circumference is not the answer",
    lambda: {f"radius {r}, side {s}": (r, s) for r, s in ((90, 16), (90, 32), (60, 16))},
    {
        "a slanted outline meets more cells than a straight one of the same length": lambda r, s: 2 * math.pi * r / s,
        "width and height are 2 r each, not r": lambda r, s: 4 * r / s,
        "the area of the square is not asked for": lambda r, s: 4 * r**2 / s**2,
        "that is the area": lambda r, s: math.pi * r**2 / s**2,
        "the count falls as one over the side": lambda r, s: 8 * r / s**2,
        "a circle crosses every line of the grid twice": lambda r, s: 4 * (2 * r) / s / 2 + 2,
        "a disk is 2 r wide, and r is the radius": lambda r, s: 16 * r / s,
    },
    rtol=0.1,
)
LABEL_PATCHES = Task(
    label_patches,
    "pool the mask over each cell: share 0, share 1, everything between; a cell that touches 255 is -1",
    masks,
    {
        "every cell gets the label of most of its pixels; a mixed one is contour": lambda m, g: labelled(m, g, low=0.5),
        "one pixel of each cell is asked; a mixed cell is contour": lambda m, g: F.interpolate(m[:, None].float(), g)[
            :, 0
        ],
        "cells with few pixels of the other kind count as pure; a single pixel makes a contour": lambda m, g: labelled(
            m, g, low=0.1
        ),
        "padding counts as tampered": lambda m, g: labelled(m, g, padding="tampered"),
        "padding counts as authentic; a cell that touches it is -1": lambda m, g: labelled(m, g, padding="authentic"),
        "only cells that are padding throughout are -1; one padded pixel is enough": lambda m, g: labelled(
            m, g, padding="all"
        ),
        "tampered and authentic are exchanged": lambda m, g: (
            lambda x: torch.where(x == 1, 0, torch.where(x == 0, 1, x))
        )(labelled(m, g)),
        "a cell of which exactly half is tampered is contour, as any mixed one": lambda m, g: (
            lambda x, share: x.where(share != 0.5, 1)
        )(labelled(m, g), shares(m, g)[0]),
        "cells that are tampered throughout count as contour": lambda m, g: (lambda x: torch.where(x == 1, 2, x))(
            labelled(m, g)
        ),
    },
)
TASKS = (SQUARE, DISK, LABEL_PATCHES)
