"""The linear probe: separable classes, a class it has not seen, chance on noise, and rows that tables can use."""

import numpy as np
import pandas as pd
import pytest
import torch

from imdlib.bridge.labels import CLASSES
from imdlib.bridge.measures import probe


def blobs(n=60, classes=(0, 1, 2), gap=6.0):
    rng = np.random.default_rng(0)
    labels = np.array(classes)[np.arange(n) % len(classes)]
    return rng.normal(size=(n, 5)) + gap * np.eye(5)[labels], labels


def test_mean_over_tokens():
    tokens = torch.rand(4, 7, 3).half()
    assert probe.pooled(tokens) == pytest.approx(tokens.float().mean(1).numpy(), abs=1e-6)
    assert probe.pooled(tokens).dtype == np.float32


def test_finds_what_is_separable():
    train, labels = blobs()
    test, truth = blobs(30)
    found = probe.probabilities(train, labels, test)
    assert found.shape == (30, 3) and found.sum(1) == pytest.approx(1) and (found.argmax(1) == truth).all()


def test_a_class_that_was_not_there_gets_nothing():
    train, labels = blobs(classes=(0, 2))
    found = probe.probabilities(train, labels, train)
    assert (found[:, 1] == 0).all() and (found.argmax(1) == labels).all()


def test_noise_stays_at_chance():
    rng = np.random.default_rng(0)
    train, labels = rng.normal(size=(400, 4)), rng.integers(0, 3, 400)
    found = probe.probabilities(train, labels, rng.normal(size=(600, 4))).argmax(1)
    assert np.mean(found == rng.integers(0, 3, 600)) == pytest.approx(1 / 3, abs=0.08)


def test_rows_of_a_manifest():
    manifest = pd.DataFrame(
        dict(image=["/a/1.jpg", "/a/2.jpg"], dataset="d", kind=["authentic", "edit"], label=[0, 1]), index=[7, 3]
    )
    found = probe.rows(manifest, np.array([[0.7, 0.2, 0.1], [0.1, 0.3, 0.6]]), train_set="t")
    assert found["image"].tolist() == ["1.jpg", "2.jpg"] and found["score"].tolist() == pytest.approx([0.3, 0.9])
    assert found["predicted"].tolist() == [CLASSES[0], CLASSES[2]] and found["class"].tolist() == list(CLASSES[:2])
    assert found["p_partly"].tolist() == [0.2, 0.3] and set(found["method"]) == {probe.METHOD}


def test_its_one_setting_is_chosen_on_validation_images():
    """Noise in many columns: a strong penalty does better than none on images that were not learned from."""
    rng = np.random.default_rng(0)
    labels, truth = np.arange(60) % 3, np.arange(90) % 3
    train, val = (
        np.concatenate([0.8 * np.eye(3)[y] + 0.5 * rng.normal(size=(len(y), 3)), rng.normal(size=(len(y), 80))], 1)
        for y in (labels, truth)
    )
    chosen = probe.tuned(train, labels, val, truth)
    assert chosen < max(probe.STRENGTHS) and len(probe.STRENGTHS) == 8
    assert probe.tuned(train, labels, val[:0], truth[:0]) == 1.0
