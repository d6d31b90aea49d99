"""Pseudo-labels: when two sources that agree are right, what the literal form cannot do, and how a network confirms itself.

INR section 3.5 (unsupervised mode).
"""

import math
from collections.abc import Iterable, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
from matplotlib.figure import Figure
from torch import Tensor

from imdlib.inr.contrast import select
from imdlib.inr.detector import ChannelMean, INRNet
from imdlib.inr.distill import SELECTIONS, chosen_bce, collapsed, pseudo_labels, self_distillation, shallow_scores
from imdlib.inr.pooling import otsu_mean, selected_mean
from imdlib.inr.priors import Smooth
from imdlib.inr.weak import bce
from imdlib.pages import plots

SMALL = dict(backbone="resnet18", width=0.25, blocks=(1, 1, 1, 1), stem_stride=2, proj=(16, 8))
PARTS = ("encoder.layer1", "encoder.layer2", "encoder.layer3", "encoder.layer4", "project", "shallow", "head")


# ---- two sources ---------------------------------------------------------------------------------------------------


def two_scores(noise: float, shared: float, images: int = 1000, seed: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    """Scores of two sources, (images,) each in [0,1], and the truth, bool, half of it True.

    The logit is 1 for tampered and -1 for authentic images plus noise of deviation `noise`, of which the part `shared`
    (a correlation in [0,1]) is the same in both sources.
    """
    truth = torch.arange(images) % 2 == 0
    both, one, two = torch.randn(3, images, generator=torch.Generator().manual_seed(seed))
    mixed = [math.sqrt(shared) * both + math.sqrt(1 - shared) * own for own in (one, two)]
    first, second = (((2.0 * truth - 1) + noise * error).sigmoid() for error in mixed)
    return first, second, truth


def right_share(first: Tensor, second: Tensor, truth: Tensor, selection: str = "agreement") -> tuple[float, float]:
    """Share of images that are chosen, and share of the chosen whose pseudo-label is right."""
    label, chosen = pseudo_labels(first, second, selection)
    return float(chosen.float().mean()), float((label == truth)[chosen].float().mean())


def agreement_sweep(noise: float, shares: Sequence[float], images: int = 20000, seed: int = 0) -> pd.DataFrame:
    """How much agreement is worth: DataFrame shared, selection, chosen, right."""
    scores = {shared: two_scores(noise, shared, images, seed) for shared in shares}
    rows = [(s, name, *right_share(*scores[s], name)) for s in shares for name in SELECTIONS]
    return pd.DataFrame(rows, columns=["shared", "selection", "chosen", "right"])


# ---- the literal form ----------------------------------------------------------------------------------------------


def head_scores(literal: bool, images: int = 200, seed: int = 0) -> Tensor:
    """Score of a shallow head for features after ReLU, (images,), each image with a mean of its own."""
    torch.manual_seed(seed)
    feat = (torch.randn(images, 16, 8, 8) + torch.randn(images, 1, 1, 1)).relu()
    return shallow_scores([ChannelMean(literal=literal)(feat)])[0].detach()


def gradient_shares(deep: bool, seeds: Iterable[int] = (0, 1, 2)) -> dict[str, float]:
    """Norm of the gradient of the unsupervised loss in each part of a small network, over several starts: {part: float}.

    Noise is looked at: in a start in which the two clusterings share no cell, the contrast has no gradient at all.
    """
    squares = dict.fromkeys(PARTS, 0.0)
    for seed in seeds:
        torch.manual_seed(seed)
        network = INRNet(prior=Smooth(), shallow="norm", **SMALL)
        self_distillation(network(torch.rand(4, 3, 64, 64)), deep=deep, selection="all")["loss"].backward()
        for part in PARTS:
            grads = [w.grad for w in network.get_submodule(part).parameters() if w.grad is not None]
            squares[part] += sum(float((grad**2).sum()) for grad in grads)
    return {part: math.sqrt(total) for part, total in squares.items()}


# ---- a world that teaches itself -----------------------------------------------------------------------------------


def world(
    images: int = 128,
    cells: int = 36,
    channels: int = 4,
    tampered: int = 6,
    trace: float = 1.0,
    nuisance: float = 1.0,
    seed: int = 0,
) -> tuple[Tensor, Tensor, Tensor]:
    """Features (images,cells,channels), matching scores (images,cells) and truth (images,) bool, half of it True.

    Tampered images have `tampered` cells with `trace` more in channel 0 and lower scores. Every image, tampered or not,
    has a level of its own in channel 1, of deviation `nuisance`: brightness, say.
    """
    generator = torch.Generator().manual_seed(seed)
    truth = torch.arange(images) % 2 == 0
    where = truth[:, None] & (torch.arange(cells) < tampered)  # (images,cells)
    feat = 0.5 * torch.randn(images, cells, channels, generator=generator)
    feat[..., 0] += 2 * trace * where
    feat[..., 1] += nuisance * torch.randn(images, 1, generator=generator)
    matching = 0.7 - 0.2 * trace * where + 0.1 * torch.randn(images, cells, generator=generator)
    return feat, matching.clamp(0, 1), truth


def teach(
    feat: Tensor,
    matching: Tensor,
    truth: Tensor,
    *,
    bias: float = 0.0,
    selection: str = "agreement",
    labels: int = 0,
    steps: int = 100,
    rate: float = 0.05,
    seed: int = 0,
) -> pd.DataFrame:
    """Train a linear head by its own pseudo-labels, by the truth in the first `labels` steps: DataFrame step, chosen
    and positive (shares of the images with a pseudo-label, and with the pseudo-label 1), rate (their ratio), right
    (share of the images called correctly), sure (mean distance of the score from 0.5, times two), loss.
    """
    cells = select(feat.transpose(1, 2)[:, :, None], matching[:, None]).tampered[:, 0]  # (images,cells)
    weight = torch.randn(feat.shape[2], generator=torch.Generator().manual_seed(seed)).requires_grad_()
    offset, rows = torch.tensor(bias, requires_grad=True), []
    optimizer = torch.optim.Adam([weight, offset], rate)
    for step in range(steps + 1):
        prob = (feat @ weight + offset).sigmoid()
        p_otsu, p_clu = otsu_mean(prob), selected_mean(prob, cells)
        label, chosen = pseudo_labels(p_otsu.detach(), p_clu.detach(), selection)
        if step < labels:
            label, chosen = truth.float(), torch.ones_like(chosen)
        score = (p_otsu + p_clu.nan_to_num(0.5)).detach() / 2
        share, ones = float(chosen.float().mean()), float((label * chosen).mean())
        right, sure = ((score > 0.5) == truth).float().mean(), 2 * (score - 0.5).abs().mean()
        rows.append((step, share, ones, ones / share if share else math.nan, float(right), float(sure)))
        loss = chosen_bce(label, p_otsu, chosen) + chosen_bce(label, p_clu.nan_to_num(0.5), chosen)
        rows[-1] += (float(loss.detach()),)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return pd.DataFrame(rows, columns=["step", "chosen", "positive", "rate", "right", "sure", "loss"])


def many_starts(
    trace: float,
    *,
    biases: Sequence[float] = (-2.0, -1.0, 0.0, 1.0),
    seeds: Sequence[int] = (0, 1, 2),
    labels: int = 0,
    steps: int = 80,
    seed: int = 0,
) -> pd.DataFrame:
    """`teach` from several first offsets and weights: DataFrame trace, bias, seed and the columns of `teach`."""
    data = world(trace=trace, seed=seed)
    starts = {(trace, b, s): teach(*data, bias=b, seed=s, labels=labels, steps=steps) for b in biases for s in seeds}
    return pd.concat(starts, names=["trace", "bias", "seed"]).reset_index(["trace", "bias", "seed"])


def summary(table: pd.DataFrame, steps: Sequence[int]) -> pd.DataFrame:
    """Means over the starts of `many_starts` at some steps, and how many have collapsed: index trace, step."""
    table = table.assign(collapsed=collapsed(table))
    groups = table[table["step"].isin(steps)].groupby(["trace", "step"])
    means = {name: (name, "mean") for name in ("right", "sure", "chosen", "loss")}
    return groups.agg(**means, collapsed=("collapsed", "sum"))


def best_score(zeros: float, grid: int = 1001) -> float:
    """The score of at least 0.5 that suits a batch best in which the fraction `zeros` has pseudo-label 0."""
    score = torch.linspace(0.5, 1, grid)
    loss = zeros * bce(torch.zeros(grid), score) + (1 - zeros) * bce(torch.ones(grid), score)
    return float(score[loss.argmin()])


def floor(score: float) -> float:
    """Cross-entropy of a score with the label 0: the least that any score from there upwards can have."""
    return float(bce(torch.zeros(1), torch.tensor([score])))


# ---- drawings ------------------------------------------------------------------------------------------------------


def agreement_figure(first: Tensor, second: Tensor, truth: Tensor, sweep: pd.DataFrame) -> Figure:
    """Images in the plane of both scores, and the share of right pseudo-labels against what the sources share."""
    figure, axes = plt.subplots(1, 2, figsize=(plots.PAGE, 2.7), width_ratios=[1, 1.3])
    for kind, color in ((truth, plots.TAMPERED), (~truth, plots.AUTHENTIC)):
        axes[0].plot(first[kind], second[kind], "o", ms=2, color=color, alpha=0.6, mew=0)
    for low in (0, 0.5):
        axes[0].add_patch(plt.Rectangle((low, low), 0.5, 0.5, color="0.9", zorder=0, lw=0))
    axes[0].set(xlabel="p_otsu", ylabel="p_clu", xlim=(0, 1), ylim=(0, 1), aspect="equal")
    for (name, line), style in zip(sweep.groupby("selection", sort=False), ("o-", "--")):
        axes[1].plot(line["shared"], line["right"], style, ms=3.5, color="k", label=f"right, selection = {name}")
    line = sweep[sweep["selection"] == "agreement"]
    axes[1].plot(line["shared"], line["chosen"], "o-", ms=3.5, color=plots.PALETTE[1], label="chosen by agreement")
    axes[1].set(xlabel="correlation of the errors of both sources", ylabel="share of the images", ylim=(0.6, 1.02))
    axes[1].legend(fontsize=7, loc="lower right")
    return figure


def defects_figure(heads: dict[str, Tensor], gradients: dict[str, dict[str, float]]) -> Figure:
    """Histograms of the shallow score {form: (images,)}, and gradient norms {form: {part: float}}."""
    figure, axes = plt.subplots(1, 2, figsize=(plots.PAGE, 2.4), width_ratios=[1, 1.4])
    for (name, score), color in zip(heads.items(), plots.PALETTE):
        axes[0].hist(score, bins=np.linspace(0, 1, 41), color=color, alpha=0.6, label=name)
    axes[0].axvline(0.5, color="0.4", lw=0.8, ls=":")
    axes[0].set(xlabel="score of a shallow head", ylabel="images")
    place = np.arange(len(PARTS))
    for shift, (name, norms), color in zip((-0.2, 0.2), gradients.items(), plots.PALETTE):
        axes[1].bar(place + shift, list(norms.values()), 0.4, color=color, label=name)
    axes[1].set(ylabel="norm of the gradient", xticks=place)
    axes[1].set_xticklabels([part.removeprefix("encoder.") for part in norms], rotation=30, ha="right")
    for axis in axes:
        axis.legend(fontsize=7)
    return figure


def starts_figure(table: pd.DataFrame) -> Figure:
    """Share of pseudo-labels 1 at every step, one panel per trace and one line per start, and the share of the images
    that the head calls correctly before and after.
    """
    traces = table["trace"].unique()
    figure, axes = plt.subplots(1, len(traces) + 1, figsize=(plots.PAGE, 2.3))
    for axis, trace, color in zip(axes, traces, plots.PALETTE):
        starts = [line for _, line in table[table["trace"] == trace].groupby(["bias", "seed"])]
        for line in starts:
            axis.plot(line["step"], line["rate"], color=color, lw=0.8, alpha=0.8)
        axis.set(title=f"trace = {trace:g}", xlabel="step", ylabel="pseudo-labels that are 1", ylim=(-0.04, 1.04))
        ends = np.array([line["right"].iloc[[0, -1]] for line in starts])
        axes[-1].plot(*ends.T, "o", ms=4, color=color, alpha=0.6, label=f"trace = {trace:g}")
    axes[-1].plot([0, 1], [0, 1], color="0.6", lw=0.8, ls=":")
    axes[-1].set(xlabel="right before", ylabel="right after", xlim=(0.37, 1.03), ylim=(0.37, 1.03), aspect="equal")
    axes[-1].legend(
        fontsize=7, loc="lower center", bbox_to_anchor=(0.5, 1), ncols=2, handletextpad=0, columnspacing=0.5
    )
    return figure
