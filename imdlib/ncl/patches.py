"""Patches: the cells of a feature map, labelled tampered, authentic or contour from the hard mask.

NCL sections 1 and 3.2: a patch of tampered pixels only is positive, of authentic pixels only negative, a mixed one
belongs to the contour. A patch is one position of the feature map; the pixels it covers are those of adaptive pooling,
which is exact for sizes that do not divide.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from imdlib.networks.waiting import may_look

AUTHENTIC, TAMPERED, CONTOUR, IGNORED = 0, 1, 2, -1
IGNORE = 255  # mask value of padding


def split_mask(mask: Tensor) -> tuple[Tensor, Tensor]:
    """mask (B,1,H,W) or (B,H,W) in {0, 1, 255 = ignore} -> tampered, ignored: (B,1,H,W) float in {0,1}."""
    mask = mask[:, None] if mask.ndim == 3 else mask
    tampered, ignored = mask == 1, mask == IGNORE
    if mask.ndim != 4 or mask.shape[1] != 1 or (may_look(mask) and not (tampered | ignored | (mask == 0)).all()):
        raise ValueError(
            "mask: expected (B,1,H,W) or (B,H,W) with values 0 = authentic, 1 = tampered, 255 = ignore; found "
            f"{tuple(mask.shape)} with values {mask.unique()[:8].tolist()}. Divide masks of 0 and 255 by 255"
        )
    return tampered.float(), ignored.float()


def label_patches(mask: Tensor, grid_size: tuple[int, int], *, eps: float = 1e-6, dilate: int = 0) -> Tensor:
    """Label the cells of a grid: (B,h,w) int8, 1 tampered, 0 authentic, 2 contour, -1 ignored (touches padding).

    mask: see `split_mask`, in which 255 is ignored: a file's mask of {0, 255} has to be divided by 255 first; grid_size (h, w);
    eps: share of other pixels that a pure cell may hold; dilate: cells by which the contour is widened, because the receptive field of a
    cell is larger than the cell (0 in the paper).
    """
    tampered, ignored = split_mask(mask)
    share = F.adaptive_avg_pool2d(tampered, grid_size)
    known = F.adaptive_max_pool2d(ignored, grid_size) == 0
    contour = (share > eps) & (share < 1 - eps) & known
    if dilate:
        contour = F.max_pool2d(contour.float(), 2 * dilate + 1, stride=1, padding=dilate) > 0
    labels = (share > 0.5).to(torch.int8).masked_fill(contour, CONTOUR).masked_fill(~known, IGNORED)
    return labels[:, 0]


def shrink_mask(mask: Tensor, size: tuple[int, int]) -> Tensor:
    """Mask at another size, (B,h,w) int64: 1 where at least half of its pixels are, 255 where any is ignored."""
    tampered, ignored = split_mask(mask)
    if tuple(size) != tuple(tampered.shape[-2:]):
        tampered, ignored = F.adaptive_avg_pool2d(tampered, size), F.adaptive_max_pool2d(ignored, size)
    return (tampered >= 0.5).long().masked_fill(ignored > 0, IGNORE)[:, 0]


def contour_pixels(patches: Tensor, size: tuple[int, int]) -> Tensor:
    """patches (B,h,w) -> (B,*size) bool: pixels that overlap a contour cell, on a finer or a coarser grid."""
    return F.adaptive_max_pool2d((patches == CONTOUR).float()[:, None], size)[:, 0] > 0
