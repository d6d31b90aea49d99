"""ResNet that tells generated images from real ones, trained on crops that are blurred and saved as JPEG at random.

Wang et al., "CNN-generated images are surprisingly easy to spot... for now" (CVPR 2020), section 4.1; a column of
Bridging, Table 2, which does not say with which probability it blurred and compressed: 0.5 here, their other one is 0.1.

Differs from the paper:
- Weights are random unless `pretrained=True`: nothing is downloaded here. `backbone='efficientnet_lite0'` has ImageNet weights that
  ship inside a package.
- `backbone`, `width`, `blocks`, `stem_stride` and `inputs` are free, and `resize=None` leaves out the resizing, which on
  small images erases the traces that are looked for.
- One JPEG codec in place of two, as Pillow's and OpenCV's give the same pixels. Blur rounds to the nearest grey level.
- The learning rate follows a schedule of `imdlib.training.optimizers`, not the validation accuracy; AdamW without weight decay is their
  Adam.
"""

from collections.abc import Callable, Sequence
from typing import Any

import cv2
import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.transforms.v2 import functional as T

from imdlib.data.attacks import jpeg, to_array, to_tensor
from imdlib.data.batches import ImageSet, draw, generator_for
from imdlib.networks import lite0
from imdlib.networks.pixels import Pixels
from imdlib.networks.resnet import Encoder
from imdlib.networks.waiting import may_look

LAST = 4  # stage of lite0 that is read
SIGMA, QUALITY = 3.0, (30, 100)  # largest blur in pixels; lowest and highest JPEG quality


class Wang(nn.Module):
    """ResNet with one logit per image, positive = fake; takes images in [0,1] and normalises them itself.

    inputs: see `pixels.Pixels`; backbone, stem_stride, width, blocks, pretrained: see `resnet.Encoder`; or backbone
    'efficientnet_lite0', see `lite0.Lite0`, which has one shape and looks at RGB.
    """

    def __init__(
        self,
        *,
        backbone: str = "resnet50",
        inputs: str = "rgb",
        stem_stride: int = 4,
        width: float = 1.0,
        blocks: Sequence[int] | None = None,
        pretrained: bool = False,
    ) -> None:
        super().__init__()
        whole = backbone == lite0.NAME
        if whole and inputs != "rgb":
            raise ValueError(f"inputs={inputs!r}: expected 'rgb' with backbone='{lite0.NAME}'")
        self.pixels = nn.Identity() if whole else Pixels(inputs)  # lite0 normalises by itself
        shape = dict(stem_stride=stem_stride, width=width, blocks=blocks, pretrained=pretrained)
        self.encoder = (
            lite0.Lite0(pretrained=pretrained, out=(LAST,))
            if whole
            else Encoder(backbone, in_channels=self.pixels.channels, **shape)
        )
        self.last = 0 if whole else "layer4"
        self.fc = nn.Linear(self.encoder.channels[self.last], 1)
        nn.init.normal_(self.fc.weight, 0, 0.02)

    def forward(self, image: Tensor) -> dict[str, Tensor]:
        """image (B,3,H,W) float in [0,1], H and W of at least 32 -> dict of logits (B,) float32."""
        check_image(image)
        features = self.encoder(self.pixels(image))[self.last]
        return {"logits": self.fc(features.mean((2, 3)))[:, 0].float()}

    @staticmethod
    def loss(outputs: dict[str, Tensor], mask: Tensor) -> dict[str, Tensor]:
        """Binary cross-entropy, in the form of `imdlib.train.fit`; mask: as `ImageLabels` gives it."""
        logits, label = outputs["logits"], image_label(mask)
        with torch.autocast(logits.device.type, enabled=False):
            return {"loss": F.binary_cross_entropy_with_logits(logits.float(), label)}

    @staticmethod
    def probability(outputs: dict[str, Tensor]) -> Tensor:
        """Probability of fake, (B,) float32 in [0,1]."""
        return outputs["logits"].float().sigmoid()


class ImageLabels(ImageSet):
    """An ImageSet whose mask (1,h,w) holds the image's label, 1 = fake, at every pixel: no place is told.

    change(image (3,H,W) uint8, generator) -> (3,h,w) uint8 is applied to each image, such as `partial(perturb, crop=96)`;
    its random numbers depend on (seed, epoch, index) alone. None: whole images.
    """

    def __init__(
        self,
        manifest: pd.DataFrame,
        *,
        change: Callable[[Tensor, torch.Generator], Tensor] | None = None,
        **options: Any,
    ) -> None:
        if not manifest["label"].isin([0, 1]).all():
            raise ValueError(f"manifest: expected labels 0 or 1, found {sorted(manifest['label'].unique())[:5]}")
        super().__init__(manifest, **options)
        self.change = change

    def __getitem__(self, key: tuple[int, int]) -> tuple[Tensor, Tensor, int]:
        epoch, index = key
        image = (self.decoded[index] if self.decoded is not None else self.decode(index))[0]
        if self.change is not None:
            image = self.change(image, generator_for(self.seed, epoch, index))
        label = int(self.manifest["label"].iloc[index])
        return image, torch.full_like(image[:1], label), index


def image_label(mask: Tensor) -> Tensor:
    """Label of each image, (B,1,H,W) filled with it -> (B,) float32 in {0,1}; a mask of pixels is refused."""
    flat = mask.flatten(1)
    label = flat[:, 0]
    if may_look(mask) and not (((label == 0) | (label == 1)).all() and (flat == label[:, None]).all()):
        raise ValueError(
            f"mask: expected one image label, 0 or 1, at every pixel of an image, found {mask.unique()[:8].tolist()} mixed; "
            "train on ImageLabels, since wholly generated images have no mask of pixels"
        )
    return label.float()


def perturb(
    image: Tensor,
    generator: torch.Generator,
    *,
    p: float = 0.5,
    resize: int | None = 256,
    crop: int | None = 224,
    flip: bool = True,
) -> Tensor:
    """Training image: Gaussian blur with probability p, JPEG with probability p, random crop, mirrored at random.

    image (3,H,W) uint8 -> (3,crop,crop) uint8. resize: pixels of the shorter side before that, None = as it is; crop:
    None = whole image.
    """
    if not 0 <= p <= 1:
        raise ValueError(f"p={p}: expected a probability, 0 to 1")
    image = shorter_side(image, resize)
    if crop is not None and min(image.shape[1:]) < crop:
        raise ValueError(
            f"crop={crop}: the image has {tuple(image.shape[1:])} pixels; lower crop, or set resize >= crop"
        )
    blurs, sigma, saves = (uniform(generator) for _ in range(3))
    quality = QUALITY[0] + draw(QUALITY[1] - QUALITY[0] + 1, generator)
    image = blur(image, SIGMA * sigma) if blurs < p else image
    image = jpeg(image, quality=quality) if saves < p else image
    if crop is not None:
        top, left = (draw(side - crop + 1, generator) for side in image.shape[1:])
        image = image[:, top : top + crop, left : left + crop]
    return T.horizontal_flip(image) if flip and draw(2, generator) else image


def shorter_side(image: Tensor, pixels: int | None) -> Tensor:
    """image (3,H,W) with its shorter side at `pixels`, bilinear with antialiasing; None leaves it alone."""
    return image if pixels is None else T.resize(image, [pixels], antialias=True)


def blur(image: Tensor, sigma: float) -> Tensor:
    """Gaussian blur of (3,H,W) uint8, sigma in pixels, cut off at four sigma, mirrored at the border."""
    side = 2 * int(4 * sigma + 0.5) + 1
    exact = cv2.GaussianBlur(np.float32(to_array(image)), (side, side), sigma, borderType=cv2.BORDER_REFLECT)
    return to_tensor(np.rint(exact).astype(np.uint8))


def uniform(generator: torch.Generator) -> float:
    """One random number in [0,1)."""
    return torch.rand((), generator=generator).item()


def check_image(image: Tensor) -> None:
    """Refuse what would fail further down, or silently do badly."""
    if image.ndim != 4 or image.shape[1] != 3 or not image.is_floating_point() or min(image.shape[-2:]) < 32:
        found = f"{image.dtype} {tuple(image.shape)}"
        raise ValueError(f"image: expected float (B,3,H,W) in [0,1], sides of at least 32, found {found}")
