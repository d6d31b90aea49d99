"""The network that may start from ImageNet weights: what NCL's losses need is there, and pre-training is what it says."""

import pytest
import torch

from imdlib import parameters
from imdlib.ncl import networks
from imdlib.ncl.losses import VARIANTS, total_loss
from imdlib.ncl.pyramid import NCLPyramid
from imdlib.networks.lite0 import CHANNELS, STRIDES, Lite0
from imdlib.networks.resnet import FEATURES

PARAMS = parameters.declared("ncl/run") | {"backbone": "efficientnet_lite0", "inputs": "rgb"}


@pytest.fixture(scope="module")
def mask():
    found = torch.zeros(2, 1, 64, 64, dtype=torch.uint8)
    found[:, :, 10:40, 20:50] = 1
    return found


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_variant_trains_all_that_it_has(variant, mask):
    net = networks.build(PARAMS | {"variant": variant})
    total_loss(net(torch.rand(2, 3, 64, 64)), mask, variant=variant, pivot=net.pivot)["loss"].backward()
    assert all(weight.grad is not None and weight.grad.isfinite().all() for weight in net.parameters())


@pytest.mark.parametrize("hook", FEATURES)
def test_feat_is_the_stage_of_the_hook_and_logits_have_the_image_s_size(hook):
    net, place = NCLPyramid(hook=hook, head_width=8).eval(), FEATURES.index(hook)
    found = net(torch.rand(1, 3, 70, 96))
    assert found["feat"].shape == (1, CHANNELS[place], -(-70 // STRIDES[place]), 96 // STRIDES[place])
    assert found["logits"].shape == (1, 2, 70, 96) and found["aux"].shape == (1, 2, 18, 24)


def test_pretrained_is_imagenet_s_encoder_and_scratch_is_not():
    image = torch.rand(1, 3, 64, 64)
    expected = Lite0(pretrained=True).eval()(image)[1]
    found = {start: NCLPyramid(pretrained=start, pivot=False).eval()(image)["feat"] for start in (True, False)}
    torch.testing.assert_close(found[True], expected)
    assert not torch.allclose(found[False], expected)


@pytest.mark.parametrize(
    "options, said", [({"hook": "layer5"}, "hook='layer5'"), ({"inputs": "rgb+residual"}, "'rgb' alone")]
)
def test_what_it_cannot_be_is_refused(options, said):
    with pytest.raises(ValueError, match=said):
        NCLPyramid(**options)
