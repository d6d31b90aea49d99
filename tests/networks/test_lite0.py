"""EfficientNet-lite0: it knows a cat and a cup, its pyramid is the whole network's, and shapes are as said."""

import pytest
import skimage
import timm
import torch
from torch import nn
from torch.nn import functional as F

from imdlib.networks import lite0, named
from imdlib.networks.lite0 import CHANNELS, MEAN, STD, STRIDES, Lite0, load_imagenet


@pytest.fixture(scope="module")
def whole():
    """The network with its classifier, from the same weights."""
    network = timm.create_model("tf_efficientnet_lite0").eval()
    load_imagenet(network)
    return network


def photograph(picture) -> torch.Tensor:
    """(1,3,224,224) float in [0,1]: the middle square of a photograph."""
    image = torch.from_numpy(picture).permute(2, 0, 1)[None].float() / 255
    side = min(image.shape[-2:])
    top, left = ((size - side) // 2 for size in image.shape[-2:])
    return F.interpolate(image[..., top : top + side, left : left + side], (224, 224), mode="area")


@pytest.mark.parametrize(
    "picture, classes", [(skimage.data.chelsea, range(281, 286)), (skimage.data.coffee, (504, 967, 968))]
)  # ImageNet's cats; mug, espresso and cup
@torch.inference_mode()
def test_the_weights_know_a_photograph(picture, classes, whole):
    assert whole((photograph(picture()) - MEAN) / STD).argmax().item() in classes


@torch.inference_mode()
def test_features_are_those_of_the_whole_network(whole):
    image = photograph(skimage.data.chelsea())
    expected = whole.forward_intermediates((image - MEAN) / STD, intermediates_only=True)
    for ours, theirs in zip(Lite0().eval()(image), expected, strict=True):
        torch.testing.assert_close(ours, theirs)


@pytest.mark.parametrize("out", [(0, 1, 2, 3, 4), (1, 3)])
def test_shapes_of_the_pyramid(out):
    network = Lite0(pretrained=False, out=out)
    found = network(torch.rand(2, 3, 70, 96))
    assert [tuple(x.shape) for x in found] == [(2, CHANNELS[k], -(-70 // STRIDES[k]), 96 // STRIDES[k]) for k in out]
    assert network.channels == [x.shape[1] for x in found] and network.strides == [STRIDES[k] for k in out]


def test_stages_behind_the_last_are_not_built():
    count = lambda network: sum(weight.numel() for weight in network.parameters())  # noqa: E731
    assert count(Lite0(pretrained=False, out=(1,))) < count(Lite0(pretrained=False)) / 50


@pytest.mark.parametrize("out", [(), (3, 1), (5,), (1, 1)])
def test_other_stages_are_refused(out):
    with pytest.raises(ValueError, match="expected stages from 0 to 4, rising"):
        Lite0(pretrained=False, out=out)


def test_from_scratch_no_weight_is_imagenets():
    ours, theirs = (Lite0(pretrained=start, out=(0,)).network.conv_stem.weight for start in (False, True))
    assert not torch.isclose(ours, theirs).any()


def test_weights_of_another_shape_are_refused():
    with pytest.raises(RuntimeError, match="size mismatch"):
        load_imagenet(nn.Sequential(nn.Conv2d(3, 8, 3, bias=False)))


def test_who_plans_knows_its_name_without_loading_it():
    assert named.LITE0 == lite0.NAME
