"""Matching, selection and INR's contrast (Eq. 4, 5) against loops, closed forms, torch and scikit-learn."""

import math

import numpy as np
import pytest
import torch
from sklearn.cluster import KMeans
from torch.nn import functional as F

from imdlib.inr.contrast import matching_scores, select, selective_contrast


def example(batch=3, channels=4, size=5, seed=0, dtype=torch.float64):
    """Features (B,D,h,w) and two disjoint selections with cells left over."""
    g = torch.Generator().manual_seed(seed)
    feat = torch.randn(batch, channels, size, size, generator=g, dtype=dtype)
    kind = torch.randint(0, 3, (batch, size, size), generator=g)
    return feat, kind == 1, kind == 0


def naive_image(feat, tampered, authentic, keys=None, tau=0.1, form="literal"):
    """Eq. 5 of one image, query by query; with keys of their own a query's cell is a positive like any other."""
    A = list(feat.permute(1, 2, 0)[authentic])
    P, T = (list((feat if keys is None else keys).permute(1, 2, 0)[cells]) for cells in (authentic, tampered))

    def similarity(x, y):
        return F.cosine_similarity(x, y, dim=0) / tau

    terms = []
    for m, q in enumerate(A):
        same = torch.stack([similarity(q, k) for j, k in enumerate(P) if keys is not None or j != m])
        against = torch.stack([similarity(q, k) for k in T])
        if form == "literal":
            terms.append(-torch.log(same.exp().mean() / against.exp().sum()))
        else:
            logits = torch.cat([same.mean()[None], against])
            terms.append(F.cross_entropy(logits[None], torch.tensor([0])))
    return torch.stack(terms).mean()


# ---- contrast


@pytest.mark.parametrize("form", ["literal", "standard"])
def test_nothing_to_contrast_is_zero_with_a_graph(form):
    feat, tampered, authentic = example(dtype=torch.float32)
    feat.requires_grad_()
    none = torch.zeros_like(tampered)
    one = none.clone()
    one[:, 0, 0] = True  # a single authentic cell has no positive
    for t, a, which in [
        (none, none, None),
        (tampered, none, None),
        (none, authentic, None),
        (tampered & ~one, one, None),
        (tampered, authentic, torch.zeros(3, dtype=torch.bool)),
    ]:
        feat.grad = None
        loss = selective_contrast(feat, t, a, which=which, form=form)
        loss.backward()
        assert loss == 0 and torch.equal(feat.grad, torch.zeros_like(feat))


@pytest.mark.parametrize("form", ["literal", "standard"])
@pytest.mark.parametrize("tau", [0.1, 0.7])
def test_contrast_equals_the_formula(form, tau):
    feat, tampered, authentic = example()
    found = selective_contrast(feat, tampered, authentic, tau=tau, form=form)
    rows = [naive_image(*one, tau=tau, form=form) for one in zip(feat, tampered, authentic)]
    torch.testing.assert_close(found, torch.stack(rows).mean())


@pytest.mark.parametrize("form", ["literal", "standard"])
def test_keys_may_come_from_the_reconstruction(form):
    feat, tampered, authentic = example()
    keys = example(seed=7)[0]
    feat, keys = feat.requires_grad_(), keys.requires_grad_()
    found = selective_contrast(feat, tampered, authentic, keys=keys, form=form)
    expected = torch.stack([naive_image(*one, form=form) for one in zip(feat, tampered, authentic, keys)]).mean()
    torch.testing.assert_close(found, expected)
    for one, same in zip(torch.autograd.grad(found, [feat, keys]), torch.autograd.grad(expected, [feat, keys])):
        assert one.any()  # both branches learn
        torch.testing.assert_close(one, same)


@pytest.mark.parametrize("form", ["literal", "standard"])
def test_only_images_that_qualify_count(form):
    feat, tampered, authentic = example(batch=4, seed=1)
    tampered[0] = False
    tampered[1].fill_(False)[2, 2] = True
    authentic[1].fill_(False)[0, :2] = True  # two authentic cells, one tampered: the smallest that counts
    which = torch.tensor([True, True, True, False])
    found = selective_contrast(feat, tampered, authentic, which=which, form=form)
    rows = [naive_image(feat[b], tampered[b], authentic[b], form=form) for b in (1, 2)]
    torch.testing.assert_close(found, torch.stack(rows).mean())


def test_closed_forms():
    """Authentic cells alike, tampered ones opposite: the least value of Eq. 5, -2/tau + log K; K identical: log K."""
    tampered = torch.zeros(1, 3, 3, dtype=torch.bool)
    tampered[:, 0] = True  # K = 3
    apart = torch.ones(1, 2, 3, 3, dtype=torch.float64)
    apart[:, :, 0] = -2
    for tau in (0.1, 0.5):
        assert selective_contrast(apart, tampered, ~tampered, tau=tau).item() == pytest.approx(-2 / tau + math.log(3))
        standard = selective_contrast(apart, tampered, ~tampered, tau=tau, form="standard").item()
        assert standard == pytest.approx(math.log1p(3 * math.exp(-2 / tau)))
    same = torch.ones_like(apart)
    assert selective_contrast(same, tampered, ~tampered).item() == pytest.approx(math.log(3))
    assert selective_contrast(same, tampered, ~tampered, form="standard").item() == pytest.approx(math.log(4))


def test_falls_as_the_clusters_part():
    feat, tampered, authentic = example(seed=2)
    tampered = tampered & ~authentic
    values = []
    for distance in (0.0, 1.0, 3.0):
        moved = feat.clone()
        moved[:, 0] += distance * (tampered.double() - authentic.double())
        values.append(selective_contrast(moved, tampered, authentic).item())
    assert values[0] > values[1] > values[2]


def test_scale_of_the_features_does_not_matter():
    feat, tampered, authentic = example()
    torch.testing.assert_close(
        selective_contrast(feat, tampered, authentic), selective_contrast(7 * feat, tampered, authentic)
    )


@pytest.mark.parametrize("form", ["literal", "standard"])
def test_gradient(form):
    feat, tampered, authentic = example(size=3)
    feat.requires_grad_()
    assert torch.autograd.gradcheck(lambda x: selective_contrast(x, tampered, authentic, tau=0.5, form=form), (feat,))
    selective_contrast(feat, tampered, authentic, form=form).backward()
    asked = (tampered | authentic)[:, None].expand_as(feat)
    assert not feat.grad[~asked].any() and feat.grad[asked].any()


def test_gradient_is_finite_where_images_differ_in_size():
    feat, tampered, authentic = example(batch=2, size=8, dtype=torch.float32)
    authentic[0].fill_(False)[0, :2] = True  # most query places of image 0 are unused
    tampered[0].fill_(False)[5, 5] = True
    feat[:, :, 1] = 0  # zero vectors
    feat.requires_grad_()
    for form in ("literal", "standard"):
        feat.grad = None
        selective_contrast(feat, tampered, authentic, form=form).backward()
        assert torch.isfinite(feat.grad).all() and feat.grad.any()


def test_drawn_cells_estimate_the_whole():
    feat, tampered, authentic = example(batch=1, size=40, seed=3)
    whole = selective_contrast(feat, tampered, authentic, tau=0.5)
    g = torch.Generator().manual_seed(0)
    caps = dict(max_authentic=60, max_tampered=int(tampered.sum()), generator=g)
    drawn = [selective_contrast(feat, tampered, authentic, tau=0.5, **caps) for _ in range(20)]
    assert np.std(drawn) > 0 and np.mean(drawn) == pytest.approx(whole.item(), abs=0.05)
    again = selective_contrast(feat, tampered, authentic, max_authentic=9, generator=torch.Generator().manual_seed(5))
    assert again == selective_contrast(feat, tampered, authentic, max_authentic=9, generator=g.manual_seed(5))


def test_float32_inside_autocast():
    feat, tampered, authentic = example(dtype=torch.float32)
    plain = selective_contrast(feat, tampered, authentic)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        inside = selective_contrast(feat, tampered, authentic)
        half = selective_contrast(feat.bfloat16(), tampered, authentic)
    assert inside.dtype == half.dtype == torch.float32
    torch.testing.assert_close(inside, plain)  # up to the order in which cells are drawn
    torch.testing.assert_close(half, plain, rtol=0.02, atol=0.02)


def test_unknown_names_are_refused():
    feat, tampered, authentic = example()
    with pytest.raises(ValueError, match="'literal' or 'standard'"):
        selective_contrast(feat, tampered, authentic, form="infonce")
    with pytest.raises(ValueError, match="'minority' or 'low'"):
        select(feat, feat[:, 0], m_rule="high")


# ---- matching


def test_matching_is_equation_four():
    a, b = torch.randn(2, 9, 3, 4), torch.randn(2, 9, 3, 4)
    found = matching_scores(a, b)
    expected = 1 / (1 + math.exp(-(a[1, :, 2, 3] @ b[1, :, 2, 3]).item() / 3))
    assert found.shape == (2, 3, 4) and found[1, 2, 3].item() == pytest.approx(expected, rel=1e-5)
    assert (matching_scores(torch.zeros_like(a), b) == 0.5).all()
    assert matching_scores(a.bfloat16(), b.bfloat16()).dtype == torch.float32


# ---- selection


def two_kinds(batch=2, size=8):
    """Features and scores in which the first two rows of cells stand apart, low in M."""
    feat = torch.randn(batch, 6, size, size)
    feat[:, 0] += 8
    feat[:, :, :2] *= -1
    matching = 0.8 + 0.01 * torch.randn(batch, size, size)
    matching[:, :2] -= 0.3
    apart = torch.zeros(batch, size, size, dtype=torch.bool)
    apart[:, :2] = True
    return feat, matching, apart


def test_degenerate_images_select_nothing_and_spare_the_others():
    feat, matching, apart = two_kinds(batch=5)
    feat[0], matching[1], feat[2, 0, 0, 0], matching[3, 0, 0] = 1.0, 0.5, torch.nan, torch.nan
    for rule in ("minority", "low"):
        tampered, authentic, low = select(feat, matching, m_rule=rule)
        assert not tampered[:4].any() and not authentic[:4].any() and not low[:4].any()
        assert torch.equal(tampered[4], apart[4]) and torch.equal(authentic[4], ~apart[4]) and low[4]


def test_selection_is_the_intersection():
    feat, matching, apart = two_kinds()
    matching[:, 1] = 0.8  # M sees the first row alone
    tampered, authentic, low = select(feat, matching)
    assert tampered[:, 0].all() and not tampered[:, 1:].any()
    assert authentic[:, 2:].all() and not authentic[:, :2].any() and low.all()


def test_rules_for_the_scores_differ_where_the_low_cluster_is_the_larger():
    feat, matching, apart = two_kinds()
    matching = 1 - matching  # now the small cluster scores high
    tampered, authentic, low = select(feat, matching)
    assert torch.equal(tampered, apart) and torch.equal(authentic, ~apart) and not low.any()
    tampered, authentic, _ = select(feat, matching, m_rule="low")
    assert not tampered.any() and not authentic.any()  # F and M contradict each other


def test_selection_against_scikit_learn():
    g = torch.Generator().manual_seed(4)
    feat, matching = torch.rand(3, 7, 6, 6, generator=g), torch.rand(3, 6, 6, generator=g)
    feat[:, :3] += 2
    feat[:, 3:, 1:3, :4] += 4
    feat[:, :3, 1:3, :4] -= 3
    matching[matching < 0.3] -= 0.6
    tampered, authentic, _ = select(feat, matching)
    for b in range(3):
        unit = F.normalize(feat[b].flatten(1).T, dim=1).numpy()
        pair = []
        for points in (unit, matching[b].reshape(-1, 1).numpy()):
            labels = KMeans(2, n_init=20, random_state=0).fit(points).labels_ == 1
            pair.append(labels if labels.sum() < len(labels) / 2 else ~labels)
        assert torch.equal(tampered[b].flatten(), torch.from_numpy(pair[0] & pair[1]))
        assert torch.equal(authentic[b].flatten(), torch.from_numpy(~pair[0] & ~pair[1]))


def test_selection_has_no_gradient_and_ignores_autocast():
    feat, matching, apart = two_kinds()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        tampered, authentic, _ = select(feat.requires_grad_(), matching.requires_grad_())
    assert torch.equal(tampered, apart) and not tampered.requires_grad
