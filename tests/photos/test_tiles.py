"""Tiles: the untiled map where the network sees no further than the margin, smooth seams, odd sizes, and memory."""

import subprocess
import sys

import numpy as np
import pytest
import torch
from torch import nn

from imdlib import places
from imdlib.photos import tiles


def local(radius=8, seed=0):
    """A network that sees `radius` pixels around each pixel: probabilities that vary from place to place."""
    torch.manual_seed(seed)
    layers = [layer for _ in range(radius) for layer in (nn.Conv2d(3, 3, 3, padding=1), nn.Tanh())]
    return nn.Sequential(*layers, nn.Conv2d(3, 1, 1), nn.Sigmoid()).eval()


def photo(height, width):
    return np.random.default_rng(0).integers(0, 256, (height, width, 3)).astype(np.uint8)


def whole(network, image):
    with torch.no_grad():
        return network(torch.from_numpy(image).permute(2, 0, 1)[None].float() / 255)[0, 0].numpy()


@pytest.mark.parametrize("size", [(100, 130), (64, 64), (65, 64), (63, 200), (97, 96), (40, 33)])
def test_tiled_map_is_the_whole_one(size):
    network, image = local(), photo(*size)
    found = tiles.predict(network, image, tile=64, overlap=32)
    assert found.shape == size and found.dtype == np.float32
    np.testing.assert_allclose(found, whole(network, image), atol=2e-6)


def test_a_margin_that_is_too_small_shows():
    network, image = local(radius=12), photo(100, 130)
    expected = whole(network, image)
    good, bad = (np.abs(tiles.predict(network, image, tile=64, overlap=o) - expected).max() for o in (56, 4))
    assert good < 2e-6 < 100 * good < bad


def test_weights_sum_to_one_and_rise_smoothly():
    for size, tile, overlap in [(100, 64, 32), (1000, 512, 128), (513, 512, 128), (64, 64, 32), (385, 128, 2)]:
        at = tiles.starts(size, tile, overlap)
        side = min(size, tile)
        weights = tiles.windows(size, side, at, overlap)
        total = np.zeros(size)
        for start, weight in zip(at, weights):
            total[start : start + side] += weight
        np.testing.assert_allclose(total, 1, atol=1e-6)
        assert at[-1] + side == size and weights.min() >= 0
        if overlap > 8:
            assert np.abs(np.diff(weights, axis=1)).max() < 4 / overlap
            assert (weights[1:, : overlap // 4] == 0).all() and (weights[:-1, -(overlap // 4) :] == 0).all()


def test_tiles_that_disagree_leave_no_seam():
    level = iter(np.linspace(0, 1, 9))
    network = lambda batch: torch.full((1, 1, *batch.shape[-2:]), float(next(level)))  # noqa: E731
    found = tiles.predict(network, photo(128, 128), tile=64, overlap=32)
    assert np.abs(np.diff(found, axis=0)).max() < 0.08 and np.abs(np.diff(found, axis=1)).max() < 0.08


def test_a_tiny_image_is_padded_and_cut():
    seen = []
    network = lambda batch: seen.append(batch.shape) or batch[:, :1]  # noqa: E731
    image = photo(5, 3)
    found = tiles.predict(network, image)
    assert seen == [(1, 3, 32, 32)]
    np.testing.assert_allclose(found, image[..., 0] / 255, atol=1e-6)


@pytest.mark.parametrize("tile, overlap", [(64, 64), (64, 0), (32, 80)])
def test_tiles_that_cannot_overlap_are_refused(tile, overlap):
    with pytest.raises(ValueError, match="overlap"):
        tiles.predict(local(), photo(64, 64), tile=tile, overlap=overlap)


LARGE = """
import resource, sys
import numpy as np
from PIL import Image
from pathlib import Path
from imdlib.ncl import saved
from imdlib.ncl.model import NCLNet
from imdlib.photos import panels, tiles

folder = Path(sys.argv[1])
rough = np.random.default_rng(0).integers(0, 256, (140, 210, 3)).astype(np.uint8)
Image.fromarray(rough).resize((6720, 4480), Image.BILINEAR).save(folder / "large.jpg", quality=90)
network = NCLNet(
    backbone="resnet18", blocks=[1, 1, 1, 1], width=0.25, head_width=16, rates=[2, 4, 6], stem_stride=4,
    inputs="rgb+residual", pivot=False, aux=False,
).eval()
def look(image):
    drawn = tiles.predict(saved.probability(network), image)
    return {"map": drawn}, {"score": float(drawn.max())}


rows, problems = panels.examine([folder / "large.jpg"], {"ncl/large": look}, folder)
assert len(rows) == 1 and problems.empty and rows["width"][0] == 6720, (rows, problems)
with Image.open(folder / "maps" / "large.jpg.png") as drawn:
    assert drawn.size == (6720, 4480)
unit = 1 if sys.platform == "darwin" else 1024
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit)
"""


@pytest.mark.slow
def test_thirty_megapixels_stay_under_three_gigabytes(tmp_path):
    command = [sys.executable, "-c", LARGE, str(tmp_path)]
    done = subprocess.run(command, cwd=places.REPO, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert int(done.stdout.split()[-1]) < 3e9, f"{int(done.stdout.split()[-1]) / 1e9:.2f} GB"
