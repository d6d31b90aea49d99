"""Cells: what detectors that work in blocks of pixels share, from 8-bit images in to maps of the image's size.

The hand-crafted detectors have no scale of their own and no threshold. Papers that list them stretch each map between its smallest
and largest value; so does `stretched`. Rank metrics (AUC, F1 at the best threshold) do not feel it, F1 at 0.5 does.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601, as in JPEG
FLAT = 1e-5  # range of values below which a map says nothing


def eight_bit(image: Tensor) -> Tensor:
    """image (B,3,H,W) float in [0,1] -> the same in whole grey levels 0..255, float32."""
    return (255 * image.float()).round()


def luma(image: Tensor) -> Tensor:
    """image (B,3,H,W) float in [0,1] -> brightness (B,1,H,W) in whole grey levels 0..255, float32."""
    planes = zip(LUMA, image.float().unbind(1), strict=True)
    return sum(255 * weight * plane for weight, plane in planes).round_()[:, None]  # conv2d takes many times as long


def filled(x: Tensor, side: int) -> Tensor:
    """x (B,C,H,W) continued right and below by its own border, until `side` divides both sides."""
    height, width = x.shape[-2:]
    more = -width % side, -height % side
    return F.pad(x, (0, more[0], 0, more[1]), mode="replicate") if any(more) else x


def cut(x: Tensor, side: int) -> Tensor:
    """x (B,1,H,W) in blocks, those at the border filled: (B,h,w,side*side)."""
    blocks = F.pixel_unshuffle(filled(x, side), side)  # (B,side*side,h,w)
    return blocks.permute(0, 2, 3, 1)


def spread(cells: Tensor, side: int, size: tuple[int, int]) -> Tensor:
    """Values of cells of `side` pixels (B,1,h,w) -> (B,1,*size), bilinear; what lies beyond the image is cut off."""
    whole = F.interpolate(cells, scale_factor=side, mode="bilinear", align_corners=False)
    return whole[..., : size[0], : size[1]]


def median5(x: Tensor) -> Tensor:
    """Median over 5 x 5 cells, border continued: (B,1,h,w) -> the same."""
    padded = F.pad(x, (2, 2, 2, 2), mode="replicate")
    windows = padded.unfold(2, 5, 1).unfold(3, 5, 1).flatten(4)  # (B,1,h,w,25)
    return windows.median(dim=4).values


def stretched(values: Tensor) -> Tensor:
    """(B,1,H,W) with each image's smallest value at 0 and its largest at 1; one that is flat, up to rounding, is 0 everywhere."""
    low, high = values.amin((1, 2, 3), keepdim=True), values.amax((1, 2, 3), keepdim=True)
    return torch.where(high - low > FLAT, (values - low) / (high - low), torch.zeros_like(values))
