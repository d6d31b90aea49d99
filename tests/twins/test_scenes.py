"""Scenes: linear light in range, splits that share no photograph, dead leaves with the statistics of images."""

import numpy as np
import pytest

from imdlib.twins import scenes


@pytest.mark.parametrize("split", ["train", "val", "test"])
def test_scenes_are_light_within_range_and_repeatable(split):
    for seed in range(6):
        first = scenes.scene(np.random.default_rng(seed), 96, split)
        again = scenes.scene(np.random.default_rng(seed), 96, split)
        np.testing.assert_array_equal(first, again)
        assert first.shape == (96, 96, 3) and first.dtype == np.float32
        assert first.min() >= np.float32(0.01) and first.max() <= np.float32(0.95) and first.std() > 0.005
        assert 0.08 < first.mean() < 0.3


def test_no_photograph_serves_two_splits_and_all_of_them_are_shipped():
    names = [name for split in scenes.PHOTOGRAPHS.values() for name in split]
    assert len(names) == len(set(names))
    assert all(scenes.photograph(name).shape[2] == 3 for name in names)
    pairs = {name: split for split, group in scenes.PHOTOGRAPHS.items() for name in group}
    assert pairs["skimage/motorcycle_left.png"] == pairs["skimage/motorcycle_right.png"]


def test_a_missing_photograph_is_named(monkeypatch, tmp_path):
    monkeypatch.setitem(scenes.FOLDERS, "skimage", tmp_path)
    with pytest.raises(FileNotFoundError, match="nothing_here.png.*skimage ships"):
        scenes.photograph("skimage/nothing_here.png")


@pytest.mark.parametrize("slope", [0.5, 1.0, 1.5])
def test_fractal_noise_has_the_spectrum_it_is_asked_for(slope):
    field = scenes.fractal_noise(np.random.default_rng(0), 256, slope)
    assert field.std() == pytest.approx(1, rel=1e-3) and abs(field.mean()) < 1e-3
    amplitude = np.abs(np.fft.rfft2(field))
    frequency = np.hypot(np.fft.fftfreq(256)[:, None], np.fft.rfftfreq(256)[None, :])
    inside = (frequency > 0.02) & (frequency < 0.4)
    fitted = np.polyfit(np.log(frequency[inside]), np.log(amplitude[inside]), 1)[0]
    assert fitted == pytest.approx(-slope, abs=0.08)


def test_large_leaves_lie_beside_many_small_ones():
    labels = scenes.leaf_labels(np.random.default_rng(0), 256, 90)
    areas = np.bincount(labels.ravel())
    areas = np.sort(areas[areas > 0])
    assert len(areas) > 20 and areas[-1] > 20 * np.median(areas)


def test_dead_leaves_have_a_spectrum_that_falls_like_that_of_photographs():
    falls = []
    for seed in range(5):
        grey = scenes.dead_leaves(np.random.default_rng(seed), 128, "train").mean(2)
        window = np.hanning(128)[:, None] * np.hanning(128)
        amplitude = np.abs(np.fft.rfft2((grey - grey.mean()) * window))
        frequency = np.hypot(np.fft.fftfreq(128)[:, None], np.fft.rfftfreq(128)[None, :])
        inside = (frequency > 0.02) & (frequency < 0.4)
        falls.append(np.polyfit(np.log(frequency[inside]), np.log(amplitude[inside] + 1e-9), 1)[0])
    assert -2.2 < np.mean(falls) < -0.9
