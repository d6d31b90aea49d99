"""Poolings against scikit-image, exhaustive search, scipy's solver and closed forms; constant maps first."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize
from skimage.filters import threshold_otsu

from imdlib.inr.pooling import (
    POOLINGS,
    generalized_mean,
    otsu_mean,
    pool,
    selected_mean,
    simplex_projection,
    smooth_mean,
)

N = 36


def scores(prob, pooling, **options):
    selected = torch.zeros(prob.shape, dtype=torch.bool)
    selected[..., :3] = True
    return pool(prob, pooling, selected, **options)


# ---- degenerate maps


@pytest.mark.parametrize("value", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("pooling", POOLINGS)
def test_a_constant_map_scores_its_value(pooling, value):
    prob = torch.full((2, 1, 6, 6), value, requires_grad=True)
    found = scores(prob, pooling)
    assert len(found) == (2 if pooling == "adaptive" else 1)
    for score in found:
        assert score.tolist() == pytest.approx([value] * 2, abs=2e-6)
    sum(found).sum().backward()
    assert torch.isfinite(prob.grad).all()


@pytest.mark.parametrize("pooling", POOLINGS)
def test_one_cell(pooling):
    (first, *_) = pool(torch.tensor([[0.4]]), pooling, torch.tensor([[True]]))
    assert first.tolist() == pytest.approx([0.4])


def test_nothing_selected_falls_back_to_otsu_and_keeps_the_gradient_finite():
    prob = torch.rand(2, 1, 4, 4, requires_grad=True)
    selected = torch.zeros(2, 4, 4, dtype=torch.bool)
    selected[1, 0, :2] = True
    otsu, cluster = pool(prob, "adaptive", selected)
    assert cluster[0] == otsu[0] and cluster[1] == prob[1, 0, 0, :2].mean()
    (otsu + cluster).sum().backward()
    assert torch.isfinite(prob.grad).all() and prob.grad[0].any()
    assert selected_mean(prob.flatten(1), selected.flatten(1))[0].isnan()


def test_unknown_names_are_refused():
    with pytest.raises(ValueError, match="expected one of adaptive"):
        pool(torch.rand(1, 4), "gmp")
    with pytest.raises(ValueError, match="needs selected"):
        pool(torch.rand(1, 4), "adaptive")


# ---- values


def test_max_and_average():
    prob = torch.rand(3, 1, 5, 7)
    assert torch.equal(pool(prob, "max")[0], prob.amax((1, 2, 3)))
    torch.testing.assert_close(pool(prob, "average")[0], prob.mean((1, 2, 3)))


def test_otsu_of_two_humps_is_the_upper_hump():
    prob = torch.cat([torch.full((1, 28), 0.1), torch.full((1, 8), 0.9)], dim=1)
    assert otsu_mean(prob).item() == pytest.approx(0.9)


def test_otsu_agrees_with_scikit_image():
    rng = np.random.default_rng(0)
    for share in (0.05, 0.2, 0.5):
        x = np.where(rng.random(3000) < share, rng.normal(0.8, 0.05, 3000), rng.normal(0.2, 0.05, 3000)).clip(0, 1)
        expected = x[x > threshold_otsu(x, nbins=2**14)].mean()
        assert otsu_mean(torch.tensor(x)[None]).item() == pytest.approx(expected, abs=5e-3)


@settings(deadline=None, max_examples=80)
@given(st.lists(st.integers(0, 20), min_size=2, max_size=9))
def test_otsu_is_the_exhaustive_optimum(values):
    x = np.array(values) / 20
    splits = [(x > t) for t in sorted(set(x))[:-1]] or [np.ones(len(x), dtype=bool)]
    within = [sum(((part - part.mean()) ** 2).sum() for part in (x[s], x[~s]) if len(part)) for s in splits]
    best = [x[s].mean() for s, w in zip(splits, within) if w < min(within) + 1e-12]
    assert min(abs(otsu_mean(torch.tensor(x)[None]).item() - b) for b in best) < 1e-9


def test_cap_keeps_less_than_half():
    x = torch.tensor([[0.1, 0.1, 0.8, 0.81, 0.82, 0.9, 0.95, 1.0]])
    assert otsu_mean(x).item() == pytest.approx(x[0, 2:].mean().item())
    assert otsu_mean(x, cap_half=True).item() == pytest.approx(x[0, 5:].mean().item())  # 8 - (8 // 2 + 1) = 3
    few = torch.tensor([[0.1] * 7 + [0.9]])
    assert otsu_mean(few, cap_half=True).item() == pytest.approx(0.9)
    assert otsu_mean(torch.tensor([[0.2, 0.6]]), cap_half=True).item() == pytest.approx(0.6)
    assert pool(x, "adaptive", x > 0.9, cap_half=True)[0].item() == pytest.approx(x[0, 5:].mean().item())


def test_selected_mean():
    x = torch.tensor([[0.0, 0.5, 1.0], [0.2, 0.4, 0.6]])
    assert selected_mean(x, torch.tensor([[True, False, True], [False, True, False]])).tolist() == pytest.approx(
        [0.5, 0.4]
    )


@pytest.mark.parametrize("p", [1.0, 3.0, 100.0])
def test_generalized_mean(p):
    x = torch.rand(4, N, dtype=torch.float64) * 0.9 + 0.05
    torch.testing.assert_close(generalized_mean(x, p=p), (x**p).mean(1) ** (1 / p))
    outside = torch.linalg.vector_norm(x, ord=p, dim=1) / N
    torch.testing.assert_close(generalized_mean(x, p=p, divide_outside=True), outside)


def test_division_outside_the_root_leaves_scores_near_one_over_n():
    x = torch.rand(2, 196)
    x[:, 0] = 1.0
    right, wrong = generalized_mean(x, p=100.0), generalized_mean(x, p=100.0, divide_outside=True)
    assert right.min() > 0.9 and (wrong * 196 - 1).abs().max() < 0.05
    tiny = generalized_mean(torch.full((1, 4), 0.2), p=100.0)  # 0.2^100 is zero in float32
    assert tiny.item() == pytest.approx(0.2, rel=1e-3)


# ---- global smooth pooling


def test_projection_on_the_simplex_is_scipys_optimum():
    rng = np.random.default_rng(1)
    for x in rng.normal(0, 1, (4, 6)):
        sum_to_one = {"type": "eq", "fun": lambda w: w.sum() - 1}
        solved = minimize(
            lambda w, x=x: ((w - x) ** 2).sum(),
            np.full(6, 1 / 6),
            bounds=[(0, None)] * 6,
            constraints=[sum_to_one],
            options={"ftol": 1e-12},
        )
        np.testing.assert_allclose(simplex_projection(torch.tensor(x)[None])[0], solved.x, atol=1e-5)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.floats(-5, 5), min_size=1, max_size=8))
def test_projection_satisfies_its_optimality_conditions(values):
    x = torch.tensor([values], dtype=torch.float64)
    w = simplex_projection(x)
    assert w.min() >= 0 and w.sum().item() == pytest.approx(1)
    shift = (x - w)[0]  # equal where w > 0, and at least x elsewhere
    theta = shift[w[0] > 0]
    assert theta.max() - theta.min() < 1e-9 and (x[0][w[0] == 0] <= theta.max() + 1e-9).all()


def test_smooth_pooling_lies_between_average_and_maximum():
    x = torch.rand(3, N, dtype=torch.float64)
    values = [smooth_mean(x, mu=mu) for mu in (1e-4, 0.1, 1.0, 1e6)]
    torch.testing.assert_close(values[0], x.amax(1))
    torch.testing.assert_close(values[-1], x.mean(1), atol=1e-5, rtol=0)
    assert all((a >= b - 1e-6).all() for a, b in zip(values, values[1:]))


# ---- gradients and precision


@pytest.mark.parametrize("pooling", ["adaptive", "otsu", "smooth"])
def test_selections_are_constants(pooling):
    prob = torch.rand(2, N, dtype=torch.float64, requires_grad=True)
    (score, *_) = scores(prob, pooling)
    score.sum().backward()
    assert prob.grad.sum(1).tolist() == pytest.approx([1.0, 1.0]) and prob.grad.min() >= 0  # weights of a mean
    chosen = prob.grad > 0
    assert chosen.any(1).all() and not chosen.all(1).any()


@pytest.mark.parametrize("pooling", POOLINGS)
def test_float32_in_autocast_and_batched_equals_one_by_one(pooling):
    prob = torch.rand(4, 1, 6, 6)
    selected = torch.rand(4, 6, 6) < 0.3
    plain = pool(prob, pooling, selected)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        inside = pool(prob, pooling, selected)
        half = pool(prob.bfloat16(), pooling, selected)
    for i, score in enumerate(plain):
        assert torch.equal(score, inside[i]) and half[i].dtype == torch.float32
        alone = torch.cat([pool(prob[b : b + 1], pooling, selected[b : b + 1])[i] for b in range(4)])
        torch.testing.assert_close(alone, score)
