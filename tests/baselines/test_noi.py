"""NOI: the wavelet, the level of known noise, and splices that differ in noise and in nothing else."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from imdlib.baselines import noi
from imdlib.baselines.noi import NOI
from tests.baselines.made_up import SIDE, found, pair, spliced


def test_the_filter_of_two_moments_is_the_printed_one():
    root = np.sqrt(3)
    printed = np.array([1 + root, 3 + root, 3 - root, 1 - root]) / (4 * np.sqrt(2))  # Daubechies (1992), table 6.1
    np.testing.assert_allclose(np.abs(noi.high_pass(2)), np.abs(printed[::-1]), atol=1e-12)


def test_the_filter_is_orthogonal_to_its_shifts_and_to_polynomials():
    high = noi.high_pass(8)
    for shift in range(0, 16, 2):
        assert high[shift:] @ high[: 16 - shift] == pytest.approx(float(shift == 0), abs=1e-7)
    for power in range(8):
        assert (high * (np.arange(16) / 16) ** power).sum() == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("shape", [(40, 64), (41, 63), (16, 17)])
def test_the_diagonal_band_is_that_of_two_strided_convolutions(shape):
    high = torch.from_numpy(noi.high_pass(8))
    grey = torch.from_numpy(np.random.default_rng(5).uniform(0, 255, (2, 1, *shape)))
    right = [7 + side % 2 for side in shape]
    x = F.pad(grey, (8, right[1], 8, right[0]), mode="replicate")
    naive = F.conv2d(x, torch.outer(high, high)[None, None], stride=2)
    torch.testing.assert_close(noi.diagonal(grey, high), naive, atol=1e-9, rtol=0)


def test_the_level_of_known_noise_is_found():
    rng = np.random.default_rng(0)
    grey = np.clip(128 + 6 * rng.standard_normal((1, 1, 256, 256)), 0, 255)
    sigma = NOI()(torch.from_numpy(np.repeat(grey, 3, axis=1)).float() / 255)["sigma"]
    assert sigma.mean().item() == pytest.approx(6, rel=0.05)


def test_a_noisier_region_is_found_and_an_equal_one_is_not():
    rng = np.random.default_rng(1)
    calm = np.clip(128 + 2 * rng.standard_normal((SIDE, SIDE, 3)), 0, 255)
    loud = np.clip(128 + 6 * rng.standard_normal((SIDE, SIDE, 3)), 0, 255)
    again = [np.clip(128 + 2 * rng.standard_normal((SIDE, SIDE, 3)), 0, 255) for _ in range(6)]
    images = [spliced(calm, loud), spliced(loud, calm), *(spliced(calm, one) for one in again)]
    auc = found(NOI(), *(image.astype(np.uint8) for image in images))
    assert auc[0] > 0.95 and auc[1] < 0.05 and abs(auc[2:].mean() - 0.5) < 0.25


def test_of_the_twins_cameras_the_noisy_ones_stand_out():
    auc = found(NOI(), *(spliced(*pair((0, 0), (0, 5), seed)) for seed in (3, 4)))
    assert auc.mean() > 0.75


def test_odd_sides_and_flat_images():
    maps = NOI()(torch.full((2, 3, 45, 67), 0.4))["map"]
    assert maps.shape == (2, 1, 45, 67) and not maps.any()
