"""NOI: the noise level of every part of an image, from the finest diagonal wavelet coefficients.

Mahdian and Saic, "Using noise inconsistencies for blind image forensics" (Image and Vision Computing 27, 2009), section 3: one level
of a wavelet transform (Daubechies, 8 vanishing moments), its HH band in blocks, sigma = median(|HH|) / 0.6745 in each (Donoho's
estimate). NCL's Table 1 and INR's Table 1 list it as NOI. It sees a region whose noise is stronger than the rest's; where a splice is
smoother than its surroundings the same map ranks it lowest (AUC below 0.5), and texture counts as noise.

Differs from the paper: the map of levels is the output; the paper goes on to merge blocks of similar level into regions.
"""

from functools import cache

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from imdlib.baselines.cells import cut, luma, spread, stretched

MOMENTS = 8  # vanishing moments of the wavelet: 16 coefficients
NORMAL = 0.6745  # median of |x| of a standard normal x


class NOI(nn.Module):
    """Noise levels of a batch of images; side: of a block, in coefficients (two pixels each)."""

    def __init__(self, side: int = 8) -> None:
        super().__init__()
        self.side = side
        self.register_buffer("high", torch.from_numpy(high_pass(MOMENTS)).float(), persistent=False)

    def forward(self, image: Tensor) -> dict[str, Tensor]:
        """image (B,3,H,W) float in [0,1] -> dict of map (B,1,H,W) in [0,1], each image's noisiest block near 1; sigma (B,1,h,w): the
        noise level of each block, grey levels.
        """
        blocks = cut(diagonal(luma(image), self.high), self.side)
        sigma = blocks.contiguous().abs().median(dim=3).values[:, None] / NORMAL
        return {"map": spread(stretched(sigma), 2 * self.side, image.shape[-2:]), "sigma": sigma}


def diagonal(grey: Tensor, high: Tensor) -> Tensor:
    """HH band of one level of the wavelet transform: (B,1,H,W) -> (B,1,ceil(H/2),ceil(W/2)); border continued."""
    left, right = len(high) // 2, len(high) // 2 - 1
    x = F.pad(grey, (left, right + grey.shape[3] % 2, left, right + grey.shape[2] % 2), mode="replicate")
    return every_second(every_second(x.mT, high.tolist()).mT, high.tolist())


def every_second(x: Tensor, taps: list[float]) -> Tensor:
    """What a convolution of the rows of x (B,1,H,W) with these taps and stride 2 gives, a tap at a time, which is faster on a CPU."""
    span = (x.shape[3] - len(taps)) // 2 * 2 + 1
    total = x[..., :span:2] * taps[0]
    for k, tap in enumerate(taps[1:], start=1):
        total.add_(x[..., k : k + span : 2], alpha=tap)
    return total


@cache
def high_pass(moments: int) -> np.ndarray:
    """Daubechies' high-pass filter with that many vanishing moments, (2*moments,) float64, of norm 1.

    Daubechies, "Ten Lectures on Wavelets" (1992), section 6.1: the roots within the unit circle of the polynomial that, beside
    `moments` zeros at -1, makes the filter orthogonal to its own even shifts.
    """
    binomials = np.cumprod([1.0] + [(moments + k) / (k + 1) for k in range(moments - 1)])  # of (moments-1+k, k)
    y = np.roots(binomials[::-1])  # y = (2 - z - 1/z) / 4
    pairs = np.array([np.roots([1, 4 * one - 2, 1]) for one in y]).ravel()
    inside = pairs[np.abs(pairs) < 1]
    low = np.real(np.poly(np.concatenate([-np.ones(moments), inside])))
    low /= np.linalg.norm(low)
    return low[::-1] * (-1.0) ** np.arange(2 * moments)
