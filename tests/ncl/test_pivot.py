"""The pivot network against its formula, for any number of contour patches."""

import math

import pytest
import torch

from imdlib.ncl.pivot import PivotNet


def test_pivot_equals_the_formula_and_ignores_the_order_of_patches():
    feat, patches = torch.randn(3, 4, 6, 6), torch.randint(-1, 3, (3, 6, 6)).to(torch.int8)
    patches[1][patches[1] == 2] = 0
    pivot = PivotNet(4).train()
    positive, negative, valid = pivot(feat, patches)
    assert valid.tolist() == [True, False, True] and not positive[1].any() and not negative[1].any()
    contour = [feat[b].permute(1, 2, 0)[patches[b] == 2] for b in (0, 2)]
    for branch, result in ((pivot.positive, positive), (pivot.negative, negative)):
        projected = torch.cat(contour) @ branch.project.weight.T
        projected = (projected - projected.mean(0)) / (projected.var(0, unbiased=False) + branch.norm.eps).sqrt()
        parts = projected.relu().split([len(c) for c in contour])
        torch.testing.assert_close(result[[0, 2]], torch.stack([part.mean(0) for part in parts]), rtol=1e-4, atol=1e-5)
    order = torch.randperm(36)
    shuffled = pivot(feat.flatten(2)[:, :, order].view_as(feat), patches.flatten(1)[:, order].view_as(patches))
    torch.testing.assert_close(shuffled[0], positive, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("mode", ["mean", "fixed_k"])
@pytest.mark.parametrize("count", [0, 1, 2, 30])
def test_pivot_of_few_contour_cells_trains(mode, count):
    feat = torch.randn(2, 4, 6, 6, requires_grad=True)
    patches = torch.zeros(2, 36, dtype=torch.int8)
    patches[0, :count] = 2
    pivot = PivotNet(4, mode=mode, fixed_k=8).train()
    positive, negative, valid = pivot(feat, patches.view(2, 6, 6))
    assert positive.shape == negative.shape == (2, 4) and valid.tolist() == [count > 0, False]
    (positive.sum() + (negative**2).sum()).backward()
    assert torch.isfinite(positive).all() and torch.isfinite(feat.grad).all()
    assert all(torch.isfinite(p.grad).all() for p in pivot.parameters())
    assert bool(feat.grad.flatten(2)[0, :, :count].any()) == (count > 0) and not feat.grad.flatten(2)[:, :, 30:].any()


def test_fixed_pivot_uses_each_contour_cell_in_turn():
    feat = torch.randn(1, 4, 6, 6)
    patches = torch.zeros(1, 36, dtype=torch.int8)
    patches[0, [3, 20]] = 2
    pivot = PivotNet(4, mode="fixed_k", fixed_k=6).eval()
    with torch.no_grad():
        pivot.positive.project.weight.fill_(1.0)
        positive, _, _ = pivot(feat, patches.view(1, 6, 6))
    expected = 3 * (feat.flatten(2)[:, :, 3] + feat.flatten(2)[:, :, 20])
    torch.testing.assert_close(positive, (expected / math.sqrt(1 + pivot.positive.norm.eps)).relu())
