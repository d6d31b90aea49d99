"""TAR: a residual autoencoder whose latent has a half for fake and a half for real images.

Lee, Tariq, Kim and Woo, "TAR: Generalized Forensic Framework to Detect Deepfakes using Weakly Supervised Learning"
(IFIP SEC 2021), and the code released with it; a column of Bridging, Table 2. The half that is more active is the answer.

Differs from the released code, whose behaviour is `as_released=True`:
- Selection: the decoder gets the latent with the wrong half set to zero. The released code makes that latent and then
  decodes the whole one, so that the wrong half is used for reconstruction, too.
- Target: the mean activation of the right half is to be 1. Released, each channel alone is to reach the sum meant for all
  of them: a mean activation of half the number of channels, 64.
- Weights: the activation loss is a mean over channels and images. Released, it is a sum over both, some 64 times the
  batch size as large, which leaves nothing of the 0.1 of the reconstruction.
Differs in both: `channels`, `blocks` and `inputs` are free, images larger or smaller than 240 pixels are possible,
there is no chain of transfers from one kind of fake to the next, and the epsilon of Adam is PyTorch's, not 1e-7.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.transforms.v2 import functional as T

from imdlib.baselines.generated import check_image, image_label, uniform
from imdlib.data.batches import draw
from imdlib.networks.pixels import INPUTS, RESIDUAL_GAIN, residual

RECONSTRUCTION = 0.1  # weight of the reconstruction loss
SLOPE = 1e-7  # of the latent's leaky ReLU: never exactly zero, so that the score of an image is always defined


class TAR(nn.Module):
    """Encoder to a latent of stride 16, decoder back; takes images in [0,1], as they are.

    inputs: 'rgb' or 'rgb+residual' (the reconstruction is RGB); channels: of the first convolution, the three stages and
    the latent; blocks: residual blocks of each stage. The decoder runs in the loss, where the label is known, and not at
    all when images are only scored.
    """

    def __init__(
        self,
        *,
        inputs: str = "rgb",
        channels: Sequence[int] = (8, 16, 32, 64, 128),
        blocks: int = 3,
        as_released: bool = False,
    ) -> None:
        super().__init__()
        if inputs not in INPUTS:
            raise ValueError(f"inputs={inputs!r}: expected one of {', '.join(INPUTS)}")
        if len(channels) != 5 or min(channels) < 1 or channels[-1] % 2:
            raise ValueError(
                f"channels={channels!r}: expected five positive numbers, the last one even: it has two halves"
            )
        if blocks < 1:
            raise ValueError(f"blocks={blocks!r}: expected at least 1")
        self.inputs, self.as_released = inputs, as_released
        first, latent = channels[0], channels[-1]
        down, up = zip(channels[:-2], channels[1:-1]), zip(channels[:0:-1], channels[-2::-1])
        self.encoder = nn.Sequential(
            nn.Conv2d(INPUTS[inputs], first, 3, padding=1),
            nn.ReLU(),
            *[layer for ends in down for layer in stage(*ends, blocks, stride=2)],
            nn.Conv2d(channels[-2], latent, 3, stride=2, padding=1),
            nn.BatchNorm2d(latent),
            nn.LeakyReLU(SLOPE),
        )
        self.decoder = nn.Sequential(
            *[layer for ends in up for layer in (nn.Upsample(scale_factor=2), *stage(*ends, blocks))],
            nn.Conv2d(first, 3, 3, padding=1),
            nn.Tanh(),
        )

    def forward(self, image: Tensor) -> dict[str, Tensor]:
        """image (B,3,H,W) float in [0,1] -> dict of score (B,) float32 in [0,1], see `fake_share`; latent (B,D,h,w), its
        first D/2 channels the fake half; and image, which the loss compares with.
        """
        check_image(image)
        x = image if self.inputs == "rgb" else torch.cat([image, RESIDUAL_GAIN * residual(image)], dim=1)
        latent = self.encoder(x)
        return {"score": fake_share(latent), "latent": latent, "image": image}

    def loss(self, outputs: dict[str, Tensor], mask: Tensor) -> dict[str, Tensor]:
        """Activation loss + 0.1 x mean absolute error of the reconstruction, in the form of `imdlib.train.fit`.

        mask: as `generated.ImageLabels` gives it. Sides of the images: multiples of 16.
        """
        label, latent, image = image_label(mask), outputs["latent"], outputs["image"]
        if image.shape[-2] % 16 or image.shape[-1] % 16:
            raise ValueError(
                f"image: expected sides that 16 divides in training, found {tuple(image.shape)}; crop or resize"
            )
        rebuilt = self.decoder(latent if self.as_released else selected(latent, label))
        activation = activation_loss(latent, label, as_released=self.as_released)
        with torch.autocast(latent.device.type, enabled=False):
            reconstruction = F.l1_loss(rebuilt.float(), image.float())
        loss = activation + RECONSTRUCTION * reconstruction
        return {"loss": loss, "activation": activation, "reconstruction": reconstruction}

    @staticmethod
    def probability(outputs: dict[str, Tensor]) -> Tensor:
        """Score of fake, (B,) float32 in [0,1]: `fake_share`, which is no calibrated probability."""
        return outputs["score"]


class Block(nn.Module):
    """Two 3x3 convolutions with bias and batch norm, added to their input; the shortcut is 1x1 where it is asked for.

    A 1x1 convolution of stride 2 takes every second row and column: they are taken before it, since with eight channels
    in channels-last order its backward pass corrupts memory on processors (PyTorch 2.11, float32).
    """

    def __init__(self, inplanes: int, planes: int, stride: int = 1, project: bool = False) -> None:
        super().__init__()
        self.stride = stride
        self.conv1 = nn.Conv2d(inplanes, planes, 3, stride, 1)
        self.bn1 = nn.BatchNorm2d(planes)
        self.conv2 = nn.Conv2d(planes, planes, 3, 1, 1)
        self.bn2 = nn.BatchNorm2d(planes)
        self.dim_change = nn.Identity()
        if project:
            self.dim_change = nn.Sequential(nn.Conv2d(inplanes, planes, 1), nn.BatchNorm2d(planes))

    def forward(self, x: Tensor) -> Tensor:
        shortcut = self.dim_change(x[:, :, :: self.stride, :: self.stride])
        return F.relu(self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x))))) + shortcut)


def stage(inplanes: int, planes: int, blocks: int, stride: int = 1) -> list[Block]:
    """List of residual blocks; the first one changes the number of channels and the size."""
    return [Block(inplanes, planes, stride, project=True), *[Block(planes, planes) for _ in range(blocks - 1)]]


def halves(latent: Tensor) -> tuple[Tensor, Tensor]:
    """Mean |activation| of each channel, (B,D,h,w) -> fake half (B,D/2), real half (B,D/2), float32."""
    with torch.autocast(latent.device.type, enabled=False):
        return latent.float().abs().mean((2, 3)).chunk(2, dim=1)


def fake_share(latent: Tensor) -> Tensor:
    """Share of all |activation| that is in the fake half, (B,D,h,w) -> (B,) in [0,1]; NaN where nothing is active."""
    fake, real = (half.sum(1) for half in halves(latent))
    return fake / (fake + real)


def selected(latent: Tensor, label: Tensor) -> Tensor:
    """The latent (B,D,h,w) with the half of the other class set to zero; label (B,), 1 = fake."""
    fake = label.bool()[:, None, None, None]
    first, second = latent.chunk(2, dim=1)
    return torch.cat([first * fake, second * ~fake], dim=1)


def activation_loss(latent: Tensor, label: Tensor, *, as_released: bool = False) -> Tensor:
    """|1 - mean of the right half| + mean of the wrong half, the mean over images; latent (B,D,h,w), label (B,).

    as_released: with m the mean |activation| of one of the K = D/2 channels of a half, the sum over images of
    sum |1 - m/K| over the right half + sum m over the wrong half.
    """
    fake, real = halves(latent)
    which = label.bool()[:, None]
    right, wrong = torch.where(which, fake, real), torch.where(which, real, fake)  # (B,K)
    if as_released:
        return (1 - right / right.shape[1]).abs().sum() + wrong.sum()
    return ((1 - right.mean(1)).abs() + wrong.mean(1)).mean()


def perturb(
    image: Tensor,
    generator: torch.Generator,
    *,
    side: int | None = 240,
    rotation: float = 20.0,
    hue: float = 0.05,
    saturation: float = 0.05,
) -> Tensor:
    """Training image: resized, hue and saturation changed a little, mirrored and rotated at random.

    image (3,H,W) uint8 -> (3,side,side) uint8; side: None = as it is; rotation: largest angle in degrees, 0 leaves every
    pixel in its neighbourhood; hue: largest shift, as a share of the circle; saturation: largest change of its factor.
    """
    image = resized(image, side=side)
    tint, strength, angle = (2 * uniform(generator) - 1 for _ in range(3))
    mirror = draw(2, generator)
    image = T.adjust_saturation(image, 1 + saturation * strength) if saturation else image
    image = T.adjust_hue(image, hue * tint) if hue else image
    image = T.horizontal_flip(image) if mirror else image
    return T.rotate(image, rotation * angle) if rotation else image


def resized(image: Tensor, generator: torch.Generator | None = None, *, side: int | None = 240) -> Tensor:
    """Test image: (3,H,W) uint8 -> (3,side,side), bilinear with antialiasing, the aspect not kept; None = as it is."""
    return image if side is None else T.resize(image, [side, side], antialias=True)
