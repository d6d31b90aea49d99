"""The pivot-consistent loss: how much each pixel counts, and what that does to a map too coarse for its mask.

NCL section 3.3, Eq. 8. The weights are read off the study's own loss by its gradient.
"""

from collections.abc import Iterable

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
from matplotlib.colors import LogNorm, to_rgb
from matplotlib.figure import Figure
from torch import Tensor
from torch.nn import functional as F

from imdlib.lessons.ncl.three_kinds_of_patches import zoom
from imdlib.ncl.losses import pivot_consistency
from imdlib.ncl.patches import contour_pixels, label_patches, shrink_mask
from imdlib.pages import plots


def pixel_weights(
    mask: Tensor, *, grid: tuple[int, int], mu: float, size: tuple[int, int] | None = None, renormalise: bool = False
) -> Tensor:
    """The weight of each pixel in Eq. 8, read off the library's loss by its gradient: (h,w), mean over the batch.

    mask (B,H,W) in {0,1}; size: of the logits, None = that of the mask. At logits 0 cross-entropy changes by a half per
    unit of logit, so twice the gradient is the weight.
    """
    logits = torch.zeros(len(mask), 2, *(size or mask.shape[1:]), requires_grad=True)
    pivot_consistency([logits], mask, grid=grid, mu=mu, renormalise=renormalise).backward()
    return 2 * logits.grad[:, 1].abs().mean(0)


def contour_share(mask: Tensor, *, grid: tuple[int, int]) -> float:
    """Share of the pixels of mask (1,H,W) that lie in contour cells."""
    return float(contour_pixels(label_patches(mask, grid), mask.shape[1:]).float().mean())


def weight_sweep(mask: Tensor, mus: Iterable[float], *, grid: tuple[int, int]) -> pd.DataFrame:
    """DataFrame mu, share (of the weight, on the contour), factor (mean weight there over mean weight elsewhere)."""
    contour, rows = contour_pixels(label_patches(mask, grid), mask.shape[1:])[0], []
    for mu in mus:
        weights = pixel_weights(mask, grid=grid, mu=float(mu)).double()
        on, off = weights[contour], weights[~contour]
        rows.append((float(mu), float(on.sum() / weights.sum()), float(on.mean() / off.mean())))
    return pd.DataFrame(rows, columns=["mu", "share", "factor"])


def contour_factor(mask: Tensor, *, grid: tuple[int, int], mu: float) -> float:
    """How many times as much as another pixel a contour pixel counts."""
    return weight_sweep(mask, [mu], grid=grid)["factor"][0]


def fit_coarse_map(
    mask: Tensor, *, mu: float, grid: tuple[int, int], cells: int = 20, steps: int = 80, rate: float = 0.3
) -> Tensor:
    """Fit a map that is too coarse for its mask, cells x cells numbers drawn out bilinearly: probability (H,W).

    What it cannot have everywhere it has where the loss asks for it. mask (1,H,W) in {0,1}.
    """
    coarse = torch.zeros(1, 2, cells, cells, requires_grad=True)
    optimizer = torch.optim.Adam([coarse], lr=rate)
    for _ in range(steps):
        logits = F.interpolate(coarse, mask.shape[1:], mode="bilinear")
        optimizer.zero_grad()
        pivot_consistency([logits], mask, grid=grid, mu=mu).backward()
        optimizer.step()
    return logits.detach().softmax(1)[0, 1]


def errors_by_place(prob: Tensor, mask: Tensor, *, grid: tuple[int, int]) -> dict[str, float]:
    """Share of wrong pixels at 0.5 on the contour and elsewhere: {'on the contour', 'elsewhere', 'everywhere'}."""
    wrong = (prob > 0.5) != (mask[0] == 1)
    contour = contour_pixels(label_patches(mask, grid), mask.shape[1:])[0]
    places = {"on the contour": contour, "elsewhere": ~contour, "everywhere": torch.ones_like(contour)}
    return {place: float(wrong[where].float().mean()) for place, where in places.items()}


def supervised_at(mask: Tensor, sizes: Iterable[int], *, grid: tuple[int, int]) -> dict[int, tuple[Tensor, Tensor]]:
    """What the loss sees at each size: {size: (target (h,w) in {0,1}, contour (h,w) bool)}; mask (1,H,W) in {0,1}."""
    patches = label_patches(mask, grid)
    return {s: (shrink_mask(mask, (s, s))[0], contour_pixels(patches, (s, s))[0]) for s in sizes}


def weight_maps(image: np.ndarray, weights: dict[float, Tensor]) -> Figure:
    """The lower middle of a picture and of weights {mu: (H,W)}, on a logarithmic scale; 1 = as in a plain mean."""
    figure, axes = plt.subplots(1, len(weights) + 1, figsize=(plots.PAGE, 1.6))
    plots.picture(axes[0], image, "picture")
    zoom(axes[0], image)
    for axis, (mu, weight) in zip(axes[1:], weights.items()):
        relative = (weight * weight.numel()).clamp(min=1e-3)
        plots.picture(axis, relative, f"mu = {mu}", cmap=plots.HEAT, norm=LogNorm(0.01, 100), vmin=None, vmax=None)
        zoom(axis, weight)
    figure.colorbar(axes[-1].images[0], ax=axes, shrink=0.75, pad=0.01, label="weight", format="{x:g}")
    return figure


def weight_curves(sweep: pd.DataFrame, mu: float) -> Figure:
    """Share of the weight on the contour, and a contour pixel's weight as a multiple of another's, against mu."""
    figure, axes = plt.subplots(1, 2, figsize=(plots.PAGE, 2.2))
    axes[0].plot(sweep["mu"], sweep["share"], color=plots.CONTOUR)
    axes[1].semilogy(sweep["mu"], sweep["factor"], color=plots.CONTOUR)
    axes[0].set(xlabel="mu", ylabel="share of the weight\non the contour", ylim=(0, 1.02))
    axes[1].set(xlabel="mu", ylabel="contour pixel /\nother pixel")
    for axis in axes:
        axis.axvline(mu, color="0.4", lw=1, ls=":")
    return figure


def fitted_maps(maps: dict[float, Tensor], mask: Tensor) -> Figure:
    """The lower middle of probability maps {mu: (H,W)}, with the outline of the true mask."""
    figure, axes = plt.subplots(1, len(maps), figsize=(1.85 * len(maps), 1.9), squeeze=False)
    for axis, (mu, prob) in zip(axes[0], maps.items()):
        plots.picture(axis, prob, f"mu = {mu}", cmap=plots.HEAT)
        plots.outline(axis, mask[0].numpy(), color="w", width=0.7)
        zoom(axis, prob)
    figure.colorbar(axes[0, -1].images[0], ax=axes, shrink=0.75, pad=0.01, label="probability")
    return figure


def error_curves(errors: pd.DataFrame) -> Figure:
    """Share of wrong pixels (index mu; columns 'on the contour', 'elsewhere'), each mu at the same distance."""
    figure, axis = plt.subplots(figsize=(plots.PAGE * 0.6, 2.2))
    for place, color in (("on the contour", plots.CONTOUR), ("elsewhere", "0.3")):
        axis.semilogy(range(len(errors)), 100 * errors[place], "o-", color=color, label=place)
    axis.set(xticks=range(len(errors)), xticklabels=errors.index, xlabel="mu", ylabel="wrong pixels (%)")
    axis.set(yticks=[0.01, 0.1, 1, 10], yticklabels=["0.01", "0.1", "1", "10"])
    axis.legend(fontsize=8)
    return figure


def supervision(targets: dict[int, tuple[Tensor, Tensor]]) -> Figure:
    """What the loss sees at each size, {size: (target, contour)}: tampered white, authentic black, contour pink."""
    figure, axes = plt.subplots(1, len(targets), figsize=(plots.PAGE * 0.8, 2.1))
    for axis, (size, (target, contour)) in zip(axes, targets.items()):
        colored = target[..., None].float().expand(-1, -1, 3).clone()
        colored[contour] = colored.new_tensor(to_rgb(plots.CONTOUR))
        plots.picture(axis, colored, f"{size} x {size}")
        zoom(axis, target)
    return figure
