"""Masks of manipulated regions: irregular blobs, polygons and object-like outlines, placed uniformly over the image.

Sizes and proportions follow the masks of CASIA v1 (measured: median area 6.1%, 5% and 95% quantiles 1.2% and 24.9%;
longer side of the box 1.4 times the shorter in the median; one component in nine of ten). Masks are uint8 (size, size)
holding {0, 255}.
"""

import cv2
import numpy as np

from imdlib.twins.elementary import exp, rotation, times, turned
from imdlib.twins.filters import distance

SPREAD = 0.92  # standard deviation of the log of the area
LARGEST = 0.40  # of the image; larger masks are drawn again
OVERHANG = 0.10  # how far beyond the frame a centre may lie, in square roots of the region's area
VISIBLE = 0.25  # a region may be cut by the frame; a smaller share of it than this inside is drawn again


def blob(rng: np.random.Generator) -> list[np.ndarray]:
    """Closed curve with a random smooth radius: (64, 2) points around the origin."""
    angle = np.linspace(0, 2 * np.pi, 64, endpoint=False)
    waves = np.arange(1, 7)
    weights = rng.normal(size=6) * 0.35 / waves
    swings, _ = turned(np.outer(angle, waves) + rng.uniform(0, 2 * np.pi, 6))
    return [exp((weights * swings).sum(1))[:, None] * np.stack(turned(angle), axis=1)]


def polygon(rng: np.random.Generator) -> list[np.ndarray]:
    """Three to seven straight sides: (corners, 2) points around the origin."""
    corners = rng.integers(3, 8)
    angle = (np.arange(corners) + rng.uniform(-0.35, 0.35, corners)) * 2 * np.pi / corners
    radius = rng.uniform(0.7, 1.2, corners)
    return [radius[:, None] * np.stack(turned(angle), axis=1)]


def creature(rng: np.random.Generator) -> list[np.ndarray]:
    """A body with a few parts attached, in the manner of people and animals: several overlapping outlines (32, 2)."""
    angle = np.linspace(0, 2 * np.pi, 32, endpoint=False)
    circle = np.stack(turned(angle), axis=1)
    parts = [circle * [1.0, 0.6]]
    for _ in range(rng.integers(2, 6)):
        across, down = turned(rng.uniform(0, 2 * np.pi))
        length, turn = rng.uniform(0.25, 0.6), rng.uniform(0, np.pi)
        part = circle * [length, rng.uniform(0.12, 0.3)]
        parts.append(times(part, rotation(turn).T) + [0.9 * across, 0.55 * down])
    return parts


def outline_area(outlines: list[np.ndarray]) -> float:
    """Area of the union of the outlines, in their own units squared, counted on a grid of 128 x 128 cells."""
    grid = np.zeros((128, 128), np.uint8)
    reach = max(np.abs(part).max() for part in outlines)
    for part in outlines:
        cv2.fillPoly(grid, [np.round((part / reach + 1) * 63.5).astype(np.int32)], 1)
    return grid.mean() * (4 * reach * reach)


def random_mask(rng: np.random.Generator, size: int, median_area: float = 0.061) -> np.ndarray:
    """Mask (size, size) uint8 {0, 255} of a random outline at a uniform place.

    median_area: of the region before the frame cuts it, as a fraction of the image. The region's centre is uniform
    over the image and a little beyond, so that the middle is no likelier than the border; a region that would be cut
    too much, or is too large, is drawn again.
    """
    while True:
        outlines = [blob, polygon, creature][rng.choice(3, p=[0.4, 0.3, 0.3])](rng)
        area = median_area * exp(SPREAD * rng.normal())
        turn, stretch = rng.uniform(0, 2 * np.pi), exp(rng.normal() * 0.2)
        move = rotation(turn).T * [stretch, 1 / stretch]
        scale = size * np.sqrt(area / outline_area(outlines))
        beyond = OVERHANG * np.sqrt(area)  # in sides of the image
        centre = size * rng.uniform(-beyond, 1 + beyond, 2)
        mask = np.zeros((size, size), np.uint8)
        for part in outlines:
            cv2.fillPoly(mask, [np.round(times(part, move) * scale + centre).astype(np.int32)], 255)
        inside = np.count_nonzero(mask) / size**2
        if max(VISIBLE * area, 0.004) < inside < LARGEST:
            return mask


def feather(mask: np.ndarray, width: int) -> np.ndarray:
    """Opacity (H, W) float32 in [0, 1] of a region that fades over `width` pixels inside its edge; 0 outside."""
    width = max(width, 1)
    return distance(mask, width) / np.float32(width)  # the outermost pixels are about 1 from the edge
