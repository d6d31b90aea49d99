"""Optimizers and what their learning rate does over a training."""

import math
from collections.abc import Iterable

import torch
from torch import nn


def poly(step: int, steps: int, power: float = 0.9) -> float:
    """Learning-rate factor (1 - step / steps) ** power (DeepLab's schedule, used by NCL section 4)."""
    return (1 - step / steps) ** power


def cosine(step: int, steps: int, warmup: float = 0.0) -> float:
    """Learning-rate factor: linear rise over the first `warmup` share of the steps, then half a cosine down to 0."""
    rise = int(warmup * steps)
    if step < rise:
        return (step + 1) / (rise + 1)
    return 0.5 * (1 + math.cos(math.pi * (step - rise) / max(steps - rise, 1)))


SCHEDULES = {"poly": poly, "cosine": cosine, "constant": lambda step, steps: 1.0}


def make_optimizer(
    name: str, parameters: Iterable[nn.Parameter], *, learning_rate: float, weight_decay: float, momentum: float = 0.9
) -> torch.optim.Optimizer:
    """SGD with momentum (NCL section 4) or AdamW (the other two papers)."""
    if name == "sgd":
        return torch.optim.SGD(parameters, learning_rate, momentum=momentum, weight_decay=weight_decay)
    if name == "adamw":
        return torch.optim.AdamW(parameters, learning_rate, weight_decay=weight_decay, fused=True)
    raise ValueError(f"optimizer={name!r}: expected 'sgd' or 'adamw'")
