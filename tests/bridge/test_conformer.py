"""Conformer: its reference size, shapes on any image, what each fusion changes, and attention against torch."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from imdlib.bridge.blocks import Bottleneck, MapToTokens, TokensToMap, attention_map
from imdlib.bridge.conformer import Conformer
from imdlib.bridge.fusion import DiscClassifier, DiscEmbedding

TINY = dict(width=4, dim=16, depth=3, heads=2)


def count(module):
    return sum(p.numel() for p in module.parameters())


def test_reference_configuration_has_the_published_size():
    with torch.device("meta"):
        reference, late = Conformer(fusion="none"), Conformer(disc_width=6)
    assert count(reference) == 36_292_230
    # TransCAM's 21 classes; the original's two linear heads with 1000 classes: 37.7 M as published
    per_class = 1024 * 9 + 1 + 384 + 1
    assert count(reference) + 18 * per_class == 36_465_066
    original = count(reference) - 3 * per_class + 1000 * (1024 + 1) + 1000 * (384 + 1)
    assert round(original / 1e6, 1) == 37.7
    assert len(reference.stages) == 11 and reference.cell == 16
    assert not any("pos" in name for name, _ in reference.named_parameters())
    assert count(late) - count(reference) == 6 * 384 + 384 + 384 * 3 + 3


def test_stages_halve_the_map_after_each_third():
    with torch.device("meta"):
        model = Conformer(fusion="none")
    shapes = [(s.local.spatial.stride[0], s.to_map.stride, s.local.up[0].out_channels) for s in model.stages]
    assert shapes == [(1, 4, 256)] * 3 + [(2, 2, 512)] + [(1, 2, 512)] * 3 + [(2, 1, 1024)] + [(1, 1, 1024)] * 3
    projected = [not isinstance(stage.fuse.link, nn.Identity) for stage in model.stages]
    assert projected == [False] * 10 + [True]


@pytest.mark.parametrize(
    "stem_stride, size, grid", [(4, (64, 96), (4, 6)), (2, (40, 33), (5, 5)), (1, (32, 36), (8, 9))]
)
@pytest.mark.parametrize("fusion", ["late", "token", "none"])
def test_shapes_for_sides_that_are_not_square_and_do_not_divide(stem_stride, size, grid, fusion):
    model = Conformer(**TINY, stem_stride=stem_stride, fusion=fusion).eval()
    outputs = model(torch.rand(2, 3, *size), torch.rand(2, 6))
    cells = grid[0] * grid[1]
    assert outputs["cam"].shape == (2, 3, *grid)
    assert outputs["attention"].shape == (3, 2, cells, cells)
    assert outputs["logits"].shape == (2, 3)
    assert outputs["features"].shape == (2, 16 if fusion == "none" else 32)
    parts = [outputs[name] for name in ("conv_logits", "trans_logits", "disc_logits") if name in outputs]
    assert len(parts) == (3 if fusion == "late" else 2)
    torch.testing.assert_close(outputs["logits"], sum(parts))
    torch.testing.assert_close(outputs["conv_logits"], outputs["cam"].mean((2, 3)))


def test_attention_is_kept_only_when_asked_for_or_outside_training():
    model, image, disc = Conformer(**TINY), torch.rand(2, 3, 32, 32), torch.rand(2, 6)
    assert "attention" not in model.train()(image, disc)
    assert "attention" in model(image, disc, attention=True)
    assert "attention" in model.eval()(image, disc)
    without = model(image, disc, attention=False)
    assert "attention" not in without
    torch.testing.assert_close(without["logits"], model(image, disc)["logits"])


@pytest.mark.parametrize("leading", [1, 2])
def test_attention_equals_torchs(leading):
    block = Conformer(**TINY).block.eval()
    tokens = torch.randn(2, leading + 5, 16)
    oracle = nn.MultiheadAttention(16, 2, batch_first=True)
    with torch.no_grad():
        oracle.in_proj_weight.copy_(block.attn.qkv.weight), oracle.in_proj_bias.copy_(block.attn.qkv.bias)
    x = block.norm1(tokens)
    expected = oracle(x, x, x, average_attn_weights=True)[1]
    found = attention_map(block, tokens, leading)
    torch.testing.assert_close(found, expected[:, leading:, leading:])
    torch.testing.assert_close(found.sum(2), 1 - expected[:, leading:, :leading].sum(2))


def test_attention_is_float32_inside_autocast():
    model, image, disc = Conformer(**TINY).eval(), torch.rand(2, 3, 32, 32), torch.rand(2, 6)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        outputs = model(image, disc)
    assert outputs["attention"].dtype == outputs["logits"].dtype == outputs["features"].dtype == torch.float32
    plain = model(image, disc)
    torch.testing.assert_close(outputs["attention"], plain["attention"], atol=0.02, rtol=0)
    torch.testing.assert_close(outputs["logits"], plain["logits"], atol=0.1, rtol=0.1)


@pytest.mark.parametrize("fusion", ["late", "token"])
def test_discrepancies_change_the_logits_and_late_fusion_leaves_the_map_alone(fusion):
    model, image = Conformer(**TINY, fusion=fusion).eval(), torch.rand(2, 3, 32, 32)
    one, other = model(image, torch.zeros(2, 6)), model(image, torch.full((2, 6), 9.0))
    assert not torch.allclose(one["logits"], other["logits"])
    assert torch.equal(one["cam"], other["cam"]) == (fusion == "late")
    assert torch.equal(one["features"][:, :16], other["features"][:, :16]) == (fusion == "late")


@pytest.mark.parametrize("fusion", ["late", "token", "none"])
def test_every_parameter_gets_a_gradient(fusion):
    model = Conformer(**TINY, fusion=fusion, drop_path=0.0).train()
    logits = model(torch.rand(3, 3, 64, 64), torch.rand(3, 6))["logits"]
    F.cross_entropy(logits, torch.tensor([0, 1, 2])).backward()
    silent = [name for name, p in model.named_parameters() if p.grad is None or not p.grad.any()]
    assert silent == []


def test_logits_start_small():
    torch.manual_seed(0)
    model = Conformer(fusion="none", depth=3).train()
    assert model(torch.rand(4, 3, 64, 64))["logits"].abs().max() < 5


def test_a_constant_image_stays_constant_where_it_is_padded():
    model = Conformer(**TINY, inputs="rgb+residual")
    x = model.pixels(model.padded(torch.full((1, 3, 35, 40), 0.3)))
    assert x.shape == (1, 6, 48, 48) and x[:, 3:].abs().max() < 1e-5
    assert model.stem[0].in_channels == 6


def test_bottleneck_injection_and_bridges():
    block = Bottleneck(16, 16).eval()
    x = torch.randn(2, 16, 5, 6)
    plain, inner = block(x)
    assert plain.shape == x.shape and inner.shape == (2, 4, 5, 6)
    torch.testing.assert_close(block(x, torch.zeros(2, 4, 5, 6))[0], plain)
    assert not torch.allclose(block(x, torch.ones(2, 4, 5, 6))[0], plain)
    tokens = MapToTokens(4, 8, 2)(torch.randn(2, 4, 6, 10))
    assert tokens.shape == (2, 15, 8)
    back = TokensToMap(8, 4, 2).eval()
    ramp = torch.zeros(1, 15, 8)
    ramp[0, 7] = 5  # row 1, column 2 of a 3 x 5 grid
    lit = (back(ramp, (3, 5)) - back(torch.zeros_like(ramp), (3, 5))).abs().sum(1)[0]
    assert lit.shape == (6, 10) and lit[2:4, 4:6].min() > 0 and lit.sum() == lit[2:4, 4:6].sum()


def test_layer_norm_would_lose_the_size_of_the_discrepancies():
    small = torch.tensor([[0.1, 0.2, 0.1, 0.3, 0.1, 0.2]])
    literal, ours = DiscEmbedding(6, 8, scale="layernorm"), DiscEmbedding(6, 8)
    torch.testing.assert_close(literal(10 * small), literal(100 * small), rtol=1e-3, atol=1e-4)
    assert (ours(10 * small) - ours(100 * small)).abs().max() > 0.1


@pytest.mark.parametrize("scale", ["log", "layernorm", "none"])
def test_classifier_of_equation_8_alone_learns_the_signature(scale):
    torch.manual_seed(0)
    label = torch.arange(300) % 3
    means = torch.tensor([[0.1, 0.1], [0.1, 2.0], [2.0, 0.1]])[label]  # (N,2) of d1, d2
    disc = (means.repeat_interleave(3, dim=1) * torch.rand(300, 6)).square()
    model = DiscClassifier(6, dim=32, scale=scale)
    optim = torch.optim.Adam(model.parameters(), 0.02)
    for _ in range(150):
        loss = F.cross_entropy(model(None, disc)["logits"], label)
        optim.zero_grad()
        loss.backward()
        optim.step()
    accuracy = (model(None, disc)["logits"].argmax(1) == label).float().mean()
    assert accuracy > (0.95 if scale != "layernorm" else 0.6)
    assert model(None, disc)["features"].shape == (300, 32)


@pytest.mark.parametrize(
    "options, message",
    [
        ({"depth": 4}, "depth=4: expected a multiple of 3"),
        ({"dim": 10, "heads": 4}, "multiple of heads"),
        ({"fusion": "early"}, "fusion='early'"),
        ({"inputs": "grey"}, "inputs='grey'"),
        ({"stem_stride": 3}, "stem_stride=3"),
    ],
)
def test_refuses_networks_that_do_not_exist(options, message):
    with pytest.raises(ValueError, match=message):
        Conformer(**(TINY | options))


def test_refuses_bad_inputs():
    model = Conformer(**TINY)
    with pytest.raises(ValueError, match="image: expected float"):
        model((255 * torch.rand(2, 3, 32, 32)).to(torch.uint8), torch.rand(2, 6))
    with pytest.raises(ValueError, match=r"disc: expected \(2,6\), the vector of Discrepancy, found None"):
        model(torch.rand(2, 3, 32, 32))
    with pytest.raises(ValueError, match="scale='x'"):
        DiscEmbedding(6, scale="x")
