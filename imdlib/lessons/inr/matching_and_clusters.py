"""Matching scores and two clusterings on the cells of a feature map, where the truth is planted and where it is not.

INR section 3.3, Eq. 4 and the intersected clustering C_I.
"""

from collections.abc import Iterable

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from torch import Tensor
from torch.nn import functional as F

from imdlib.inr.contrast import EPS, matching_scores, select
from imdlib.networks.cluster import minority, two_means
from imdlib.pages import plots

KINDS = ListedColormap([plots.AUTHENTIC, "0.85", plots.TAMPERED])  # authentic, neither, tampered
NAMES = {"from F": plots.PALETTE[2], "from M": plots.PALETTE[1], "both": "k"}


def planted(
    share: float,
    *,
    signal: float = 1.0,
    side: int = 14,
    channels: int = 8,
    images: int = 1,
    generator: torch.Generator | None = None,
) -> tuple[Tensor, Tensor, Tensor]:
    """Cells with a known answer: feat (images,channels,side,side), matching (images,side,side) in [0,1] and truth, same
    shape, bool: `share` of the cells, those nearest to a point. The first channel of the features is +2 signal in
    tampered cells and -2 signal in authentic ones, plus noise of deviation 1; the scores are 0.2 signal lower in
    tampered cells, plus noise of deviation 0.1.
    """
    y, x = torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij")
    near = ((y - 0.6 * side) ** 2 + (x - 0.4 * side) ** 2).flatten().argsort(stable=True)
    truth = torch.zeros(side * side, dtype=torch.bool)
    truth[near[: round(share * side * side)]] = True
    truth = truth.view(side, side).expand(images, -1, -1)
    feat = torch.randn(images, channels, side, side, generator=generator)
    feat[:, 0] += 2 * signal * (2 * truth - 1.0)
    matching = 0.6 - 0.2 * signal * truth + 0.1 * torch.randn(truth.shape, generator=generator)
    return feat, matching.clamp(0, 1), truth


def called(feat: Tensor, matching: Tensor, m_rule: str = "minority") -> dict[str, Tensor]:
    """What each clustering alone calls tampered, and both: {'from F', 'from M', 'both'}, each (B,h,w) bool."""
    cells = F.normalize(feat, dim=1, eps=EPS).flatten(2).transpose(1, 2)
    by_feature, by_score = two_means(cells)[0], two_means(matching.flatten(1))[0]
    by_score = minority(by_score) if m_rule == "minority" else ~by_score
    alone = {"from F": minority(by_feature).view(matching.shape), "from M": by_score.view(matching.shape)}
    return alone | {"both": select(feat, matching, m_rule=m_rule).tampered}


def share_sweep(shares: Iterable[float], *, signal: float = 1.0, images: int = 48, seed: int = 0) -> pd.DataFrame:
    """How good the tampered cells are for a planted share: share, rule (of M), source, precision (share of the called
    cells that are tampered, NaN where none is called), called (share of all cells); over all images together.
    """
    rows = []
    for share in shares:
        generator = torch.Generator().manual_seed(seed)
        feat, matching, truth = planted(share, signal=signal, images=images, generator=generator)
        for rule in ("minority", "low"):
            for source, chosen in called(feat, matching, rule).items():
                hits, count = int((chosen & truth).sum()), int(chosen.sum())
                rows.append((share, rule, source, hits / count if count else np.nan, count / truth.numel()))
    return pd.DataFrame(rows, columns=["share", "rule", "source", "precision", "called"])


def calls_in_authentic(images: int = 300, seed: int = 0) -> pd.DataFrame:
    """Share of the cells of each authentic image that is called tampered: one column per source."""
    feat, matching, _ = planted(0, signal=0, images=images, generator=torch.Generator().manual_seed(seed))
    return pd.DataFrame({name: x.flatten(1).float().mean(1) for name, x in called(feat, matching).items()})


def perfect_match(length: float, channels: int) -> float:
    """Eq. 4 where image and reconstruction have the same projected feature, of the given length."""
    cell = torch.zeros(1, channels, 1, 1)
    cell[:, 0] = length
    return float(matching_scores(cell, cell))


def three_colours(feat: Tensor) -> Tensor:
    """Features (1,D,h,w) as a picture (h,w,3): their three strongest principal components, each from 0 to 1."""
    cells = feat[0].flatten(1).T  # (N,D)
    low = torch.pca_lowrank(cells, q=3)[0]
    return ((low - low.amin(0)) / (low.amax(0) - low.amin(0))).view(*feat.shape[2:], 3)


def kinds(feat: Tensor, matching: Tensor, m_rule: str = "minority") -> dict[str, Tensor]:
    """Pictures of three values, 0 = authentic, 1 = neither, 2 = tampered, by source, for one image (B=1)."""
    found, both = called(feat, matching, m_rule), select(feat, matching, m_rule=m_rule)
    values = {name: 2 * x[0].int() for name, x in found.items()}
    return values | {"both": 1 + both.tampered[0].int() - both.authentic[0].int()}


def selection(feat: Tensor, matching: Tensor, truth: Tensor, *, m_rule: str = "minority") -> Figure:
    """Truth (1,h,w), scores, and what the two clusterings and their intersection make of one image."""
    figure, axes = plt.subplots(1, 5, figsize=(plots.PAGE, 1.9))
    plots.picture(axes[0], 2 * truth[0].int(), f"truth: {truth.float().mean():.0%} tampered", cmap=KINDS, vmax=2)
    low, high = matching.min().item(), matching.max().item()
    plots.picture(axes[1], matching[0], f"M, from {low:.2f} to {high:.2f}", cmap="cividis", vmin=low, vmax=high)
    for axis, (name, values) in zip(axes[2:], kinds(feat, matching, m_rule).items()):
        plots.picture(axis, values, f"{name}: {(values == 2).float().mean():.0%} tampered", cmap=KINDS, vmax=2)
    names = {"tampered": plots.TAMPERED, "authentic": plots.AUTHENTIC, "not selected": "0.85"}
    handles = [Line2D([], [], marker="s", ls="", ms=6, color=color, label=name) for name, color in names.items()]
    figure.legend(handles=handles, loc="outside lower center", ncols=3, fontsize=8, handletextpad=0.2)
    return figure


def matching_figure(image: np.ndarray, outputs: dict[str, Tensor]) -> Figure:
    """An image (H,W,3), the features in three colours, M, and M against the length of P(F)."""
    figure, axes = plt.subplots(1, 4, figsize=(plots.PAGE, 1.9), width_ratios=[1, 1, 1, 1.3])
    plots.picture(axes[0], image, "picture")
    plots.picture(axes[1], three_colours(outputs["feat"]), "F in three colours")
    matching = outputs["matching"][0]
    low, high = matching.min().item(), matching.max().item()
    plots.picture(axes[2], matching, f"M, from {low:.2f} to {high:.2f}", cmap="cividis", vmin=low, vmax=high)
    axes[3].plot(outputs["proj"][0].norm(dim=0).flatten(), matching.flatten(), ".", ms=2, color="0.3")
    axes[3].set(xlabel="length of P(F)", ylabel="M")
    return figure


def sweep_figure(sweep: pd.DataFrame) -> Figure:
    """Precision of each source, and how much the intersection calls tampered under both rules, against the share."""
    figure, axes = plt.subplots(1, 2, figsize=(plots.PAGE, 2.4))
    plain = sweep[sweep["rule"] == "minority"]
    for name, color in NAMES.items():
        line = plain[plain["source"] == name]
        axes[0].plot(line["share"], line["precision"], "o-", ms=3, color=color, label=name)
    axes[0].plot([0, 1], [0, 1], color="0.6", lw=0.8, ls=":", label="at random")
    for rule, style in (("minority", "-"), ("low", "--")):
        line = sweep[(sweep["rule"] == rule) & (sweep["source"] == "both")]
        axes[1].plot(line["share"], line["called"], style, color="k", label=f"rule for M: {rule}")
    axes[0].set(ylabel="called cells that are tampered", ylim=(-0.03, 1.03))
    axes[1].set(ylabel="cells that both call tampered", ylim=(-0.02, 0.52))
    for axis in axes:
        axis.set(xlabel="tampered share of the cells", xlim=(0, 1))
        axis.legend(fontsize=7, loc="lower center", bbox_to_anchor=(0.5, 1), ncols=4, columnspacing=1)
    return figure


def authentic_figure(calls: pd.DataFrame) -> Figure:
    """Histogram of the share of an authentic image's cells that is called tampered, by source."""
    figure, axis = plt.subplots(figsize=(plots.PAGE * 0.6, 2.1))
    for name, color in NAMES.items():
        axis.hist(calls[name], bins=np.linspace(0, 0.5, 51), histtype="stepfilled", alpha=0.6, color=color, label=name)
    axis.set(xlabel="share of an authentic image called tampered", ylabel="images")
    axis.legend(fontsize=8)
    return figure
