"""The same localization task on a vision transformer, whose patch tokens NCL contrasts: is the method a plug-in?

NCL section 4.3 ("Backbone Architectures") and Table 4: NCL appended to the output of a ViT.

Differs from the paper: there the transformer is ObjectFormer, pre-trained on a synthetic set of its own and without
public training code. Here a plain ViT from timm, from scratch. Like ObjectFormer's, its patches are cut from the
features of a small convolutional stem rather than from pixels; a light decoder brings its tokens back to pixels.
"""

import timm
from torch import Tensor, nn
from torch.nn import functional as F

from imdlib.ncl.model import check_image, unit
from imdlib.ncl.pivot import PivotNet
from imdlib.networks.pixels import SMALLEST, Pixels


class NCLViT(nn.Module):
    """ViT with a localization head; same inputs and outputs as `model.NCLNet`, so every loss of NCL fits it.

    patch: side of a patch in pixels, a multiple of 2; embed, depth, heads: of the transformer; size: side of the images
    that its positional embedding is made for (other sizes are interpolated); stem: channels of the two convolutions
    before the patches, of which the second halves the size; head_width: channels of the decoder. inputs, pivot,
    pivot_mode, aux, dropout: as in `NCLNet`.
    """

    smallest = SMALLEST  # pixels a side

    def __init__(
        self,
        *,
        patch: int = 8,
        embed: int = 96,
        depth: int = 6,
        heads: int = 3,
        size: int = 128,
        stem: int = 16,
        head_width: int = 32,
        inputs: str = "rgb",
        pivot: bool = True,
        pivot_mode: str = "mean",
        aux: bool = True,
        dropout: float = 0.0,
        classes: int = 2,
    ) -> None:
        super().__init__()
        if embed % heads or patch % 2:
            raise ValueError(f"embed={embed} must be a multiple of heads={heads}, and patch={patch} a multiple of 2")
        self.pixels, self.patch = Pixels(inputs), patch
        self.stem = nn.Sequential(unit(self.pixels.channels, stem, 3), unit(stem, stem, 3, stride=2))
        self.vit = timm.models.VisionTransformer(
            img_size=size // 2,
            patch_size=patch // 2,
            in_chans=stem,
            embed_dim=embed,
            depth=depth,
            num_heads=heads,
            class_token=False,
            global_pool="",
            num_classes=0,
            dynamic_img_size=True,
            dynamic_img_pad=True,
        )
        self.reduce = unit(embed, head_width, 1)
        self.decoder = nn.Sequential(unit(head_width, head_width, 3), nn.Dropout(dropout))
        self.classifier = nn.Conv2d(head_width, classes, 1)
        self.aux = nn.Conv2d(head_width, classes, 1) if aux else None
        self.pivot = PivotNet(embed, mode=pivot_mode) if pivot else None

    def forward(self, image: Tensor) -> dict[str, Tensor]:
        """image (B,3,H,W) float in [0,1], sides of at least 32 -> dict of logits (B,classes,H,W), feat (B,embed,h,w), the
        patch tokens as a map with h = ceil(H / patch), and aux (B,classes,h,w) where the model has it.
        """
        check_image(image, self.training)
        height, width = (-(-side // self.patch) for side in image.shape[-2:])  # rounded up: timm pads
        tokens = self.vit(self.stem(self.pixels(image)))  # (B, h w, embed)
        feat = tokens.transpose(1, 2).unflatten(2, (height, width))
        x = self.decoder(F.interpolate(self.reduce(feat), scale_factor=2, mode="bilinear", align_corners=False))
        logits = F.interpolate(self.classifier(x).float(), image.shape[-2:], mode="bilinear", align_corners=False)
        outputs = {"logits": logits, "feat": feat}
        if self.aux is not None:
            outputs["aux"] = self.aux(x)
        return outputs
