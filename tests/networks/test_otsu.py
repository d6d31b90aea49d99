"""Otsu's threshold against exhaustive search and scikit-image, and its two ways against each other; degenerate input first."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.filters import threshold_otsu

from imdlib.networks import otsu
from imdlib.networks.otsu import otsu_threshold


def between(values, above):
    """Between-class variance of a split, by definition."""
    if above.all() or not above.any():
        return 0.0
    share = above.mean()
    return share * (1 - share) * (values[above].mean() - values[~above].mean()) ** 2


# ---- Otsu


def test_constant_rows_have_nothing_above():
    x = torch.full((3, 7), 0.3)
    assert (otsu_threshold(x) == x[:, 0]).all()
    assert otsu_threshold(torch.tensor([0.4])) == torch.tensor(0.4)


def test_not_finite_rows_have_nothing_above_and_spare_the_others():
    x = torch.tensor([[0.0, 1, float("nan")], [0.0, 1, float("inf")], [0.0, 1, 1]])
    t = otsu_threshold(x)
    assert t[:2].isnan().all() and t[2] == 0 and not (x[:2] > t[:2, None]).any()


@pytest.mark.parametrize("shape", [(0,), (3, 0), ()])
def test_otsu_refuses_nothing(shape):
    with pytest.raises(ValueError, match="at least one value"):
        otsu_threshold(torch.zeros(shape))


@settings(deadline=None, max_examples=150)
@given(st.lists(st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.7, 0.75, 1.0]), min_size=1, max_size=12))
def test_otsu_is_the_exhaustive_optimum(values):
    x = np.array(values)
    best = max(between(x, x > t) for t in x)
    found = between(x, x > otsu_threshold(torch.tensor(x)).item())
    assert found == pytest.approx(best, abs=1e-12)


def test_two_values_split_between_them():
    assert otsu_threshold(torch.tensor([0.2, 0.9, 0.2, 0.9, 0.9])).item() == pytest.approx(0.2)
    x = torch.tensor([0.0, 0.5, 1.0])  # both splits are equally good: the lower one
    assert otsu_threshold(x) == 0


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16, torch.float16])
def test_otsu_compares_exactly_in_low_precision(dtype):
    x = torch.tensor([0.1, 0.1, 0.1, 0.1 + 2**-6, 0.1 + 2**-6]).to(dtype)
    t = otsu_threshold(x)
    assert t.dtype == dtype and (x > t).tolist() == [False, False, False, True, True]


def test_otsu_agrees_with_scikit_image():
    rng = np.random.default_rng(0)
    for share in (0.02, 0.1, 0.5):
        x = np.where(rng.random(4000) < share, rng.normal(0.8, 0.08, 4000), rng.normal(0.3, 0.1, 4000)).clip(0, 1)
        exact, bins = otsu_threshold(torch.tensor(x)).item(), threshold_otsu(x, nbins=2**14)
        assert exact == pytest.approx(bins, abs=5e-3)
        assert between(x, x > exact) >= between(x, x > bins) - 1e-15


def test_otsu_is_batched_and_survives_an_offset():
    x = torch.rand(2, 3, 500, dtype=torch.float64)
    t = otsu_threshold(x)
    assert t.shape == (2, 3)
    for i in range(2):
        for j in range(3):
            assert t[i, j] == otsu_threshold(x[i, j])
    far = (x + 1000).float()
    assert ((far > otsu_threshold(far)[..., None]) == (x > t[..., None])).float().mean() > 0.999


# ---- many values are counted before a few of them are sorted


def rows_of(kind, count=6, n=otsu.FEW + 1001):
    """Rows (count,n) float32 of one kind."""
    generator = torch.Generator().manual_seed(0)
    normal, even = torch.randn(count, n, generator=generator), torch.rand(count, n, generator=generator)
    return {
        "normal": normal,
        "even": even,
        "sigmoid": normal.mul(3).sigmoid(),
        "skewed": normal.mul(2).exp(),
        "ties": even.mul(20).round() / 20,
        "two values": (even > 0.9).float(),
        "two heaps": torch.where(even < 0.3, normal * 0.01, normal * 0.01 + 5),
        "one far away": torch.cat([even[:, 1:] * 1e-6, torch.full((count, 1), 1e6)], dim=1),
        "far from zero": even + 1e4,
        "mirrored": torch.cat([normal[:, : n // 2], -normal[:, : n // 2]], dim=1),
        "constant": torch.full((count, n), 0.3),
        "tiny": even * 1e-40,
    }[kind]


KINDS = [
    "normal",
    "even",
    "sigmoid",
    "skewed",
    "ties",
    "two values",
    "two heaps",
    "one far away",
    "far from zero",
    "mirrored",
    "constant",
    "tiny",
]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_counting_finds_what_sorting_finds(kind, dtype, monkeypatch):
    monkeypatch.setattr(otsu, "MANY", 0)
    x = rows_of(kind).to(dtype)
    before = x.clone()
    counted = otsu_threshold(x)
    monkeypatch.setattr(otsu, "FEW", x.shape[1])
    assert counted.dtype == dtype and torch.equal(counted, otsu_threshold(x))
    assert torch.equal(x, before)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.floats(-1, 1, width=32), min_size=2, max_size=60), st.integers(2, 9))
def test_counting_is_exact_whatever_the_bins(values, bins):
    x = torch.tensor(values)[None]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(otsu, "FEW", 1)
        patch.setattr(otsu, "MANY", 1)
        patch.setattr(otsu, "BINS", bins)
        counted = otsu_threshold(x).item()
    wide = np.array(values)
    best = max(between(wide, wide > t) for t in wide)
    assert counted in values and between(wide, wide > counted) == pytest.approx(best, rel=1e-9, abs=1e-14)


def test_counting_is_batched_and_a_bad_row_spares_the_others(monkeypatch):
    monkeypatch.setattr(otsu, "MANY", 0)
    x = torch.stack([rows_of(kind, 1)[0] for kind in ("normal", "skewed", "even")])
    alone = [otsu_threshold(row) for row in x]
    bad = torch.cat([x, x[:1]])
    bad[3, 7] = torch.nan
    found = otsu_threshold(bad.reshape(2, 2, -1)).flatten()
    assert found[3].isnan() and torch.equal(found[:3], torch.stack(alone))
    assert torch.equal(otsu_threshold(x[:, torch.randperm(x.shape[1])]), torch.stack(alone))
    assert otsu_threshold(x[:0]).shape == (0,)


def test_an_optimum_is_no_worse_than_that_of_scikit_image_with_256_bins():
    for kind in ("sigmoid", "two heaps", "ties"):
        for row in rows_of(kind, 2).double().numpy():
            assert between(row, row > otsu_threshold(torch.tensor(row)).item()) >= between(
                row, row > threshold_otsu(row)
            ) * (1 - 1e-12)
