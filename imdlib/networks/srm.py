"""Three high-pass filters of the rich models: each predicts a pixel from its neighbours and leaves what it got wrong.

Fridrich and Kodovsky, "Rich models for steganalysis of digital images" (2012), as chosen by Zhou et al., "Learning Rich Features for
Image Manipulation Detection" (CVPR 2018).
"""

import torch
from torch import Tensor

FILTERS = (  # integer coefficients and what divides them; each predicts a pixel from its neighbours, centre -1
    ([[0, 0, 0, 0, 0], [0, -1, 2, -1, 0], [0, 2, -4, 2, 0], [0, -1, 2, -1, 0], [0, 0, 0, 0, 0]], 4),
    ([[-1, 2, -2, 2, -1], [2, -6, 8, -6, 2], [-2, 8, -12, 8, -2], [2, -6, 8, -6, 2], [-1, 2, -2, 2, -1]], 12),
    ([[0, 0, 0, 0, 0], [0, 0, 0, 0, 0], [0, 1, -2, 1, 0], [0, 0, 0, 0, 0], [0, 0, 0, 0, 0]], 2),
)


def filters() -> Tensor:
    """The filters, (3,1,5,5) float32."""
    return torch.stack([torch.tensor(taps, dtype=torch.float32) / by for taps, by in FILTERS])[:, None]
