"""ResNet that tells generated images from real ones, trained on crops that are blurred and saved as JPEG at random.

Wang et al., "CNN-generated images are surprisingly easy to spot... for now" (CVPR 2020), section 4.1; a column of
Bridging, Table 2, which does not say with which probability it blurred and compressed: 0.5 here, their other one is 0.1.

Differs from the paper:
- Weights are random unless `pretrained=True`: nothing is downloaded here.
- `backbone`, `width`, `blocks`, `stem_stride` and `inputs` are free, and `resize=None` leaves out the resizing, which on
  small images erases the traces that are looked for.
- One JPEG codec in place of two, as Pillow's and OpenCV's give the same pixels. Blur rounds to the nearest grey level.
- The learning rate follows a schedule of `imdlib.train`, not the validation accuracy; AdamW without weight decay is their
  Adam.
"""

import cv2
import numpy as np
import torch
import torchvision
from timm.models.resnet import BasicBlock, Bottleneck, make_blocks
from torch import nn
from torch.nn import functional as F
from torchvision.transforms.v2 import functional as T

from imdlib.data.attacks import jpeg, to_array, to_tensor
from imdlib.data.batches import ImageSet, draw, generator_for

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
RESIDUAL_GAIN = 20.0  # brings the high-pass residual of photographs to a standard deviation of about one
SIGMA, QUALITY = 3.0, (30, 100)  # largest blur in pixels; lowest and highest JPEG quality
KINDS = {
    "resnet18": (BasicBlock, (2, 2, 2, 2)),
    "resnet34": (BasicBlock, (3, 4, 6, 3)),
    "resnet50": (Bottleneck, (3, 4, 6, 3)),
}


class Wang(nn.Module):
    """ResNet with one logit per image, positive = fake; takes images in [0,1] and normalises them itself.

    backbone: a key of KINDS; inputs: 'rgb' or 'rgb+residual'; width: factor on all channels, rounded to a multiple of 8
    and at least 16 (with 8, PyTorch 2.11 corrupts memory on processors in 1x1 convolutions of stride 2); blocks: residual
    blocks of the four stages, None = those of the backbone. stem_stride: 4 = 7x7 convolution of stride 2 and max pooling,
    2 = 3x3 convolution and max pooling, 1 = 3x3 convolution alone. pretrained: start from torchvision's
    ImageNet weights (width 1, stem_stride 4 and all blocks only).
    """

    def __init__(self, *, backbone="resnet50", inputs="rgb", stem_stride=4, width=1.0, blocks=None, pretrained=False):
        super().__init__()
        check(backbone, inputs, stem_stride, width, blocks, pretrained)
        block, depths = KINDS[backbone]
        planes = [max(16, 8 * round(channels * width / 8)) for channels in (64, 128, 256, 512)]
        first = dict(kernel_size=7, stride=2, padding=3) if stem_stride == 4 else dict(kernel_size=3, padding=1)
        self.inputs = inputs
        self.conv1 = nn.Conv2d(3 if inputs == "rgb" else 6, planes[0], bias=False, **first)
        self.bn1, self.relu = nn.BatchNorm2d(planes[0]), nn.ReLU(inplace=True)
        self.maxpool = nn.Identity() if stem_stride == 1 else nn.MaxPool2d(3, stride=2, padding=1)
        layers = dict(act_layer=nn.ReLU, norm_layer=nn.BatchNorm2d)
        stages, _ = make_blocks((block,) * 4, planes, blocks or depths, planes[0], **layers)
        for name, stage in stages:
            self.add_module(name, stage)
        self.fc = nn.Linear(planes[3] * block.expansion, 1)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        nn.init.normal_(self.fc.weight, 0, 0.02)
        self.register_buffer("mean", torch.tensor(IMAGENET_MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(IMAGENET_STD).view(1, 3, 1, 1), persistent=False)
        if pretrained:
            load_imagenet(self, backbone)

    def forward(self, image):
        """image (B,3,H,W) float in [0,1], H and W of at least 32 -> dict of logits (B,) float32."""
        check_image(image)
        x = (image - self.mean) / self.std
        x = x if self.inputs == "rgb" else torch.cat([x, RESIDUAL_GAIN * residual(image)], dim=1)
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return {"logits": self.fc(x.mean((2, 3)))[:, 0].float()}

    @staticmethod
    def loss(outputs, mask):
        """Binary cross-entropy, in the form of `imdlib.train.fit`; mask: as `ImageLabels` gives it."""
        logits, label = outputs["logits"], image_label(mask)
        with torch.autocast(logits.device.type, enabled=False):
            return {"loss": F.binary_cross_entropy_with_logits(logits.float(), label)}

    @staticmethod
    def probability(outputs):
        """Probability of fake, (B,) float32 in [0,1]."""
        return outputs["logits"].float().sigmoid()


class ImageLabels(ImageSet):
    """An ImageSet whose mask (1,h,w) holds the image's label, 1 = fake, at every pixel: no place is told.

    change(image (3,H,W) uint8, generator) -> (3,h,w) uint8 is applied to each image, such as `partial(perturb, crop=96)`;
    its random numbers depend on (seed, epoch, index) alone. None: whole images.
    """

    def __init__(self, manifest, *, change=None, **options):
        if not manifest["label"].isin([0, 1]).all():
            raise ValueError(f"manifest: expected labels 0 or 1, found {sorted(manifest['label'].unique())[:5]}")
        super().__init__(manifest, **options)
        self.change = change

    def __getitem__(self, key):
        epoch, index = key
        image = (self.decoded[index] if self.decoded is not None else self.decode(index))[0]
        if self.change is not None:
            image = self.change(image, generator_for(self.seed, epoch, index))
        label = int(self.manifest["label"].iloc[index])
        return image, torch.full_like(image[:1], label), index


def image_label(mask):
    """Label of each image, (B,1,H,W) filled with it -> (B,) float32 in {0,1}; a mask of pixels is refused."""
    flat = mask.flatten(1)
    label = flat[:, 0]
    if not (((label == 0) | (label == 1)).all() and (flat == label[:, None]).all()):
        raise ValueError(
            f"mask: expected one image label, 0 or 1, at every pixel of an image, found {mask.unique()[:8].tolist()} mixed; "
            "train on ImageLabels, since wholly generated images have no mask of pixels"
        )
    return label.float()


def perturb(image, generator, *, p=0.5, resize=256, crop=224, flip=True):
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


def centre(image, generator=None, *, resize=256, crop=224):
    """Test image: the same size as in training, cropped in the middle, nothing at random. -> (3,crop,crop) uint8."""
    image = shorter_side(image, resize)
    return image if crop is None else T.center_crop(image, [crop, crop])


def shorter_side(image, pixels):
    """image (3,H,W) with its shorter side at `pixels`, bilinear with antialiasing; None leaves it alone."""
    return image if pixels is None else T.resize(image, [pixels], antialias=True)


def blur(image, sigma):
    """Gaussian blur of (3,H,W) uint8, sigma in pixels, cut off at four sigma, mirrored at the border."""
    side = 2 * int(4 * sigma + 0.5) + 1
    exact = cv2.GaussianBlur(np.float32(to_array(image)), (side, side), sigma, borderType=cv2.BORDER_REFLECT)
    return to_tensor(np.rint(exact).astype(np.uint8))


def uniform(generator):
    """One random number in [0,1)."""
    return torch.rand((), generator=generator).item()


def residual(image):
    """High-pass residual: image (B,3,H,W) minus its 3x3 mean, borders replicated -> (B,3,H,W)."""
    return image - F.avg_pool2d(F.pad(image, (1, 1, 1, 1), mode="replicate"), 3, stride=1)


def check(backbone, inputs, stem_stride, width, blocks, pretrained):
    """Refuse combinations that no network exists for."""
    known = {"backbone": (backbone, tuple(KINDS)), "inputs": (inputs, ("rgb", "rgb+residual"))}
    for name, (value, expected) in (known | {"stem_stride": (stem_stride, (1, 2, 4))}).items():
        if value not in expected:
            raise ValueError(f"{name}={value!r}: expected one of {expected}")
    if width <= 0:
        raise ValueError(f"width={width}: expected a positive factor")
    if blocks is not None and (len(blocks) != 4 or min(blocks) < 1):
        raise ValueError(f"blocks={blocks!r}: expected four numbers of at least 1, one per stage")
    if pretrained and (width != 1 or blocks is not None or stem_stride != 4):
        raise ValueError(
            f"pretrained=True needs width=1, blocks=None and stem_stride=4, found width={width}, blocks={blocks}, "
            f"stem_stride={stem_stride}"
        )


def check_image(image):
    """Refuse what would fail further down, or silently do badly."""
    if image.ndim != 4 or image.shape[1] != 3 or not image.is_floating_point() or min(image.shape[-2:]) < 32:
        found = f"{image.dtype} {tuple(image.shape)}"
        raise ValueError(f"image: expected float (B,3,H,W) in [0,1], sides of at least 32, found {found}")


def load_imagenet(model, backbone):
    """torchvision's first ImageNet weights, all but the classifier's; input channels beyond RGB start at zero."""
    weights = torchvision.models.get_model_weights(backbone).IMAGENET1K_V1
    try:
        state = weights.get_state_dict(progress=False, check_hash=True)
    except OSError as error:
        raise OSError(
            f"pretrained=True needs torchvision's ImageNet weights, which could not be fetched ({error}). Download "
            f"{weights.url} on a connected machine into {torch.hub.get_dir()}/checkpoints, or set pretrained=False"
        ) from error
    extra = model.conv1.in_channels - 3
    state["conv1.weight"] = F.pad(state["conv1.weight"], (0, 0, 0, 0, 0, extra))
    own = {name: value for name, value in model.state_dict().items() if name.startswith("fc.")}
    model.load_state_dict(state | own)
