"""A forged photograph and its patches in three colours.

NCL section 1 and Figure 1. Tampered is orange, authentic blue, contour pink, as in `imdlib.pages.plots`.
"""

from collections.abc import Iterable, Sequence

import cv2
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from skimage import data
from torch import Tensor
from torch.nn import functional as F

from imdlib.ncl.patches import AUTHENTIC, CONTOUR, TAMPERED, label_patches
from imdlib.pages import plots

KINDS = {"tampered": TAMPERED, "authentic": AUTHENTIC, "contour": CONTOUR}
COLORS = {TAMPERED: plots.TAMPERED, AUTHENTIC: plots.AUTHENTIC, CONTOUR: plots.CONTOUR}
OPACITY = {TAMPERED: 0.55, AUTHENTIC: 0.35, CONTOUR: 0.9}
FINEST_GRID = 8  # pixels: the lines of a finer grid are not drawn


def forged(size: int = 256) -> tuple[np.ndarray, np.ndarray]:
    """An astronaut with a coffee that is not hers: image (size,size,3) uint8, mask (size,size) uint8, 1 = tampered."""
    image = cv2.resize(data.astronaut(), (size, size), interpolation=cv2.INTER_AREA)
    coffee = data.coffee()
    outline = np.zeros(coffee.shape[:2], np.uint8)
    cv2.ellipse(outline, ((276, 219), (404, 330), 18), 1, -1)  # the saucer
    cv2.ellipse(outline, ((291, 113), (240, 186), 16), 1, -1)  # the cup
    scale = size / 1024
    left, top = 0.3 * size - 73 * scale, 0.53 * size - 17 * scale  # the saucer's box begins at (73, 17)
    place = np.float32([[scale, 0, left], [0, scale, top]])
    shrunk = cv2.warpAffine(cv2.GaussianBlur(coffee, (0, 0), 0.4 / scale), place, (size, size))
    mask = cv2.warpAffine(outline, place, (size, size), flags=cv2.INTER_NEAREST)
    return np.where(mask[..., None] == 1, shrunk, image), mask


def disk(radius: float, shifts: Tensor | Sequence[Sequence[float]], size: int = 256) -> Tensor:
    """Masks (B,size,size) uint8 of one disk whose centre is moved from the middle by shifts (B,2), all in pixels."""
    centre = size / 2 + torch.as_tensor(shifts, dtype=torch.float32)[:, :, None, None]  # (B,2,1,1)
    place = torch.arange(size) + 0.5
    return (((place[:, None] - centre[:, 0]) ** 2 + (place - centre[:, 1]) ** 2) <= radius**2).to(torch.uint8)


def square(top: int, left: int, side: int, size: int = 256) -> Tensor:
    """Mask (1,size,size) uint8 of one square."""
    mask = torch.zeros(1, size, size, dtype=torch.uint8)
    mask[:, top : top + side, left : left + side] = 1
    return mask


def count_patches(mask: Tensor, sides: Iterable[int]) -> pd.DataFrame:
    """Count the three kinds of patches of mask (B,H,W), one row per patch side (pixels) and kind: side, kind, patches,
    share (of all patches), tampered_pixels (share of the tampered pixels that lie in them); means over the batch.
    """
    rows = []
    for side in sides:
        labels = label_patches(mask, (mask.shape[1] // side, mask.shape[2] // side))
        pixels = F.adaptive_avg_pool2d(mask[:, None].float(), labels.shape[1:])[:, 0]
        for kind, number in KINDS.items():
            chosen = labels == number
            tampered = float(pixels[chosen].sum() / pixels.sum().clamp(min=1e-9))
            count = float(chosen.sum() / len(labels))
            rows.append((side, kind, count, float(chosen.float().mean()), tampered))
    return pd.DataFrame(rows, columns=["side", "kind", "patches", "share", "tampered_pixels"])


def paint(image: np.ndarray, patches: np.ndarray | Tensor) -> np.ndarray:
    """Colour the cells of patches (h,w) over image (H,W,3) uint8: (H,W,3) float in [0,1]; H, W multiples of h, w."""
    labels = np.asarray(patches).repeat(image.shape[0] // patches.shape[0], 0)
    labels = labels.repeat(image.shape[1] // patches.shape[1], 1)
    painted = image / 255
    for kind, color in COLORS.items():
        weight = OPACITY[kind] * (labels == kind)[..., None]
        painted = (1 - weight) * painted + weight * np.array(to_rgb(color))
    return painted


def show_patches(image: np.ndarray, mask: Tensor, side: int, axis: Axes | None = None) -> None:
    """One picture with its patches of `side` pixels in three colours and the number of contour patches as title."""
    axis = axis or plt.subplots(figsize=(plots.COLUMN, plots.COLUMN))[1]
    patches = label_patches(mask, (image.shape[0] // side, image.shape[1] // side))[0].numpy()
    counts = [int((patches == kind).sum()) for kind in (TAMPERED, AUTHENTIC, CONTOUR)]
    plots.picture(axis, paint(image, patches))
    axis.set_title("patch of {} px: {} tampered,\n{} authentic, {} contour".format(side, *counts), fontsize=7)
    if side >= FINEST_GRID:
        for line in range(0, image.shape[0] + 1, side):
            axis.axhline(line - 0.5, color="w", lw=0.4)
            axis.axvline(line - 0.5, color="w", lw=0.4)


def zoom(axis: Axes, image: np.ndarray | Tensor) -> None:
    """Show the lower middle of a picture alone, half as wide and half as high."""
    axis.set(xlim=np.array([0.25, 0.75]) * len(image) - 0.5, ylim=np.array([1, 0.5]) * len(image) - 0.5)


def patch_sweep(image: np.ndarray, mask: Tensor, sides: Sequence[int]) -> Figure:
    """The lower middle of a picture at several patch sides, beside each other; the numbers are of the whole picture."""
    figure, axes = plt.subplots(1, len(sides), figsize=(plots.PAGE, plots.PAGE / len(sides) + 0.45))
    for axis, side in zip(axes, sides):
        show_patches(image, mask, side, axis)
        zoom(axis, image)
    kinds_legend(figure)
    return figure


def patch_sizes(counts: pd.DataFrame, rule: dict[int, float]) -> Figure:
    """Number of contour patches beside the rule {side: number}, and the share of the tampered pixels in each kind."""
    figure, axes = plt.subplots(1, 2, figsize=(plots.PAGE, 2.4))
    kinds = {kind: counts[counts["kind"] == kind] for kind in ("tampered", "contour")}
    side = kinds["contour"]["side"]
    axes[0].plot(side, kinds["contour"]["patches"], "o-", color=plots.CONTOUR, label="counted")
    axes[0].plot(list(rule), list(rule.values()), "--", color="0.5", label="2 (width + height) / side")
    for kind, color in (("tampered", plots.TAMPERED), ("contour", plots.CONTOUR)):
        axes[1].plot(side, kinds[kind]["tampered_pixels"], "o-", color=color, label=f"in {kind} patches")
    axes[0].set(yscale="log", ylabel="contour patches", yticks=[4, 10, 30, 100], yticklabels=[4, 10, 30, 100])
    axes[1].set(ylim=(-0.03, 1.03), ylabel="share of the tampered pixels")
    for axis in axes:
        axis.minorticks_off()
        axis.set_xscale("log", base=2)
        axis.set(xlabel="side of a patch (pixels)", xticks=side, xticklabels=side)
        axis.legend(fontsize=8)
    return figure


def kinds_legend(figure: Figure) -> None:
    """The three colours, below a figure."""
    names = {"tampered": plots.TAMPERED, "authentic": plots.AUTHENTIC, "contour": plots.CONTOUR}
    handles = [Line2D([], [], marker="s", ls="", ms=6, color=color, label=name) for name, color in names.items()]
    figure.legend(handles=handles, loc="outside lower center", ncols=3, fontsize=8, handletextpad=0.2)
