"""Does the contrast ever let go? Its slope once authentic and tampered cells are as far apart as they are asked to be.

INR Eq. 5 keeps the positive keys out of the denominator. Its loss falls without end as the clusters part, as steeply at the end as
at the beginning, whether the clusters are those of tampering or of anything else; InfoNCE comes to rest.
"""

from collections.abc import Sequence

import pandas as pd
import torch

from imdlib.inr.contrast import selective_contrast

FORMS = ("literal", "standard")


def slopes(
    cosines: Sequence[float],
    *,
    tau: float = 0.1,
    side: int = 16,
    share: float = 0.25,
    dim: int = 32,
    spread: float = 0.05,
) -> pd.DataFrame:
    """Rows `form, cosine, slope, gradient` of the contrast in one image of side x side cells, a share of them tampered.

    Features of either kind lie around a direction of their own, noise of deviation `spread` per unit added; cosine: between the
    two directions, in [-1,1]. gradient: norm of the gradient in the features; slope: its part that parts the directions, the
    derivative by the cosine.
    """
    generator = torch.Generator().manual_seed(0)
    tampered = torch.zeros(1, side, side, dtype=torch.bool)
    tampered.view(-1)[: round(share * side**2)] = True
    noise = spread * torch.randn(1, dim, side, side, generator=generator) / dim**0.5
    rows = []
    for form in FORMS:
        for cosine in cosines:
            angle = torch.tensor(float(cosine), requires_grad=True)
            there = torch.zeros(dim).index_put((torch.tensor(0),), angle)
            there = there.index_put((torch.tensor(1),), (1 - angle.square()).clamp(min=1e-12).sqrt())
            here = torch.eye(dim)[0]
            feat = torch.where(tampered[:, None], there.view(1, -1, 1, 1), here.view(1, -1, 1, 1)) + noise
            feat.retain_grad()
            selective_contrast(feat, tampered, ~tampered, tau=tau, form=form).backward()
            rows.append((form, cosine, angle.grad.item(), feat.grad.norm().item()))
    return pd.DataFrame(rows, columns=["form", "cosine", "slope", "gradient"])
