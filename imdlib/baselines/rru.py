"""RRU-Net: a U-Net whose blocks add their input back and then weigh it by what they found.

Bi, Wei, Xiao and Li, "RRU-Net: The Ringed Residual U-Net for Image Splicing Forgery Detection" (CVPR Workshops 2019), section 3: two
dilated convolutions a block; residual propagation y = F(x) + W x; residual feedback x' = (1 + sigmoid(G(y))) * x, after which
the block runs once more. A row of INR's Table 3 and of its Figure 1.

Differs from the paper: batch norm in place of group norm of 32 (the channels here are fewer), bilinear upsampling, and `width`, 1 for
32 channels in the first block, and `inputs` are free.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from imdlib.baselines.generated import check_image
from imdlib.baselines.pixel_loss import cross_entropy
from imdlib.networks.pixels import Pixels

CHANNELS = (32, 64, 128, 256)  # of the blocks going down, at width 1


class Ring(nn.Module):
    """One block: propagation, feedback, and propagation of what was fed back. (B,inplanes,h,w) -> (B,planes,h,w)."""

    def __init__(self, inplanes: int, planes: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(inplanes, planes, 3, padding=2, dilation=2, bias=False),
            nn.BatchNorm2d(planes),
            nn.ReLU(inplace=True),
            nn.Conv2d(planes, planes, 3, padding=2, dilation=2, bias=False),
            nn.BatchNorm2d(planes),
        )
        self.same = nn.Conv2d(inplanes, planes, 1, bias=False)
        self.back = nn.Conv2d(planes, inplanes, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.body(x) + self.same(x))
        x = x * (1 + self.back(y).sigmoid())
        return F.relu(self.body(x) + self.same(x))


class RRU(nn.Module):
    """Takes images in [0,1] and normalises them itself. inputs: see `pixels.Pixels`; width: factor on all channels."""

    def __init__(self, *, inputs: str = "rgb", width: float = 1.0) -> None:
        super().__init__()
        self.pixels = Pixels(inputs)
        planes = [max(16, round(width * one)) for one in CHANNELS]  # narrower, see `resnet.Encoder`
        self.down = nn.ModuleList([Ring(*ends) for ends in zip([self.pixels.channels, *planes], planes)])
        self.up = nn.ModuleList([Ring(deep + flat, flat) for deep, flat in zip(planes[:0:-1], planes[-2::-1])])
        self.score = nn.Conv2d(planes[0], 1, 1)

    def forward(self, image: Tensor) -> dict[str, Tensor]:
        """image (B,3,H,W) float in [0,1], sides of at least 32 -> dict of logits (B,1,H,W)."""
        check_image(image)
        x, kept = self.pixels(image), []
        for number, ring in enumerate(self.down):
            x = ring(F.max_pool2d(x, 2) if number else x)
            kept.append(x)
        for ring, flat in zip(self.up, kept[-2::-1]):
            x = F.interpolate(x, flat.shape[-2:], mode="bilinear", align_corners=False)
            x = ring(torch.cat([x, flat], dim=1))
        return {"logits": self.score(x)}

    @staticmethod
    def loss(outputs: dict[str, Tensor], mask: Tensor) -> dict[str, Tensor]:
        """Binary cross-entropy of pixels, in the form of `imdlib.train.fit`; mask (B,1,H,W) in {0, 1, 255 = ignore}."""
        return {"loss": cross_entropy(outputs["logits"], mask)}
