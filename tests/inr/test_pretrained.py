"""EfficientNet-lite0 in the place of the ResNet: strides, ImageNet's normalisation, input channels that start at zero."""

import pytest
import torch

from imdlib.inr.detector import INRNet
from imdlib.inr.pretrained import STAGES, Lite0Encoder
from imdlib.inr.priors import Smooth
from imdlib.networks.lite0 import Lite0
from imdlib.networks.pixels import Pixels


def test_it_begins_as_the_network_of_rgb_alone():
    torch.manual_seed(0)
    image, more = torch.rand(2, 3, 64, 64), torch.rand(2, 4, 64, 64)
    found = Lite0Encoder(in_channels=7).eval()
    stages = found(torch.cat([Pixels("rgb")(image), more], dim=1))
    plain = Lite0(out=(0, 1, 2, 3)).eval()(image)
    for name, expected in zip(STAGES, plain):
        torch.testing.assert_close(stages[name], expected, rtol=1e-3, atol=1e-3)
        assert stages[name].shape[1:] == (found.channels[name], 64 // found.strides[name], 64 // found.strides[name])
    assert found.strides == dict(zip(STAGES, (2, 4, 8, 16)))


@pytest.mark.parametrize("shallow", [None, "norm"])
def test_the_detector_learns_on_it_and_from_the_error_map(shallow):
    torch.manual_seed(0)
    model = INRNet(
        prior=Smooth(scale=0.01), backbone="efficientnet_lite0", pretrained=True, proj=(16, 8), shallow=shallow
    )
    out = model(torch.rand(2, 3, 64, 64))
    assert out["logits"].shape == (2, 1, 8, 8) and out["matching"].shape == (2, 8, 8)
    out["logits"].mean().backward()
    assert model.encoder.network.conv_stem.weight.grad[:, 3].any()
