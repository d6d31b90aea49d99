"""Notebook 4's toy: closed forms of the product, when it helps and when it harms, and what stretching does to noise."""

import numpy as np
import pytest
import torch

from imdlib.bridge.labels import PARTLY
from imdlib.bridge.localize import refined_cam, unit_range
from imdlib.lessons.bridge import cam_times_attention as spread
from imdlib.lessons.bridge import cam_times_attention_figures as spread_figures


def ious(contrast, **options):
    tokens, cam, truth = spread.planted(contrast, **options)
    return {name: spread.iou(prob, truth) for name, prob in spread.maps(cam, spread.attention(tokens)).items()}


def test_attention_is_rows_of_probabilities_and_the_first_layer_is_a_softmax_of_cosines():
    tokens, _, _ = spread.planted()
    weights = spread.attention(tokens, temperature=2.0, layers=3)
    assert weights.shape == (3, 1, 256, 256) and torch.allclose(weights.sum(3), torch.ones(3, 1, 256))
    unit = (tokens / tokens.norm(dim=1, keepdim=True)).numpy()
    scores = np.exp(spread.SHARPNESS * unit[7] @ unit.T / 2.0)
    assert np.allclose(weights[0, 0, 7], scores / scores.sum(), atol=1e-6)


def test_a_sink_takes_the_attention():
    tokens, _, _ = spread.planted()
    weights = spread.attention(tokens, sink=30.0, layers=1)[0, 0]
    assert (weights.argmax(1) == spread.SINK).all()


def test_maps_are_the_librarys():
    tokens, cam, _ = spread.planted(0.5)
    weights = spread.attention(tokens)
    found = spread.maps(cam, weights)
    for name, logits in (
        ("attention", refined_cam(cam, weights)),
        ("transposed", refined_cam(cam, weights, transposed=True)),
        ("none", cam),
    ):
        assert torch.equal(found[name], unit_range(logits[:, PARTLY : PARTLY + 1])[0, 0])


def test_attention_completes_a_region_and_carries_a_small_one_too_far():
    far = ious(1.0)
    assert far["attention"] > 0.95 and far["none"] < 0.25
    near = ious(0.1, size=spread.SMALL)
    assert near["attention"] < 0.1 < 0.5 < near["none"]


def test_sweep_has_its_rows_and_equals_a_loop():
    table = spread.sweep("contrast", [0.2, 1.0], seeds=2).set_index(["contrast", "refinement"])["iou"]
    assert table[0.2, "attention"] == pytest.approx(np.mean([ious(0.2, seed=s)["attention"] for s in (0, 1)]))
    assert len(table) == 6
    layers = spread.sweep("layers", [1, 6], contrast=0.6, seeds=2).set_index(["layers", "refinement"])["iou"]
    assert layers[6, "attention"] > layers[1, "attention"] and layers[6, "none"] == layers[1, "none"]


def test_noise_is_stretched_to_one_whatever_its_size():
    found = spread.authentic([1.0, 0.01], seed=1)
    for name in ("none", "attention"):
        assert torch.allclose(found[1.0][name], found[0.01][name], atol=0.01)
        assert found[0.01][name].max() > 0.99
    draws = spread.authentic_draws(count=12)
    assert draws.loc["none", "empty"] == 0 < draws.loc["attention", "empty"]
    assert draws.loc["attention", "largest"] > draws.loc["none", "largest"]


def test_the_zero_of_softmax_logits_is_arbitrary():
    table = spread.shifted([-30.0, 0.0, 3.0])
    assert np.allclose(table["probability"], table["probability"][0])
    assert table["called"][0] == 0 < table["called"][1] < table["called"][2]


@pytest.mark.parametrize("layers", [1, 5])
def test_uniform_attention_gives_layers_times_the_mean(layers):
    cam = torch.randn(2, 3, 4, 5)
    expected = layers * cam.mean((2, 3), keepdim=True).expand_as(cam)
    assert torch.allclose(spread.uniform(cam, layers), expected, atol=1e-5)


@pytest.mark.parametrize("share", [0.0, 0.2, 0.4])
def test_twin_map_closed_form(share):
    expected = np.repeat([1.0, share / (1 - share), 0.0], 4)
    assert np.allclose(spread.twin_map(share), expected, atol=1e-4)


def test_spread_drawings():
    figure = spread_figures.map_sheet(0.2, size=spread.SMALL, sink=2.0)
    assert len(figure.axes) == 5 and figure.axes[2].get_title().startswith("CAM alone\nIoU 0.")
    tables = {"contrast": spread.sweep("contrast", [0, 1], seeds=1), "layers": spread.sweep("layers", [1, 2], seeds=1)}
    assert len(spread_figures.sweep_figure(tables).axes[1].lines) == 3
    found = spread.authentic([1.0])
    assert len(spread_figures.authentic_figure(found).axes) == 2
    assert len(spread_figures.authentic_table(found)) == 3
    table = spread.shifted([0, 1])
    assert spread_figures.shift_figure(table).axes[0].lines[1].get_ydata().tolist() == table["called"].tolist()


@pytest.mark.slow
def test_notebook_4_runs(figures_of):
    left = figures_of("bridge/4_cam_times_attention")
    for name in ("figure_product", "figure_spread", "figure_authentic", "figure_zero"):
        assert (left / f"{name}.csv").stat().st_size > 50
