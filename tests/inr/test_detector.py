"""The two branches: parts, shapes, what is frozen, what gets a gradient."""

import pytest
import torch
from torch.nn import functional as F

from imdlib.inr.contrast import matching_scores
from imdlib.inr.detector import ChannelMean, INRNet, tampered_probability
from imdlib.inr.priors import SRM, FrozenNRR, Smooth
from imdlib.inr.reconstruction import NRR
from imdlib.networks.pixels import Pixels

SMALL = dict(backbone="resnet18", width=0.25, blocks=(1, 1, 1, 1), stem_stride=2, proj=(16, 8))


def nrr():
    return NRR(width=4, stride=2, blocks=1, channels=6, hidden=(8, 8, 8))


def net(**options):
    return INRNet(**SMALL | {"prior": FrozenNRR(nrr(), scale=0.05), **options})


# ---- forms


def test_the_papers_network():
    with torch.device("meta"):
        full = INRNet(prior=FrozenNRR(NRR()), shallow="norm")
    assert full.encoder.conv1.weight.shape == (64, 4, 7, 7)
    assert full.head.in_channels == 3072 and full.encoder.strides["layer3"] == 16
    assert [m.out_channels for m in full.project if hasattr(m, "out_channels")] == [512, 256]
    encoder = sum(p.numel() for p in full.encoder.parameters())
    assert encoder == 23_508_032 + 64 * 49  # ResNet-50 without its classifier, and the error's input channel


@pytest.mark.parametrize("size", [(32, 32), (45, 61)])
@pytest.mark.parametrize("feat, stride", [("fused", 8), ("stage4", 16)])
def test_shapes(feat, stride, size):
    model = net(feat=feat, shallow="norm")
    image = torch.rand(2, 3, *size)
    out = model(image)
    cells = tuple(-(-n // stride) for n in size)
    depth = 128 if feat == "stage4" else 192
    assert out["logits"].shape == (2, 1, *cells) and out["feat"].shape == (2, depth, *cells)
    assert out["proj"].shape == (2, 8, *cells) and out["matching"].shape == (2, *cells)
    assert out["error"].shape == (2, 1, *size) and out["reconstruction"].shape == image.shape
    assert [len(x) for x in out["shallow"]] == [2, 2, 2] and out["shallow"][0].shape[1:] == (
        1,
        *(-(-n // 2) for n in size),
    )
    prob = tampered_probability(out, size)
    assert prob.shape == (2, 1, *size) and prob.min() > 0 and prob.max() < 1
    assert torch.equal(tampered_probability(out), out["logits"].sigmoid())


@pytest.mark.parametrize(
    "options, channels, keys",
    [
        (dict(prior=None), 3, {"logits", "feat"}),
        (dict(prior=None, inputs="rgb+residual"), 6, {"logits", "feat"}),
        (dict(matching=False), 4, {"logits", "feat", "error", "reconstruction"}),
        (dict(prior=FrozenNRR(nrr(), channels="each"), inputs="rgb+residual"), 9, None),
        (dict(prior=Smooth(scale=0.01)), 4, None),
        (dict(prior=SRM(scale=0.01), stem_stride=1), 6, None),
        (dict(head="mean", stem_stride=4), 4, None),
    ],
)
def test_every_ablation_exists(options, channels, keys):
    model = net(**options)
    out = model(torch.rand(2, 3, 40, 40))
    assert model.encoder.conv1.in_channels == channels
    assert set(out) == {"seen"} | (keys or {"logits", "feat", "error", "reconstruction", "proj", "matching"})
    assert all(torch.isfinite(x).all() for x in out.values())


@pytest.mark.parametrize("wrong", [dict(inputs="hsv"), dict(feat="stage3"), dict(head="max"), dict(shallow="batch")])
def test_unknown_forms_are_refused(wrong):
    with pytest.raises(ValueError, match="expected one of"):
        net(**wrong)


@pytest.mark.parametrize(
    "image", [torch.rand(2, 3, 31, 40), torch.rand(3, 40, 40), torch.zeros(1, 3, 40, 40, dtype=torch.uint8)]
)
def test_other_images_are_refused(image):
    with pytest.raises(ValueError, match="image: expected"):
        net()(image)


# ---- what goes in


def test_input_of_the_main_branch():
    model = net(inputs="rgb+residual")
    image, error = torch.rand(1, 3, 32, 32), torch.rand(1, 1, 32, 32)
    x = model.stack(image, error)
    assert torch.equal(x, torch.cat([Pixels("rgb+residual")(image), error], dim=1))


def test_a_perfect_reconstruction_matches_itself():
    """Where I_R = I the error is zero, both branches see the same, and M is the sigmoid of |P(F)|^2 / sqrt(C)."""
    prior = Smooth()
    prior.forward = lambda image: (image, torch.zeros_like(image[:, :1]))
    model = net(prior=prior).eval()
    out = model(torch.rand(2, 3, 32, 32))
    torch.testing.assert_close(out["matching"], matching_scores(out["proj"], out["proj"]))
    assert out["matching"].min() > 0.5


def test_fused_feature():
    model = net().eval()
    stages = model.encoder(torch.randn(1, 4, 40, 40))
    feat = model.fuse(stages)
    torch.testing.assert_close(feat[:, :64], stages["layer3"])
    up = F.interpolate(stages["layer4"], stages["layer3"].shape[-2:], mode="bilinear", align_corners=False)
    torch.testing.assert_close(feat[:, 64:], up)


# ---- frozen, trained


def test_the_prior_is_frozen_and_stays_in_evaluation_mode():
    model = net().train()
    assert not model.prior.training and not model.prior.nrr.encoder.training and model.encoder.training
    before = {k: v.clone() for k, v in model.prior.state_dict().items()}
    out = model(torch.rand(2, 3, 32, 32))
    (out["logits"].sum() + out["proj"].sum() + out["error"].sum()).backward()
    optimizer = torch.optim.AdamW(model.parameters(), 0.1, weight_decay=0.5)
    optimizer.step()
    assert all(torch.equal(v, before[k]) for k, v in model.prior.state_dict().items())
    assert all(p.grad is None for p in model.prior.parameters())
    silent = [name for name, p in model.named_parameters() if p.grad is None and not name.startswith("prior.")]
    assert not silent


def test_the_second_branch_changes_neither_statistics_nor_gradients_of_the_first():
    two, one = net(), net()
    one.load_state_dict(two.state_dict())
    one.match = lambda *_: None
    image = torch.rand(2, 3, 32, 32)
    for model in (two.train(), one.train()):
        out = model(image)
        out["logits"].sum().backward()
    assert torch.equal(two.encoder.bn1.running_mean, one.encoder.bn1.running_mean)
    assert two.encoder.training and torch.equal(two.encoder.conv1.weight.grad, one.encoder.conv1.weight.grad)
    assert not two(image)["matching"].requires_grad


def test_channel_mean():
    x = torch.randn(4, 5, 6, 6).relu()
    assert torch.equal(ChannelMean(literal=True)(x), x.mean(1, keepdim=True))
    head = ChannelMean()
    with torch.no_grad():
        head.norm.weight.fill_(2), head.norm.bias.fill_(-1)
    mean = x.mean(1, keepdim=True)
    expected = 2 * (mean - mean.mean()) / (mean.var(correction=0) + 1e-5).sqrt() - 1
    torch.testing.assert_close(head(x), expected)


def test_bfloat16_autocast():
    model = net(shallow="norm").train()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        out = model(torch.rand(2, 3, 32, 32))
    for name in ("logits", "matching", "error", "reconstruction"):
        assert out[name].dtype == torch.float32 and torch.isfinite(out[name]).all()
    out["logits"].sum().backward()
    assert torch.isfinite(model.encoder.conv1.weight.grad).all()
