"""Unsupervised mode: which images are chosen, the two defects of the literal form, and collapse."""

import math
from functools import partial

import pandas as pd
import pytest
import torch

from imdlib.inr import distill
from imdlib.inr.contrast import select, selective_contrast
from imdlib.inr.detector import ChannelMean, INRNet
from imdlib.inr.distill import chosen_bce, collapsed, pseudo_labels, self_distillation, shallow_scores
from imdlib.inr.pooling import otsu_mean, selected_mean
from imdlib.inr.priors import Smooth
from imdlib.inr.weak import bce

SMALL = dict(backbone="resnet18", width=0.25, blocks=(1, 1, 1, 1), stem_stride=2, proj=(16, 8))


def outputs(logit=2.0, batch=3, seed=0):
    """Outputs with a region apart in the first rows, whose logit in image i is logit * (1, -1, 1, ...)."""
    g = torch.Generator().manual_seed(seed)
    feat = torch.randn(batch, 5, 6, 6, generator=g)
    feat[:, 0] += 6
    feat[:, :, :2] *= -1
    matching = 0.7 + 0.01 * torch.randn(batch, 6, 6, generator=g)
    matching[:, :2] -= 0.2
    logits = torch.full((batch, 1, 6, 6), -3.0) + 0.1 * torch.randn(batch, 1, 6, 6, generator=g)
    logits[:, :, :2] = logit * torch.tensor([1.0, -1.0, 1.0])[:batch, None, None, None]
    shallow = [torch.randn(batch, 1, n, n, generator=g).requires_grad_() for n in (12, 6, 3)]
    proj = torch.randn(batch, 3, 6, 6, generator=g).requires_grad_()
    out = {"logits": logits.requires_grad_(), "feat": feat, "matching": matching, "proj": proj, "shallow": shallow}
    return out


# ---- choice


def test_pseudo_labels_need_two_sources_that_agree():
    p_otsu = torch.tensor([0.9, 0.9, 0.2, 0.2, 0.9, 0.5])
    p_clu = torch.tensor([0.8, 0.4, 0.1, 0.6, torch.nan, 0.5])
    label, chosen = pseudo_labels(p_otsu, p_clu)
    assert chosen.tolist() == [True, False, True, False, False, True]
    assert label[chosen].tolist() == [1, 0, 0]  # exactly 0.5 does not exceed it
    label, chosen = pseudo_labels(p_otsu, p_clu, "all")
    assert chosen.all() and label.tolist() == [1, 1, 0, 0, 1, 0]
    with pytest.raises(ValueError, match="'agreement', 'all'|agreement, all"):
        pseudo_labels(p_otsu, p_clu, "none")


def test_nothing_chosen_is_zero_with_a_graph():
    score = torch.tensor([0.3, 0.8], requires_grad=True)
    loss = chosen_bce(torch.tensor([1.0, 0.0]), score, torch.tensor([False, False]))
    loss.backward()
    assert loss == 0 and torch.equal(score.grad, torch.zeros(2))
    out = outputs()
    out["matching"] = torch.full_like(out["matching"], 0.5)  # no clustering, so no second source
    parts = self_distillation(out)
    parts["loss"].backward()
    assert parts["loss"] == 0 and parts["chosen"] == 0 and parts["positive"] == 0
    assert all(not x.grad.any() for x in (*out["shallow"], out["proj"], out["logits"]))


# ---- loss


@pytest.mark.parametrize("deep", [True, False])
def test_loss_is_the_sum_of_its_parts(deep):
    out = outputs()
    parts = self_distillation(out, alpha=2.0, beta=0.5, deep=deep, tau=0.2)
    tampered, authentic, _ = select(out["feat"], out["matching"])
    prob = out["logits"].sigmoid().flatten(1)
    pools = otsu_mean(prob), selected_mean(prob, tampered.flatten(1))
    label = torch.tensor([1.0, 0, 1])  # both pools lie on the first rows: all agree
    students = sum(bce(label, score).mean() for score in shallow_scores(out["shallow"]))
    teachers = sum(bce(label, score).mean() for score in pools)
    rows = [
        selective_contrast(out["proj"][b : b + 1], tampered[b : b + 1], authentic[b : b + 1], tau=0.2) for b in (0, 2)
    ]
    total = 2 * (students + (teachers if deep else 0)) + 0.5 * sum(rows) / 2
    torch.testing.assert_close(parts["loss"], total)
    torch.testing.assert_close(parts["shallow"], students)
    torch.testing.assert_close(parts["deep"], teachers)
    assert parts["chosen"] == 1 and parts["positive"].item() == pytest.approx(2 / 3)
    assert all(value.ndim == 0 for value in parts.values())


def test_teachers_are_constants_for_the_students():
    out = outputs()
    self_distillation(out)["shallow"].backward()
    assert out["logits"].grad is None and all(x.grad.any() for x in out["shallow"])


def test_shallow_score_is_the_maximum():
    (score,) = shallow_scores([torch.tensor([[[[0.0, 1.0]]], [[[-3.0, -2.0]]]])])
    assert score.tolist() == pytest.approx([1 / (1 + math.exp(-1)), 1 / (1 + math.exp(2))])


def test_float32_in_autocast():
    out = outputs()
    plain = self_distillation(out)
    half = {k: v.bfloat16() if k in ("proj", "logits") else v for k, v in out.items()}
    with torch.autocast("cpu", dtype=torch.bfloat16):
        inside = self_distillation(half | {"shallow": [x.bfloat16() for x in out["shallow"]]})
    assert all(v.dtype == torch.float32 for v in inside.values())
    torch.testing.assert_close(inside["loss"], plain["loss"], rtol=0.02, atol=0.02)


@pytest.mark.parametrize("after, share", [(0, 1.0), (1, 0.0)])
def test_the_contrast_counts_once_its_steps_are_over(monkeypatch, after, share):
    monkeypatch.setattr(distill, "selective_contrast", lambda *_, **__: torch.tensor(1.0))
    out = INRNet(prior=Smooth(scale=0.01), shallow="norm", **SMALL).train()(torch.rand(2, 3, 48, 48))
    parts = self_distillation(out, selection="all", beta=0.3, contrast_after=after)
    assert (parts["loss"] - parts["shallow"] - parts["deep"]).item() == pytest.approx(0.3 * share, abs=1e-6)


def test_models_without_heads_are_refused():
    with pytest.raises(ValueError, match="shallow='norm'"):
        self_distillation({k: v for k, v in outputs().items() if k != "shallow"})


# ---- the defects of the literal form


def test_literal_shallow_heads_cannot_say_authentic():
    """After ReLU the channel mean is >= 0: no image ever scores below 0.5, however the weights are trained."""
    image = torch.rand(4, 3, 32, 32)

    def train(shallow):
        torch.manual_seed(0)
        model = INRNet(prior=Smooth(scale=0.01), shallow=shallow, **SMALL).train()
        optimizer = torch.optim.AdamW(model.parameters(), 0.1)
        for _ in range(40):
            optimizer.zero_grad()
            scores = shallow_scores(model(image)["shallow"])
            sum(bce(torch.zeros(4), score).mean() for score in scores).backward()
            optimizer.step()
        return torch.stack(shallow_scores(model(image)["shallow"]))

    literal, repaired = train("literal"), train("norm")
    assert literal.min() >= 0.5
    assert repaired.max() < 0.5
    floor = bce(torch.zeros(1), torch.tensor([0.5])).item()  # the least loss on an authentic pseudo-label
    assert bce(torch.zeros(12), literal.flatten()).min() >= floor - 1e-6 and floor == pytest.approx(math.log(2))
    assert ChannelMean(literal=True)(torch.zeros(1, 3, 2, 2)).sigmoid().min() == 0.5


@pytest.mark.parametrize("deep", [True, False])
def test_literal_form_never_trains_the_mask(deep):
    model = INRNet(prior=Smooth(scale=0.01), shallow="norm", **SMALL).train()
    image = torch.rand(6, 3, 48, 48)
    image[:, :, 8:20, 8:20] = 0.9
    loss = partial(self_distillation, deep=deep, selection="all")
    loss(model(image))["loss"].backward()
    assert all(p.grad is not None for p in model.encoder.parameters()) or not deep
    if deep:
        assert model.head.weight.grad.any()
    else:
        assert model.head.weight.grad is None and model.encoder.layer3[0].conv1.weight.grad.any()


# ---- collapse


def test_collapse():
    history = pd.DataFrame({"chosen": [0.5, 0.5, 0.5, 1.0, 0.0], "positive": [0.25, 0.495, 0.005, 1.0, 0.0]})
    assert collapsed(history).tolist() == [False, True, True, True, True]
    assert collapsed(history, low=0.0, high=1.0).tolist() == [False, False, False, False, True]
