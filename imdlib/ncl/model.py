"""DeepLabV3+ with the feature map on which NCL contrasts patches, its pivot network and its auxiliary classifier.

NCL section 3.1, Figure 2 and section 4 (backbone ResNet-101, output stride 8, atrous rates 1, 12, 24, 36).

Differs from the paper:
- "twice upsampled by a factor of 4" cannot lead from 64 to 512 pixels: as in DeepLabV3+, features go to the size of
  layer1, logits from there to the input.
- "the first block" whose features are contrasted is read as layer1; `hook="stem"` is the other reading.
- `inputs="rgb+residual"` adds a high-pass residual; `stem_stride`, `width`, `blocks`, `head_width` and `dropout` are
  free (defaults: the paper's).
- Only the pivot's and the auxiliary classifier's shapes that the paper leaves open are ours: see `pivot.py`; the
  classifier is one 1x1 convolution behind the decoder. "Through each upsampling" can also mean a second one on ASPP's output,
  at the size before the first upsampling: `aux_aspp`.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from imdlib.ncl.pivot import PivotNet
from imdlib.networks.pixels import SMALLEST, Pixels
from imdlib.networks.resnet import FEATURES, Encoder


class NCLNet(nn.Module):
    """DeepLabV3+ on a ResNet; takes images in [0,1] and normalises them itself.

    backbone, output_stride, stem_stride, width, blocks: see `resnet.Encoder`. inputs: see `pixels.Pixels`. hook:
    the feature map that is returned as `feat` ('stem', 'layer1' ... 'layer4'). head_width: channels of ASPP and
    decoder; rates: dilations of ASPP's three 3x3 convolutions. pivot: own a PivotNet, `pivot_mode` 'mean' or 'fixed_k';
    aux: own the auxiliary classifier, aux_aspp: a second one on ASPP's output. dropout: rate after ASPP and the decoder's
    first convolution, a fifth of it after the second. pretrained: start from ImageNet weights (width 1 only).

    Contour cells exist only where a cell is larger than a pixel: not at the stem unless stem_stride=4, and not at
    layer1 with stem_stride=1.
    """

    smallest = SMALLEST  # pixels a side

    def __init__(
        self,
        *,
        backbone: str = "resnet101",
        output_stride: int = 8,
        inputs: str = "rgb",
        stem_stride: int = 4,
        width: float = 1.0,
        blocks: Sequence[int] | None = None,
        hook: str = "layer1",
        head_width: int = 256,
        rates: Sequence[int] = (12, 24, 36),
        pivot: bool = True,
        pivot_mode: str = "mean",
        aux: bool = True,
        aux_aspp: bool = False,
        dropout: float = 0.5,
        pretrained: bool = False,
        classes: int = 2,
    ) -> None:
        super().__init__()
        if hook not in FEATURES:
            raise ValueError(f"hook={hook!r}: expected one of {', '.join(FEATURES)}")
        self.pixels, self.hook = Pixels(inputs), hook
        self.encoder = Encoder(
            backbone,
            in_channels=self.pixels.channels,
            stem_stride=stem_stride,
            output_stride=output_stride,
            width=width,
            blocks=blocks,
            multi_grid=(1, 2, 4),
            pretrained=pretrained,
        )
        channels, strides = self.encoder.channels, self.encoder.strides
        if pivot and strides[hook] == 1:
            raise ValueError(
                f"hook={hook!r} with stem_stride={stem_stride}: a cell there is one pixel, so no cell is mixed and the "
                f"pivot has no contour to work on; expected one of {[name for name in FEATURES if strides[name] > 1]}"
            )
        self.aspp = ASPP(channels["layer4"], head_width, rates, dropout)
        self.decoder = Decoder(channels["layer1"], head_width, dropout)
        self.classifier = nn.Conv2d(head_width, classes, 1)
        self.aux = nn.Conv2d(head_width, classes, 1) if aux else None
        self.aux_aspp = nn.Conv2d(head_width, classes, 1) if aux and aux_aspp else None
        self.pivot = PivotNet(channels[hook], mode=pivot_mode) if pivot else None
        start_head(self.aspp, self.decoder, self.classifier, self.aux, self.aux_aspp)

    def forward(self, image: Tensor) -> dict[str, Tensor]:
        """image (B,3,H,W) float in [0,1], H and W of at least 32 -> dict of logits (B,classes,H,W), feat (B,D,hf,wf)
        and, where the model has the auxiliary classifiers, aux (B,classes,h,w): logits at the decoder's size, aux_aspp: at ASPP's.
        """
        check_image(image, self.training)
        features = self.encoder(self.pixels(image))
        deep = self.aspp(features["layer4"])
        x = self.decoder(deep, features["layer1"])
        logits = F.interpolate(self.classifier(x).float(), image.shape[-2:], mode="bilinear", align_corners=True)
        outputs = {"logits": logits, "feat": features[self.hook]}
        if self.aux is not None:
            outputs["aux"] = self.aux(x)
        if self.aux_aspp is not None:
            outputs["aux_aspp"] = self.aux_aspp(deep)
        return outputs


class ASPP(nn.Module):
    """Atrous spatial pyramid pooling: a 1x1 convolution, dilated 3x3 ones and the image mean, side by side, merged."""

    def __init__(self, inplanes: int, width: int, rates: Sequence[int], dropout: float) -> None:
        super().__init__()
        self.branches = nn.ModuleList([unit(inplanes, width, 1), *[unit(inplanes, width, 3, rate) for rate in rates]])
        self.image = unit(inplanes, width, 1)
        self.merge = nn.Sequential(unit(width * (len(rates) + 2), width, 1), nn.Dropout(dropout))

    def forward(self, x: Tensor) -> Tensor:
        """x (B,inplanes,h,w) -> (B,width,h,w)."""
        whole = self.image(x.mean((2, 3), keepdim=True)).expand(-1, -1, *x.shape[-2:])
        return self.merge(torch.cat([branch(x) for branch in self.branches] + [whole], dim=1))


class Decoder(nn.Module):
    """Joins the encoder's output, brought to the size of layer1, with 48 (for a width of 256) channels of layer1."""

    def __init__(self, low_planes: int, width: int, dropout: float) -> None:
        super().__init__()
        low = max(1, round(48 * width / 256))
        self.low = unit(low_planes, low, 1)
        first, second = unit(width + low, width, 3), unit(width, width, 3)
        self.fuse = nn.Sequential(first, nn.Dropout(dropout), second, nn.Dropout(dropout / 5))

    def forward(self, x: Tensor, low: Tensor) -> Tensor:
        """x (B,width,h8,w8), low (B,low_planes,h4,w4) -> (B,width,h4,w4)."""
        x = F.interpolate(x, low.shape[-2:], mode="bilinear", align_corners=True)
        return self.fuse(torch.cat([x, self.low(low)], dim=1))


def unit(inplanes: int, planes: int, kernel: int, dilation: int = 1, stride: int = 1) -> nn.Sequential:
    """Convolution that keeps the size (stride 1), batch norm, ReLU."""
    padding = dilation * (kernel // 2)
    conv = nn.Conv2d(inplanes, planes, kernel, stride, padding, dilation, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(planes), nn.ReLU(inplace=True))


def start_head(*parts: nn.Module | None) -> None:
    """Random weights of convolutions by fan-in; by fan-out, two-class logits would start ten times too large."""
    for module in (module for part in parts if part is not None for module in part.modules()):
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight)
            if module.bias is not None:
                nn.init.zeros_(module.bias)


def tampered_probability(logits: Tensor) -> Tensor:
    """Logits (B,2,H,W) -> probability of tampered (B,1,H,W)."""
    return logits.float().softmax(dim=1)[:, 1:2]


def check_image(image: Tensor, training: bool) -> None:
    """Refuse what would fail further down, or silently do badly."""
    if image.ndim != 4 or image.shape[1] != 3 or not image.is_floating_point():
        found = f"{image.dtype} {tuple(image.shape)}"
        raise ValueError(f"image: expected float (B,3,H,W) in [0,1], found {found}; divide 8-bit images by 255")
    if min(image.shape[-2:]) < 32:
        raise ValueError(f"image: expected at least 32 pixels a side, found {tuple(image.shape[-2:])}; pad it")
    if training and len(image) < 2:
        raise ValueError("a training batch of one image: batch norm of ASPP's image mean needs two; raise batch_size")
