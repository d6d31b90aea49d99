"""A backbone that has seen photographs: EfficientNet-lite0 in the place of the ResNet.

INR section 4 trains from random weights; WSCL (Zhai et al. 2023), which its Table 2 compares with, starts from ImageNet's. Here
so that real images can be learned from in minutes, and pre-training be told apart from the method.
"""

import torch
from torch import Tensor, nn

from imdlib.networks.lite0 import MEAN, STD, Lite0
from imdlib.networks.pixels import IMAGENET_MEAN, IMAGENET_STD

STAGES = ("layer1", "layer2", "layer3", "layer4")  # strides 2, 4, 8 and 16, those of a ResNet with stem_stride=2


class Lite0Encoder(nn.Module):
    """Four stages of EfficientNet-lite0 under the names of a ResNet's; `channels` and `strides` are keyed by STAGES.

    in_channels: of the input, RGB first; the stem's weights for all others start at zero, so that training begins with the
    network of RGB alone. pretrained: of `lite0.Lite0`.
    """

    def __init__(self, *, in_channels: int = 3, pretrained: bool = True) -> None:
        super().__init__()
        lite0 = Lite0(pretrained=pretrained, out=(0, 1, 2, 3))
        self.channels, self.strides = dict(zip(STAGES, lite0.channels)), dict(zip(STAGES, lite0.strides))
        self.network = lite0.network
        stem = self.network.conv_stem
        more = torch.zeros(stem.out_channels, in_channels - 3, *stem.kernel_size)
        stem.weight, stem.in_channels = nn.Parameter(torch.cat([stem.weight.detach(), more], dim=1)), in_channels
        mean, deviation = torch.tensor(IMAGENET_MEAN).view(3, 1, 1), torch.tensor(IMAGENET_STD).view(3, 1, 1)
        self.register_buffer("scale", deviation / STD, persistent=False)
        self.register_buffer("shift", (mean - MEAN) / STD, persistent=False)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        """x (B,in_channels,H,W), RGB as `pixels.Pixels` normalises it -> {stage: (B,channels,h,w)}."""
        rgb = x[:, :3] * self.scale + self.shift
        return dict(zip(STAGES, self.network(torch.cat([rgb, x[:, 3:]], dim=1))))
