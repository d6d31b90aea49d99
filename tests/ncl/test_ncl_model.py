"""The NCL network: parts counted, shapes for every stem and stride, the encoder against torchvision's."""

import urllib.error

import pytest
import torch
import torchvision

from imdlib.ncl.backbone import FEATURES, KINDS, Encoder
from imdlib.ncl.losses import total_loss
from imdlib.ncl.model import RESIDUAL_GAIN, NCLNet, residual, tampered_probability

TINY = dict(backbone="resnet18", width=0.125, head_width=16, rates=(1, 2, 3))


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


@pytest.mark.parametrize("backbone, width, blocks", [("resnet18", 1, None), ("resnet50", 0.5, (1, 2, 1, 1))])
def test_encoder_of_stride_32_is_torchvisions_resnet(backbone, width, blocks):
    ours = Encoder(backbone, output_stride=32, width=width, blocks=blocks, multi_grid=(1,)).eval()
    theirs = torchvision.models.get_model(backbone)
    if width == 1:
        ours.load_state_dict({k: v for k, v in theirs.state_dict().items() if not k.startswith("fc.")})
        x = torch.randn(2, 3, 70, 65)
        theirs.fc = torch.nn.Identity()
        torch.testing.assert_close(ours(x)["layer4"].mean((2, 3)), theirs.eval()(x), rtol=1e-4, atol=1e-4)
    else:
        known = theirs.state_dict()
        assert all(name in known and value.ndim == known[name].ndim for name, value in ours.state_dict().items())


def dilations(layer):
    """Dilation of the 3x3 convolution of each block (of the first, for basic blocks)."""
    convs = [[m for m in block.modules() if getattr(m, "kernel_size", 0) == (3, 3)] for block in layer]
    assert all(m.dilation == m.padding for block in convs for m in block)
    return [block[0].dilation[0] for block in convs]


@pytest.mark.parametrize(
    "output_stride, expected", [(8, ([1] * 4, [2] * 23, [4, 8, 16])), (16, ([1] * 4, [1] * 23, [2, 4, 8]))]
)
def test_dilations_are_deeplabs(output_stride, expected):
    with torch.device("meta"):
        net = Encoder("resnet101", output_stride=output_stride)
    assert tuple(dilations(getattr(net, name)) for name in FEATURES[2:]) == expected


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
    assert outputs["feat"].shape == (1, 8, 64 // stem_stride, 96 // stem_stride)
    assert features["layer4"].shape == (1, 64, 64 // stride, 96 // stride)
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


def test_loaded_weights_give_the_same_answer():
    x, first, second = torch.rand(1, 3, 40, 40), NCLNet(**TINY).eval(), NCLNet(**TINY).eval()
    second.load_state_dict(first.state_dict())
    assert torch.equal(first(x)["logits"], second(x)["logits"])


def test_residual_is_the_image_minus_its_local_mean():
    image = torch.rand(1, 3, 40, 50)
    padded = torch.nn.functional.pad(image, (1, 1, 1, 1), mode="replicate")
    mean = sum(padded[:, :, i : i + 40, j : j + 50] for i in range(3) for j in range(3)) / 9
    torch.testing.assert_close(residual(image), image - mean)
    flat = torch.full((1, 3, 40, 40), 0.3)
    torch.testing.assert_close(residual(flat), torch.zeros_like(flat))


def test_the_network_normalises_its_input_itself():
    net, seen, image = NCLNet(**TINY, inputs="rgb+residual").eval(), [], torch.rand(1, 3, 40, 40)
    net.encoder.register_forward_pre_hook(lambda module, args: seen.append(args[0]))
    net(image)
    rgb = torchvision.transforms.functional.normalize(image, [0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
    torch.testing.assert_close(seen[0], torch.cat([rgb, RESIDUAL_GAIN * residual(image)], 1))


def test_residual_has_about_unit_variance_on_real_images(real_data):
    files = sorted((real_data / "CASIA1").rglob("*.jpg"))[::40]
    spread = [
        RESIDUAL_GAIN * residual(torchvision.io.decode_image(str(f), "RGB")[None].float() / 255).std() for f in files
    ]
    assert 0.7 < torch.stack(spread).median() < 1.4


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


@pytest.mark.parametrize("inputs", ["rgb", "rgb+residual"])
def test_pretrained_reads_torchvisions_file(tmp_path, monkeypatch, inputs):
    weights = torchvision.models.ResNet18_Weights.IMAGENET1K_V1
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    (tmp_path / "checkpoints").mkdir()
    source = torchvision.models.resnet18().state_dict()
    torch.save(source, tmp_path / "checkpoints" / weights.url.rsplit("/", 1)[-1])
    net = NCLNet(backbone="resnet18", head_width=16, inputs=inputs, pretrained=True)
    assert torch.equal(net.encoder.conv1.weight[:, :3], source["conv1.weight"])
    assert not net.encoder.conv1.weight[:, 3:].any()
    assert torch.equal(net.encoder.layer4[1].conv2.weight, source["layer4.1.conv2.weight"])


def test_pretrained_without_a_connection_says_what_to_do(tmp_path, monkeypatch):
    def unreachable(*args, **options):
        raise urllib.error.URLError("no route to host")

    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    monkeypatch.setattr(torch.hub, "download_url_to_file", unreachable)
    with pytest.raises(OSError, match="no route to host.*Download https://.*resnet18.*checkpoints.*pretrained=False"):
        NCLNet(backbone="resnet18", head_width=16, pretrained=True)
