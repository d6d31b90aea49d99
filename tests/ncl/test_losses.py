"""NCL's contrast (Eq. 7) against a loop written from the equation, closed forms and torch, empty cases first."""

import math

import pytest
import torch
from torch.nn import functional as F

from imdlib.ncl.losses import non_exclusive_contrast
from imdlib.ncl.pivot import PivotNet


def example(batch=2, channels=5, size=6, seed=0, dtype=torch.float64):
    """Features (B,D,h,w), patches with all four labels, and pivots that are valid everywhere."""
    g = torch.Generator().manual_seed(seed)
    feat = torch.randn(batch, channels, size, size, generator=g, dtype=dtype)
    patches = torch.randint(-1, 3, (batch, size, size), generator=g).to(torch.int8)
    pivots = [torch.randn(batch, channels, generator=g, dtype=dtype) for _ in range(2)]
    return feat, patches, (*pivots, torch.ones(batch, dtype=torch.bool))


def cells(feat, patches, label):
    """Feature vectors of one image with one label, as a list."""
    return list(feat.permute(1, 2, 0)[patches == label])


def naive_image(feat, patches, positive=None, negative=None, tau=0.1, sign=-1.0):
    """Eq. 7 of one image (D,h,w), term by term; sign -1 corrected, +1 as printed. Returns (l1, l2, l3)."""

    def e(x, y):
        return torch.exp(F.cosine_similarity(x, y, dim=0) / tau)

    P, N = cells(feat, patches, 1), cells(feat, patches, 0)
    l1 = l2 = l3 = torch.zeros((), dtype=feat.dtype)
    for m in range(len(P)):
        for j in range(len(P)):
            if j != m:
                against = sum(e(P[m], n) for n in N)
                l1 = l1 + sign * torch.log(e(P[m], P[j]) / (e(P[m], P[j]) + against)) / (len(P) * (len(P) - 1))
    if positive is not None:
        for p in P:
            l2 = l2 + sign * torch.log(e(positive, p) / (e(positive, p) + sum(e(positive, n) for n in N))) / len(P)
        for n in N:
            l3 = l3 + sign * torch.log(e(negative, n) / (e(negative, n) + sum(e(negative, p) for p in P))) / len(N)
    return l1, l2, l3


def test_authentic_batch_gives_zero_with_a_graph():
    feat = torch.randn(2, 4, 8, 8, requires_grad=True)
    patches, pivot = torch.zeros(2, 8, 8, dtype=torch.int8), PivotNet(4)
    for label in (0, 1, 2, -1):  # all authentic, all tampered, all contour, all padding: never both P and N
        loss = non_exclusive_contrast(feat, patches.fill_(label), *pivot(feat, patches)).total
        loss.backward()
        assert loss == 0 and torch.equal(feat.grad, torch.zeros_like(feat))
        assert all(p.grad is not None and not p.grad.any() for p in pivot.parameters())


@pytest.mark.parametrize("tau", [0.07, 0.5])
def test_contrast_equals_the_formula(tau):
    feat, patches, pivots = example()
    result = non_exclusive_contrast(feat, patches, *pivots, tau=tau)
    expected = [naive_image(feat[b], patches[b], pivots[0][b], pivots[1][b], tau) for b in range(2)]
    for part, terms in zip((result.l1, result.l2, result.l3), zip(*expected)):
        torch.testing.assert_close(part, sum(terms) / 2)
    torch.testing.assert_close(result.total, sum(sum(terms) for terms in expected) / 2)


def test_contrast_without_pivot_is_the_first_term():
    feat, patches, pivots = example(seed=1)
    plain, full = non_exclusive_contrast(feat, patches), non_exclusive_contrast(feat, patches, *pivots)
    torch.testing.assert_close(plain.total, full.l1)
    assert plain.l2 == plain.l3 == 0


def test_contrast_equals_cross_entropy_on_explicit_logits():
    feat, patches, pivots = example(batch=1, seed=2)
    unit = F.normalize(feat[0].permute(1, 2, 0), dim=-1)
    pos, neg = unit[patches[0] == 1], unit[patches[0] == 0]
    first = [torch.cat([(p @ q)[None], neg @ p]) for i, p in enumerate(pos) for j, q in enumerate(pos) if i != j]
    plus, minus = (F.normalize(vector[0], dim=0) for vector in pivots[:2])
    second = [torch.cat([(plus @ p)[None], neg @ plus]) for p in pos]
    third = [torch.cat([(minus @ n)[None], pos @ minus]) for n in neg]
    result = non_exclusive_contrast(feat, patches, *pivots, tau=0.2)
    for part, rows in zip(result[1:], (first, second, third)):
        target = torch.zeros(len(rows), dtype=torch.long)
        torch.testing.assert_close(part, F.cross_entropy(torch.stack(rows) / 0.2, target))


def test_batch_is_the_mean_over_qualifying_images():
    feat, patches, pivots = example(batch=5, seed=4)
    patches[1] = 0  # authentic
    patches[2].clamp_(max=1)  # no contour: the first term only
    patches[3][patches[3] == 1] = 2
    patches[3, 0, 0] = 1  # one tampered patch: no pair, the other two terms stay
    pivots = (*pivots[:2], (patches == 2).flatten(1).any(1))
    result = non_exclusive_contrast(feat, patches, *pivots)
    rows = [naive_image(feat[b], patches[b], pivots[0][b], pivots[1][b]) for b in (0, 3, 4)]
    rows.insert(1, naive_image(feat[2], patches[2]))
    for part, terms in zip(result[1:], zip(*rows)):
        torch.testing.assert_close(part, sum(terms) / 4)
    alone = non_exclusive_contrast(feat[3:4], patches[3:4], *(pivot[3:4] for pivot in pivots))
    assert alone.l1 == 0 and alone.l2 > 0 and alone.l3 > 0


def test_closed_forms():
    patches = torch.tensor([[[1, 1, 1], [0, 0, 0], [2, -1, 0]]], dtype=torch.int8)  # |P| = 3, |N| = 4
    same = torch.ones(1, 2, 3, 3, dtype=torch.float64)
    one, valid = torch.ones(1, 2, dtype=torch.float64), torch.tensor([True])
    result = non_exclusive_contrast(same, patches, one, one, valid)
    assert [part.item() for part in result[1:]] == pytest.approx([math.log(5), math.log(5), math.log(4)])
    apart = torch.zeros_like(same)
    apart[:, 0][patches == 1], apart[:, 0][patches == 0] = 1, -1  # cosines 1 within and -1 across
    axis = torch.tensor([[1.0, 0.0]], dtype=torch.float64)
    result = non_exclusive_contrast(apart, patches, axis, -axis, valid, tau=0.5)
    expected = [math.log1p(4 * math.exp(-4)), math.log1p(4 * math.exp(-4)), math.log1p(3 * math.exp(-4))]
    assert [part.item() for part in result[1:]] == pytest.approx(expected)
    assert non_exclusive_contrast(apart, patches, axis, -axis, valid, tau=0.02).total < 1e-40


def test_tau_changes_the_value():
    feat, patches, pivots = example()
    values = [non_exclusive_contrast(feat, patches, *pivots, tau=tau).total.item() for tau in (0.07, 0.1, 0.5)]
    assert len({round(value, 3) for value in values}) == 3


def within(feat, patches):
    """Mean cosine among tampered patches minus the mean cosine between tampered and authentic ones, of one image."""
    unit = F.normalize(feat[0].permute(1, 2, 0), dim=-1)
    pos, neg = unit[patches[0] == 1], unit[patches[0] == 0]
    return ((pos @ pos.T).mean() - (pos @ neg.T).mean()).item()


def descend(loss, feat):
    feat = feat.clone().requires_grad_()
    for _ in range(10):
        (grad,) = torch.autograd.grad(loss(feat), feat)
        feat = (feat - 0.3 * grad / grad.norm()).detach().requires_grad_()
    return feat.detach()


def test_descending_pulls_tampered_patches_together_and_the_printed_sign_does_the_opposite():
    feat, patches, _ = example(batch=1, size=4, seed=5)
    ours = descend(lambda x: non_exclusive_contrast(x, patches).total, feat)
    printed = descend(lambda x: naive_image(x[0], patches[0], sign=1.0)[0], feat)
    assert within(ours, patches) > within(feat, patches) + 0.2
    assert within(printed, patches) < within(feat, patches) - 0.2


def test_gradient():
    feat, patches, pivots = example(channels=3, size=4, seed=6)
    inputs = [x.requires_grad_() for x in (feat, *pivots[:2])]
    torch.autograd.gradcheck(lambda f, a, b: non_exclusive_contrast(f, patches, a, b, pivots[2], tau=0.3).total, inputs)


def test_sampling_is_seeded_bounded_and_close_to_all():
    feat, patches, pivots = example(batch=2, channels=8, size=40, dtype=torch.float32)
    whole = non_exclusive_contrast(feat, patches, *pivots, tau=0.5).l1

    def drawn(seed):
        g = torch.Generator().manual_seed(seed)
        return non_exclusive_contrast(feat, patches, *pivots, tau=0.5, max_pos=64, generator=g).l1

    assert drawn(1) == drawn(1) != drawn(2)
    torch.testing.assert_close(torch.stack([drawn(i) for i in range(10)]).mean(), whole, rtol=0.02, atol=0)


def test_zero_features_give_finite_gradients():
    feat, patches, pivots = example(dtype=torch.float32)
    feat = feat.zero_().requires_grad_()
    loss = non_exclusive_contrast(feat, patches, *(torch.zeros_like(p) for p in pivots[:2]), pivots[2]).total
    loss.backward()
    assert torch.isfinite(loss) and torch.isfinite(feat.grad).all()
