"""Pixel losses of supervised localizers, in float32 and without padded pixels."""

import torch
from torch import Tensor
from torch.nn import functional as F

from imdlib.data.batches import IGNORE


def cross_entropy(logits: Tensor, mask: Tensor) -> Tensor:
    """Mean binary cross-entropy over known pixels, logits brought to the mask's size: logits (B,1,h,w), mask (B,1,H,W) in {0,1,255}."""
    with torch.autocast(logits.device.type, enabled=False):
        logits = F.interpolate(logits.float(), mask.shape[-2:], mode="bilinear", align_corners=False)
        known = (mask != IGNORE).float()
        each = F.binary_cross_entropy_with_logits(logits, (mask == 1).float(), reduction="none")
        return (each * known).sum() / known.sum().clamp(min=1)


def dice(logits: Tensor, mask: Tensor, smooth: float = 1.0) -> Tensor:
    """1 - 2 sum(p y) / (sum p^2 + sum y^2) over the known pixels of the batch, as MVSS-Net has it; sizes as above."""
    with torch.autocast(logits.device.type, enabled=False):
        logits = F.interpolate(logits.float(), mask.shape[-2:], mode="bilinear", align_corners=False)
        known = (mask != IGNORE).float()
        prob, tampered = logits.sigmoid() * known, (mask == 1).float()
        return 1 - (2 * (prob * tampered).sum() + smooth) / ((prob**2).sum() + tampered.sum() + smooth)
