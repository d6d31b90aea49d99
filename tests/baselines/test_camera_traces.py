"""Camera traces: patches of every camera, distances by hand, and training that beats guessing."""

import numpy as np
import pytest
import torch

from imdlib.baselines import camera_traces
from imdlib.twins import camera
from imdlib.twins.camera import CAMERAS
from tests.baselines.made_up import found, pair, spliced, traces


def test_distances_are_those_of_the_formula():
    features = torch.randn(2, 5, 4, 6, generator=torch.Generator().manual_seed(0))
    x = features[1].flatten(1).numpy().T.astype(float)
    spread = np.cov(x.T, bias=True)
    spread += 0.01 * np.trace(spread) / 5 * np.eye(5)
    x = x - x.mean(0)
    expected = np.sqrt((x @ np.linalg.inv(spread) * x).sum(1))
    np.testing.assert_allclose(camera_traces.distance(features)[1].flatten(), expected, rtol=1e-3)


def test_patches_are_of_all_cameras_and_come_again():
    one, other = (camera_traces.patches(6, np.random.default_rng(0)) for _ in range(2))
    assert torch.equal(one[0], other[0]) and one[1].tolist() == list(range(len(CAMERAS)))
    assert one[0].shape == (6, 3, 48, 48) and one[0].min() >= 0 and one[0].max() <= 1


def test_a_short_training_tells_cameras_apart_better_than_guessing():
    model = traces()
    image, label = camera_traces.patches(24, np.random.default_rng(99))
    with torch.no_grad():
        right = model.logits(image).mean((1, 2)).argmax(1) == label
        maps = model(image)["map"]
    assert right.float().mean() > 0.3  # 1/6 by guessing
    assert maps.shape == (24, 1, 48, 48)


@pytest.mark.parametrize("seed", (3, 4, 5))
def test_another_camera_is_found_and_the_same_is_not(seed):
    there = [spliced(*pair((0, 0), cameras, seed)) for cameras in ((0, 5), (5, 0), (1, 3))]
    absent = [spliced(*pair((0, 0), (number, number), seed)) for number in (0, 1, 5)]
    gone = [camera.jpeg(image, 20) for image in there]
    auc = found(traces(), *there, *absent, *gone)
    assert auc[:3].mean() > 0.75
    assert abs(auc[3:6].mean() - 0.5) < 0.2 and auc[6:].mean() < 0.65
