"""The simulated camera: each stage leaves the trace that physics says it leaves."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from imdlib.twins.camera import (
    CAMERAS,
    DEMOSAIC,
    PHASES,
    demosaic,
    develop,
    encode,
    jpeg,
    lens_blur,
    mosaic,
    sensor_noise,
    sharpen,
    to_8bit,
    tone,
    white_balance,
)

METHODS = sorted({method for method, _ in DEMOSAIC})


def flat(colour, side=64):
    return np.broadcast_to(np.array(colour, np.float32), (side, side, 3)).copy()


@pytest.mark.parametrize("phase", PHASES)
def test_mosaic_equals_a_naive_loop(phase):
    linear = np.random.default_rng(0).random((6, 8, 3), dtype=np.float32)
    raw = mosaic(linear, phase)
    for y in range(6):
        for x in range(8):
            letter = phase[2 * (y % 2) + x % 2]
            assert raw[y, x] == linear[y, x, "RGB".index(letter)]


@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize("method", METHODS)
def test_a_neutral_scene_stays_neutral_and_colours_keep_their_channels(phase, method):
    for colour in [(0.4, 0.4, 0.4), (0.8, 0.3, 0.1), (0.1, 0.3, 0.8), (0.2, 0.7, 0.2)]:
        back = demosaic(mosaic(flat(colour), phase), phase, method)
        np.testing.assert_allclose(
            back, flat(colour), atol=2e-4
        )  # to the border: the pattern goes on outside the frame


@pytest.mark.parametrize("camera", CAMERAS, ids=lambda c: c.name)
def test_every_camera_renders_grey_as_grey_at_the_brightness_of_its_tone_curve(camera):
    image = develop(flat((0.3, 0.3, 0.3), 128), camera, np.random.default_rng(0))
    mean = image.reshape(-1, 3).mean(0)
    assert np.abs(mean - mean.mean()).max() < 1.0
    assert abs(mean.mean() - 255 * 0.3 ** (1 / camera.gamma)) < 2.5


def test_noise_variance_grows_linearly_with_the_signal_at_the_set_slope():
    rng, shot, read = np.random.default_rng(0), 1e-3, 0.01
    signal = np.linspace(0.05, 0.9, 12, dtype=np.float32)
    noisy = sensor_noise(np.repeat(signal[:, None], 40_000, axis=1), shot, read, rng)
    slope, offset = np.polyfit(signal, noisy.var(axis=1), 1)
    assert slope == pytest.approx(shot, rel=0.05)
    assert offset == pytest.approx(read**2, rel=0.2)
    np.testing.assert_allclose(noisy.mean(axis=1), signal, atol=1e-3)


def test_noise_without_light_is_read_noise_and_is_not_clipped():
    dark = np.zeros((128, 128), np.float32)
    noisy = sensor_noise(dark, 1e-3, 0.01, np.random.default_rng(0))
    assert noisy.std() == pytest.approx(0.01, rel=0.05)
    assert abs(demosaic(noisy, "RGGB").mean()) < 1e-3  # the pedestal keeps negative values


def checker_energy(image):
    """Peak of green's local variance at (1/2, 1/2), the frequency of a Bayer pattern's greens, over the median.

    Interpolated pixels vary less than measured ones: Gallagher and Chen 2008.
    """
    variance = cv2.Laplacian(image[..., 1].astype(np.float32), cv2.CV_32F) ** 2
    spectrum = np.abs(np.fft.fft2(variance - variance.mean()))
    n = spectrum.shape[0] // 2
    return spectrum[n, n] / np.median(spectrum)


@pytest.mark.parametrize("camera", CAMERAS, ids=lambda c: c.name)
def test_demosaicing_leaves_the_period_of_the_bayer_pattern_in_the_spectrum(camera):
    rng = np.random.default_rng(0)
    scene = flat((0.3, 0.3, 0.3), 128)
    shot = develop(scene, camera, rng, compress=False)
    noise = to_8bit(tone(scene + 0.02 * rng.standard_normal(scene.shape), 2.2))  # same kind of noise, never mosaicked
    assert checker_energy(shot) > 10
    assert checker_energy(noise) < 5


def blockiness(image):
    """Mean step between neighbouring columns relative to the median of them, by column modulo 8: (8,)."""
    step = np.abs(np.diff(image.astype(np.float32).mean(2), axis=1)).mean(0)  # (W - 1,)
    steps = np.array([step[offset::8].mean() for offset in range(8)])
    return steps / np.median(steps)


def test_jpeg_leaves_steps_at_its_8_pixel_grid():
    image = develop(flat((0.3, 0.3, 0.3), 256), CAMERAS[-1], np.random.default_rng(0), compress=False)
    assert blockiness(image).max() < 1.04
    saved = jpeg(image, 60)
    assert blockiness(saved).argmax() == 7 and blockiness(saved)[7] > 1.1  # between columns 7 and 8
    assert blockiness(saved[:, 3:]).argmax() == 4  # what is cut out takes its grid along


def grid(image):
    """Row and column, 0 to 7, of the grid of 8x8 blocks whose cosine transform has the most empty coefficients."""
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float32) - 128
    empty = np.zeros((8, 8))
    for top in range(8):
        for left in range(8):
            blocks = [grey[y : y + 8, x : x + 8] for y in range(top, 88, 8) for x in range(left, 88, 8)]
            empty[top, left] = np.mean([np.abs(cv2.dct(np.ascontiguousarray(block))) < 0.5 for block in blocks])
    return tuple(int(i) for i in np.unravel_index(empty.argmax(), empty.shape))


@pytest.mark.parametrize("camera", CAMERAS, ids=lambda c: c.name)
def test_the_jpeg_grid_of_every_camera_can_be_found_also_in_a_patch_cut_out(camera):
    image = develop(flat((0.3, 0.3, 0.3), 112), camera, np.random.default_rng(0))
    assert grid(image) == (0, 0)
    assert grid(image[3:, 6:]) == (5, 2)


def test_no_stage_moves_the_picture_and_lower_quality_loses_more():
    y, x = np.mgrid[:96, :96].astype(np.float32)
    spot = np.exp(-((y - 40) ** 2 + (x - 50) ** 2) / 50)[..., None] * np.ones(3, np.float32) * 0.8 + 0.05
    camera = replace(CAMERAS[0], shot=0, read=0)
    image = develop(spot.astype(np.float32), camera, np.random.default_rng(0)).astype(np.float32).mean(2)
    weight = np.clip(image - 80, 0, None)
    assert (weight * y).sum() / weight.sum() == pytest.approx(40, abs=0.2)
    assert (weight * x).sum() / weight.sum() == pytest.approx(50, abs=0.2)
    noisy = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    losses = [np.abs(jpeg(noisy, q).astype(int) - noisy).mean() for q in (98, 90, 50)]
    assert losses == sorted(losses) and losses[0] < losses[2]


def test_optional_stages_do_nothing_at_zero_and_white_balance_divides():
    image = np.random.default_rng(0).random((16, 16, 3), dtype=np.float32)
    assert lens_blur(image, 0) is image and sharpen(image, 0) is image
    np.testing.assert_allclose(white_balance(image, (0.5, 1, 0.25)), image * [2, 1, 4], rtol=1e-6)
    assert lens_blur(image, 1.0).std() < image.std() < sharpen(image, 1.0).std()


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_lossless_files_hold_the_image_in_rgb_order(suffix):
    image = np.random.default_rng(0).integers(0, 256, (20, 30, 3), np.uint8)
    decoded = cv2.imdecode(np.frombuffer(encode(image, suffix), np.uint8), cv2.IMREAD_COLOR)[..., ::-1]
    np.testing.assert_array_equal(decoded, image)
    assert suffix != ".tif" or len(encode(image, ".tif")) > image.size  # uncompressed
