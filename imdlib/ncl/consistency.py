"""Pixel losses of NCL: cross-entropy of every pixel alike, of both classes alike, and with a weight on the contour.

NCL equation 8 (pivot-consistent loss).

Differs from the paper:
- Eq. 8 lacks the minus sign; here it is >= 0.
- Eq. 8 on an authentic batch keeps its literal weight 1 - mu; `renormalise=True` raises it to 1.
"""

from collections.abc import Iterable

import torch
from torch import Tensor
from torch.nn import functional as F

from imdlib.ncl.patches import IGNORE, contour_pixels, label_patches, shrink_mask


def pixel_cross_entropy(logits: Tensor, mask: Tensor) -> Tensor:
    """Mean cross-entropy over the pixels that are not ignored; zero where all are.

    logits (B,2,h,w) of any size; mask (B,1,H,W) or (B,H,W) in {0, 1, 255 = ignore}, shrunken to the size of the logits.
    """
    with torch.autocast(logits.device.type, enabled=False):
        target = shrink_mask(mask, logits.shape[-2:])
        total = F.cross_entropy(at_least_float32(logits), target, ignore_index=IGNORE, reduction="sum")
        return total / (target != IGNORE).sum().clamp(min=1)


def balanced_cross_entropy(logits: Tensor, mask: Tensor) -> Tensor:
    """Half the mean cross-entropy of the batch's tampered pixels and half that of its authentic ones: a control, not in the paper.

    In contour cells of 4 pixels half of the pixels are tampered, of all pixels a tenth (training masks of CASIA v1), so that mu =
    0.9 raises the weight of tampered pixels to 0.46 wherever they lie; here that weight is 0.5, and no pixel nearer to a contour
    than another. Arguments as in `pixel_cross_entropy`; a class that is absent adds nothing, and the other counts whole.
    """
    with torch.autocast(logits.device.type, enabled=False):
        target = shrink_mask(mask, logits.shape[-2:])
        entropy = F.cross_entropy(at_least_float32(logits), target, ignore_index=IGNORE, reduction="none")
        classes = [target == label for label in (0, 1)]
        means = [(entropy * here).sum() / here.sum().clamp(min=1) for here in classes]
        present = sum(here.any().to(entropy.dtype) for here in classes)
        return sum(means) / present.clamp(min=1)


def contour_of(mask: Tensor, side: int) -> tuple[int, int] | None:
    """Grid (h, w) of the contour's cells for cells of `side` pixels, the last ones cut where they do not divide; None for 0."""
    return tuple(-(-size // side) for size in mask.shape[-2:]) if side else None


def pivot_consistency(
    logits_list: Iterable[Tensor], mask: Tensor, *, grid: tuple[int, int], mu: float = 0.9, renormalise: bool = False
) -> Tensor:
    """NCL Eq. 8, corrected, summed over the resolutions in `logits_list`: mu * mean over contour pixels + (1 - mu) *
    mean over all pixels.

    logits_list: logits (B,2,h,w), one per supervision; mask as in `pixel_cross_entropy`; grid (h, w) of the patches
    whose contour cells hold the contour pixels. The contour is that of the whole batch; renormalise: weigh the second
    mean 1 instead of 1 - mu where it is empty.
    """
    patches = label_patches(mask, grid)
    total = 0
    for logits in logits_list:
        with torch.autocast(logits.device.type, enabled=False):
            target = shrink_mask(mask, logits.shape[-2:])
            known = target != IGNORE
            contour = contour_pixels(patches, logits.shape[-2:]) & known
            entropy = F.cross_entropy(at_least_float32(logits), target, ignore_index=IGNORE, reduction="none")
            rest = 1 - mu * contour.any().to(entropy.dtype) if renormalise else 1 - mu
            on_contour = (entropy * contour).sum() / contour.sum().clamp(min=1)
            total = total + mu * on_contour + rest * entropy.sum() / known.sum().clamp(min=1)
    return total


def at_least_float32(x: Tensor) -> Tensor:
    """Half precision becomes float32; float32 and float64 stay."""
    return x if x.dtype == torch.float64 else x.float()
