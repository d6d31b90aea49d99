"""What each part of INR costs in training: time of a step and memory kept for the backward pass, in one process."""

import statistics
from collections.abc import Callable
from functools import partial

import pandas as pd
import torch
from torch import Tensor, nn

from imdlib.inr.contrast import selective_contrast
from imdlib.inr.detector import INRNet
from imdlib.inr.labels import image_label
from imdlib.inr.methods import METHODS
from imdlib.inr.variants import loss_of
from imdlib.inr.weak import selected
from imdlib.scoring.costs import kept, seconds, step
from imdlib.training.optimizers import make_optimizer
from imdlib.training.settings import make_fabric

BRANCH = f"{METHODS['nrr']}+second branch"
PARTS = ("nrr_ms", "cluster_ms", "contrast_ms")


def measure(
    build: Callable[[str], INRNet],
    image: Tensor,
    mask: Tensor,
    *,
    precision: str = "auto",
    repeats: int = 10,
    **contrast: float | str,
) -> pd.DataFrame:
    """One row per part: `method, parameters, step_ms, against_base, nrr_ms, cluster_ms, contrast_ms, kept_mb`.

    build(variant) -> INRNet, such as partial(model_of, nrr=nrr, **network); image (B,3,H,W) float in [0,1] and mask
    (B,1,H,W), the image's label at every pixel: a training batch, on the device to be measured. contrast: options of
    `selective_contrast`. The rows are the variants of Table 4 and, between NRR and SCL, the second branch with its
    matching scores, then the clusterings too, neither yet used by the loss.
    step_ms: median over `repeats` of forward, loss, backward and optimizer step; the rows take turns, so that whatever
    else the machine does meets all of them. nrr_ms: the frozen forward pass alone; cluster_ms: two-means on F and on M;
    contrast_ms: the contrast, forward and backward down to the projected features; each 0 in rows without it.
    parameters: all of them, the frozen NRR's too. kept_mb: bytes of the tensors that autograd keeps from the forward
    pass to the backward one, each counted once, without the weights.
    """
    fabric = make_fabric(precision=precision, accelerator=image.device.type)
    works, rows = [], []
    for method, variant, loss, timed in parts(contrast):
        model = build(variant).to(image.device, memory_format=torch.channels_last)
        optimizer = make_optimizer("adamw", model.parameters(), learning_rate=1e-3, weight_decay=0)
        model, optimizer = fabric.setup(model.train(), optimizer)
        count = sum(p.numel() for p in model.parameters())
        rows.append({"method": method, "parameters": count, "kept_mb": kept(model, loss, image, mask) / 2**20})
        alone = {"nrr_ms": partial(reconstruction, model, image)}
        if "cluster_ms" in timed:
            with torch.no_grad():
                outputs = model(image)
            alone |= {
                "cluster_ms": partial(clustering, outputs),
                "contrast_ms": partial(contrasting, outputs, mask, contrast),
            }
        whole = {"step_ms": partial(step, fabric, model, optimizer, loss, image, mask)}
        works.append(whole | {name: alone[name] for name in timed})
    turns = [[{name: work() for name, work in one.items()} for one in works] for _ in range(repeats + 1)]
    table = pd.DataFrame(rows)
    for name in ("step_ms", *PARTS):  # the first turn warms up
        table[name] = [1000 * statistics.median(turn[i].get(name, 0.0) for turn in turns[1:]) for i in range(len(rows))]
    table["against_base"] = table["step_ms"] / table["step_ms"].iloc[0]
    return table[["method", "parameters", "step_ms", "against_base", *PARTS, "kept_mb"]]


def parts(contrast: dict[str, float | str]) -> list[tuple[str, str, Callable[..., dict[str, Tensor]], tuple[str, ...]]]:
    """Rows of `measure`: name, variant whose model is built, loss, and the parts that are timed alone."""
    full = [(METHODS[name], name, loss_of(name, **contrast), PARTS) for name in ("nrr+scl", "nrr+scl+agap")]
    return [
        (METHODS["base"], "base", loss_of("base"), ()),
        (METHODS["nrr"], "nrr", loss_of("nrr"), PARTS[:1]),
        (BRANCH, "nrr+scl", loss_of("nrr"), PARTS[:1]),
        (f"{BRANCH}+clustering", "nrr+scl", clustered_loss, PARTS[:2]),
        *full,
    ]


def clustered_loss(outputs: dict[str, Tensor], mask: Tensor) -> dict[str, Tensor]:
    """The loss without contrast, by the maximum; the clusterings are computed and not used."""
    selected(outputs)
    return loss_of("nrr")(outputs, mask)


def reconstruction(model: nn.Module, image: Tensor) -> float:
    """Seconds of the prior alone: image (B,3,H,W) -> reconstruction and error map."""
    return seconds(partial(model.prior, image), image)


def clustering(outputs: dict[str, Tensor]) -> float:
    """Seconds of two-means on F and on M."""
    return seconds(partial(selected, outputs), outputs["feat"])


def contrasting(outputs: dict[str, Tensor], mask: Tensor, options: dict[str, float | str]) -> float:
    """Seconds of the contrast of tampered images, forward and backward down to the projected features."""
    proj, cells, tampered = outputs["proj"].clone().requires_grad_(), selected(outputs), image_label(mask) == 1

    def work():
        selective_contrast(proj, cells.tampered, cells.authentic, which=tampered, **options).backward()

    return seconds(work, proj)
