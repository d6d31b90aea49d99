"""Hand-crafted detectors beside pyIFD's: a batch of four images, which the peer takes one after the other.

pyIFD takes the path of a file, here an uncompressed one, whose reading is about a fiftieth of its time; ours begins with a batch.
pyIFD 0.0.3 is written for NumPy 1 and is left out where it, or PyWavelets, is not installed: pip install --no-deps pyIFD PyWavelets.
`equal` is whether the two maps rank the places of the image alike: Spearman's correlation above the stated bound. That of NOI is lower
since pyIFD's blocks begin three coefficients earlier.
"""

import contextlib
import tempfile
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import torch
from scipy.stats import spearmanr

from benchmarks.jobs.job import Job
from imdlib.baselines.cfa1 import CFA1
from imdlib.baselines.ela import ELA
from imdlib.baselines.noi import NOI
from imdlib.twins import camera
from imdlib.twins.scenes import scene

TARGET = 0.2  # five times as fast


def photographs(scale):
    """Uncompressed, spliced photographs by the embedded cameras, 512 pixels a side at scale 1: (4,3,H,W) float in [0,1]."""
    rng, side = np.random.default_rng(0), max(int(512 * scale) // 16 * 16, 256)
    linear = scene(rng, side, "test")
    images = [camera.develop(linear, one, rng, compress=False) for one in camera.CAMERAS[:4]]
    here = slice(side // 4, side // 2)
    for image in images:
        image[here, here] = np.roll(image, 1, axis=0)[here, here]  # a region whose mosaic is moved by a row
    return torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2).float().contiguous() / 255


def mapped(detector, images):
    """Maps of a batch, (4,H,W)."""
    with torch.inference_mode():
        return detector(images)["map"][:, 0].numpy()


def ranks_alike(bound, ours, theirs):
    """Whether the rank correlation of the maps, brought to one size, is above a bound for every image."""
    shape = ours.shape[:0:-1]
    theirs = [cv2.resize(np.asarray(one, float), shape, interpolation=cv2.INTER_LINEAR) for one in theirs]
    found = [spearmanr(a[::4, ::4].ravel(), b[::4, ::4].ravel()).statistic for a, b in zip(ours, theirs)]
    return bool(min(found) > bound)


def parts(detector, theirs, scale):
    """(ours, theirs) of one detector; theirs runs in a folder of its own, where pyIFD leaves a file now and then."""
    images, folder = photographs(scale), Path(tempfile.mkdtemp())
    paths = [str(folder / f"{number}.bmp") for number in range(len(images))]
    for path, image in zip(paths, images):
        cv2.imwrite(path, (255 * image).round().byte().permute(1, 2, 0).numpy()[..., ::-1])

    def run():
        with contextlib.chdir(folder), np.errstate(all="ignore"):
            return [theirs(path) for path in paths]

    return partial(mapped, detector, images), run


def error_levels(scale):
    from pyIFD.ELA import ELA as peer

    return Job("ELA of 4 images of 512 x 512", "pyIFD", TARGET, *parts(ELA(), peer, scale), partial(ranks_alike, 0.9))


def noise_levels(scale):
    from pyIFD.NOI1 import GetNoiseMap as peer

    return Job("NOI of 4 images of 512 x 512", "pyIFD", TARGET, *parts(NOI(), peer, scale), partial(ranks_alike, 0.5))


def mosaic(scale):
    vars(np).setdefault("NaN", np.nan)  # as pyIFD calls it
    from pyIFD.CFA1 import CFA1 as peer

    return Job("CFA1 of 4 images of 512 x 512", "pyIFD", TARGET, *parts(CFA1(), peer, scale), partial(ranks_alike, 0.8))


JOBS = [error_levels, noise_levels, mosaic]
