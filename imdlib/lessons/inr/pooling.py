"""One response map, six poolings: the score of the image, and which cells get the gradient.

INR section 3.4 and Table 6. The map and the two clusterings are those of `matching_and_clusters.planted`.
"""

from collections.abc import Iterable

import matplotlib.pyplot as plt
import pandas as pd
import torch
from matplotlib.figure import Figure
from torch import Tensor

from imdlib.inr.contrast import select
from imdlib.inr.pooling import POOLINGS, generalized_mean, pool
from imdlib.inr.weak import bce, image_score
from imdlib.lessons.inr.matching_and_clusters import KINDS, planted
from imdlib.pages import plots

SPUR = 2.5  # logit of the one authentic cell that responds by mistake


def response(
    share: float,
    *,
    images: int = 1,
    noise: float = 0.4,
    low: float = -1.5,
    high: float = 1.0,
    spur: bool = True,
    seed: int = 0,
) -> tuple[Tensor, Tensor, Tensor]:
    """Logits (images,h,w), truth and cells selected by both clusterings, same shape, bool.

    The logit is `high` in tampered cells (`share` of them) and `low` elsewhere, plus noise; with `spur`, one authentic
    cell near a corner has SPUR.
    """
    generator = torch.Generator().manual_seed(seed)
    feat, matching, truth = planted(share, images=images, generator=generator)
    logits = low + (high - low) * truth + noise * torch.randn(truth.shape, generator=generator)
    if spur:
        logits[:, 1, -2] = SPUR
    return logits, truth, select(feat, matching).tampered


def scores(prob: Tensor, selected: Tensor) -> dict[str, Tensor]:
    """Image score of maps (B,h,w) by each pooling: {pooling: (B,)}."""
    return {name: image_score(pool(prob, name, selected if name == "adaptive" else None)) for name in POOLINGS}


def gradients(prob: Tensor, selected: Tensor) -> dict[str, tuple[float, Tensor]]:
    """Score of one map (1,h,w) and its gradient with respect to each cell (h,w), by pooling: {pooling: (float, grad)}."""
    found = {}
    for name in POOLINGS:
        leaf = prob.detach().clone().requires_grad_()
        score = scores(leaf, selected)[name].sum()
        score.backward()
        found[name] = float(score.detach()), leaf.grad[0]
    return found


def share_sweep(shares: Iterable[float], *, images: int = 32, seed: int = 0) -> pd.DataFrame:
    """Mean score of planted maps by pooling and tampered share: DataFrame share, pooling, score. Share 0 = authentic."""
    rows = []
    for share in shares:
        logits, _, selected = response(share, images=images, seed=seed)
        rows += [(share, name, float(score.mean())) for name, score in scores(logits.sigmoid(), selected).items()]
    return pd.DataFrame(rows, columns=["share", "pooling", "score"])


def learn(
    logits: Tensor, selected: Tensor, pooling: str, *, enough: float = 0.9, rate: float = 0.1, steps: int = 300
) -> Tensor:
    """Train a map (1,h,w) itself with the label 1 until its score is `enough`: probability (h,w)."""
    logits = logits.clone().requires_grad_()
    optimizer = torch.optim.Adam([logits], rate)
    for _ in range(steps):
        prob = logits.sigmoid()
        pools = pool(prob, pooling, selected if pooling == "adaptive" else None)
        if image_score(pools) >= enough:
            break
        optimizer.zero_grad()
        sum(bce(torch.ones(1), one).mean() for one in pools).backward()
        optimizer.step()
    return logits.detach().sigmoid()[0]


def norm_over_n(value: float, cells: int, p: float) -> float:
    """The generalized mean with the division outside the root, of a constant map."""
    return float(generalized_mean(torch.full((1, cells), value), p=p, divide_outside=True))


def map_figure(prob: Tensor, truth: Tensor, selected: Tensor) -> Figure:
    """The response map, what is tampered, and what both clusterings call tampered."""
    figure, axes = plt.subplots(1, 3, figsize=(plots.PAGE * 0.75, 1.9))
    plots.picture(axes[0], prob[0], "response map", cmap=plots.HEAT)
    plots.outline(axes[0], truth[0].numpy(), color=plots.PALETTE[5])
    figure.colorbar(axes[0].images[0], ax=axes[0], shrink=0.9)
    plots.picture(axes[1], 2 * truth[0].int(), f"tampered: {truth.float().mean():.0%}", cmap=KINDS, vmax=2)
    plots.picture(axes[2], 2 * selected[0].int(), f"both clusterings: {int(selected.sum())} cells", cmap=KINDS, vmax=2)
    return figure


def gradient_figure(found: dict[str, tuple[float, Tensor]], truth: Tensor) -> Figure:
    """Where each pooling's gradient goes; title: score, cells with gradient, share of the gradient on tampered cells."""
    figure, axes = plt.subplots(1, len(found), figsize=(plots.PAGE, 1.75))
    for axis, (name, (score, grad)) in zip(axes, found.items()):
        part = float((grad * truth[0]).sum() / grad.sum())
        title = f"{name}: {score:.2f}\n{int((grad > 0).sum())} cells\n{part:.0%} on tampered"
        plots.picture(axis, grad, title, cmap=plots.HEAT, vmax=float(grad.max()))
        plots.outline(axis, truth[0].numpy(), color=plots.PALETTE[5])
    return figure


def turn(share: float, seed: int = 0) -> Figure:
    """`gradient_figure` of the map with another share of tampered cells."""
    logits, truth, selected = response(share, seed=seed)
    return gradient_figure(gradients(logits.sigmoid(), selected), truth)


def gradient_table(found: dict[str, tuple[float, Tensor]], truth: Tensor) -> pd.DataFrame:
    """What `gradient_figure` draws: pooling, score, cells, on_tampered, largest."""
    rows = [
        (name, score, int((grad > 0).sum()), float((grad * truth[0]).sum() / grad.sum()), float(grad.max()))
        for name, (score, grad) in found.items()
    ]
    return pd.DataFrame(rows, columns=["pooling", "score", "cells", "on_tampered", "largest"])


def sweep_figure(sweep: pd.DataFrame) -> Figure:
    """Score against the tampered share, one line per pooling; the leftmost point is the authentic image."""
    figure, axis = plt.subplots(figsize=(plots.PAGE * 0.7, 2.5))
    for color, (name, line) in zip(plots.PALETTE, sweep.groupby("pooling", sort=False)):
        axis.plot(line["share"], line["score"], "o-", ms=3, color=color, label=name)
    axis.axhline(0.5, color="0.6", lw=0.8, ls=":")
    axis.set(xlabel="tampered share of the cells (0 = authentic)", ylabel="score of the image", ylim=(0, 1))
    axis.legend(fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


def learned_figure(before: Tensor, learned: dict[str, Tensor], truth: Tensor) -> Figure:
    """A map before training and after it with each pooling, {pooling: prob (h,w)}."""
    figure, axes = plt.subplots(1, len(learned) + 1, figsize=(plots.PAGE, 1.7))
    for axis, (name, prob) in zip(axes, ({"before": before} | learned).items()):
        wrong, right = (int((prob > 0.5)[where].sum()) for where in (~truth[0], truth[0]))
        title = f"{name}\n{right} of {int(truth.sum())} right\n{wrong} wrong"
        plots.picture(axis, prob, title, cmap=plots.HEAT)
        plots.outline(axis, truth[0].numpy(), color=plots.PALETTE[5])
    return figure
