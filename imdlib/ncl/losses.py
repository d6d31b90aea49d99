"""The losses of NCL: contrast over three kinds of patches, pixel loss with a weight on the contour, and their sum.

NCL equations 7 (non-exclusive contrast), 8 (pivot-consistent loss) and 9 (total).

Differs from the paper:
- Eq. 7 and 8 lack the minus sign: minimising them as printed would push positives apart (a test shows it). Here both
  are >= 0.
- Eq. 7 divides exp(similarity) by tau, which cancels; here exp(similarity / tau). The similarity is the cosine, tau 0.1
  (neither is stated).
- A patch is not its own positive (j != m). At most `max_pos` tampered and `max_neg` authentic patches of an image are
  drawn at each step.
- Images without tampered or without authentic patches are left out of the mean; without contour patches only the first
  term remains.
- Eq. 8 on an authentic batch keeps its literal weight 1 - mu; `renormalise=True` raises it to 1.
"""

from collections.abc import Iterable
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from imdlib.ncl.patches import AUTHENTIC, IGNORE, TAMPERED, contour_pixels, draw_cells, label_patches, shrink_mask
from imdlib.ncl.pivot import PivotNet

VARIANTS = ("base", "contrast", "pivot", "pivot+pc")
EPS = 1e-6  # norm below which a feature counts as zero: it then has cosine 0 with everything


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

    feat (B,D,h,w); patches (B,h,w) int8 of `label_patches`; pivot_pos, pivot_neg (B,D) and valid (B,) bool of
    `PivotNet`, or None for l1 alone, the plain contrast that leaves the contour out. No image that qualifies: zeros
    that are still part of the graph.
    """
    with torch.autocast(feat.device.type, enabled=False):
        labels = patches.flatten(1)  # (B, N)
        rows = ((labels == TAMPERED).any(1) & (labels == AUTHENTIC).any(1)).nonzero()[:, 0]  # (b,) qualifying images
        if len(rows) == 0:
            zero = at_least_float32(feat[..., :1, :1]).sum() * 0  # keeps the graph, for distributed training
            if pivot_pos is not None:
                zero = zero + (pivot_pos.sum() + pivot_neg.sum()) * 0
            return Contrast(zero, zero, zero, zero)
        labels = labels[rows]
        at_pos, in_pos = draw_cells(labels == TAMPERED, max_pos, generator)  # (b,P)
        at_neg, in_neg = draw_cells(labels == AUTHENTIC, max_neg, generator)  # (b,N)
        cells = gather_cells(feat, rows, torch.cat([at_pos, at_neg], dim=1))  # (b,P+N,D)
        pos, neg = cells.split([at_pos.shape[1], at_neg.shape[1]], dim=1)
        l1 = pairwise_term(pos, in_pos, neg, in_neg, tau)
        l2 = l3 = torch.zeros_like(l1)
        if pivot_pos is not None:
            use = valid[rows].to(l1.dtype)
            l2 = use * pivot_term(pivot_pos[rows], pos, in_pos, neg, in_neg, tau)
            l3 = use * pivot_term(pivot_neg[rows], neg, in_neg, pos, in_pos, tau)
        l1, l2, l3 = l1.mean(), l2.mean(), l3.mean()
        return Contrast(l1 + l2 + l3, l1, l2, l3)


def gather_cells(feat: Tensor, rows: Tensor, index: Tensor) -> Tensor:
    """Unit features of cells: feat (B,D,h,w), rows (b,) images, index (b,n) cells of each -> (b,n,D)."""
    flat = (index + rows[:, None] * feat.shape[2] * feat.shape[3]).flatten()
    drawn = feat.permute(0, 2, 3, 1).flatten(0, 2).index_select(0, flat).view(*index.shape, -1)
    return F.normalize(at_least_float32(drawn), dim=2, eps=EPS)


def pairwise_term(pos: Tensor, in_pos: Tensor, neg: Tensor, in_neg: Tensor, tau: float) -> Tensor:
    """l1 of each image, (b,); zero where only one patch is tampered."""
    anchor = pos / tau
    against = (anchor @ neg.transpose(1, 2)).masked_fill(~in_neg[:, None], -torch.inf).logsumexp(2)  # (b,P)
    among = anchor @ pos.transpose(1, 2)  # (b,P,P)
    pairs = in_pos[:, :, None] & in_pos[:, None] & ~torch.eye(pos.shape[1], dtype=torch.bool, device=pos.device)
    terms = F.softplus(against[:, :, None] - among).masked_fill(~pairs, 0)
    return terms.sum((1, 2)) / pairs.sum((1, 2)).clamp(min=1)


def pivot_term(pivot: Tensor, same: Tensor, in_same: Tensor, other: Tensor, in_other: Tensor, tau: float) -> Tensor:
    """l2 (same = tampered) or l3 (same = authentic) of each image, (b,); pivot (b,D), same (b,S,D), other (b,O,D)."""
    pivot = F.normalize(at_least_float32(pivot), dim=1, eps=EPS)[:, :, None]
    other = (other @ pivot)[..., 0].div(tau).masked_fill(~in_other, -torch.inf).logsumexp(1)  # (b,)
    terms = F.softplus(other[:, None] - (same @ pivot)[..., 0] / tau).masked_fill(~in_same, 0)  # (b, S)
    return terms.sum(1) / in_same.sum(1)


def pixel_cross_entropy(logits: Tensor, mask: Tensor) -> Tensor:
    """Mean cross-entropy over the pixels that are not ignored; zero where all are.

    logits (B,2,h,w) of any size; mask (B,1,H,W) or (B,H,W) in {0, 1, 255 = ignore}, shrunken to the size of the logits.
    """
    with torch.autocast(logits.device.type, enabled=False):
        target = shrink_mask(mask, logits.shape[-2:])
        total = F.cross_entropy(at_least_float32(logits), target, ignore_index=IGNORE, reduction="sum")
        return total / (target != IGNORE).sum().clamp(min=1)


def pivot_consistency(
    logits_list: Iterable[Tensor], mask: Tensor, *, grid: tuple[int, int], mu: float = 0.9, renormalise: bool = False
) -> Tensor:
    """NCL Eq. 8, corrected, summed over the resolutions in `logits_list`: mu * mean over contour pixels + (1 - mu) *
    mean over all pixels.

    logits_list: logits (B,2,h,w), one per supervision; mask as in `pixel_cross_entropy`; grid (h, w) of the patches
    whose contour cells hold the contour pixels. The contour is that of the whole batch; renormalise: weigh the second
    mean 1 instead of 1 - mu where it is empty.
    """
    patches = label_patches(mask, grid)
    total = 0
    for logits in logits_list:
        with torch.autocast(logits.device.type, enabled=False):
            target = shrink_mask(mask, logits.shape[-2:])
            known = target != IGNORE
            contour = contour_pixels(patches, logits.shape[-2:]) & known
            entropy = F.cross_entropy(at_least_float32(logits), target, ignore_index=IGNORE, reduction="none")
            rest = 1 - mu * contour.any().to(entropy.dtype) if renormalise else 1 - mu
            on_contour = (entropy * contour).sum() / contour.sum().clamp(min=1)
            total = total + mu * on_contour + rest * entropy.sum() / known.sum().clamp(min=1)
    return total


def total_loss(
    outputs: dict[str, Tensor],
    mask: Tensor,
    *,
    variant: str = "pivot+pc",
    pivot: PivotNet | None = None,
    omega: float = 0.01,
    mu: float = 0.9,
    tau: float = 0.1,
    renormalise: bool = False,
    **sampling: int | torch.Generator | None,
) -> dict[str, Tensor]:
    """NCL Eq. 9 and its ablations: dict of scalars; `loss` is to be minimised, the others (pixel, ncl, l1, l2, l3) are
    for the history.

    variant: 'base' = pixel cross-entropy; 'contrast' = base + omega * l1, contours dropped; 'pivot' = base + omega *
    Eq. 7; 'pivot+pc' = omega * Eq. 7 + Eq. 8 on the logits and, where the model has them, the auxiliary logits.
    outputs: of `NCLNet`; mask (B,1,H,W) in {0, 1, 255 = ignore}; pivot: the model's PivotNet; sampling: max_pos,
    max_neg, generator.
    """
    if variant not in VARIANTS:
        raise ValueError(f"variant={variant!r}: expected one of {', '.join(VARIANTS)}")
    if variant.startswith("pivot") and pivot is None:
        raise ValueError(f"variant={variant!r} needs pivot=model.pivot, of a model built with pivot=True")
    feat, logits = outputs["feat"], outputs["logits"]
    if variant == "base":
        pixel = pixel_cross_entropy(logits, mask)
        return {"loss": pixel, "pixel": pixel}
    patches = label_patches(mask, feat.shape[-2:])
    pivots = pivot(feat, patches) if variant.startswith("pivot") else ()
    contrast = non_exclusive_contrast(feat, patches, *pivots, tau=tau, **sampling)
    if variant == "pivot+pc":
        supervised = [logits] + ([outputs["aux"]] if "aux" in outputs else [])
        pixel = pivot_consistency(supervised, mask, grid=feat.shape[-2:], mu=mu, renormalise=renormalise)
    else:
        pixel = pixel_cross_entropy(logits, mask)
    parts = {"ncl": contrast.total, "l1": contrast.l1, "l2": contrast.l2, "l3": contrast.l3}
    return {"loss": pixel + omega * contrast.total, "pixel": pixel, **parts}


def at_least_float32(x: Tensor) -> Tensor:
    """Half precision becomes float32; float32 and float64 stay."""
    return x if x.dtype == torch.float64 else x.float()
