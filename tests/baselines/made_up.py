"""Splices whose only trace is the one that a test wants: both parts show one scene."""

from functools import cache

import numpy as np
import torch

from imdlib.baselines import camera_traces
from imdlib.scoring import metrics
from imdlib.twins import camera
from imdlib.twins.scenes import scene

SIDE = 160


@cache
def pair(shift=(0, 0), cameras=(0, 0), seed=3):
    """One scene by two cameras, uncompressed; the lattice of the second begins `shift` rows and columns earlier."""
    rng = np.random.default_rng(seed)
    return developed(scene(rng, SIDE, "test"), shift, cameras, rng)


def developed(linear, shift, cameras, rng):
    """Light (H,W,3) in [0,1] as `pair` has it of a scene: two pictures of one content."""
    down, right = shift
    one, other = (camera.CAMERAS[number] for number in cameras)
    first = camera.develop(linear, one, rng, compress=False)
    moved = np.pad(linear, ((down, 0), (right, 0), (0, 0)), mode="reflect")
    return first, np.ascontiguousarray(camera.develop(moved, other, rng, compress=False)[down:, right:])


@cache
def traces():
    """Camera traces after a training of seconds, the same for every test."""
    return camera_traces.trained(steps=60)


def region():
    """Mask (SIDE,SIDE) bool, on the grid of blocks of 16 pixels."""
    mask = np.zeros((SIDE, SIDE), bool)
    mask[48:112, 64:144] = True
    return mask


def spliced(first, second):
    """The second picture inside the region, the first elsewhere."""
    return np.where(region()[..., None], second, first)


def found(detector, *images, mask=None):
    """Pixel AUC of the detector's map of each image (H,W,3) uint8, all in one batch: (N,)."""
    batch = torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2).float() / 255
    with torch.inference_mode():
        maps = detector(batch)["map"][:, 0].numpy()
    assert maps.min() >= 0 and maps.max() <= 1 and maps.shape == batch.shape[:1] + batch.shape[2:]
    return np.array([metrics.auc(one, region() if mask is None else mask) for one in maps])
