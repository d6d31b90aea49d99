"""The NCL network: parts counted, shapes for every stem and stride."""

import pytest
import torch

from imdlib.ncl.losses import total_loss
from imdlib.ncl.model import NCLNet, tampered_probability
from imdlib.networks.pixels import Pixels
from imdlib.networks.resnet import FEATURES, KINDS

TINY = dict(backbone="resnet18", width=0.25, head_width=16, rates=(1, 2, 3))


def parameters(*modules):
    return sum(p.numel() for module in modules for p in module.parameters())


def test_parameters_of_the_papers_network():
    with torch.device("meta"):
        net = NCLNet(pivot=False, aux=False)
        full = NCLNet()
    assert parameters(net.encoder) == 42_500_160
    assert parameters(net.aspp) == 15_535_104
    assert parameters(net.decoder, net.classifier) == 1_304_162
    assert parameters(net) == 59_339_426
    assert parameters(full) == 59_339_426 + 132_096 + 514  # two pivot branches of 256 -> 256, one 1x1 classifier


@pytest.mark.parametrize("stem_stride", [1, 2, 4])
@pytest.mark.parametrize("factor", [1, 2, 4, 8])
@pytest.mark.parametrize("inputs", ["rgb", "rgb+residual"])
def test_shapes_for_every_stem_and_output_stride(stem_stride, factor, inputs):
    stride = stem_stride * factor
    strides = dict(stem_stride=stem_stride, output_stride=stride)
    net = NCLNet(**TINY, **strides, inputs=inputs, pivot=False).eval()
    x = torch.rand(1, 3, 64, 96)
    with torch.no_grad():
        outputs, features = net(x), net.encoder(torch.randn(1, net.encoder.conv1.in_channels, 64, 96))
    assert outputs["logits"].shape == (1, 2, 64, 96)
    assert outputs["aux"].shape == (1, 2, 64 // stem_stride, 96 // stem_stride)
    assert outputs["feat"].shape == (1, 16, 64 // stem_stride, 96 // stem_stride)
    assert features["layer4"].shape == (1, 128, 64 // stride, 96 // stride)
    assert {name: 96 // x.shape[-1] for name, x in features.items()} == net.encoder.strides
    assert {name: x.shape[1] for name, x in features.items()} == net.encoder.channels


@pytest.mark.parametrize("backbone", KINDS)
@pytest.mark.parametrize("hook", FEATURES)
def test_every_backbone_and_hook_learns_from_the_contrast(backbone, hook):
    net = NCLNet(**TINY | {"backbone": backbone}, hook=hook, blocks=(1, 1, 1, 1))
    mask = torch.zeros(2, 1, 64, 64)
    mask[:, :, 10:45, 15:50] = 1
    outputs = net(torch.rand(2, 3, 64, 64))
    assert outputs["feat"].shape[1] == net.encoder.channels[hook] == net.pivot.positive.project.in_features
    total_loss(outputs, mask, pivot=net.pivot)["ncl"].backward()
    assert net.encoder.conv1.weight.grad.abs().sum() > 0
    assert net.pivot.positive.project.weight.grad.abs().sum() > 0
    assert net.classifier.weight.grad is None


def test_all_parameters_get_a_gradient_from_the_full_loss():
    net = NCLNet(**TINY, stem_stride=2)
    mask = torch.zeros(2, 1, 64, 64)
    for tampered in (slice(0, 0), slice(9, 50)):  # an authentic batch too: distributed training needs every gradient
        net.zero_grad()
        mask[:, :, tampered, 20:41] = 1
        total_loss(net(torch.rand(2, 3, 64, 64)), mask, pivot=net.pivot)["loss"].backward()
        assert [name for name, p in net.named_parameters() if p.grad is None] == []


@pytest.mark.parametrize("size", [(32, 32), (33, 47), (61, 100)])
def test_any_size_in_evaluation_and_the_same_answer_twice(size):
    net = NCLNet(**TINY).eval()
    x = torch.rand(2, 3, *size)
    with torch.no_grad():
        first, second = net(x), net(x)
        alone = net(x[1:])
    assert first["logits"].shape == (2, 2, *size)
    assert torch.equal(first["logits"], second["logits"])
    torch.testing.assert_close(alone["logits"], first["logits"][1:], rtol=1e-4, atol=1e-5)


def test_optional_parts_are_absent():
    net = NCLNet(**TINY, pivot=False, aux=False)
    assert net.pivot is None and set(net.eval()(torch.rand(1, 3, 32, 32))) == {"logits", "feat"}


def test_a_second_auxiliary_head_reads_aspp_and_leaves_the_map_as_it_is():
    net = NCLNet(**TINY, aux_aspp=True).eval()
    found = net(torch.rand(1, 3, 64, 64))
    assert found["aux"].shape[-2:] == (16, 16) and found["aux_aspp"].shape == (1, 2, 8, 8)
    assert NCLNet(**TINY, aux=False, aux_aspp=True).aux_aspp is None


def test_loaded_weights_give_the_same_answer():
    x, first, second = torch.rand(1, 3, 40, 40), NCLNet(**TINY).eval(), NCLNet(**TINY).eval()
    second.load_state_dict(first.state_dict())
    assert torch.equal(first(x)["logits"], second(x)["logits"])


def test_the_network_normalises_its_input_itself():
    net, seen, image = NCLNet(**TINY, inputs="rgb+residual").eval(), [], torch.rand(1, 3, 40, 40)
    net.encoder.register_forward_pre_hook(lambda module, args: seen.append(args[0]))
    net(image)
    assert torch.equal(seen[0], Pixels("rgb+residual")(image))


def test_probability_is_softmax_of_the_second_channel():
    logits = torch.randn(2, 2, 4, 5)
    torch.testing.assert_close(tampered_probability(logits)[:, 0], (logits[:, 1] - logits[:, 0]).sigmoid())


@pytest.mark.parametrize("channels_last", [False, True])
def test_bfloat16_autocast_trains(channels_last):
    net, mask = NCLNet(**TINY, stem_stride=2), torch.zeros(2, 1, 64, 64)
    mask[:, :, 10:30, 15:50] = 1
    x = torch.rand(2, 3, 64, 64)
    if channels_last:
        net, x = net.to(memory_format=torch.channels_last), x.to(memory_format=torch.channels_last)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        outputs = net(x)
        parts = total_loss(outputs, mask, pivot=net.pivot)
    parts["loss"].backward()
    assert outputs["feat"].dtype == torch.bfloat16 and outputs["logits"].dtype == torch.float32
    assert parts["loss"].dtype == torch.float32 and torch.isfinite(net.encoder.conv1.weight.grad).all()


@pytest.mark.parametrize(
    "options, message",
    [
        (dict(backbone="resnet7"), "backbone='resnet7'"),
        (dict(stem_stride=3), "stem_stride=3"),
        (dict(stem_stride=4, output_stride=2), r"output_stride=2: with stem_stride=4 expected one of \[4, 8, 16, 32\]"),
        (dict(stem_stride=1, output_stride=16), "output_stride=16"),
        (dict(inputs="noise"), "inputs='noise'"),
        (dict(hook="layer5"), "hook='layer5'"),
        (dict(blocks=(1, 1, 1)), "blocks="),
        (dict(stem_stride=1, output_stride=8), r"expected one of \['layer2', 'layer3', 'layer4'\]"),
        (dict(pretrained=True), "pretrained=True needs width=1"),
        (dict(pivot_mode="max"), "pivot mode='max'"),
    ],
)
def test_wrong_options_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        NCLNet(**TINY | options)


@pytest.mark.parametrize(
    "image, message",
    [
        (torch.zeros(2, 3, 40, 40, dtype=torch.uint8), "uint8"),
        (torch.zeros(2, 1, 40, 40), r"\(2, 1, 40, 40\)"),
        (torch.zeros(2, 3, 20, 40), "at least 32"),
        (torch.zeros(1, 3, 40, 40), "batch of one"),
    ],
)
def test_wrong_images_are_refused(image, message):
    with pytest.raises(ValueError, match=message):
        NCLNet(**TINY)(image)
