"""Drawing of cells, and that losses do not see how many places a draw has."""

from functools import partial

import pytest
import torch

from imdlib.inr import contrast
from imdlib.ncl import losses
from imdlib.networks.drawing import draw_cells


def test_draw_is_without_replacement_uniform_and_seeded():
    member = torch.rand(4, 50) > 0.4
    member[3] = False
    index, present = draw_cells(member, 12, torch.Generator().manual_seed(1))
    again, _ = draw_cells(member, 12, torch.Generator().manual_seed(1))
    other, _ = draw_cells(member, 12, torch.Generator().manual_seed(2))
    assert torch.equal(index, again) and not torch.equal(index, other)
    for row in range(4):
        chosen = index[row][present[row]].tolist()
        assert len(set(chosen)) == len(chosen) == min(12, int(member[row].sum())) and member[row][chosen].all()
    member = torch.arange(10).expand(20000, 10) < 5
    index, present = draw_cells(member, 2, torch.Generator().manual_seed(3))
    assert present.all() and index.max() == 4
    assert (torch.bincount(index.flatten(), minlength=5) / 8000 - 1).abs().max() < 0.05


def as_on_an_accelerator(member, limit, generator=None):
    """As many places as there could be, whatever is in them."""
    keys = torch.rand(member.shape, generator=generator).masked_fill(~member, -1)
    keys, index = keys.topk(min(limit, member.shape[1]), dim=1)
    return index, keys >= 0


def feature_map():
    """Features of six images, labels of their cells (two images all of one kind), two pivots of each, whether these count."""
    generator = torch.Generator().manual_seed(5)
    feat, pivots = torch.randn(6, 8, 5, 5, generator=generator), torch.randn(2, 6, 8, generator=generator)
    patches = (torch.rand(6, 5, 5, generator=generator) < 0.3).to(torch.int8)
    patches[1], patches[4] = 0, 1
    return feat.requires_grad_(), patches, *pivots, torch.arange(6) != 3


def ncl_loss(feat, patches, se_pos, se_neg, valid):
    seeded = torch.Generator().manual_seed(7)
    return losses.non_exclusive_contrast(feat, patches, se_pos, se_neg, valid, max_pos=4, generator=seeded).total


def inr_loss(feat, patches, *_, form):
    seeded = torch.Generator().manual_seed(7)
    return contrast.selective_contrast(feat, patches == 1, patches == 0, form=form, max_authentic=9, generator=seeded)


@pytest.mark.parametrize("loss", [ncl_loss, partial(inr_loss, form="literal"), partial(inr_loss, form="standard")])
def test_places_without_cells_change_neither_loss_nor_gradient(loss, monkeypatch):
    parts = feature_map()
    expected = torch.stack([loss(*parts), *torch.autograd.grad(loss(*parts), parts[0])[0].flatten()])
    for module in (losses, contrast):
        monkeypatch.setattr(module, "draw_cells", as_on_an_accelerator)
    found = torch.stack([loss(*parts), *torch.autograd.grad(loss(*parts), parts[0])[0].flatten()])
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-7)
    assert expected.isfinite().all() and expected[0] > 0
