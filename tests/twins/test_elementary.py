"""Functions that are the same on every processor: right to 1e-14, at the ends of their ranges too; filters against OpenCV."""

import cv2
import numpy as np
import pytest

from imdlib.twins import elementary, filters
from imdlib.twins.camera import CAMERAS, curves, light, tone, white_balance

X = np.random.default_rng(0).uniform(-20, 20, 20_000)


def test_functions_are_those_of_numpy():
    np.testing.assert_allclose(elementary.exp(X), np.exp(X), rtol=1e-14)
    np.testing.assert_allclose(elementary.turned(X), (np.cos(X), np.sin(X)), atol=1e-14)
    positive = np.abs(X) + 1e-6
    np.testing.assert_allclose(elementary.log(positive), np.log(positive), rtol=1e-14, atol=1e-15)
    np.testing.assert_allclose(elementary.power(positive, 2.2), positive**2.2, rtol=1e-14)
    assert elementary.power([0, 1], 0.4).tolist() == [0, 1] and elementary.exp(0) == 1 and elementary.log(1) == 0
    assert elementary.turned(0) == (1, 0) and np.ndim(elementary.exp(0.3)) == 0


def test_times_is_the_matrix_product_and_rotation_turns_against_the_clock():
    points = X[:10].reshape(5, 2)
    np.testing.assert_allclose(elementary.times(points, elementary.rotation(0.7)), points @ elementary.rotation(0.7))
    np.testing.assert_allclose(elementary.rotation(np.pi / 2) @ [1, 0], [0, 1], atol=1e-15)


@pytest.mark.parametrize("camera", CAMERAS, ids=lambda camera: camera.name)
def test_the_curves_are_white_balance_and_tone_and_no_value_is_near_a_tie(camera):
    """A float64 power that errs by 1e-14 would still round to the same float32, for every raw count there is."""
    balanced = white_balance(light(np.arange(65536))[:, None], camera.sensitivity)
    table = curves(camera.sensitivity, camera.gamma).reshape(-1, 3)
    assert np.array_equal(table, tone(balanced, camera.gamma))
    value = elementary.power(np.clip(balanced, 0, 1), np.float32(1 / camera.gamma))
    inside = (value > 0) & (value < 1)
    low, high = value[inside] * (1 - 1e-14), value[inside] * (1 + 1e-14)
    assert (low.astype(np.float32) != high.astype(np.float32)).sum() <= 1


@pytest.mark.parametrize("sigma", (0.35, 0.6, 1.0, 2.0, 3.7))
def test_gaussian_is_opencv_s(sigma):
    for shape in ((40, 50, 3), (33, 20)):
        image = np.random.default_rng(0).random(shape, dtype=np.float32)
        np.testing.assert_allclose(filters.gaussian(image, sigma), cv2.GaussianBlur(image, (0, 0), sigma), atol=5e-7)


def test_distance_is_opencv_s_cut_off():
    rng = np.random.default_rng(0)
    for width in (1, 2, 4):
        mask = (cv2.GaussianBlur(rng.random((60, 50)), (0, 0), 3) > 0.5).astype(np.uint8) * 255
        known = np.minimum(cv2.distanceTransform(mask, cv2.DIST_L2, 3), width)
        np.testing.assert_allclose(filters.distance(mask, width), known, atol=1e-4)
    assert (filters.distance(np.full((9, 9), 255, np.uint8), 3) == 3).all()  # the frame is no edge
