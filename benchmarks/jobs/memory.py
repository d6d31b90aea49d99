"""Memory: what it may grow with, and one large photo; the second side is the same work at another size, or a bound.

Scoring and the photo are measured in a process of their own by what it needed at most beyond what it needed before.
"""

import subprocess
import sys
from functools import partial

import torch

from benchmarks.jobs.job import Job
from imdlib.ncl import losses
from imdlib.ncl.patches import AUTHENTIC, TAMPERED
from imdlib.places import REPO
from imdlib.scoring import costs

START = """
import pathlib, re, sys
import numpy as np
status = pathlib.Path("/proc/self/status")  # ru_maxrss of a new process begins with what its parent holds
peak = lambda: int(re.search(r"VmHWM:\\s+(\\d+)", status.read_text())[1]) / 2**10
rng, size = np.random.default_rng(0), int(sys.argv[1])
"""
SCORE = """
from imdlib.scoring import metrics
mask = np.zeros((256, 256), np.uint8)
mask[50:90, 40:120] = 1
draw = lambda count: metrics.per_image((rng.random((256, 256)) for _ in range(count)), (mask for _ in range(count)))
draw(2)
before = peak()
draw(size)
print(peak() - before + 1)
"""
PHOTO = """
import torch
from imdlib.ncl.model import NCLNet, tampered_probability
from imdlib.photos import tiles
torch.set_num_threads(1)
network = NCLNet(backbone="resnet50", width=0.25, head_width=64, pivot=False, aux=False).eval()
tiles.predict(lambda x: tampered_probability(network(x)["logits"]), np.zeros((size, size * 4 // 3, 3), np.uint8))
print(peak())
"""


def megabytes(code, size):
    """What a fresh process prints that runs the code with a size."""
    command = [sys.executable, "-c", START + code, str(size)]
    return float(subprocess.run(command, cwd=REPO, check=True, capture_output=True, text=True).stdout)


def patches_of(side):
    """Features (1,64,side,side) of a map and its patches (1,side,side), an eighth of them tampered."""
    torch.manual_seed(0)
    feat, patches = torch.randn(1, 64, side, side, requires_grad=True), torch.full((1, side, side), AUTHENTIC)
    patches[:, : side // 4, : side // 2] = TAMPERED
    return feat, patches.to(torch.int8)


def kept_for(side):
    """MB that NCL's contrast keeps for the backward pass on a map of side x side cells."""
    feat, patches = patches_of(side)
    return (
        costs.kept(torch.nn.Identity(), lambda x, _: losses.non_exclusive_contrast(x, patches).total, feat, None)
        / 2**20
    )


def contrast_of_more_patches(scale):
    side = max(int(128 * scale) // 16 * 16, 16)
    works = partial(kept_for, 2 * side), partial(kept_for, side)
    return Job(
        "NCL's contrast of 256 x 256 cells, kept for the backward pass",
        "of 128 x 128 cells",
        4.0,
        *works,
        None,
        "MB",
        once=True,
    )


def scoring_of_more_images(scale):
    few = max(int(40 * scale), 3)
    works = partial(megabytes, SCORE, 10 * few), partial(megabytes, SCORE, few)
    return Job("scores of 400 maps of 256 x 256, beyond those of 2", "of 40 maps", 1.5, *works, None, "MB", once=True)


def photo(scale):
    side = max(int(4744 * scale), 300)
    return Job(
        "a map of one photo of 30 megapixels, whole process",
        "1500 MB",
        1.0,
        partial(megabytes, PHOTO, side),
        lambda: 1500.0,
        None,
        "MB",
        once=True,
    )


JOBS = [contrast_of_more_patches, scoring_of_more_images]
