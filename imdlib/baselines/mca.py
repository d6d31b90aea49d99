"""MCA: a small network that learns, from the image itself, where each pixel lies in the mosaic, and is asked block by block.

Bammey, Grompone von Gioi and Morel, "An Adaptive Neural Network for Unsupervised Mosaic Consistency Analysis in Image Forensics"
(CVPR 2020); a row of INR's Table 1. Demosaicking is not the same at the four places of a 2x2 cell, so a network of local
convolutions can tell a pixel's place modulo 2. It is fitted to the image that is tested, with nobody's label; where a block
is told to lie elsewhere than it does, its mosaic is another.

Differs from the paper: one network for the four places in place of several for rows, columns and diagonals; it starts at random and
is fitted to each image alone, where the authors start from weights that were trained on other images. Convolutions of 5 x 5 pixels,
then pixel by pixel. A block's suspicion is the most that another shift of the lattice explains its pixels better.

It sees uncompressed splices whose mosaic lies on another lattice; JPEG erases what it learns from, and the map is then noise.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from imdlib.baselines.cells import eight_bit, filled, spread, stretched

KERNEL, HIDDEN = 5, (16, 12)  # pixels a side that are looked at; channels
PIXELS = 2048  # of each image, drawn for each step
RATE = 0.02  # of Adam


class MCA(nn.Module):
    """Suspicion of a shifted mosaic; steps: of fitting to each image, side: of a block in pixels, even, seed: of start and draws."""

    def __init__(self, *, steps: int = 60, side: int = 16, seed: int = 0) -> None:
        super().__init__()
        self.steps, self.side, self.seed = steps, side, seed

    def forward(self, image: Tensor) -> dict[str, Tensor]:
        """image (B,3,H,W) float in [0,1] -> dict of map (B,1,H,W) in [0,1], each image's most suspicious block at 1; told (B,):
        mean log-likelihood of the true places, log(1/4) = -1.39 where nothing was learned.

        Every image has its own network, whatever else is in the batch.
        """
        with torch.inference_mode(False), torch.enable_grad(), torch.autocast(image.device.type, enabled=False):
            seen, place = windows(image.clone()), places(image)  # (B,D,N), (N,)
            logits = self.fitted(seen, place)
        told = logits.detach().log_softmax(1).unflatten(2, image.shape[2:])  # (B,4,H,W)
        shifted = torch.stack([told.gather(1, place_map(image, shift)) for shift in range(4)], dim=1)[:, :, 0]
        blocks = F.avg_pool2d(filled(shifted, self.side), self.side)  # (B,4,h,w): log-likelihood under each shift
        suspicion = blocks[:, 1:].amax(1, keepdim=True) - blocks[:, :1]
        return {"map": stretched(spread(suspicion, self.side, image.shape[2:])), "told": shifted[:, 0].mean((1, 2))}

    def fitted(self, seen: Tensor, place: Tensor) -> Tensor:
        """Logits (B,4,N) of the place of every pixel, from a network per image that was fitted to it."""
        generator = torch.Generator().manual_seed(self.seed)
        sizes = (seen.shape[1], *HIDDEN, 4)
        weights = [torch.randn(o, i, generator=generator) * (2 / i) ** 0.5 for i, o in zip(sizes, sizes[1:])]
        weights = [weight.to(seen.device).repeat(len(seen), 1, 1).requires_grad_() for weight in weights]
        biases = [torch.zeros(len(seen), size, 1, device=seen.device, requires_grad=True) for size in sizes[1:]]
        optimizer = torch.optim.Adam([*weights, *biases], lr=RATE)
        for _ in range(self.steps):
            some = torch.randint(seen.shape[2], (PIXELS,), generator=generator).to(seen.device)
            logits = network(seen[..., some], weights, biases)
            loss = F.cross_entropy(logits, place[some].expand(len(seen), -1), reduction="none").mean(1).sum()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            return network(seen, weights, biases)


def network(x: Tensor, weights: list[Tensor], biases: list[Tensor]) -> Tensor:
    """One multilayer perceptron an image, at every pixel: x (B,D,N) -> (B,4,N)."""
    for weight, bias in zip(weights[:-1], biases[:-1]):
        x = F.relu(torch.baddbmm(bias, weight, x))
    return torch.baddbmm(biases[-1], weights[-1], x)


def windows(image: Tensor) -> Tensor:
    """Differences of each pixel's neighbourhood to its own mean, each image's of spread 1: (B,3,H,W) -> (B,3*KERNEL**2,H*W)."""
    border = KERNEL // 2
    x = F.unfold(F.pad(eight_bit(image), (border,) * 4, mode="reflect"), KERNEL).unflatten(1, (3, -1))
    x = (x - x.mean(2, keepdim=True)).flatten(1, 2)
    return x / x.std((1, 2), keepdim=True).clamp(min=1e-3)


def places(image: Tensor) -> Tensor:
    """Place of every pixel in its 2x2 cell, 2 * (row % 2) + column % 2, (H*W,)."""
    return place_map(image[:1], 0).flatten()


def place_map(image: Tensor, shift: int) -> Tensor:
    """The same moved by one of four shifts of the lattice, (B,1,H,W); 0 = as it is."""
    rows, columns = (torch.arange(side, device=image.device) for side in image.shape[2:])
    place = 2 * ((rows + shift // 2) % 2)[:, None] + (columns + shift % 2) % 2
    return place.expand(len(image), 1, -1, -1)
