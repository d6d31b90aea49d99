"""What each part of NCL costs in training: time of a step and memory kept for the backward pass, in one process."""

import statistics
from functools import partial
from typing import Any

import pandas as pd
import torch
from torch import Tensor

from imdlib.ncl import networks
from imdlib.ncl.grid import METHODS, STEPS
from imdlib.ncl.losses import non_exclusive_contrast, total_loss
from imdlib.ncl.patches import label_patches
from imdlib.ncl.pivot import PivotNet
from imdlib.scoring.costs import kept, seconds, step
from imdlib.training.optimizers import make_optimizer
from imdlib.training.settings import make_fabric


def measure(params: dict[str, Any], image: Tensor, mask: Tensor, *, repeats: int = 10) -> pd.DataFrame:
    """One row per variant: `method, parameters, step_ms, against_base, contrast_ms, kept_mb`, the steps of Table 5.

    params: of a run of notebooks/ncl/run.ipynb; image (B,3,H,W) float in [0,1] and mask (B,1,H,W): a training batch, on
    the device to be measured. step_ms: median over `repeats` of forward, loss, backward and optimizer step; the variants
    take turns, so that whatever else the machine does meets all of them. contrast_ms: labelling of patches, pivot and
    contrast alone, forward and backward down to the contrasted feature. kept_mb: bytes of the tensors that autograd
    keeps from the forward pass to the backward one, each counted once, without the weights: it grows with the batch and
    does not depend on the device's allocator.
    """
    fabric = make_fabric(precision=params["precision"], accelerator=image.device.type)
    sampling = {name: params[name] for name in ("tau", "max_pos", "max_neg")}
    steps, parts, rows = {}, {}, []
    for variant in STEPS:
        model = networks.build(params | {"variant": variant}).to(image.device, memory_format=torch.channels_last)
        optimizer = make_optimizer("adamw", model.parameters(), learning_rate=1e-3, weight_decay=0)
        model, optimizer = fabric.setup(model.train(), optimizer)
        weights = dict(omega=params["omega"], mu=params["mu"], contour_grid=params["contour_grid"], **sampling)
        loss = partial(total_loss, variant=variant, pivot=model.pivot, **weights)
        steps[variant] = partial(step, fabric, model, optimizer, loss, image, mask)
        parts[variant] = partial(contrast, variant, model.pivot, model(image)["feat"].detach(), mask, sampling)
        count = sum(p.numel() for p in model.parameters())
        kept_mb = kept(model, loss, image, mask) / 2**20
        rows.append({"method": METHODS[variant], "parameters": count, "kept_mb": kept_mb})
    times = [{variant: (steps[variant](), parts[variant]()) for variant in STEPS} for _ in range(repeats + 1)]
    table = pd.DataFrame(rows)
    for place, name in enumerate(["step_ms", "contrast_ms"]):  # the first turn warms up
        table[name] = [1000 * statistics.median(turn[variant][place] for turn in times[1:]) for variant in STEPS]
    table["against_base"] = table["step_ms"] / table["step_ms"].iloc[0]
    return table[["method", "parameters", "step_ms", "against_base", "contrast_ms", "kept_mb"]]


def contrast(variant: str, pivot: PivotNet | None, feat: Tensor, mask: Tensor, sampling: dict[str, float]) -> float:
    """Seconds of the contrast alone, down to its feature (B,D,h,w); 0 for Base."""
    if variant == "base":
        return 0.0
    feat = feat.clone().requires_grad_()

    def work():
        patches = label_patches(mask, feat.shape[-2:])
        pivots = pivot(feat, patches) if pivot is not None else ()
        non_exclusive_contrast(feat, patches, *pivots, **sampling).total.backward()

    return seconds(work, feat)
