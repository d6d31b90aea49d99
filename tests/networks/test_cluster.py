"""Two-means against exhaustive search and scikit-learn; degenerate input first."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.cluster import KMeans

from imdlib.networks.cluster import minority, two_means


def inertia(x, labels):
    return sum(((x[labels == k] - x[labels == k].mean(axis=0)) ** 2).sum() for k in (0, 1) if (labels == k).any())


@pytest.mark.parametrize("x", [torch.ones(2, 5), torch.ones(2, 5, 4), torch.rand(2, 1, 4), torch.zeros(1, 3, 2)])
def test_equal_points_are_one_cluster(x):
    labels, centers, valid = two_means(x)
    assert not valid.any() and not labels.any() and not minority(labels).any()
    assert centers.shape == (len(x), 2, 1 if x.ndim == 2 else x.shape[2])


def test_a_degenerate_image_does_not_disturb_its_neighbours():
    good = torch.cat([torch.randn(20, 3), torch.randn(60, 3) + 5])
    bad = good.clone()
    bad[7, 1] = float("nan")
    labels, centers, valid = two_means(torch.stack([bad, good, torch.full_like(good, 2.0)]))
    assert valid.tolist() == [False, True, False] and not labels[[0, 2]].any()
    alone, center, _ = two_means(good[None])
    assert (labels[1] == alone[0]).all() and torch.allclose(centers[1], center[0], atol=1e-5)
    assert labels[1].tolist() == [False] * 20 + [True] * 60


@pytest.mark.parametrize("shape", [(4,), (2, 0), (2, 0, 3), (2, 3, 0), (1, 2, 3, 4)])
def test_two_means_refuses_other_shapes(shape):
    with pytest.raises(ValueError, match=r"\(B,N,D\) or \(B,N\)"):
        two_means(torch.zeros(shape))


@settings(deadline=None, max_examples=100)
@given(st.lists(st.integers(0, 20), min_size=2, max_size=10))
def test_scalars_are_split_exactly(values):
    x = np.array(values) / 20
    labels, centers, valid = two_means(torch.tensor(x)[None])
    labels = labels[0].numpy()
    assert valid[0] == (len(set(values)) > 1)
    best = min(inertia(x, x > t) for t in x)
    assert inertia(x, labels) == pytest.approx(best, abs=1e-9)
    if valid[0]:
        np.testing.assert_allclose(centers[0, :, 0], [x[~labels].mean(), x[labels].mean()], atol=1e-6)
        assert centers[0, 1] > centers[0, 0]


def shapes(kind, dimensions, rng):
    x = rng.standard_normal((400, dimensions))
    if kind == "blobs":
        x[:50] += 2
    elif kind == "sphere":
        x[:80, 0] += 3
        x /= np.linalg.norm(x, axis=1, keepdims=True)
    elif kind == "outliers":
        x[:4] += 20
    elif kind == "relu":
        x = np.maximum(x, 0)
        x[:100, : dimensions // 2] *= 4
    return x


@pytest.mark.parametrize("dimensions", [2, 16, 64])
@pytest.mark.parametrize("kind", ["blobs", "sphere", "outliers", "relu", "none"])
def test_inertia_is_that_of_scikit_learn_with_ten_starts(kind, dimensions):
    x = shapes(kind, dimensions, np.random.default_rng(dimensions))
    labels, centers, valid = two_means(torch.tensor(x)[None])
    labels = labels[0].numpy()
    reference = KMeans(2, n_init=10, random_state=0).fit(x)
    assert valid[0] and inertia(x, labels) <= reference.inertia_ * 1.01
    np.testing.assert_allclose(centers[0], [x[~labels].mean(axis=0), x[labels].mean(axis=0)], atol=1e-5)
    if kind in ("blobs", "outliers") and dimensions > 2:
        same = (labels == (reference.labels_ == 1)).mean()
        assert max(same, 1 - same) == 1


def test_more_iterations_never_hurt():
    x = shapes("none", 8, np.random.default_rng(0))
    found = [inertia(x, two_means(torch.tensor(x)[None], iterations=k)[0][0].numpy()) for k in range(1, 30)]
    assert all(later <= earlier * (1 + 1e-6) for earlier, later in zip(found, found[1:]))
    assert found[-1] < found[0] * 0.999


def test_cluster_one_has_the_larger_center():
    x = torch.randn(6, 50, 4)
    x[:, :20] += 3 * torch.randn(6, 1, 4)
    x[:, :, 0] = 1.5  # no difference in the first coordinate: the second decides
    labels, centers, _ = two_means(x)
    assert torch.allclose(centers[:, 0, 0], centers[:, 1, 0])
    flipped, _, _ = two_means(-x)
    assert (flipped == ~labels).all()


def test_batched_equals_one_by_one_and_is_deterministic():
    x = torch.randn(5, 70, 6)
    x[:, :30] += 2
    labels, centers, _ = two_means(x)
    for i in range(5):
        alone, center, _ = two_means(x[i : i + 1])
        assert (labels[i] == alone[0]).all() and torch.allclose(centers[i], center[0], atol=1e-5)
    assert (two_means(x)[0] == labels).all()
    order = torch.randperm(70)
    assert (two_means(x[:, order])[0] == labels[:, order]).all()


def test_runs_in_float32_under_autocast_and_without_gradient():
    x = torch.randn(1, 60, 8)
    x[:, :20] += 3
    plain = two_means(x)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        labels, centers, _ = two_means(x.clone().requires_grad_())
    assert centers.dtype == torch.float32 and not centers.requires_grad and (labels == plain[0]).all()


# ---- minority


def test_minority_is_the_smaller_cluster():
    labels = torch.tensor([[1, 0, 0], [1, 1, 0], [1, 1, 1], [0, 0, 0]]).bool()
    assert minority(labels).int().tolist() == [[1, 0, 0], [0, 0, 1], [0, 0, 0], [0, 0, 0]]
    assert minority(torch.tensor([[True, False]])).tolist() == [[False, True]]  # a tie: cluster 0
