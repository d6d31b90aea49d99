"""Spectra of the fine detail: known signals, and which images are averaged."""

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from imdlib.checks.spectra import log_power, spectra


@pytest.mark.parametrize("side", [2, 15, 42])
def test_a_side_that_does_not_fit_is_refused(side):
    with pytest.raises(ValueError, match=f"side={side}: expected an even number of pixels, 4 to 40"):
        log_power(np.zeros((40, 50, 3), np.uint8), side)


def test_a_flat_image_has_no_power():
    assert (log_power(np.full((40, 50, 3), 77, np.uint8), 32) == -3).all()


def test_a_pattern_of_two_pixels_shows_at_the_highest_frequency():
    column = np.arange(48) % 2 * 40 + 100
    power = log_power(np.broadcast_to(column[None, :, None], (48, 48, 3)).astype(np.uint8), 32)
    assert power.shape == (32, 32) and np.unravel_index(power.argmax(), power.shape) == (16, 0)  # rows, columns


def test_noise_has_the_spectrum_of_the_high_pass_filter():
    rng = np.random.default_rng(0)
    found = np.mean([10 ** log_power(noise(rng), 32) for _ in range(300)], axis=0)
    wave = np.cos(2 * np.pi * np.fft.fftshift(np.fft.fftfreq(32)))
    expected = (1 - np.outer(1 + 2 * wave, 1 + 2 * wave) / 9) ** 2 * 100
    far = expected > 20  # near frequency 0 the window blurs it
    assert np.allclose(found[far], expected[far], rtol=0.4) and abs(found[far].mean() / expected[far].mean() - 1) < 0.05


def noise(rng):
    """Grey noise of variance 100, uint8 (40, 40, 3)."""
    return np.repeat(np.clip(128 + rng.normal(0, 10, (40, 40, 1)), 0, 255).round().astype(np.uint8), 3, axis=2)


def test_real_and_wholly_generated_images_are_averaged_and_partly_fake_ones_left_out(tmp_path):
    rng, rows = np.random.default_rng(0), []
    kinds = [("authentic", ""), ("edit", "haar"), ("generated", "haar"), ("generated", "nearest"), ("authentic", "")]
    for i, (kind, generator) in enumerate(kinds):
        Image.fromarray(noise(rng)).save(tmp_path / f"{i}.png")
        rows.append({"image": str(tmp_path / f"{i}.png"), "kind": kind, "generator": generator})
    found = spectra(pd.DataFrame(rows), side=32)
    each = [log_power(np.array(Image.open(row["image"])), 32) for row in rows]
    assert list(found) == ["real", "haar", "nearest"]
    assert np.allclose(found["real"], (each[0] + each[4]) / 2)
    assert np.array_equal(found["haar"], each[2]) and np.array_equal(found["nearest"], each[3])
    assert spectra(pd.DataFrame(rows)[:0]) == {}
