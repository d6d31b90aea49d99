"""Pivot network: two vectors per image, se+ and se-, from all of its contour features.

NCL section 3.2 and Figure 2 (b): two branches with one input and one structure but separate weights: 1x1 convolution,
batch norm, ReLU.

Differs from the paper: there the 1x1 convolution also reduces k features to one, which no convolution can do for a
varying k. mode 'mean' (default) applies it to each contour feature and averages over k, so the order and number of
features do not matter; mode 'fixed_k' is the literal convolution over k, for `fixed_k` features drawn at random, taken
again in turn where k is smaller.
"""

from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from imdlib.ncl.patches import CONTOUR
from imdlib.networks.drawing import draw_cells


class PivotNet(nn.Module):
    """(feat, patches) -> se_pos (B,D), se_neg (B,D), valid (B,) bool; zeros, not valid, for images without contour."""

    def __init__(self, channels: int, *, mode: str = "mean", fixed_k: int = 64) -> None:
        super().__init__()
        if mode not in ("mean", "fixed_k"):
            raise ValueError(f"pivot mode={mode!r}: expected 'mean' or 'fixed_k'")
        self.fixed_k = fixed_k if mode == "fixed_k" else None
        shape = (channels, channels) if mode == "mean" else (fixed_k, 1)
        self.positive, self.negative = Branch(*shape), Branch(*shape)

    def forward(
        self, feat: Tensor, patches: Tensor, *, generator: torch.Generator | None = None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """feat (B,D,h,w); patches (B,h,w) int8, see `patches.label_patches`."""
        contour = (patches == CONTOUR).flatten(1)  # (B, N)
        count = contour.sum(1)
        cells = feat.permute(0, 2, 3, 1).flatten(1, 2)  # (B, N, D)
        with torch.autocast(feat.device.type, enabled=False):
            reduce = self.mean_over_cells if self.fixed_k is None else self.mix_of_cells
            return *reduce(cells, contour, count, generator), count > 0

    def mean_over_cells(
        self, cells: Tensor, contour: Tensor, count: Tensor, generator: torch.Generator | None
    ) -> Iterator[Tensor]:
        """Mean of the projected features over an image's contour cells; batch norm sees those of the whole batch."""
        image, cell = contour.nonzero(as_tuple=True)  # (K,) each
        drawn = cells.flatten(0, 1).index_select(0, image * cells.shape[1] + cell).float()  # (K, D)
        for branch in (self.positive, self.negative):
            total = drawn.new_zeros(len(cells), cells.shape[2]).index_add(0, image, branch(drawn))
            yield total / count.clamp(min=1)[:, None]

    def mix_of_cells(
        self, cells: Tensor, contour: Tensor, count: Tensor, generator: torch.Generator | None
    ) -> Iterator[Tensor]:
        """One learned weight per slot: the convolution with fixed_k input channels and one output channel."""
        index, present = draw_cells(contour, self.fixed_k, generator)  # (B, up to fixed_k), members first
        slot = torch.arange(self.fixed_k, device=cells.device) % present.sum(1).clamp(min=1)[:, None]  # (B, fixed_k)
        index = index.gather(1, slot)[..., None].expand(-1, -1, cells.shape[2])
        image = (count > 0).nonzero()[:, 0]  # (B',)
        drawn = cells.gather(1, index)[image].float().transpose(1, 2)  # (B', D, fixed_k)
        for branch in (self.positive, self.negative):
            mixed = branch(drawn.flatten(0, 1)).view(len(image), cells.shape[2])
            yield mixed.new_zeros(len(cells), cells.shape[2]).index_add(0, image, mixed)


class Branch(nn.Module):
    """1x1 convolution, batch norm, ReLU: (K,inplanes) -> (K,planes); on a single cell the convolution is linear."""

    def __init__(self, inplanes: int, planes: int) -> None:
        super().__init__()
        self.project = nn.Linear(inplanes, planes, bias=False)
        self.norm = nn.BatchNorm1d(planes)
        nn.init.kaiming_normal_(self.project.weight)

    def forward(self, x: Tensor) -> Tensor:
        x = self.project(x)
        if self.training and len(x) < 2:
            # no variance in a single value: use the running statistics, and keep every parameter in the graph
            norm = self.norm
            return F.batch_norm(x, norm.running_mean, norm.running_var, norm.weight, norm.bias, eps=norm.eps).relu()
        return self.norm(x).relu()
