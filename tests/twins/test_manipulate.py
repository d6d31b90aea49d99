"""Masks and manipulations: exact, uniformly placed, and leaving the traces they should leave."""

import cv2
import numpy as np
import pytest

from imdlib.twins import manipulate
from imdlib.twins.masks import feather, outline_area, polygon, random_mask
from imdlib.twins.recipes import CHANGES

LEVELS = ("obvious", "matched", "trace")


def picture(seed=0, side=96):
    """A smooth scene with noise on it: uint8 (side, side, 3)."""
    rng = np.random.default_rng(seed)
    smooth = cv2.GaussianBlur(rng.random((side, side, 3), dtype=np.float32), (0, 0), 6)
    smooth = (smooth - smooth.min()) / np.ptp(smooth)
    return np.clip(60 + 120 * smooth + 6 * rng.standard_normal((side, side, 3)), 0, 255).astype(np.uint8)


def square(side=96, low=30, high=62):
    mask = np.zeros((side, side), np.uint8)
    mask[low:high, low:high] = 255
    return mask


def apply(kind, image, mask, level, seed=0):
    rng = np.random.default_rng(seed)
    if kind == "splicing":
        return manipulate.splice(image, picture(7), mask, level)
    return CHANGES[kind](image, mask, level, rng)


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("kind", ["splicing", *CHANGES])
def test_nothing_changes_outside_the_mask_and_something_inside(kind, level):
    for seed in range(4):
        image, mask = picture(seed), random_mask(np.random.default_rng(seed), 96, 0.1)
        original = image.copy()
        forged = apply(kind, image, mask, level, seed)
        np.testing.assert_array_equal(image, original)  # the input itself is left alone
        assert forged.dtype == np.uint8 and forged.shape == image.shape
        np.testing.assert_array_equal(forged[mask == 0], image[mask == 0])
        assert (forged != image).any(2)[mask > 0].mean() > 0.5


def test_masks_are_binary_and_within_the_limits_of_size():
    rng = np.random.default_rng(0)
    masks = np.stack([random_mask(rng, 64) for _ in range(300)])
    assert np.unique(masks).tolist() == [0, 255] and masks.dtype == np.uint8
    area = (masks > 0).mean((1, 2))
    assert area.min() > 0.004 and area.max() < 0.4


def test_sizes_follow_those_of_casia():
    rng = np.random.default_rng(1)
    area = np.array([(random_mask(rng, 128) > 0).mean() for _ in range(600)])
    low, quarter, half, three, high = np.quantile(area, [0.05, 0.25, 0.5, 0.75, 0.95])
    # CASIA v1, every second mask: 0.012, 0.048, 0.061, 0.097, 0.249
    assert 0.007 < low < 0.02 and 0.02 < quarter < 0.06 and 0.04 < half < 0.075
    assert 0.07 < three < 0.12 and 0.15 < high < 0.30


@pytest.mark.parametrize("median_area", [0.03, 0.061, 0.22])
def test_masks_lie_anywhere_the_centre_blob_is_at_chance(median_area, blob_auc):
    rng = np.random.default_rng(0)
    auc = blob_auc(np.stack([random_mask(rng, 64, median_area) for _ in range(800)]))
    assert abs(np.mean(auc) - 0.5) < 0.03


def test_the_area_of_an_outline_is_that_of_the_shoelace_formula():
    (corners,) = polygon(np.random.default_rng(0))
    x, y = corners.T
    exact = 0.5 * abs((x * np.roll(y, -1) - y * np.roll(x, -1)).sum())
    assert outline_area([corners]) == pytest.approx(exact, rel=0.06)


def test_feather_is_zero_outside_and_rises_to_one_inside():
    opacity = feather(square(), 4)
    assert (opacity[square() == 0] == 0).all() and (opacity[square() > 0] > 0).all()
    assert opacity[46, 46] == 1 and opacity[30, 46] == pytest.approx(0.25, abs=0.02)
    assert (feather(square(), 1)[square() > 0] > 0.9).all()  # a hard edge
    half = np.zeros((32, 32), np.uint8)
    half[:, :16] = 255
    assert (feather(half, 4)[:, 0] == 1).all()  # no fade at the frame, where nothing is joined


def test_matched_patches_take_the_colour_of_what_they_cover():
    image, mask = picture(0), square()
    donor = np.clip(picture(1).astype(int) // 2 + np.array([90, 10, 40]), 0, 255).astype(np.uint8)
    inside = mask > 0
    matched = manipulate.match_colours(donor, image, mask)
    np.testing.assert_allclose(matched[inside].mean(0), image[inside].mean(0), atol=1e-2)
    gap = {level: np.abs(manipulate.splice(image, donor, mask, level)[inside].mean(0) - image[inside].mean(0)).max()
           for level in ("obvious", "matched")}  # fmt: skip
    assert gap["matched"] < 3 < gap["obvious"]


def test_a_plain_copy_moves_whole_pixels():
    image, mask = picture(3), square(96, 10, 30)
    move = manipulate.source_to_target(mask, np.array([60.3, 50.8]), 1.0, 0.0)
    patch = manipulate.resample(image, move)
    dx, dy = move[:, 2].astype(int)
    np.testing.assert_array_equal(patch[10:30, 10:30], image[10 + dy : 30 + dy, 10 + dx : 30 + dx])


def test_scale_and_angle_are_those_of_the_map():
    mask = square(96, 20, 40)
    move = manipulate.source_to_target(mask, np.array([50.0, 60.0]), 2.0, 0.0)
    np.testing.assert_allclose(move @ [30, 30, 1], [50, 60])  # the middle of the mask comes from the chosen centre
    np.testing.assert_allclose(move @ [40, 30, 1] - move @ [30, 30, 1], [5, 0])  # enlarged: half as far in the source
    turned = manipulate.source_to_target(mask, np.array([50.0, 60.0]), 1.0, np.pi / 2)
    np.testing.assert_allclose(turned @ [40, 30, 1] - turned @ [30, 30, 1], [0, 10], atol=1e-12)


def test_an_enlarged_copy_shows_the_period_of_its_resampling():
    """The second difference of an interpolated signal varies periodically (Gallagher 2005): by 3 pixels at 1.5."""
    rng = np.random.default_rng(0)
    image = np.clip(128 + 20 * rng.standard_normal((192, 192, 3)), 0, 255).astype(np.uint8)

    def peak(x):
        second = np.abs(np.diff(x.astype(np.float32).mean(2), n=2, axis=1)).mean(0)[
            20:164
        ]  # 144 columns: 48 periods of 3
        spectrum = np.abs(np.fft.rfft(second - second.mean()))
        return spectrum[48] / np.median(spectrum)

    full = np.full((192, 192), 255, np.uint8)
    enlarged = manipulate.resample(image, manipulate.source_to_target(full, np.array([96.0, 96.0]), 1.5, 0.0))
    assert peak(enlarged) > 10 > 5 > peak(image)


def test_copies_come_from_inside_the_frame_and_from_elsewhere():
    image = np.zeros((96, 96, 3), np.uint8)
    image[..., 0] = np.arange(96)[None, :] * 2  # red tells the column, green the row
    image[..., 1] = np.arange(96)[:, None] * 2
    mask = square(96, 5, 25)
    for seed in range(8):
        forged = manipulate.copy_move(image, mask, "obvious", np.random.default_rng(seed))
        source = forged[7:23, 7:23].astype(float) / 2
        inside = (source[..., 0] > 4) & (source[..., 0] < 25) & (source[..., 1] > 4) & (source[..., 1] < 25)
        assert inside.mean() < 0.2


def test_trace_copies_look_more_like_what_they_cover_than_obvious_ones():
    worse = []
    for seed in range(12):
        image, mask = picture(seed), square()
        distance = [
            manipulate.unlikeness(image, manipulate.copy_move(image, mask, level, np.random.default_rng(seed)), mask)
            for level in ("trace", "obvious")
        ]
        worse.append(distance[0] < distance[1])
    assert np.mean(worse) > 0.8


def detail(image, mask):
    return np.abs(image.astype(np.float32) - cv2.blur(image.astype(np.float32), (3, 3)))[mask > 0].mean()


def test_removal_smears_and_grain_brings_the_detail_back():
    image, mask = picture(2), square()
    levels = {level: detail(manipulate.remove(image, mask, level, np.random.default_rng(0)), mask) for level in LEVELS}
    assert levels["obvious"] < 0.5 * detail(image, mask)
    assert 0.5 * detail(image, mask) < levels["matched"] < 1.7 * detail(image, mask)
    assert 0.5 * detail(image, mask) < levels["trace"] < 1.7 * detail(image, mask)


def test_removal_at_trace_keeps_the_coarse_look_an_obvious_one_loses():
    image, mask = picture(5), square()
    coarse = {level: manipulate.unlikeness(image, manipulate.remove(image, mask, level, np.random.default_rng(0)), mask)
              for level in LEVELS}  # fmt: skip
    assert coarse["trace"] < 0.2 * coarse["obvious"]


def test_edits_are_strong_mild_and_colourless():
    image, mask = picture(4), square()
    inside = mask > 0
    change = {
        level: np.mean([np.abs(manipulate.edit(image, mask, level, np.random.default_rng(seed))[inside].mean(0)
                               - image[inside].mean(0)).max() for seed in range(8)])
        for level in LEVELS
    }  # fmt: skip
    assert change["obvious"] > 2 * change["matched"] > 2 * change["trace"]
    assert change["trace"] < 1.5


def test_repainting_at_trace_takes_fine_detail_alone():
    image, mask = picture(), square()
    forged = apply("repaint", image, mask, "trace")
    inside = mask > 0
    coarse = [cv2.GaussianBlur(x, (0, 0), 3).astype(float)[40:52, 40:52] for x in (image, forged)]
    assert np.abs(coarse[0] - coarse[1]).max() < 4  # nothing to see
    detail = [np.abs(x - cv2.blur(x, (3, 3)).astype(float))[inside].mean() for x in (image, forged)]
    assert detail[1] < 0.6 * detail[0]


def test_repainting_is_seen_at_obvious_and_half_as_much_at_matched():
    mask = square()
    change = {
        level: np.mean(
            [
                np.abs(apply("repaint", picture(s), mask, level, s).astype(float) - picture(s))[40:52, 40:52].mean()
                for s in range(12)
            ]
        )
        for level in LEVELS
    }
    assert change["obvious"] > 1.4 * change["matched"] > 1.4 * change["trace"]


@pytest.mark.parametrize("style", [manipulate.new_hue, manipulate.new_surface, manipulate.painted])
def test_styles_stay_in_range_and_change_most_pixels(style):
    image = picture().astype(np.float32)
    made = style(image.copy(), np.random.default_rng(0))
    assert made.shape == image.shape and made.min() >= 0 and made.max() <= 255
    assert (np.abs(made - image).max(2) > 3).mean() > 0.5
