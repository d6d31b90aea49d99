"""Selective contrast: matching scores, the cells on which two clusterings agree, and InfoNCE on those alone.

INR section 3.3, Eq. 4 (matching score) and Eq. 5 (contrast); two-means and "the smaller cluster is tampered" from the
text between them.

Differs from the paper:
- Eq. 5 does not say what the query is, nor tau. Here every authentic cell is a query once, its positives are the other
  authentic cells, its negatives the tampered ones, features have length 1 and tau is 0.1 unless it is searched (the form
  of FOCAL, Wu et al. 2023, which the paper follows). Without the unit length Eq. 5 has no lower bound.
- Eq. 5 keeps the positives out of the denominator, so it may be negative (at least -2 / tau + log K); `form="standard"`
  is InfoNCE with the mean positive similarity in numerator and denominator, never negative.
- The contrast is applied to the projected features P(F). On F itself, as one may read the text, P would never be
  trained: M reaches the loss only through a clustering, which has no gradient (a test shows it).
- Section 2.3 uses "INR-reconstructed images as counter samples", section 3.3 says of keys only that they are pristine or
  tampered pixels: of the same image here. `keys` takes them from another map instead, the reconstruction's P(F_R) at the same
  cells, where a query's own cell is a positive like any other (as in a Siamese pair) and the gradient reaches both branches.
- The text calls low matching scores tampered, and then the smaller cluster: `m_rule` is "minority" or "low".
- Images without both kinds of cells, and those that `which` leaves out, do not count.
"""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from imdlib.networks.cluster import minority, two_means
from imdlib.networks.drawing import draw_cells

EPS = 1e-6  # norm below which a feature counts as zero: it then has cosine 0 with everything
ABSENT = -1e9  # similarity of a place without a cell: nothing in a log sum exp, and finite where nothing else is there


class Selection(NamedTuple):
    """Cells on which the clusterings of F and of M agree, (B,h,w) bool, and whether M's minority is its low cluster,
    (B,) bool."""

    tampered: Tensor
    authentic: Tensor
    low: Tensor


def matching_scores(proj: Tensor, proj_r: Tensor) -> Tensor:
    """INR Eq. 4: sigmoid of the dot product over sqrt(C) of two (B,C,h,w) -> M (B,h,w) float32 in [0,1], high = like
    the reconstruction, hence authentic.
    """
    with torch.autocast(proj.device.type, enabled=False):
        proj, proj_r = wide(proj), wide(proj_r)
        return ((proj * proj_r).sum(1) / proj.shape[1] ** 0.5).sigmoid()


@torch.no_grad()
def select(feat: Tensor, matching: Tensor, *, m_rule: str = "minority") -> Selection:
    """C_I of INR section 3.3: two-means on the unit features and on the scores, each smaller cluster tampered, and both
    asked -> Selection. Nothing is selected in an image whose features or scores are all equal or not finite.

    feat (B,D,h,w); matching (B,h,w). m_rule: 'minority', or 'low' = the cluster of low scores is tampered.
    """
    if m_rule not in ("minority", "low"):
        raise ValueError(f"m_rule={m_rule!r}: expected 'minority' or 'low'")
    by_feature, _, some = two_means(F.normalize(wide(feat), dim=1, eps=EPS).flatten(2).transpose(1, 2))
    by_score, _, any_score = two_means(matching.flatten(1))  # True = the higher scores
    valid = (some & any_score)[:, None]
    from_feature, from_score = minority(by_feature), minority(by_score)
    low = (from_score != by_score).all(dim=1)
    from_score = from_score if m_rule == "minority" else ~by_score
    tampered, authentic = from_feature & from_score & valid, ~from_feature & ~from_score & valid
    return Selection(tampered.view(matching.shape), authentic.view(matching.shape), low & valid[:, 0])


def selective_contrast(
    feat: Tensor,
    tampered: Tensor,
    authentic: Tensor,
    *,
    keys: Tensor | None = None,
    which: Tensor | None = None,
    tau: float = 0.1,
    form: str = "literal",
    max_authentic: int = 1000,
    max_tampered: int = 1000,
    generator: torch.Generator | None = None,
) -> Tensor:
    """INR Eq. 5, mean over the authentic cells of an image and then over the images that qualify; float32 scalar
    (float64 for float64 features) also inside autocast. No image that qualifies: a zero that is part of the graph.

    feat (B,D,h,w), projected features; tampered, authentic (B,h,w) bool of `select`; keys (B,D,h,w): features of the keys,
    None = feat, whose queries are not their own keys; which (B,) bool: images that may count, None = all. An image needs two
    authentic cells and a tampered one. form: 'literal' or 'standard'. max_authentic, max_tampered: cells drawn at random
    from an image that has more.
    """
    if form not in ("literal", "standard"):
        raise ValueError(f"form={form!r}: expected 'literal' or 'standard'")
    with torch.autocast(feat.device.type, enabled=False):
        authentic, tampered = authentic.flatten(1), tampered.flatten(1)  # (B,N)
        qualifies = (authentic.sum(1) > 1) & tampered.any(1) & (True if which is None else which)  # (B,)
        cells, others = (wide(x.flatten(2).transpose(1, 2)) for x in (feat, feat if keys is None else keys))  # (B,N,D)
        query, in_query = positive, in_positive = draw(cells, authentic, max_authentic, generator)  # (B,A,D), (B,A)
        if keys is not None:
            positive, in_positive = draw(others, authentic, max_authentic, generator)
        negative, in_negative = draw(others, tampered, max_tampered, generator)  # (B,K,D), (B,K)
        same = query @ positive.transpose(1, 2) / tau  # (B,A,A)
        pairs = in_query[:, :, None] & in_positive[:, None]
        if keys is None:
            pairs = pairs & ~torch.eye(same.shape[1], dtype=torch.bool, device=same.device)
        count = pairs.sum(2).clamp(min=1)  # (B,A) J, positive keys of each query
        against = query @ negative.transpose(1, 2) / tau  # (B,A,K)
        against = against.masked_fill(~in_negative[:, None], ABSENT).logsumexp(2)  # (B,A)
        if form == "literal":
            terms = against - (same.masked_fill(~pairs, ABSENT).logsumexp(2) - count.log())
        else:
            terms = F.softplus(against - (same * pairs).sum(2) / count)
        counts = in_query & qualifies[:, None]
        each = terms.masked_fill(~counts, 0).sum(1) / in_query.sum(1).clamp(min=1)  # (B,)
        return each.sum() / qualifies.sum().clamp(min=1)


def draw(cells: Tensor, member: Tensor, limit: int, generator: torch.Generator | None = None) -> tuple[Tensor, Tensor]:
    """Unit features of up to `limit` members of each image, at random without replacement, all images at once.

    cells (B,N,D), member (B,N) bool -> (B,n,D), present (B,n) bool; n as in `imdlib.networks.drawing.draw_cells`.
    """
    index, present = draw_cells(member, limit, generator)
    drawn = cells.gather(1, index[..., None].expand(-1, -1, cells.shape[2]))
    return F.normalize(drawn, dim=2, eps=EPS), present


def wide(x: Tensor) -> Tensor:
    """Half precision becomes float32; float32 and float64 stay."""
    return x if x.dtype == torch.float64 else x.float()
