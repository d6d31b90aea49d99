"""Drawings of `cam_times_attention`: maps with their IoU, sweeps of one parameter, and what stretching makes of noise.

Bridging section 3.5 and Figure 2 (threshold 0.5).
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from torch import Tensor

from imdlib.lessons.bridge import cam_times_attention as world
from imdlib.pages import plots

NAMES = {"attention": "A @ CAM", "transposed": "transposed", "none": "CAM alone"}
COLORS = {"attention": plots.PALETTE[0], "transposed": plots.PALETTE[4], "none": "0.4"}
SHADES = np.array([[0.35, 0.42, 0.2], [0.55, 0.75, 0.95], [0.85, 0.55, 0.2]])  # ground, surface, forged


def map_sheet(
    contrast: float = 1.0,
    *,
    size: tuple[int, int] = world.LARGE,
    temperature: float = 1.0,
    layers: int = 6,
    sink: float = 0.0,
    seed: int = 0,
) -> Figure:
    """A scene, what the brightest cell attends to, and the three maps; blue: the forged region, white: map > 0.5."""
    tokens, cam, truth = world.planted(contrast, size=size, seed=seed)
    weights = world.attention(tokens, temperature=temperature, layers=layers, sink=sink)
    shades = SHADES.copy()
    shades[world.FORGED] = (1 - contrast) * SHADES[world.SURFACE] + contrast * SHADES[world.FORGED]
    figure, axes = plt.subplots(1, 5, figsize=(plots.PAGE, 1.75))
    generator = np.random.default_rng(seed)
    picture = shades[world.kinds(size)] + 0.02 * generator.normal(size=(world.SIDE, world.SIDE, 1))
    plots.picture(axes[0], picture.clip(0, 1), f"scene, contrast {contrast:g}")
    row = weights.sum(0)[0, 4 * world.SIDE + 6].view(truth.shape)
    plots.picture(
        axes[1], row, f"one cell attends,\ntemperature {temperature:g}", cmap=plots.HEAT, vmax=float(row.max())
    )
    axes[1].plot(6, 4, "x", color=plots.PALETTE[5], ms=5)
    found = world.maps(cam, weights)
    for axis, refine in zip(axes[2:], ("none", "attention", "transposed")):
        title = f"{NAMES[refine]}\nIoU {world.iou(found[refine], truth):.2f}"
        plots.picture(axis, found[refine], title, cmap=plots.HEAT)
        plots.outline(axis, (found[refine] > 0.5).numpy(), color="w", width=0.7)
    for axis in axes:
        frame = dict(fill=False, color="k" if axis is axes[0] else plots.PALETTE[5], lw=1.2)
        axis.add_patch(plt.Rectangle((4.5, 2.5), size[1], size[0], **frame))
    return figure


def sweep_figure(tables: dict[str, pd.DataFrame]) -> Figure:
    """IoU against one parameter in each panel, one line per refinement; {axis label: table of `spread.sweep`}."""
    figure, axes = plt.subplots(1, len(tables), figsize=(plots.PAGE, 2.2), sharey=True)
    for axis, (label, table) in zip(axes, tables.items()):
        for refine, part in table.groupby("refinement", sort=False):
            axis.plot(part.iloc[:, 0], part["iou"], "o-", ms=3, color=COLORS[refine], label=NAMES[refine])
        axis.set(xlabel=label, ylim=(-0.03, 1.03))
    axes[0].set_ylabel("IoU at 0.5")
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3, fontsize=7)
    return figure


def authentic_figure(found: dict[float, dict[str, Tensor]]) -> Figure:
    """Maps of pictures without a forgery, and the share of cells above 0.5; {amplitude: maps} of `spread.authentic`."""
    figure, axes = plt.subplots(1, 2 * len(found), figsize=(plots.PAGE, 1.75))
    cells = iter(axes)
    for amplitude, maps in found.items():
        for refine in ("none", "attention"):
            share = (maps[refine] > 0.5).float().mean()
            title = f"{NAMES[refine]}, noise {amplitude:g}\nmaximum {maps[refine].max():.2f}\n{share:.0%} above 0.5"
            plots.picture(next(cells), maps[refine], title, cmap=plots.HEAT)
    return figure


def authentic_table(found: dict[float, dict[str, Tensor]]) -> list[tuple[float, str, float, float]]:
    """What `authentic_figure` says: (amplitude, refinement, maximum, share above 0.5)."""
    return [
        (amplitude, refine, float(prob.max()), float((prob > 0.5).float().mean()))
        for amplitude, maps in found.items()
        for refine, prob in maps.items()
    ]


def shift_figure(table: pd.DataFrame) -> Figure:
    """Probability of the class and share of the cells called fake, against what was added to all logits."""
    figure, axis = plt.subplots(figsize=(plots.PAGE * 0.6, 2.0))
    axis.plot(table["shift"], table["probability"], "o-", ms=3, color="0.4", label="probability of the class")
    axis.plot(table["shift"], table["called"], "o-", ms=3, color=plots.TAMPERED, label="share of the cells above 0.5")
    axis.set(xlabel="added to the logits of all classes", ylim=(0, 1))
    axis.legend(fontsize=7, loc="center left", bbox_to_anchor=(1, 0.5))
    return figure
