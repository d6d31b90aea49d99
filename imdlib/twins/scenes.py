"""Scenes in linear light: warped crops of the photographs in scikit-image and scikit-learn, and dead-leaves pictures.

Nothing is downloaded. The photographs are divided among train, val and test: splits share no scene and no photograph.
Dead leaves: Lee, Mumford & Huang, "Occlusion Models for Natural Images" (IJCV 2001), with 1/f textures on the leaves.
"""

from functools import cache
from pathlib import Path

import cv2
import numpy as np
import skimage.data
import sklearn.datasets

from imdlib.twins.elementary import exp, power, rotation, times, turned

PHOTOGRAPHS = {
    "train": (
        "skimage/astronaut.png",
        "skimage/chelsea.png",
        "skimage/motorcycle_left.png",
        "skimage/motorcycle_right.png",  # the same motorcycle: both on one side
        "skimage/brick.png",
        "skimage/retina.jpg",
        "sklearn/flower.jpg",
    ),
    "val": ("skimage/rocket.jpg", "skimage/grass.png"),
    "test": ("skimage/coffee.png", "skimage/camera.png", "skimage/gravel.png", "sklearn/china.jpg"),
}
PHOTOGRAPHIC = 0.5  # share of scenes that come from photographs
GAMMA = 2.2  # of the photographs, undone to get back to light
LIGHT = power(np.arange(256, dtype=np.float32) / 255, np.float32(GAMMA)).astype(np.float32)  # of each 8-bit value
FOLDERS = {"skimage": Path(skimage.data.__file__).parent, "sklearn": Path(sklearn.datasets.__file__).parent / "images"}


@cache
def photograph(name: str) -> np.ndarray:
    """The shipped photograph `name` as uint8 RGB (H, W, 3)."""
    package, file = name.split("/")
    path = FOLDERS[package] / file
    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if image is None:
        raise FileNotFoundError(f"{path}: a photograph that {package} ships is missing; reinstall its locked version")
    return np.ascontiguousarray(image[..., ::-1])


def warped_photograph(rng: np.random.Generator, side: int, split: str) -> np.ndarray:
    """Random photograph of `split`, cropped, turned, stretched, mirrored: float32 (side, side, 3), linear light."""
    image = photograph(rng.choice(PHOTOGRAPHS[split]))
    height, width = image.shape[:2]
    crop = min(height, width) * rng.uniform(0.35, 0.75)
    angle = rng.uniform(-0.25, 0.25) + rng.choice([0, np.pi / 2, np.pi])
    corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * crop / 2 * rng.uniform(0.85, 1.0, (4, 2))
    centre = rng.uniform(crop / 2, np.array([width, height]) - crop / 2)
    source = (times(corners * [rng.choice([-1, 1]), 1], rotation(angle).T) + centre).astype(np.float32)
    # Twice the size, then halved by averaging: the warp must leave no resampling trace in an authentic scene.
    target = 2 * side * np.array([[0, 0], [1, 0], [1, 1], [0, 1]], np.float32)
    warp = cv2.getPerspectiveTransform(source, target)
    size, mirrored = (2 * side, 2 * side), cv2.BORDER_REFLECT_101
    large = cv2.warpPerspective(image, warp, size, flags=cv2.INTER_CUBIC, borderMode=mirrored)
    return LIGHT[cv2.resize(large, (side, side), interpolation=cv2.INTER_AREA)]


@cache
def falloff(side: int, slope: float) -> np.ndarray:
    """Frequency ** slope in the order of rfft2, float64 (side, side // 2 + 1); infinite at 0, which leaves no mean."""
    y, x = np.fft.fftfreq(side)[:, None], np.fft.rfftfreq(side)[None, :]
    found = power(np.sqrt(y * y + x * x), slope)
    found[0, 0] = np.inf
    return found


def fractal_noise(rng: np.random.Generator, side: int, slope: float = 1.0) -> np.ndarray:
    """Random field with amplitude spectrum 1 / f ** slope: float32 (side, side), mean 0, standard deviation 1."""
    spectrum = np.fft.rfft2(rng.standard_normal((side, side))) / falloff(side, slope)
    field = np.fft.irfft2(spectrum, (side, side))
    return (field / field.std()).astype(np.float32)


def leaf_labels(rng: np.random.Generator, side: int, leaves: int) -> np.ndarray:
    """Which of `leaves` opaque shapes is on top in each pixel: int32 (side, side); radii have density r ** -3."""
    labels = np.zeros((side, side), np.int32)
    smallest, largest = 0.06 * side, 0.5 * side
    radii = 1 / np.sqrt(rng.uniform(1 / largest**2, 1 / smallest**2, leaves))  # density proportional to r ** -3
    for label, radius in enumerate(radii):
        x, y = rng.uniform(0, side, 2)
        corners = int(rng.choice([3, 4, 5, 40, 40]))  # 40 corners: an ellipse
        around = np.sort(rng.uniform(0, 2 * np.pi, corners)) if corners < 40 else np.linspace(0, 2 * np.pi, 40)
        stretch, turn = rng.uniform(0.5, 1.0), rng.uniform(0, np.pi)
        (cosine, sine), (across, along) = turned(around), turned(turn)
        u, v = radius * cosine, radius * stretch * sine
        outline = np.stack([x + u * across - v * along, y + u * along + v * across], axis=1)
        cv2.fillPoly(labels, [np.round(outline).astype(np.int32)], label)
    return labels


def dead_leaves(rng: np.random.Generator, side: int, split: str, leaves: int = 90) -> np.ndarray:
    """Opaque textured leaves covering each other, with colours of a photograph of `split`: float32 (side, side, 3)."""
    palette = photograph(rng.choice(PHOTOGRAPHS[split])).reshape(-1, 3)
    colours = LIGHT[palette[rng.integers(len(palette), size=leaves)]]
    contrasts = rng.exponential(0.10, (leaves, 3)).astype(np.float32)
    labels = leaf_labels(rng, 2 * side, leaves)  # drawn at twice the size and averaged: edges without stairs

    def half(x):
        return cv2.resize(x, (side, side), interpolation=cv2.INTER_AREA)

    textures = np.stack([fractal_noise(rng, side, slope) for slope in (1.0, 1.4, 1.8)], axis=2)  # (side, side, 3)
    shading = (half(contrasts[labels]) * textures).sum(2) + 0.3 * fractal_noise(rng, side, 2.0)
    return half(colours[labels]) * exp(shading).astype(np.float32)[..., None]


def scene(rng: np.random.Generator, side: int, split: str) -> np.ndarray:
    """One scene for `split`: float32 (side, side, 3) RGB, linear light, exposed so that it lies within [0.01, 0.95]."""
    make = warped_photograph if rng.random() < PHOTOGRAPHIC else dead_leaves
    linear = make(rng, side, split)
    exposure = rng.uniform(0.15, 0.28) / max(float(linear.mean()), 1e-3)
    return np.clip(linear * exposure, 0.01, 0.95)
