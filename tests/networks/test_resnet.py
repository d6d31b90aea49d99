"""The encoder of all studies: torchvision's ResNet where nothing is turned, shapes and dilations where something is."""

import urllib.error

import pytest
import torch
import torchvision

from imdlib.networks.resnet import FEATURES, Encoder


@pytest.mark.parametrize("backbone", ["resnet18", "resnet50"])
def test_encoder_is_torchvisions(backbone):
    ours, theirs = Encoder(backbone).eval(), torchvision.models.get_model(backbone).eval()
    ours.load_state_dict({k: v for k, v in theirs.state_dict().items() if not k.startswith("fc.")})
    x = torch.randn(2, 3, 70, 65)
    theirs.fc = torch.nn.Identity()
    torch.testing.assert_close(ours(x)["layer4"].mean((2, 3)), theirs(x), rtol=1e-4, atol=1e-4)


def test_a_narrow_encoder_has_torchvisions_names():
    known = torchvision.models.get_model("resnet50").state_dict()
    ours = Encoder("resnet50", width=0.5, blocks=(1, 2, 1, 1)).state_dict()
    assert all(name in known and value.ndim == known[name].ndim for name, value in ours.items())


@pytest.mark.parametrize("stem_stride", [1, 2, 4])
def test_strides_and_channels(stem_stride):
    encoder = Encoder("resnet50", in_channels=5, stem_stride=stem_stride, width=0.25, blocks=(1, 2, 1, 1))
    found = encoder(torch.randn(1, 5, 64, 96))
    assert tuple(found) == FEATURES == tuple(encoder.strides)
    for name, x in found.items():
        stride = encoder.strides[name]
        assert x.shape == (1, encoder.channels[name], 64 // stride, 96 // stride)
    assert [encoder.strides[name] for name in FEATURES[1:]] == [stem_stride * k for k in (1, 2, 4, 8)]
    assert encoder.channels["layer4"] == 512 and len(encoder.layer2) == 2


def test_no_stage_is_narrower_than_16_channels():
    """With 8, the backward pass of 1x1 convolutions of stride 2 wrote where it should not, in float32 on a processor."""
    assert min(Encoder("resnet18", width=0.05).channels.values()) == 16


def dilations(layer):
    """Dilation of the 3x3 convolution of each block (of the first, for basic blocks)."""
    convs = [[m for m in block.modules() if getattr(m, "kernel_size", 0) == (3, 3)] for block in layer]
    assert all(m.dilation == m.padding for block in convs for m in block)
    return [block[0].dilation[0] for block in convs]


@pytest.mark.parametrize(
    "output_stride, expected",
    [
        (8, ([1] * 4, [2] * 23, [4, 8, 16])),
        (16, ([1] * 4, [1] * 23, [2, 4, 8])),
        (None, ([1] * 4, [1] * 23, [1, 2, 4])),
    ],
)
def test_dilations_are_deeplabs(output_stride, expected):
    with torch.device("meta"):
        net = Encoder("resnet101", output_stride=output_stride, multi_grid=(1, 2, 4))
    assert tuple(dilations(getattr(net, name)) for name in FEATURES[2:]) == expected


@pytest.mark.parametrize(
    "wrong",
    [
        dict(backbone="vgg"), dict(stem_stride=3), dict(output_stride=5), dict(width=0), dict(blocks=(1, 1, 1)),
        dict(blocks=(0, 1, 1, 1)),
    ],
)  # fmt: skip
def test_impossible_encoders_are_refused(wrong):
    with pytest.raises(ValueError, match=f"{next(iter(wrong))}=.*expected"):
        Encoder(**{"backbone": "resnet18"} | wrong)


@pytest.mark.parametrize("wrong", [dict(width=0.5), dict(stem_stride=2), dict(blocks=(1, 1, 1, 1))])
def test_no_weights_exist_for_other_shapes(wrong):
    with pytest.raises(ValueError, match="pretrained=True needs width=1"):
        Encoder("resnet18", pretrained=True, **wrong)


@pytest.mark.parametrize("in_channels", [3, 6])
def test_pretrained_reads_torchvisions_file(tmp_path, monkeypatch, in_channels):
    weights = torchvision.models.ResNet18_Weights.IMAGENET1K_V1
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    (tmp_path / "checkpoints").mkdir()
    source = torchvision.models.resnet18().state_dict()
    torch.save(source, tmp_path / "checkpoints" / weights.url.rsplit("/", 1)[-1])
    net = Encoder("resnet18", in_channels=in_channels, pretrained=True)
    assert torch.equal(net.conv1.weight[:, :3], source["conv1.weight"])
    assert not net.conv1.weight[:, 3:].any()
    assert torch.equal(net.layer4[1].conv2.weight, source["layer4.1.conv2.weight"])


def test_pretrained_without_a_connection_says_what_to_do(tmp_path, monkeypatch):
    def unreachable(*args, **options):
        raise urllib.error.URLError("no route to host")

    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    monkeypatch.setattr(torch.hub, "download_url_to_file", unreachable)
    with pytest.raises(OSError, match="no route to host.*Download https://.*resnet18.*checkpoints.*pretrained=False"):
        Encoder("resnet18", pretrained=True)
