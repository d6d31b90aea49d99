"""ResNet encoder with any number of input channels, width, depth and stem stride, and all of its feature maps.

INR section 3.3 and 4: ResNet-50 of four stages, weights drawn at random. The stages are timm's.

Differs from the paper: `width`, `blocks` and `stem_stride` are free. The original stem merges four rows and columns
before the first block sees them, and a forensic trace lives in neighbouring pixels.
"""

from timm.models.resnet import BasicBlock, Bottleneck, make_blocks
from torch import nn

KINDS = {
    "resnet18": (BasicBlock, (2, 2, 2, 2)),
    "resnet34": (BasicBlock, (3, 4, 6, 3)),
    "resnet50": (Bottleneck, (3, 4, 6, 3)),
    "resnet101": (Bottleneck, (3, 4, 23, 3)),
}
STAGES = ("layer1", "layer2", "layer3", "layer4")


class Encoder(nn.Module):
    """ResNet without its classifier; `channels` and `strides` (input pixels per cell) are keyed by STAGES.

    backbone: a key of KINDS; in_channels: of the input; width: factor on all channels (rounded to a multiple of 8, at
    least 16: with 8, PyTorch 2.11 corrupts memory on processors in 1x1 convolutions of stride 2); blocks: residual
    blocks of the four stages, None = those of the backbone. stem_stride: 4 = 7x7 convolution of stride 2 and max pooling,
    2 = 3x3 convolution and max pooling, 1 = 3x3 convolution alone; the stages have 1, 2, 4, 8 times that stride.
    """

    def __init__(self, backbone="resnet50", *, in_channels=4, stem_stride=4, width=1.0, blocks=None):
        super().__init__()
        if backbone not in KINDS:
            raise ValueError(f"backbone={backbone!r}: expected one of {', '.join(KINDS)}")
        if stem_stride not in (1, 2, 4):
            raise ValueError(f"stem_stride={stem_stride!r}: expected 1, 2 or 4")
        if blocks is not None and (len(blocks) != 4 or min(blocks) < 1):
            raise ValueError(f"blocks={blocks!r}: expected four numbers of at least 1, one per stage")
        block, depths = KINDS[backbone]
        planes = [max(16, 8 * round(channels * width / 8)) for channels in (64, 128, 256, 512)]
        first = dict(kernel_size=7, stride=2, padding=3) if stem_stride == 4 else dict(kernel_size=3, padding=1)
        self.conv1 = nn.Conv2d(in_channels, planes[0], bias=False, **first)
        self.bn1, self.relu = nn.BatchNorm2d(planes[0]), nn.ReLU(inplace=True)
        self.maxpool = nn.Identity() if stem_stride == 1 else nn.MaxPool2d(3, stride=2, padding=1)
        layers = dict(act_layer=nn.ReLU, norm_layer=nn.BatchNorm2d)
        stages, about = make_blocks((block,) * 4, planes, blocks or depths, planes[0], **layers)
        for name, stage in stages:
            self.add_module(name, stage)
        self.channels = {one["module"]: one["num_chs"] for one in about}
        self.strides = {one["module"]: one["reduction"] * stem_stride // 4 for one in about}
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x):
        """x (B,in_channels,H,W) -> {name in STAGES: (B,channels[name],h,w)}."""
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        features = {}
        for name in STAGES:
            features[name] = x = getattr(self, name)(x)
        return features
