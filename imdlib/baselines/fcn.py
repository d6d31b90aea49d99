"""FCN: a convolutional network whose last two stages are fused into a map, learned from pixel masks.

Long, Shelhamer and Darrell, "Fully Convolutional Networks for Semantic Segmentation" (CVPR 2015), FCN-16s on a ResNet as in
torchvision; INR's baseline is the same network under image labels, and its Figure 1 and Table 3 compare with supervised ones.

Differs from the paper: ResNet for VGG-16, one class; `inputs`, `width`, `blocks`, `stem_stride` are free.
"""

from typing import Any

from torch import Tensor, nn
from torch.nn import functional as F

from imdlib.baselines.generated import check_image
from imdlib.baselines.pixel_loss import cross_entropy
from imdlib.networks.pixels import Pixels
from imdlib.networks.resnet import Encoder


class FCN(nn.Module):
    """Takes images in [0,1] and normalises them itself; arguments: see `pixels.Pixels` and `resnet.Encoder`."""

    def __init__(self, *, backbone: str = "resnet50", inputs: str = "rgb", **shape: Any) -> None:
        super().__init__()
        self.pixels = Pixels(inputs)
        self.encoder = Encoder(backbone, in_channels=self.pixels.channels, **shape)
        self.score = nn.ModuleDict(
            {name: nn.Conv2d(self.encoder.channels[name], 1, 1) for name in ("layer3", "layer4")}
        )

    def forward(self, image: Tensor) -> dict[str, Tensor]:
        """image (B,3,H,W) float in [0,1], sides of at least 32 -> dict of logits (B,1,h,w) at the stride of layer3."""
        check_image(image)
        features = self.encoder(self.pixels(image))
        third, last = (self.score[name](features[name]) for name in ("layer3", "layer4"))
        return {"logits": third + F.interpolate(last, third.shape[-2:], mode="bilinear", align_corners=False)}

    @staticmethod
    def loss(outputs: dict[str, Tensor], mask: Tensor) -> dict[str, Tensor]:
        """Binary cross-entropy of pixels, in the form of `imdlib.train.fit`; mask (B,1,H,W) in {0, 1, 255 = ignore}."""
        return {"loss": cross_entropy(outputs["logits"], mask)}
