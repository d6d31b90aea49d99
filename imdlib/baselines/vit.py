"""ViT localizer: a plain vision transformer whose tokens are classified, and the map brought to the image's size.

After Ma et al., "IML-ViT: Benchmarking Image Manipulation Localization by Vision Transformer" (2023), which shows that a plain ViT at
high resolution with an edge loss suffices; in NCL's Table 4 transformers are the other backbone. The network is timm's.

Differs from IML-ViT: no feature pyramid, no windowed attention and no edge loss; patch and width are free, and it starts from
random weights unless `pretrained`, for which timm fetches weights from its hub.
"""

import timm
from timm.models.vision_transformer import VisionTransformer
from torch import Tensor, nn
from torch.nn import functional as F

from imdlib.baselines.generated import check_image
from imdlib.baselines.pixel_loss import cross_entropy
from imdlib.networks.pixels import Pixels

PRETRAINED = "vit_base_patch16_224"


class ViT(nn.Module):
    """Takes images in [0,1] and normalises them itself. size: pixels a side that it is made for, other sizes have their positions
    interpolated; width: 1 for 192 channels and 12 blocks of patches of 8 pixels, 0.25 for 48 and 3; inputs: see `pixels.Pixels`;
    pretrained: ImageNet weights of timm's network, which has one width.
    """

    def __init__(self, *, size: int = 224, inputs: str = "rgb", width: float = 1.0, pretrained: bool = False) -> None:
        super().__init__()
        self.pixels = Pixels(inputs)
        told = dict(img_size=size, in_chans=self.pixels.channels, num_classes=0, dynamic_img_size=True)
        if pretrained:
            self.body = timm.create_model(PRETRAINED, pretrained=True, **told)
        else:
            dim, depth = 16 * max(1, round(12 * width)), max(2, round(12 * width))
            self.body = VisionTransformer(patch_size=8, embed_dim=dim, depth=depth, num_heads=dim // 16, **told)
        self.score = nn.Linear(self.body.embed_dim, 1)

    def forward(self, image: Tensor) -> dict[str, Tensor]:
        """image (B,3,H,W) float in [0,1], sides of at least 32 -> dict of logits (B,1,H,W), bilinear between patches; sides are
        filled up to whole ones.
        """
        check_image(image)
        patch = self.body.patch_embed.patch_size[0]
        height, width = image.shape[-2:]
        x = F.pad(self.pixels(image), (0, -width % patch, 0, -height % patch), mode="replicate")
        tokens = self.body.forward_features(x)[:, self.body.num_prefix_tokens :]  # (B,h*w,D)
        logits = self.score(tokens).transpose(1, 2).unflatten(2, (x.shape[2] // patch, x.shape[3] // patch))
        whole = F.interpolate(logits, x.shape[-2:], mode="bilinear", align_corners=False)
        return {"logits": whole[..., :height, :width]}

    @staticmethod
    def loss(outputs: dict[str, Tensor], mask: Tensor) -> dict[str, Tensor]:
        """Binary cross-entropy of pixels, in the form of `imdlib.train.fit`; mask (B,1,H,W) in {0, 1, 255 = ignore}."""
        return {"loss": cross_entropy(outputs["logits"], mask)}
