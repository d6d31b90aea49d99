"""Error level analysis: constant images, another history, and the formula."""

import io

import numpy as np
from PIL import Image

from imdlib.baselines import ela
from tests.baselines.made_up import found


def recompressed(image, quality):
    file = io.BytesIO()
    Image.fromarray(image).save(file, "JPEG", quality=quality, subsampling=0)
    return np.asarray(Image.open(file))


def noise(seed=0, shape=(64, 96, 3)):
    return np.random.default_rng(seed).integers(0, 256, shape).astype(np.uint8)


def test_a_flat_image_does_not_change():
    assert ela.error_levels(np.full((40, 50, 3), 128, np.uint8)).max() == 0
    assert ela.stretched(np.zeros((40, 50), np.uint8)).max() == 0


def test_levels_are_the_mean_change():
    image = noise()
    change = np.abs(image.astype(int) - recompressed(image, 90)).mean(axis=2)
    levels = ela.error_levels(image)
    assert levels.dtype == np.uint8 and levels.shape == (64, 96)
    np.testing.assert_allclose(levels, change, atol=0.5)


def test_a_region_that_was_never_compressed_stands_out():
    image = recompressed(recompressed(noise(), 90), 90).copy()
    image[16:48, 32:64] = noise(1)[16:48, 32:64]
    levels = ela.error_levels(image).astype(float)
    outside = np.ones((64, 96), bool)
    outside[16:48, 32:64] = False
    assert levels[16:48, 32:64].mean() > 3 * levels[outside].mean()


def test_stretching_stays_in_range_and_ignores_outliers():
    levels = np.full((100, 100), 4, np.uint8)
    levels[0, 0] = 255
    shown = ela.stretched(levels)
    assert shown.dtype == np.float32 and shown.min() == shown.max() == 1


def test_as_a_detector_it_finds_a_region_of_another_history_in_a_batch():
    mask = np.zeros((64, 96), bool)
    mask[16:48, 32:64] = True
    grey = [noise(seed)[..., :1].repeat(3, axis=2) for seed in (0, 1)]  # the detector halves chroma, which these lack
    old = recompressed(recompressed(grey[0], 90), 90)
    tampered, fresh = (np.where(mask[..., None], grey[1], rest) for rest in (old, grey[0]))
    auc = found(ela.ELA(), tampered, fresh, mask=mask)
    assert auc[0] > 0.95 and abs(auc[1] - 0.5) < 0.1
