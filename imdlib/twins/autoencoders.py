"""Small autoencoders that differ in how they enlarge: six upsamplers, each with a fingerprint of its own.

They stand for the generators of the Dolos data set (bridging, Table 2). `training` trains them in float32; `exact` makes
a trained one give the same bits on every processor.
"""

import copy
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

WIDTH, LATENT = 32, 4
GRID = 2**12  # steps of a unit of what lies between the layers of an exact model
FINE = 2**14  # and of its weights
LEVELS = 9  # steps of each latent of the quantised generator


@dataclass(frozen=True)
class Recipe:
    """upsampler: a key of UPSAMPLERS; loss: 'l1' or 'l2'; seed: of weights, data and their order."""

    upsampler: str
    loss: str
    seed: int
    quantised: bool = False


GENERATORS = {
    "transposed": Recipe("transposed", "l2", 1),
    "nearest": Recipe("nearest", "l1", 2),
    "bilinear": Recipe("bilinear", "l2", 3),
    "shuffle": Recipe("shuffle", "l1", 4),
    "haar": Recipe("haar", "l2", 5),
    "quantised": Recipe("transposed-even", "l1", 6, quantised=True),
}


class Haar(nn.Module):
    """Inverse Haar transform: (B,4C,h,w) -> (B,C,2h,2w), the bands of each channel side by side."""

    def __init__(self) -> None:
        super().__init__()
        rows = [[1, 1, 1, 1], [1, -1, 1, -1], [1, 1, -1, -1], [1, -1, -1, 1]]
        self.register_buffer("bands", torch.tensor(rows).float().view(4, 1, 2, 2) / 2, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        channels = x.shape[1] // 4
        return F.conv_transpose2d(x, self.bands.repeat(channels, 1, 1, 1), stride=2, groups=channels)


UPSAMPLERS = {
    "transposed": lambda i, o: nn.ConvTranspose2d(i, o, 3, stride=2, padding=1, output_padding=1),
    "transposed-even": lambda i, o: nn.ConvTranspose2d(i, o, 4, stride=2, padding=1),
    "nearest": lambda i, o: nn.Sequential(nn.Upsample(scale_factor=2), nn.Conv2d(i, o, 3, padding=1)),
    "bilinear": lambda i, o: nn.Sequential(
        nn.Upsample(scale_factor=2, mode="bilinear", align_corners=False), nn.Conv2d(i, o, 3, padding=1)
    ),
    "shuffle": lambda i, o: nn.Sequential(nn.Conv2d(i, 4 * o, 3, padding=1), nn.PixelShuffle(2)),
    "haar": lambda i, o: nn.Sequential(nn.Conv2d(i, 4 * o, 3, padding=1), Haar()),
}


class Autoencoder(nn.Module):
    """Images (B,3,H,W) in [0,1] -> the same, H and W even; LATENT values for 2 x 2 pixels of three channels inside."""

    def __init__(self, recipe: Recipe) -> None:
        super().__init__()
        self.quantised, self.exact = recipe.quantised, False
        self.encoder = nn.Sequential(
            nn.Conv2d(3, WIDTH, 4, stride=2, padding=1), nn.ReLU(), nn.Conv2d(WIDTH, LATENT, 3, padding=1)
        )
        self.decoder = nn.Sequential(nn.Conv2d(LATENT, WIDTH, 3, padding=1), nn.ReLU())
        self.last = UPSAMPLERS[recipe.upsampler](WIDTH, 3)  # what is put in before it comes out with the fingerprint

    def hidden(self, images: Tensor) -> Tensor:
        """What the last layer enlarges, (B,WIDTH,H/2,W/2)."""
        latent = self.encoder(images - 0.5)
        if self.quantised:
            latent = steps(latent) if self.exact else soft_steps(latent)
        return self.decoder(latent)

    def forward(self, images: Tensor) -> Tensor:
        return self.last(self.hidden(images)) + 0.5


def soft_steps(latent: Tensor) -> Tensor:
    """Whole numbers -4 .. 4, rounded from 4 tanh(latent), with the gradient of not rounding."""
    bounded = torch.tanh(latent) * (LEVELS // 2)
    return bounded + (bounded.round() - bounded).detach()


def steps(latent: Tensor) -> Tensor:
    """The same whole numbers by comparison: no tanh, of which every processor has its own."""
    edges = [0.12565721414, 0.39422868018, 0.73316853440, 1.35402510055]  # artanh of 1, 3, 5, 7 eighths
    return sum((latent > edge).double() - (latent < -edge).double() for edge in edges)


def on_grid(x: Tensor, step: int = GRID) -> Tensor:
    """x rounded to whole multiples of 1 / step."""
    return torch.round(x * step) / step


class Narrow(nn.Module):
    """A 3 x 3 convolution to few channels: channels first, then the nine shifts; exact sums may be taken in any order.

    PyTorch's own in float64 copies every pixel nine times beforehand, which takes ten times as long.
    """

    def __init__(self, conv: nn.Conv2d) -> None:
        super().__init__()
        self.mix = nn.Parameter(conv.weight.permute(2, 3, 0, 1).flatten(0, 2))  # (9 * out, in)
        self.bias, self.out = conv.bias, conv.out_channels

    def forward(self, x: Tensor) -> Tensor:
        height, width = x.shape[-2:]
        planes = F.pad((self.mix @ x.flatten(2)).unflatten(2, (height, width)), (1, 1, 1, 1)).unflatten(
            1, (9, self.out)
        )
        shifted = (planes[:, k, :, k // 3 : k // 3 + height, k % 3 : k % 3 + width] for k in range(9))
        return sum(shifted) + self.bias[:, None, None]


class Rounded(nn.Module):
    """A layer, and its result (float64) rounded to GRID."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        parts = layer if isinstance(layer, nn.Sequential) else [layer]
        self.layer = nn.Sequential(*(Narrow(part) if narrow(part) else part for part in parts))

    def forward(self, x: Tensor) -> Tensor:
        return on_grid(self.layer(x))


def narrow(layer: nn.Module) -> bool:
    """Whether it is a 3 x 3 convolution to fewer channels."""
    return isinstance(layer, nn.Conv2d) and layer.kernel_size == (3, 3) and layer.out_channels < layer.in_channels


def exact(model: Autoencoder) -> Autoencoder:
    """A frozen copy of a trained Autoencoder that computes the same bits with any processor, library and number of threads.

    Weights are whole multiples of 1/FINE and what goes into a layer of 1/GRID, in float64: every product is a multiple of
    1/(FINE * GRID) = 2^-26 (2^-30 behind a bilinear enlargement), and as long as sums stay below 2^22 all of them are exact,
    in whatever order they are taken.
    """
    found = copy.deepcopy(model).double()
    for value in found.parameters():
        value.data = on_grid(value.data, FINE)
    found.encoder[0], found.encoder[2] = Rounded(found.encoder[0]), Rounded(found.encoder[2])
    found.decoder[0], found.last, found.exact = Rounded(found.decoder[0]), Rounded(found.last), True
    return found.eval().requires_grad_(False)
