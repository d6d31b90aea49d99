"""torchvision's and smp's DeepLab with the convolutions and the heads of NCL's base, so that both sides do the same multiplications.

torchvision's DeepLabV3 has no decoder: its backbone and its ASPP get one. smp's DeepLabV3Plus convolves depthwise: plain convolutions take
their place, and its decoder gets NCL's second convolution in place of the one behind its ASPP.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def conv(inplanes: int, planes: int, kernel: int = 3) -> nn.Sequential:
    """Convolution, batch norm, ReLU."""
    plain = nn.Conv2d(inplanes, planes, kernel, padding=kernel // 2, bias=False)
    return nn.Sequential(plain, nn.BatchNorm2d(planes), nn.ReLU(inplace=True))


class TorchvisionPlus(nn.Module):
    """torchvision's ResNet-50 with the dilations of NCL's base, its ASPP, and DeepLabV3+'s decoder."""

    def __init__(self) -> None:
        from torchvision.models import resnet50
        from torchvision.models.segmentation.deeplabv3 import ASPP

        super().__init__()
        self.backbone = resnet50(weights=None, replace_stride_with_dilation=[False, True, True])
        del self.backbone.fc
        # torchvision's dilated layers begin with the dilation of the one before, and know no multi-grid
        rates = [2] * 6 + [4, 8, 16]
        for block, rate in zip([*self.backbone.layer3, *self.backbone.layer4], rates):
            block.conv2.dilation = block.conv2.padding = (rate, rate)
        self.aspp, self.low = ASPP(2048, [12, 24, 36]), conv(256, 48, 1)
        self.decoder = nn.Sequential(conv(304, 256), nn.Dropout(0.5), conv(256, 256), nn.Dropout(0.1))
        self.classifier = nn.Conv2d(256, 2, 1)

    def forward(self, image: Tensor) -> Tensor:
        """image (B,3,H,W) -> logits (B,2,H,W)."""
        b = self.backbone
        low = b.layer1(b.maxpool(b.relu(b.bn1(b.conv1(image)))))
        deep = self.aspp(b.layer4(b.layer3(b.layer2(low))))
        deep = F.interpolate(deep, low.shape[-2:], mode="bilinear", align_corners=True)
        logits = self.classifier(self.decoder(torch.cat([deep, self.low(low)], dim=1)))
        return F.interpolate(logits, image.shape[-2:], mode="bilinear", align_corners=True)


def smp_plus() -> nn.Module:
    """smp's DeepLabV3Plus on ResNet-50 with stride 8, of plain convolutions."""
    import segmentation_models_pytorch as smp

    rates = dict(encoder_output_stride=8, decoder_atrous_rates=(12, 24, 36))
    model = smp.DeepLabV3Plus("resnet50", encoder_weights=None, classes=2, **rates)
    decoder = model.decoder
    decoder.aspp = nn.Sequential(decoder.aspp[0])  # without the convolution behind it
    plain(model)
    decoder.block2.append(conv(256, 256))
    return model


def plain(module: nn.Module) -> None:
    """Put one convolution in the place of each depthwise one with its pointwise one, everywhere below a module."""
    for name, child in module.named_children():
        if type(child).__name__ == "SeparableConv2d":
            depth, point = child[0], child[1]
            options = dict(padding=depth.padding, dilation=depth.dilation, bias=False)
            setattr(module, name, nn.Conv2d(depth.in_channels, point.out_channels, depth.kernel_size, **options))
        else:
            plain(child)
