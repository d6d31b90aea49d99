"""The pivot at work: k contour features go in as a strip of k rows, two vectors come out.

NCL section 3.2 and Figure 2 (b).
"""

from collections.abc import Iterable

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from torch import Tensor
from torch.nn import functional as F

from imdlib.lessons.ncl.three_kinds_of_patches import paint, zoom
from imdlib.ncl.losses import non_exclusive_contrast
from imdlib.ncl.patches import AUTHENTIC, CONTOUR, TAMPERED
from imdlib.ncl.pivot import PivotNet
from imdlib.pages import plots


def keep_contour(patches: Tensor, k: int, draws: int, generator: torch.Generator | None = None) -> Tensor:
    """`draws` copies of patches (1,h,w), each with `k` contour cells drawn at random and the others ignored (-1)."""
    contour = (patches == CONTOUR).flatten()
    keys = torch.rand(draws, len(contour), generator=generator).masked_fill(~contour, -1)
    kept = torch.zeros_like(keys, dtype=torch.bool).scatter(1, keys.topk(k, dim=1).indices, True)
    dropped = (contour & ~kept).view(draws, *patches.shape[1:])
    return patches.expand(draws, -1, -1).masked_fill(dropped, -1)


def show(image: np.ndarray, feat: Tensor, patches: Tensor, pivot: PivotNet) -> Figure:
    """What goes into the pivot and what comes out, for one image: contour cells, their k x D features, se+ and se-."""
    contour = patches[0] == CONTOUR
    vectors = [v[0].detach().numpy() for v in pivot.eval()(feat, patches)[:2]]
    figure, axes = plt.subplots(1, 3, figsize=(plots.PAGE, 2.5), width_ratios=[1, 1.2, 1.1])
    count = int(contour.sum())
    title = f"in: {count} contour cell{'s' * (count != 1)}"
    plots.picture(axes[0], paint(image, np.where(contour, CONTOUR, -1)), title)
    zoom(axes[0], image)
    if contour.any():
        shown = axes[1].imshow(feat[0, :, contour].T, aspect="auto", cmap=plots.HEAT, vmin=0, interpolation="nearest")
        figure.colorbar(shown, ax=axes[1], pad=0.02, aspect=25, label="feature")
    for side in (axes[1].xaxis, axes[1].yaxis, axes[2].xaxis):
        side.set_major_locator(MaxNLocator(5, integer=True, min_n_ticks=1))
    axes[1].set(xlabel="feature channel", ylabel="contour cell", title="their features, k x D")
    place = np.arange(len(vectors[0]))
    for shift, vector, color, name in zip((-0.2, 0.2), vectors, (plots.TAMPERED, plots.AUTHENTIC), ("se+", "se-")):
        axes[2].bar(place + shift, vector, 0.4, color=color, label=name)
    highest = max(1e-3, *(float(vector.max()) for vector in vectors))
    axes[2].set(xlabel="feature channel", title="out: two vectors of length D", ylim=(0, 1.25 * highest))
    axes[2].legend(fontsize=8, ncols=2, loc="upper center", borderpad=0)
    return figure


@torch.no_grad()
def closeness(
    feat: Tensor,
    patches: Tensor,
    pivot: PivotNet,
    counts: Iterable[int],
    *,
    draws: int = 200,
    generator: torch.Generator | None = None,
) -> pd.DataFrame:
    """Cosine between a pivot vector of k random contour cells and that of all: DataFrame k, branch, median, low, high
    (5% and 95% of the draws).

    feat (1,D,h,w); patches (1,h,w); the pivot is put into evaluation mode, where the vector of k cells is the mean of
    the vectors of each alone.
    """
    cells = feat.flatten(2)[0].T[(patches == CONTOUR).flatten()]  # (K, D)
    alone = pivot.eval()(cells[:, :, None, None], patches.new_full((len(cells), 1, 1), CONTOUR))[:2]
    rows = []
    for k in counts:
        chosen = torch.rand(draws, len(cells), generator=generator).argsort(1)[:, :k]
        for branch, vectors in zip(("se+", "se-"), alone):
            cosines = F.cosine_similarity(vectors[chosen].mean(1), vectors.mean(0), dim=1)
            low, median, high = cosines.quantile(torch.tensor([0.05, 0.5, 0.95])).tolist()
            rows.append((k, branch, median, low, high))
    return pd.DataFrame(rows, columns=["k", "branch", "median", "low", "high"])


def closeness_curve(closeness: pd.DataFrame) -> Figure:
    """Median and 5-95% band of `closeness` against k, one line per branch."""
    figure, axis = plt.subplots(figsize=(plots.PAGE * 0.6, 2.4))
    for branch, color in (("se+", plots.TAMPERED), ("se-", plots.AUTHENTIC)):
        part = closeness[closeness["branch"] == branch]
        axis.fill_between(part["k"], part["low"], part["high"], color=color, alpha=0.2, lw=0)
        axis.plot(part["k"], part["median"], "o-", color=color, ms=3.5, label=branch)
    axis.set_xscale("log")
    axis.minorticks_off()
    ticks = sorted(set(closeness["k"]))
    axis.set(xticks=ticks, xticklabels=ticks, xlabel="k, contour cells drawn", ylabel="cosine with all cells")
    axis.legend()
    return figure


def planted_features(
    images: int = 8, cells: int = 40, channels: int = 16, noise: float = 0.3, seed: int = 0
) -> tuple[Tensor, Tensor, Tensor]:
    """Features with a known answer: feat (B,channels,1,3*cells) >= 0, patches (B,1,3*cells), directions (2,channels).

    Tampered cells point along the first direction, authentic ones along the second; a contour cell mixes the two in a
    proportion of its own.
    """
    generator = torch.Generator().manual_seed(seed)
    directions = torch.rand(2, channels, generator=generator)
    labels = torch.tensor([TAMPERED, AUTHENTIC, CONTOUR]).repeat_interleave(cells)
    share = torch.rand(images, 3 * cells, generator=generator)
    share[:, labels == TAMPERED], share[:, labels == AUTHENTIC] = 1, 0
    pure = share[..., None] * directions[0] + (1 - share[..., None]) * directions[1]  # (B, n, D)
    feat = F.relu(pure + noise * torch.randn(pure.shape, generator=generator))
    patches = labels.to(torch.int8).expand(images, 1, -1)
    return feat.transpose(1, 2)[:, :, None], patches, directions


def learn_pivot(
    feat: Tensor,
    patches: Tensor,
    directions: Tensor,
    *,
    steps: int = 100,
    rate: float = 0.01,
    tau: float = 0.1,
    seed: int = 0,
) -> pd.DataFrame:
    """Teach a PivotNet by l2 + l3 while the features stay as they are: DataFrame step, branch, direction, cosine."""
    torch.manual_seed(seed)
    pivot, rows = PivotNet(feat.shape[1]), []
    optimizer = torch.optim.Adam(pivot.parameters(), lr=rate)
    for step in range(steps + 1):
        outputs = pivot(feat, patches)
        contrast = non_exclusive_contrast(feat, patches, *outputs, tau=tau)
        for branch, vectors in zip(("se+", "se-"), outputs):
            cosines = F.cosine_similarity(vectors.detach()[:, None], directions, dim=2).mean(0)
            rows += [(step, branch, name, float(c)) for name, c in zip(("tampered", "authentic"), cosines)]
        optimizer.zero_grad()
        (contrast.l2 + contrast.l3).backward()
        optimizer.step()
    return pd.DataFrame(rows, columns=["step", "branch", "direction", "cosine"])


def learning_sides(learned: pd.DataFrame) -> Figure:
    """Cosine of each branch with each planted direction while `learn_pivot` runs, one panel per branch."""
    figure, axes = plt.subplots(1, 2, figsize=(plots.PAGE, 2.3), sharey=True)
    for axis, (branch, part) in zip(axes, learned.groupby("branch")):
        for name, color in (("tampered", plots.TAMPERED), ("authentic", plots.AUTHENTIC)):
            line = part[part["direction"] == name]
            axis.plot(line["step"], line["cosine"], color=color, label=f"with the {name} direction")
        axis.set(title=branch, xlabel="step")
    axes[0].set(ylabel="cosine")
    axes[0].legend(fontsize=8)
    return figure
