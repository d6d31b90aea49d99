"""Drawings of `two_branches`: scenes, receptive fields, interaction, messages of the bridges, and what either head can answer.

Bridging section 3.4.
"""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
from matplotlib.figure import Figure
from torch import Tensor

from imdlib.bridge.conformer import Conformer
from imdlib.lessons.bridge import two_branches as world
from imdlib.pages import plots

NAMES = {"conv": "convolution", "trans": "attention", "conv_logits": "convolution", "trans_logits": "attention"}
PASSES = {"to_tokens": "map to tokens", "to_map": "tokens to map"}


def scene_sheet(image: Tensor, truth: Tensor) -> Figure:
    """Scenes (N,3,H,W) in a row with the answers to both tasks."""
    figure, axes = plt.subplots(1, len(image), figsize=(plots.PAGE, 1.25))
    for axis, picture, (checker, alike) in zip(axes, image, truth):
        title = f"{'checkerboard' if checker else 'stripes'}, marks {'alike' if alike else 'differ'}"
        plots.picture(axis, picture.permute(1, 2, 0), title)
    return figure


def fields(
    models: dict[str, Conformer], cell: tuple[int, int] = (4, 8), images: int = 4, seed: int = 0
) -> dict[tuple[str, str], Tensor]:
    """Effective receptive field of one cell, {(model, branch): (H,W)}, mean over random scenes."""
    image, _ = world.scenes(images, noise=0.1, seed=seed)
    return {(name, b): world.field(model, image, b, cell) for name, model in models.items() for b in ("conv", "trans")}


def field_table(found: dict[tuple[str, str], Tensor]) -> pd.DataFrame:
    """Rows bridges, branch, share of the pixels with a gradient, columns of pixels with one."""
    rows = [(*key, float((f > 0).float().mean()), int((f.amax(0) > 0).sum())) for key, f in found.items()]
    return pd.DataFrame(rows, columns=["bridges", "branch", "pixels_heard", "columns_heard"])


def field_figure(found: dict[tuple[str, str], Tensor], cell: tuple[int, int] = (4, 8), decades: int = 4) -> Figure:
    """The fields on a logarithmic scale of `decades` below each maximum; grey is exactly zero, the square is the cell."""
    figure, axes = plt.subplots(1, len(found), figsize=(plots.PAGE, 1.5))
    cmap = plots.HEAT.with_extremes(bad="0.7")
    for axis, ((name, branch), values) in zip(axes, found.items()):
        share = (values > 0).float().mean()
        scale = np.log10((values / values.max()).clamp(min=10.0**-decades))
        shown = np.ma.masked_array(1 + scale / decades, values == 0)
        plots.picture(axis, values, f"{NAMES[branch]}, {name}\n{share:.0%} of the pixels")
        axis.images[0].set(array=shown, cmap=cmap)
        corner = (cell[1] * world.CELL - 0.5, cell[0] * world.CELL - 0.5)
        axis.add_patch(plt.Rectangle(corner, world.CELL, world.CELL, fill=False, color=plots.PALETTE[5], lw=1))
    return figure


def interaction_table(models: dict[str, Conformer], distances: Sequence[int]) -> pd.DataFrame:
    """Rows bridges, branch, distance, interaction, computed in double precision."""
    rows = []
    for name, model in models.items():
        for branch, values in world.interaction(model.double(), distances).items():
            rows += [(name, branch, distance, value) for distance, value in zip(distances, values)]
        model.float()
    return pd.DataFrame(rows, columns=["bridges", "branch", "distance", "interaction"])


def interaction_figure(table: pd.DataFrame) -> Figure:
    """Interaction of the two marks against their distance, logarithmic; below 1e-12 is rounding."""
    figure, axis = plt.subplots(figsize=(plots.PAGE * 0.72, 2.3))
    for (name, branch), part in table.groupby(["bridges", "branch"], sort=False):
        color = plots.AUTHENTIC if branch == "conv" else plots.TAMPERED
        style = dict(color=color, ls="--" if name == "cut" else "-", marker="o", ms=3)
        axis.plot(part["distance"], part["interaction"], label=f"{NAMES[branch]}, {name}", **style)
    axis.axhspan(1e-17, 1e-12, color="0.93", lw=0)
    axis.text(2.6, 2e-17, "rounding", fontsize=7, color="0.4")
    axis.set(
        yscale="log", ylim=(1e-17, 3), xlim=(2.5, 14.5), xlabel="distance of the marks, in cells", ylabel="interaction"
    )
    axis.legend(fontsize=7, loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


def message_figure(found: dict[tuple[int, str], Tensor], scale: float = 0.15) -> Figure:
    """Where each bridge passes something else after the far mark has changed its colour; title: the largest change."""
    figure, axes = plt.subplots(1, len(found), figsize=(plots.PAGE, 1.5))
    for axis, ((stage, name), change) in zip(axes, found.items()):
        title = f"stage {stage}, {PASSES[name]}\nup to {change.max():.0%}; first mark {change[0, 0]:.0%}"
        plots.picture(axis, change, title, cmap=plots.HEAT, vmax=scale)
    figure.colorbar(
        axes[-1].images[0],
        ax=axes,
        pad=0.01,
        aspect=12,
        extend="max",
        format=lambda value, _: f"{100 * value:g}%",
        label="change",
    )
    return figure


def auc_table(models: dict[str, Conformer], count: int = 300, distance: int = 13, seed: int = 0) -> pd.DataFrame:
    """Rows bridges, branch, task, auc: heads fitted on scenes of any distance, asked about others of one distance."""
    learn, asked = world.scenes(count, seed=seed + 1), world.scenes(count, distance=distance, seed=seed + 2)
    rows = [
        (name, *row)
        for name, model in models.items()
        for row in world.branch_aucs(world.fit_heads(model, *learn), *asked)
    ]
    return pd.DataFrame(rows, columns=["bridges", "branch", "task", "auc"])


def auc_figure(table: pd.DataFrame) -> Figure:
    """AUC of each branch's own logits for both tasks, one group of bars for each way of opening the bridges."""
    figure, axes = plt.subplots(1, len(world.TASKS), figsize=(plots.PAGE, 2.2), sharey=True)
    names = list(dict.fromkeys(table["bridges"]))
    for axis, (task, part) in zip(axes, table.groupby("task", sort=False)):
        for k, (branch, color) in enumerate((("conv_logits", plots.AUTHENTIC), ("trans_logits", plots.TAMPERED))):
            values = part[part["branch"] == branch].set_index("bridges")["auc"].loc[names]
            at = np.arange(len(names)) + 0.36 * (k - 0.5)
            bars = axis.bar(at, values, 0.33, color=color, label=f"{branch} ({NAMES[branch]})")
            axis.bar_label(bars, fmt="%.2f", fontsize=6)
        axis.axhline(0.5, color="0.4", lw=0.8, ls=":")
        axis.set(title=task, xticks=range(len(names)), ylim=(0, 1.1))
        axis.set_xticklabels(names, fontsize=7)
    axes[0].set_ylabel("AUC")
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=2, fontsize=7)
    return figure


@torch.no_grad()
def turn(models: dict[str, Conformer], distance: int, *, count: int = 50, seed: int = 3) -> None:
    """One scene with the marks `distance` cells apart, and how well either branch tells alike from different there."""
    image, truth = world.scenes(count, distance=distance, seed=seed)
    scene_sheet(image[:3], truth[:3])
    for name, model in models.items():
        aucs = {branch: auc for branch, task, auc in world.branch_aucs(model, image, truth) if task == world.TASKS[1]}
        print(f"{name:8s} marks alike or not: " + ", ".join(f"{NAMES[b]} {auc:.2f}" for b, auc in aucs.items()))
