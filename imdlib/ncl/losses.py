"""The losses of NCL: contrast over three kinds of patches, and its sum with a pixel loss.

NCL equations 7 (non-exclusive contrast) and 9 (total); the pixel losses, equation 8 among them, stand in `consistency.py`.

Differs from the paper:
- Eq. 7 lacks the minus sign: minimising it as printed would push positives apart (a test shows it). Here it is >= 0.
- Eq. 7 divides exp(similarity) by tau, which cancels; here exp(similarity / tau). The similarity is the cosine, tau 0.1
  unless it is searched (neither is stated).
- A patch is not its own positive (j != m). At most `max_pos` tampered and `max_neg` authentic patches of an image are
  drawn at each step.
- Images without tampered or without authentic patches are left out of the mean; without contour patches only the first
  term remains.
- The paper takes the contour of Eq. 8 from the grid of the contrasted feature. A deeper hook then also widens the band of
  contour pixels, two changes at once; `contour_grid` sets the band's cells apart from the hook.
"""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from imdlib.ncl.consistency import (
    at_least_float32,
    balanced_cross_entropy,
    contour_of,
    pivot_consistency,
    pixel_cross_entropy,
)
from imdlib.ncl.patches import AUTHENTIC, TAMPERED, label_patches
from imdlib.ncl.pivot import PivotNet
from imdlib.networks.drawing import draw_cells

VARIANTS = ("base", "base-balanced", "base+aux", "contrast", "pivot", "pc", "pivot+pc")
EPS = 1e-6  # norm below which a feature counts as zero: it then has cosine 0 with everything
ABSENT = -1e9  # similarity of a place without a patch: nothing in a log sum exp, and finite where nothing else is there


class Contrast(NamedTuple):
    """Scalars of Eq. 7, each a mean over the images that qualify; total = l1 + l2 + l3."""

    total: Tensor
    l1: Tensor
    l2: Tensor
    l3: Tensor


def non_exclusive_contrast(
    feat: Tensor,
    patches: Tensor,
    pivot_pos: Tensor | None = None,
    pivot_neg: Tensor | None = None,
    valid: Tensor | None = None,
    *,
    tau: float = 0.1,
    max_pos: int = 512,
    max_neg: int = 2048,
    generator: torch.Generator | None = None,
) -> Contrast:
    """NCL Eq. 7, corrected, in float32 (float64 for float64 features) also inside autocast -> Contrast.

    With P tampered, N authentic patches of an image, s = cosine / tau, and lse = log sum exp:
    l1 = mean over m, j != m in P of softplus(lse_N s(p_m, n_i) - s(p_m, p_j)),
    l2 = mean over j in P of softplus(lse_N s(se+, n_i) - s(se+, p_j)),
    l3 = mean over i in N of softplus(lse_P s(se-, p_j) - s(se-, n_i)).

    feat (B,D,h,w); patches (B,h,w) int8 of `label_patches` on the grid of feat, which is not checked; pivot_pos,
    pivot_neg (B,D) and valid (B,) bool of `PivotNet`, or None for l1 alone, the plain contrast that leaves the contour out. No
    image that qualifies: zeros that are still part of the graph.
    """
    with torch.autocast(feat.device.type, enabled=False):
        labels = patches.flatten(1)  # (B,N)
        qualifies = (labels == TAMPERED).any(1) & (labels == AUTHENTIC).any(1)  # (B,); what follows is 0 for the others
        at_pos, in_pos = draw_cells(labels == TAMPERED, max_pos, generator)  # (B,P)
        at_neg, in_neg = draw_cells(labels == AUTHENTIC, max_neg, generator)  # (B,N)
        cells = gather_cells(feat, torch.cat([at_pos, at_neg], dim=1))  # (B,P+N,D)
        pos, neg = cells.split([at_pos.shape[1], at_neg.shape[1]], dim=1)
        l1 = pairwise_term(pos, in_pos, neg, in_neg, tau)
        l2 = l3 = torch.zeros_like(l1)
        if pivot_pos is not None:
            use = valid.to(l1.dtype)
            l2 = use * pivot_term(pivot_pos, pos, in_pos, neg, in_neg, tau)
            l3 = use * pivot_term(pivot_neg, neg, in_neg, pos, in_pos, tau)
        l1, l2, l3 = (term.sum() / qualifies.sum().clamp(min=1) for term in (l1, l2, l3))
        return Contrast(l1 + l2 + l3, l1, l2, l3)


def gather_cells(feat: Tensor, index: Tensor) -> Tensor:
    """Unit features of cells: feat (B,D,h,w), index (B,n) cells of each image -> (B,n,D)."""
    rows = torch.arange(len(feat), device=feat.device)[:, None]
    flat = (index + rows * feat.shape[2] * feat.shape[3]).flatten()
    drawn = feat.permute(0, 2, 3, 1).flatten(0, 2).index_select(0, flat).view(*index.shape, -1)
    return F.normalize(at_least_float32(drawn), dim=2, eps=EPS)


def pairwise_term(pos: Tensor, in_pos: Tensor, neg: Tensor, in_neg: Tensor, tau: float) -> Tensor:
    """l1 of each image, (b,); zero where no patch is authentic or fewer than two are tampered."""
    anchor = pos / tau
    against = (anchor @ neg.transpose(1, 2)).masked_fill(~in_neg[:, None], ABSENT).logsumexp(2)  # (b,P)
    among = anchor @ pos.transpose(1, 2)  # (b,P,P)
    pairs = in_pos[:, :, None] & in_pos[:, None] & ~torch.eye(pos.shape[1], dtype=torch.bool, device=pos.device)
    terms = F.softplus(against[:, :, None] - among).masked_fill(~pairs, 0)
    return terms.sum((1, 2)) / pairs.sum((1, 2)).clamp(min=1)


def pivot_term(pivot: Tensor, same: Tensor, in_same: Tensor, other: Tensor, in_other: Tensor, tau: float) -> Tensor:
    """l2 (same = tampered) or l3 (same = authentic) of each image, (b,); pivot (b,D), same (b,S,D), other (b,O,D). Zero where one
    of the two is empty.
    """
    pivot = F.normalize(at_least_float32(pivot), dim=1, eps=EPS)[:, :, None]
    other = (other @ pivot)[..., 0].div(tau).masked_fill(~in_other, ABSENT).logsumexp(1)  # (b,)
    terms = F.softplus(other[:, None] - (same @ pivot)[..., 0] / tau).masked_fill(~in_same, 0)  # (b, S)
    return terms.sum(1) / in_same.sum(1).clamp(min=1)


def total_loss(
    outputs: dict[str, Tensor],
    mask: Tensor,
    *,
    variant: str = "pivot+pc",
    pivot: PivotNet | None = None,
    omega: float = 0.01,
    mu: float = 0.9,
    tau: float = 0.1,
    contour_grid: int = 0,
    renormalise: bool = False,
    **sampling: int | torch.Generator | None,
) -> dict[str, Tensor]:
    """NCL Eq. 9, its ablations and controls: dict of scalars; `loss` is to be minimised, the others (pixel, ncl, l1, l2, l3) are
    for the history.

    variant: 'base' = pixel cross-entropy; 'base-balanced' = both classes weigh a half in it; 'base+aux' = on the auxiliary logits,
    too, which is Eq. 8 with mu = 0; 'contrast' = base + omega * l1, contours dropped; 'pivot' = base + omega * Eq. 7; 'pc' =
    Eq. 8 on the logits and the auxiliary ones, no contrast; 'pivot+pc' = omega * Eq. 7 + Eq. 8, the whole method.
    outputs: of `NCLNet`; mask (B,1,H,W) in {0, 1, 255 = ignore}; pivot: the model's PivotNet; contour_grid: pixels per cell of
    Eq. 8's contour, 0 for the cells of the contrasted feature; sampling: max_pos, max_neg, generator.
    """
    if variant not in VARIANTS:
        raise ValueError(f"variant={variant!r}: expected one of {', '.join(VARIANTS)}")
    if variant.startswith("pivot") and pivot is None:
        raise ValueError(f"variant={variant!r} needs pivot=model.pivot, of a model built with pivot=True")
    supervised = [outputs[name] for name in ("logits", "aux", "aux_aspp") if name in outputs]
    if variant == "base-balanced":
        pixel = balanced_cross_entropy(outputs["logits"], mask)
    elif variant == "base+aux":
        pixel = sum(pixel_cross_entropy(logits, mask) for logits in supervised)
    elif variant in ("pc", "pivot+pc"):
        grid = contour_of(mask, contour_grid) or outputs["feat"].shape[-2:]
        pixel = pivot_consistency(supervised, mask, grid=grid, mu=mu, renormalise=renormalise)
    else:
        pixel = pixel_cross_entropy(outputs["logits"], mask)
    if variant not in ("contrast", "pivot", "pivot+pc"):
        return {"loss": pixel, "pixel": pixel}
    patches = label_patches(mask, outputs["feat"].shape[-2:])
    pivots = pivot(outputs["feat"], patches) if variant.startswith("pivot") else ()
    contrast = non_exclusive_contrast(outputs["feat"], patches, *pivots, tau=tau, **sampling)
    parts = {"ncl": contrast.total, "l1": contrast.l1, "l2": contrast.l2, "l3": contrast.l3}
    return {"loss": pixel + omega * contrast.total, "pixel": pixel, **parts}
