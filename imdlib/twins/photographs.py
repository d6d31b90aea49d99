"""Photographs of simulated scenes with known camera and final JPEG quality: what the stand-in and the generators learn from.

The scenes, cameras and qualities of the embedded benchmark; nothing is downloaded.
"""

import numpy as np

from imdlib.twins import recipes
from imdlib.twins.camera import CAMERAS, jpeg
from imdlib.twins.scenes import scene

QUALITIES = recipes.FINAL_QUALITIES


def photographs(
    scenes: int, size: int, *, split: str = "train", seed: int = 0, purpose: str = "photographs"
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Each of `scenes` scenes of `split`, photographed once by every camera and saved at a random final quality.

    Returns pictures (N,3,size,size) uint8 RGB, camera (N,) index into CAMERAS and quality (N,) index into QUALITIES,
    N = 6 * scenes, in the order of the scenes. Same arguments, same bytes; `purpose` keeps sets with one seed apart.
    """
    pictures, cameras, qualities = [], [], []
    for number in range(scenes):
        rng = recipes.generator(seed, f"{purpose}-{split}", "photographs", number)
        linear = scene(rng, size + recipes.MARGIN, split)
        for index, camera in enumerate(CAMERAS):
            top, left = rng.integers(8, recipes.MARGIN + 1, 2)
            quality = int(rng.integers(len(QUALITIES)))
            pictures.append(jpeg(recipes.shoot(linear, camera, top, left, size, rng, True), QUALITIES[quality]))
            cameras.append(index)
            qualities.append(quality)
    stacked = np.stack(pictures).transpose(0, 3, 1, 2)
    return np.ascontiguousarray(stacked), np.array(cameras), np.array(qualities)


def tiles(pictures: np.ndarray, side: int) -> np.ndarray:
    """Pictures (N,3,S,S) cut in squares, (N * k * k,3,side,side) with k = S // side, all of one picture in a row."""
    k = pictures.shape[-1] // side
    cut = pictures[..., : k * side, : k * side].reshape(len(pictures), 3, k, side, k, side)
    return np.ascontiguousarray(cut.transpose(0, 2, 4, 1, 3, 5).reshape(-1, 3, side, side))
