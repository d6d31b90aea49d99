"""MVSS-Net: a branch that is told where edges of the tampered region are, and a branch that sees noise alone.

Chen, Dong, Ji, Cao and Li, "Image Manipulation Detection by Multi-View Multi-Scale Supervision" (ICCV 2021), sections 3.1 and 3.2: the
edge branch sums Sobel-weighted features of all stages, shallow to deep; the noise branch begins with BayarConv (a filter that predicts
its centre, trained under that constraint); dual attention fuses them; loss = 0.16 dice of pixels + 0.04 image + 0.8 dice of edges.
A row of NCL's Tables 1 and 2, INR's Table 3 and Figure 1.

Differs from the paper:
- The fusion is a convolution over both branches with channel attention; their position attention over all pairs of cells is left out.
- Both branches are of `backbone` and `width`; the noise branch takes RGB through BayarConv, the edge branch `inputs`.
- The edge target is the boundary of the mask at the features' size: cells that hold both kinds of pixel. Padded pixels make none, and
  neither does a change that lies exactly between two cells.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from imdlib.baselines.generated import check_image
from imdlib.baselines.pixel_loss import dice
from imdlib.data.batches import IGNORE
from imdlib.networks.pixels import Pixels
from imdlib.networks.resnet import Encoder

PIXEL, IMAGE, EDGE = 0.16, 0.04, 0.8  # weights of the losses, section 3.2
STAGES = ("layer1", "layer2", "layer3", "layer4")
NARROW = 16  # channels of a stage in the edge branch


class Bayar(nn.Module):
    """Constrained convolution: its centre is -1 and the others sum to 1, so that only what they do not predict is left."""

    def __init__(self, side: int = 5) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.rand(3, 3, side * side - 1))
        self.side = side

    def forward(self, image: Tensor) -> Tensor:
        """image (B,3,H,W) -> residual (B,3,H,W), border mirrored."""
        around = self.weight / self.weight.sum(2, keepdim=True)
        before, after = around.chunk(2, dim=2)
        kernel = torch.cat([before, -torch.ones_like(around[..., :1]), after], dim=2)
        kernel = kernel.unflatten(2, (self.side, self.side))
        return F.conv2d(F.pad(image, (self.side // 2,) * 4, mode="reflect"), kernel)


class MVSS(nn.Module):
    """Takes images in [0,1] and normalises them itself; arguments: see `pixels.Pixels` and `resnet.Encoder`."""

    def __init__(self, *, backbone: str = "resnet50", inputs: str = "rgb", stem_stride: int = 4, **shape: Any) -> None:
        super().__init__()
        self.pixels, self.bayar = Pixels(inputs), Bayar()
        shape |= dict(stem_stride=stem_stride, output_stride=4 * stem_stride)
        self.edges = Encoder(backbone, in_channels=self.pixels.channels, **shape)
        self.noise = Encoder(backbone, in_channels=3, **shape)
        planes = self.edges.channels
        self.narrow = nn.ModuleList([nn.Conv2d(planes[name], NARROW, 1) for name in STAGES])
        self.edge = nn.Conv2d(NARROW, 1, 1)
        self.channel = nn.Linear(2 * planes["layer4"], 2 * planes["layer4"])
        self.score = nn.Conv2d(2 * planes["layer4"], 1, 1)
        sobel = torch.tensor([[1.0, 2, 1], [0, 0, 0], [-1, -2, -1]]) / 8
        self.register_buffer("sobel", torch.stack([sobel, sobel.T])[:, None], persistent=False)

    def forward(self, image: Tensor) -> dict[str, Tensor]:
        """image (B,3,H,W) float in [0,1], sides of at least 32 -> dict of logits (B,1,h,w), edge (B,1,he,we): logits of the tampered
        region's boundary at the stride of layer1, image (B,): the largest logit of the map.
        """
        check_image(image)
        views = self.edges(self.pixels(image))
        noise = self.noise(self.bayar(image))["layer4"]
        size, edge = views["layer1"].shape[-2:], 0
        for layer, name in zip(self.narrow, STAGES):
            found = self.outlined(layer(views[name]))
            edge = edge + F.interpolate(found, size, mode="bilinear", align_corners=False)
        both = torch.cat([views["layer4"], noise], dim=1)
        logits = self.score(both * (1 + self.channel(both.mean((2, 3))).sigmoid()[..., None, None]))
        return {"logits": logits, "edge": self.edge(edge), "image": logits.amax((1, 2, 3))}

    def outlined(self, x: Tensor) -> Tensor:
        """Features weighted by the strength of their own edges, (B,C,h,w) -> (B,C,h,w)."""
        channels = F.pad(x, (1, 1, 1, 1), mode="replicate").flatten(0, 1)[:, None]
        strength = (F.conv2d(channels, self.sobel.to(x.dtype)).square().sum(1) + 1e-8).sqrt().view_as(x)
        return x * strength.sigmoid()

    @staticmethod
    def loss(outputs: dict[str, Tensor], mask: Tensor) -> dict[str, Tensor]:
        """Weighted sum of the three losses, in the form of `imdlib.train.fit`; mask (B,1,H,W) in {0, 1, 255 = ignore}."""
        pixel = dice(outputs["logits"], mask)
        edge = dice(outputs["edge"], boundary(mask, outputs["edge"].shape[-2:]))
        label = (mask == 1).flatten(1).any(1).float()
        with torch.autocast(mask.device.type, enabled=False):
            image = F.binary_cross_entropy_with_logits(outputs["image"].float(), label)
        return {"loss": PIXEL * pixel + IMAGE * image + EDGE * edge, "pixel": pixel, "edge": edge, "image": image}


def boundary(mask: Tensor, size: tuple[int, int]) -> Tensor:
    """1 in cells that hold tampered and authentic pixels and no padding, (B,1,*size) uint8; mask (B,1,H,W) in {0, 1, 255}."""
    tampered = F.adaptive_max_pool2d((mask == 1).float(), size)
    authentic = F.adaptive_max_pool2d((mask == 0).float(), size)
    padded = F.adaptive_max_pool2d((mask == IGNORE).float(), size)
    return (tampered * authentic * (1 - padded)).to(torch.uint8)
