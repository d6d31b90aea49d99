"""The same localization task on a network that may start from ImageNet weights: EfficientNet-lite0 under a feature pyramid.

NCL's title and section 1 (*pre-training-free*): NCL from scratch is set against methods that start from pre-trained weights. On
one network that can do both, with a loss that can be either, pre-training and method are told apart.

Differs from the paper: its Base, DeepLabV3+ on a ResNet-101, is not this network. The pyramid is that of Lin et al. (CVPR 2017)
with one output: each stage is brought to one width, added to the one below it, and the finest is read.
"""

from torch import Tensor, nn
from torch.nn import functional as F

from imdlib.ncl.model import check_image, start_head, unit
from imdlib.ncl.pivot import PivotNet
from imdlib.networks.lite0 import Lite0
from imdlib.networks.resnet import FEATURES


class NCLPyramid(nn.Module):
    """EfficientNet-lite0 with a localization head; same inputs and outputs as `model.NCLNet`, so every loss of NCL fits it.

    hook: the feature that is returned as `feat`, by the name that a ResNet's of the same place has: 'stem' and 'layer1' to
    'layer4' are the stages of 2, 4, 8, 16 and 32 pixels per cell. head_width: channels of the pyramid. pretrained: start from
    ImageNet weights. pivot, aux, dropout: as in `NCLNet`. It sees RGB alone, what the weights were trained on.
    """

    def __init__(
        self,
        *,
        hook: str = "layer1",
        head_width: int = 64,
        pretrained: bool = False,
        inputs: str = "rgb",
        pivot: bool = True,
        pivot_mode: str = "mean",
        aux: bool = True,
        dropout: float = 0.0,
        classes: int = 2,
    ) -> None:
        super().__init__()
        if hook not in FEATURES:
            raise ValueError(f"hook={hook!r}: expected one of {', '.join(FEATURES)}")
        if inputs != "rgb":
            raise ValueError(
                f"inputs={inputs!r}: efficientnet_lite0 takes 'rgb' alone, what its weights were trained on"
            )
        self.encoder, self.hook = Lite0(pretrained=pretrained), FEATURES.index(hook)
        channels = self.encoder.channels
        self.lateral = nn.ModuleList(nn.Conv2d(count, head_width, 1) for count in channels[1:])
        self.smooth = nn.Sequential(unit(head_width, head_width, 3), nn.Dropout(dropout))
        self.classifier = nn.Conv2d(head_width, classes, 1)
        self.aux = nn.Conv2d(head_width, classes, 1) if aux else None
        self.pivot = PivotNet(channels[self.hook], mode=pivot_mode) if pivot else None
        start_head(self.lateral, self.smooth, self.classifier, self.aux)

    def forward(self, image: Tensor) -> dict[str, Tensor]:
        """image (B,3,H,W) float in [0,1], H and W of at least 32 -> dict of logits (B,classes,H,W), feat (B,D,hf,wf) and, where
        the model has the auxiliary classifier, aux (B,classes,h,w) with h = ceil(H / 4).
        """
        check_image(image, self.training)
        features = self.encoder(image)
        *finer, x = (lateral(feature) for lateral, feature in zip(self.lateral, features[1:]))
        for below in reversed(finer):
            x = below + F.interpolate(x, below.shape[-2:], mode="bilinear", align_corners=False)
        x = self.smooth(x)
        logits = F.interpolate(self.classifier(x).float(), image.shape[-2:], mode="bilinear", align_corners=False)
        outputs = {"logits": logits, "feat": features[self.hook]}
        if self.aux is not None:
            outputs["aux"] = self.aux(x)
        return outputs
