"""A photograph redrawn by the NRR, and the error that is left: in the fur of a cat, and in tampered regions.

INR section 3.2, Eq. 1 to 3, and the error map of section 3.3.
"""

from collections.abc import Iterable

import cv2
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
from matplotlib.figure import Figure
from skimage import data
from torch import Tensor
from torch.nn import functional as F

from imdlib.data.batches import ImageSet
from imdlib.inr.priors import Smooth
from imdlib.inr.reconstruction import NRR, error_map, pixel_grid, positional_encoding, psnr, reconstruction_loss
from imdlib.pages import plots
from imdlib.scoring import metrics

SMALL = dict(width=8, blocks=1, channels=8, hidden=(32, 32, 32))  # seconds on one core; the study's is larger


def photograph(size: int = 64) -> Tensor:
    """A cat's face, (1,3,size,size) in [0,1]."""
    face = cv2.resize(data.chelsea()[20:276, 90:346], (size, size), interpolation=cv2.INTER_AREA)
    return torch.from_numpy(face).permute(2, 0, 1)[None].float() / 255


def fit(
    image: Tensor,
    *,
    frequencies: int = 8,
    stride: int = 1,
    encoder: bool = True,
    steps: int = 150,
    rate: float = 1e-2,
    seed: int = 0,
) -> Tensor:
    """Fit a small NRR to one image (1,3,H,W) by Eq. 2: its reconstruction (1,3,H,W).

    frequencies: L of Eq. 3; stride: of the encoder; encoder=False: features are zero, the MLP knows coordinates alone.
    """
    torch.manual_seed(seed)
    nrr = NRR(frequencies=frequencies, stride=stride, **SMALL)
    blind, grid = torch.zeros(1, *image.shape[-2:], nrr.encoder.channels), pixel_grid(*image.shape[-2:])
    optimizer = torch.optim.Adam(nrr.parameters(), rate)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=steps)
    for _ in range(steps):
        reconstruction = nrr.reconstruct(image) if encoder else nrr.decode(blind, grid)
        optimizer.zero_grad()
        reconstruction_loss(image, reconstruction).backward()
        optimizer.step()
        schedule.step()
    return reconstruction.detach()


def learn(
    images: Tensor, *, steps: int = 300, batch: int = 16, crop: int = 24, rate: float = 5e-3, seed: int = 0
) -> NRR:
    """Train a small NRR (stride 1, L = 8) on images (n,3,H,W) in [0,1]; it comes back frozen.

    Each step sees a crop, with the coordinates that its pixels have in the whole image.
    """
    torch.manual_seed(seed)
    nrr, grid = NRR(stride=1, **SMALL), pixel_grid(*images.shape[-2:])
    optimizer = torch.optim.Adam(nrr.parameters(), rate)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=steps)
    for _ in range(steps):
        top, left = (int(torch.randint(side - crop + 1, ())) for side in images.shape[-2:])
        part = slice(top, top + crop), slice(left, left + crop)
        chosen = images[torch.randint(len(images), (batch,))][..., *part]
        reconstruction = nrr.decode(nrr.encoder(chosen).permute(0, 2, 3, 1), grid[part])
        optimizer.zero_grad()
        reconstruction_loss(chosen, reconstruction).backward()
        optimizer.step()
        schedule.step()
    return nrr.requires_grad_(False)


def stacked(images: ImageSet) -> tuple[Tensor, Tensor]:
    """Images (n,3,H,W) in [0,1] and masks (n,1,H,W) bool of an ImageSet whose images have one size."""
    image, mask = zip(*images.samples())
    return torch.stack(image).float() / 255, torch.stack(mask) == 1


@torch.no_grad()
def errors(nrr: NRR, image: Tensor) -> dict[str, Tensor]:
    """Error maps (n,1,H,W) by name: of the NRR, and of the 3x3 mean."""
    return {"NRR": error_map(image, nrr.reconstruct(image)), "high pass": Smooth()(image)[1]}


def smoothed(error: Tensor, side: int = 9) -> Tensor:
    """Mean over squares of `side` pixels, (n,1,H,W) -> same."""
    return F.avg_pool2d(error, side, 1, side // 2, count_include_pad=False)


def aucs(maps: dict[str, Tensor], mask: Tensor) -> pd.DataFrame:
    """AUC of error maps {name: (n,1,H,W)} for masks (n,1,H,W), after `smoothed`: one row per image and map."""
    rows = [
        (number, name, metrics.auc(error.numpy(), where.numpy()))
        for name, stack in maps.items()
        for number, (error, where) in enumerate(zip(smoothed(stack), mask))
    ]
    return pd.DataFrame(rows, columns=["image", "error", "auc"])


def noise_sweep(nrr: NRR, image: Tensor, mask: Tensor, sigmas: Iterable[float], seed: int = 0) -> pd.DataFrame:
    """Mean of `aucs` when noise of standard deviation sigma is added to the tampered pixels: sigma, error, auc."""
    noise = torch.randn(image.shape, generator=torch.Generator().manual_seed(seed)) * mask
    tables = {s: aucs(errors(nrr, (image + s * noise).clamp(0, 1)), mask) for s in sigmas}
    tidy = pd.concat(tables, names=["sigma"]).reset_index("sigma")
    return tidy.groupby(["sigma", "error"], sort=False)["auc"].mean().reset_index()


def first_idle(width: int) -> int:
    """Smallest L whose last waves of Eq. 3 are the same at every pixel of a row of `width` pixels (at most 2048)."""
    x = positional_encoding(pixel_grid(1, width)[0], 12).unflatten(1, (12, 2, 2))[..., 0]  # (width, L, sin and cos)
    spread = (x.amax(0) - x.amin(0)).amax(1)
    return int((spread < 0.01).int().argmax()) + 1


def picture_of(image: Tensor) -> np.ndarray:
    """(3,H,W) -> (H,W,3) in [0,1]."""
    return image.permute(1, 2, 0).clamp(0, 1).numpy()


def waves(width: int = 64, frequencies: int = 8) -> Figure:
    """The sines and cosines of Eq. 3 along a row of pixels, one line per k."""
    both = positional_encoding(pixel_grid(1, width)[0], frequencies).unflatten(1, (frequencies, 2, 2))[..., 0]
    figure, axes = plt.subplots(1, 2, figsize=(plots.PAGE, 1.9), sharey=True)
    for axis, values, name in zip(axes, both.permute(2, 1, 0), ("sin", "cos")):
        shown = axis.imshow(values, aspect="auto", cmap="gray", vmin=-1, vmax=1, interpolation="nearest")
        axis.set(title=f"{name}(2^k pi x)", xlabel="pixel", yticks=range(frequencies))
    axes[0].set(ylabel="k")
    figure.colorbar(shown, ax=axes, pad=0.01)
    return figure


def redrawn(image: Tensor, pictures: dict[str, Tensor], highest: float = 0.02) -> Figure:
    """An image (1,3,H,W) and its reconstructions {title: same shape}; below, their errors, all on one scale."""
    columns = {"photograph": image} | pictures
    figure, axes = plt.subplots(2, len(columns), figsize=(plots.PAGE, 0.35 + 2 * plots.PAGE / (len(columns) + 0.6)))
    for (above, below), (title, picture) in zip(axes.T, columns.items()):
        quality = "" if picture is image else f"\n{psnr(image, picture).item():.1f} dB"
        plots.picture(above, picture_of(picture[0]), title + quality)
        plots.picture(below, error_map(image, picture)[0, 0], cmap=plots.HEAT, vmax=highest)
    axes[1, 0].set_visible(False)
    figure.colorbar(axes[1, -1].images[0], ax=axes[1], pad=0.01, label="squared error")
    return figure


def error_sheet(
    image: Tensor, mask: Tensor, reconstruction: Tensor, maps: dict[str, Tensor], share: float = 0.99
) -> Figure:
    """Tampered images (n,3,H,W) with the outline of their masks, reconstructions, and error maps, smoothed, each from 0
    to the `share` quantile of its image.
    """
    figure, axes = plt.subplots(2 + len(maps), len(image), figsize=(plots.PAGE, 0.92 * (2 + len(maps))), squeeze=False)
    for column, real, redrawn_, where in zip(axes.T, image, reconstruction, mask):
        plots.picture(column[0], picture_of(real))
        plots.picture(column[1], picture_of(redrawn_))
        plots.outline(column[0], where[0].numpy(), color=plots.PALETTE[5])
    for row, stack in zip(axes[2:], maps.values()):
        for axis, error, where in zip(row, smoothed(stack), mask):
            plots.picture(axis, error[0], cmap=plots.HEAT, vmax=float(error.quantile(share)))
            plots.outline(axis, where[0].numpy(), color="w", width=0.8)
    for axis, name in zip(axes[:, 0], ["image", "redrawn", *maps]):
        axis.set_ylabel(name, fontsize=7)
    shown = axes[-1, -1].images[0]
    bar = figure.colorbar(shown, ax=axes[2:], pad=0.01, aspect=25, ticks=[0, shown.get_clim()[1]])
    bar.set_ticklabels(["0", f"{share:.0%}\nquantile"])  # each map has its own scale
    return figure


def auc_figure(table: pd.DataFrame, sweep: pd.DataFrame) -> Figure:
    """AUC of every image and their mean, and the mean against the noise in the tampered region."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(plots.PAGE, 2.3), sharey=True)
    for place, (name, color) in enumerate(zip(table["error"].unique(), plots.PALETTE)):
        values = table.loc[table["error"] == name, "auc"]
        left.plot([place] * len(values), values, "o", ms=4, color=color, alpha=0.6)
        left.plot([place - 0.2, place + 0.2], [values.mean()] * 2, color="k", lw=1.5)
        line = sweep[sweep["error"] == name]
        right.plot(line["sigma"], line["auc"], "o-", color=color, ms=3.5, label=name)
    left.set(xticks=range(table["error"].nunique()), xticklabels=table["error"].unique(), xlim=(-0.5, 1.5))
    left.set(ylabel="AUC of the error map", ylim=(-0.03, 1.03), title="as they are")
    right.set(xlabel="standard deviation of the noise", title="noise added to the tampered regions")
    right.legend(fontsize=8)
    for axis in (left, right):
        axis.axhline(0.5, color="0.5", lw=0.8, ls=":")
    return figure
