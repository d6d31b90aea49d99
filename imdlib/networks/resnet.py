"""ResNet encoder whose depth, width, stem and output stride are free, with all of its feature maps.

NCL sections 3.1 and 4: ResNet-101, atrous convolution in the last blocks, output stride 8; DeepLabV3+ adds the
multi-grid (1, 2, 4). INR sections 3.3 and 4: ResNet-50 of four stages. Wang et al., Bridging's Table 2: ResNet-50.

Differs from the papers: `width`, `blocks` and `stem_stride` are ours. A forensic trace lives in neighbouring pixels, and
the original stem averages four rows and columns before the first block sees them; a narrow network with a fine stem
fits small images and machines.
"""

from collections.abc import Sequence

import torch
import torchvision
from torch import Tensor, nn
from torchvision.models.resnet import BasicBlock, Bottleneck

KINDS = {
    "resnet18": (BasicBlock, (2, 2, 2, 2)),
    "resnet34": (BasicBlock, (3, 4, 6, 3)),
    "resnet50": (Bottleneck, (3, 4, 6, 3)),
    "resnet101": (Bottleneck, (3, 4, 23, 3)),
}
FEATURES = ("stem", "layer1", "layer2", "layer3", "layer4")


class Encoder(nn.Module):
    """ResNet without its classifier; `channels` and `strides` (input pixels per cell) are keyed by FEATURES.

    backbone: a key of KINDS; blocks: residual blocks of each of the four layers, None = those of the backbone; width:
    factor on all channels (rounded to a multiple of 8, at least 16: with 8, PyTorch 2.11 corrupts memory on processors in
    1x1 convolutions of stride 2); in_channels: of the input. stem_stride: 4 = 7x7 convolution of stride 2
    and max pooling, 2 = 3x3 convolution and max pooling, 1 = 3x3 convolution alone. output_stride: input
    pixels per cell of layer4, stem_stride times 1, 2, 4 or 8 (None); layers that would go beyond it are dilated instead.
    multi_grid: factors on the dilation of layer4's blocks, in turn. pretrained: start from torchvision's first ImageNet
    weights (width 1, stem_stride 4 and all blocks only); input channels beyond RGB start at zero.
    """

    def __init__(
        self,
        backbone: str,
        *,
        in_channels: int = 3,
        stem_stride: int = 4,
        output_stride: int | None = None,
        width: float = 1.0,
        blocks: Sequence[int] | None = None,
        multi_grid: Sequence[int] = (1,),
        pretrained: bool = False,
    ) -> None:
        super().__init__()
        output_stride = 8 * stem_stride if output_stride is None else output_stride
        check(backbone, stem_stride, output_stride, width, blocks)
        if pretrained and (width != 1 or blocks is not None or stem_stride != 4):
            raise ValueError(
                "pretrained=True needs width=1, blocks=None and stem_stride=4, the network that ImageNet weights exist "
                f"for; found width={width}, blocks={blocks}, stem_stride={stem_stride}"
            )
        block, depths = KINDS[backbone]
        depths = depths if blocks is None else tuple(blocks)
        planes = [max(16, 8 * round(channels * width / 8)) for channels in (64, 128, 256, 512)]
        first = dict(kernel_size=7, stride=2, padding=3) if stem_stride == 4 else dict(kernel_size=3, padding=1)
        self.conv1 = nn.Conv2d(in_channels, planes[0], bias=False, **first)
        self.bn1 = nn.BatchNorm2d(planes[0])
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.Identity() if stem_stride == 1 else nn.MaxPool2d(3, stride=2, padding=1)
        self.channels, self.strides = {"stem": planes[0]}, {"stem": 2 if stem_stride == 4 else 1}
        inplanes, reached, dilation = planes[0], stem_stride, 1
        for name, out, depth in zip(FEATURES[1:], planes, depths):
            grows = name != "layer1"
            stride = 2 if grows and reached < output_stride else 1
            reached, dilation = reached * stride, dilation * (2 if grows and stride == 1 else 1)
            grid = multi_grid if name == "layer4" else (1,)
            dilations = [dilation * grid[i % len(grid)] for i in range(depth)]
            setattr(self, name, residual_layer(block, inplanes, out, stride, dilations))
            inplanes = self.channels[name] = out * block.expansion
            self.strides[name] = reached
        for module in self.modules():
            if isinstance(module, nn.Conv2d):  # N(0, sqrt(2 / (k k out)))
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        if pretrained:
            load_imagenet(self, backbone)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        """x (B,in_channels,H,W), normalised -> {name in FEATURES: (B,channels[name],h,w)}; `stem` before pooling."""
        features = {"stem": self.relu(self.bn1(self.conv1(x)))}
        x = self.maxpool(features["stem"])
        for name in FEATURES[1:]:
            features[name] = x = getattr(self, name)(x)
        return features


def residual_layer(
    block: type[BasicBlock | Bottleneck], inplanes: int, planes: int, stride: int, dilations: Sequence[int]
) -> nn.Sequential:
    """Sequence of torchvision residual blocks, one per entry of `dilations`; the first one has the stride.

    torchvision's BasicBlock refuses a dilation, so it is set on the 3x3 convolutions of the finished blocks, of either
    kind.
    """
    layers = []
    for i, dilation in enumerate(dilations):
        stride_here, out = stride if i == 0 else 1, planes * block.expansion
        shortcut = None
        if stride_here != 1 or inplanes != out:
            shortcut = nn.Sequential(nn.Conv2d(inplanes, out, 1, stride_here, bias=False), nn.BatchNorm2d(out))
        layers.append(block(inplanes, planes, stride_here, shortcut))
        for module in layers[-1].modules():
            if isinstance(module, nn.Conv2d) and module.kernel_size == (3, 3):
                module.dilation = module.padding = (dilation, dilation)
        inplanes = out
    return nn.Sequential(*layers)


def check(backbone: str, stem_stride: int, output_stride: int, width: float, blocks: Sequence[int] | None) -> None:
    """Refuse combinations that no network exists for."""
    if backbone not in KINDS:
        raise ValueError(f"backbone={backbone!r}: expected one of {', '.join(KINDS)}")
    if stem_stride not in (1, 2, 4):
        raise ValueError(f"stem_stride={stem_stride!r}: expected 1, 2 or 4")
    if width <= 0:
        raise ValueError(f"width={width}: expected a positive factor")
    valid = [stem_stride * factor for factor in (1, 2, 4, 8)]
    if output_stride not in valid:
        raise ValueError(f"output_stride={output_stride!r}: with stem_stride={stem_stride} expected one of {valid}")
    if blocks is not None and (len(blocks) != 4 or min(blocks) < 1):
        raise ValueError(f"blocks={blocks!r}: expected four numbers of at least 1, one per residual layer")


def load_imagenet(encoder: Encoder, backbone: str) -> None:
    """Fill an encoder with torchvision's weights, but for the classifier's; input channels beyond RGB start at zero."""
    weights = torchvision.models.get_model_weights(backbone).IMAGENET1K_V1
    try:
        state = weights.get_state_dict(progress=False, check_hash=True)
    except OSError as error:
        raise OSError(
            f"pretrained=True needs torchvision's ImageNet weights, which could not be fetched ({error}). "
            f"Download {weights.url} on a connected machine into {torch.hub.get_dir()}/checkpoints, "
            "or set pretrained=False."
        ) from error
    state = {name: value for name, value in state.items() if not name.startswith("fc.")}
    extra = encoder.conv1.in_channels - 3
    state["conv1.weight"] = nn.functional.pad(state["conv1.weight"], (0, 0, 0, 0, 0, extra))
    encoder.load_state_dict(state)
