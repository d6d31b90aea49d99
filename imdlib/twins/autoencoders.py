"""Small autoencoders that differ in how they enlarge: six upsamplers, each with a fingerprint of its own.

They stand for the generators of the Dolos data set (bridging, Table 2); `generators` trains them.
"""

from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional as F

WIDTH, LATENT = 32, 4
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

    def __init__(self):
        super().__init__()
        rows = [[1, 1, 1, 1], [1, -1, 1, -1], [1, 1, -1, -1], [1, -1, -1, 1]]
        self.register_buffer("bands", torch.tensor(rows).float().view(4, 1, 2, 2) / 2, persistent=False)

    def forward(self, x):
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

    def __init__(self, recipe):
        super().__init__()
        self.quantised = recipe.quantised
        self.encoder = nn.Sequential(
            nn.Conv2d(3, WIDTH, 4, stride=2, padding=1), nn.ReLU(), nn.Conv2d(WIDTH, LATENT, 3, padding=1)
        )
        self.decoder = nn.Sequential(nn.Conv2d(LATENT, WIDTH, 3, padding=1), nn.ReLU())
        self.last = UPSAMPLERS[recipe.upsampler](WIDTH, 3)  # what is put in before it comes out with the fingerprint

    def hidden(self, images):
        """What the last layer enlarges, (B,WIDTH,H/2,W/2)."""
        latent = self.encoder(images - 0.5)
        if self.quantised:
            bounded = torch.tanh(latent) * (LEVELS // 2)
            latent = bounded + (bounded.round() - bounded).detach()  # rounded, with the gradient of not rounding
        return self.decoder(latent)

    def forward(self, images):
        return self.last(self.hidden(images)) + 0.5
