"""The embedded fake generators: autoencoders that differ in upsampler, loss and data, shipped with their weights.

They stand for the generators of the Dolos data set (bridging, Table 2): what they make anew looks like what was there, and
carries the fingerprint of how they enlarge. `grain` gives back the fine detail that an autoencoder loses, from noise
inside its decoder, so that neither blur nor the size of the file says what is fake. The same bits on every processor: sums
are exact (see `autoencoders.exact`), everything else is + - * / and square roots, and the noise is drawn as whole numbers.
"""

from functools import cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from imdlib.twins.autoencoders import GENERATORS, Autoencoder, exact, on_grid
from imdlib.twins.shipped import WEIGHTS, load_weights


@torch.no_grad()
def grain(model: Autoencoder, images: Tensor, rng: np.random.Generator) -> Tensor:
    """Images made anew, with as much fine detail as they had: (B,3,H,W) in [0,1] -> the same.

    Noise of the decoder's hidden channels, enlarged by its last layer, is added until the high-pass energy is that of
    the image that went in. model: of `generator`; images: float64; rng: numpy generator.
    """
    images = on_grid(images)
    hidden = model.hidden(images)
    smooth = model.last(hidden)
    rough = model.last(hidden + noise(hidden.shape, rng)) - smooth
    smooth = smooth + 0.5
    lacking = (energy(images) - energy(smooth)).clamp(min=0)
    return (smooth + (lacking / energy(rough)).sqrt() * rough).clamp(0, 1)


def noise(shape: tuple[int, ...], rng: np.random.Generator) -> Tensor:
    """Sums of four random bytes, close to a Gaussian of deviation 1.15: float64, multiples of 1/128. No logarithm in it."""
    count = torch.Size(shape).numel()
    drawn = torch.frombuffer(bytearray(rng.bytes(4 * count)), dtype=torch.uint8).view(4, *shape)
    return (drawn.sum(0).double() - 510) / 128


def energy(images: Tensor) -> Tensor:
    """Mean square of the high-pass residual of each image, (B,1,1,1); exact up to one division for images on the grid."""
    sums = F.avg_pool2d(F.pad(images, (1, 1, 1, 1), mode="replicate"), 3, stride=1, divisor_override=1)
    return (9 * images - sums).square().sum((1, 2, 3), keepdim=True) / (81 * images[0].numel())


@cache
def generator(name: str, folder: Path = WEIGHTS) -> Autoencoder:
    """The trained Autoencoder of that name, frozen and exact; folder: of its weights."""
    if name not in GENERATORS:
        raise ValueError(f"generator {name!r}: expected one of {', '.join(GENERATORS)}")
    return exact(load_weights(Autoencoder(GENERATORS[name]), folder / f"{name}.safetensors"))
