"""Error level analysis: constant images, another history, and the formula."""

import io

import numpy as np
import pytest
import torch
from PIL import Image

from imdlib.baselines import cells, ela
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


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_a_batch_has_the_maps_of_its_images_on_any_number_of_threads(threads, monkeypatch):
    monkeypatch.setattr(torch, "get_num_threads", lambda: threads)
    images = np.stack([noise(seed, (33, 47, 3)) for seed in range(4)] + [np.full((33, 47, 3), 128, np.uint8)])
    maps = ela.ELA()(torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255)["map"]
    levels = np.stack([ela.error_levels(image, 90, ela.HALF) for image in images])
    assert torch.equal(maps, cells.stretched(torch.from_numpy(levels)[:, None].float()))
    assert maps[:4].amax() == 1 and not maps[4].any()


def test_what_goes_wrong_in_a_thread_is_said():
    with pytest.raises(ZeroDivisionError):
        ela.on_all_threads(lambda index: 1 / (3 - index), 5)
