"""CFA1: how likely each block lost the trace of the camera's colour filter array.

Ferrara, Bianchi, De Rosa and Piva, "Image Forgery Localization via Fine-Grained Analysis of CFA Artifacts" (IEEE TIFS 7, 2012):
the green pixels that a camera interpolated are predicted from their neighbours with less error than those that it measured.
Equations 6 to 9: local weighted variance of the prediction error, apart for the two; L = log(GM_A / GM_I) of a block, GM the
geometric mean; L is a mixture of N(mu, s) where the trace is whole and of N(0, s) where it is gone (section III-B, by EM); the
map is the posterior of the latter, its log-likelihood ratio median-filtered over 5 x 5 blocks. NCL's Table 1 and INR's Table 1.

It sees splices of uncompressed files that were scaled or turned, and not those whose own mosaic fell on the same lattice. JPEG
erases the trace, and the map then means nothing.

Differs from the paper: which of the two quincunx lattices was measured is not known here; it is the one that makes the mean of L
positive. Whole images without a trace have a mean near zero either way.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from imdlib.baselines.cells import cut, eight_bit, median5, spread

SIDE = 8  # pixels of a block
TINY = 1e-6  # variance below which an error counts as that: flat regions have none
ROUNDS, TOLERANCE = 200, 1e-3  # of EM


class CFA1(nn.Module):
    """Posterior of a lost CFA trace for a batch of images."""

    def __init__(self) -> None:
        super().__init__()
        place = torch.arange(-3, 4) * 2 / 3  # the authors' window: 7 pixels are two standard deviations on either side
        self.register_buffer("window", torch.exp(-(place**2) / 2), persistent=False)

    def forward(self, image: Tensor) -> dict[str, Tensor]:
        """image (B,3,H,W) float in [0,1] -> dict of map (B,1,H,W) in [0,1], the probability that a place lost its trace; ratio
        (B,1,h,w): L of each block.
        """
        variance = self.local_variance(prediction_error(eight_bit(image)[:, 1:2]))
        ratio = block_ratio(variance)
        likelihood = log_likelihood_ratio(ratio.flatten(1)).view_as(ratio)
        lost = torch.sigmoid(-median5(likelihood))
        return {"map": spread(lost, SIDE, image.shape[-2:]), "ratio": ratio}

    def local_variance(self, error: Tensor) -> Tensor:
        """Weighted variance of the error around each pixel among the pixels of its own lattice: (B,1,H,W) -> (B,1,H,W).

        Pixels of the other lattice are set to zero first, so that a separable window sees one lattice alone.
        """
        one = quincunx(error)
        lattices = torch.cat([error * one, error * (1 - one)], dim=1)  # (B,2,H,W)
        both = torch.cat([lattices, lattices**2, one.expand(len(error), -1, -1, -1)], dim=1)  # (B,5,H,W)
        mean = self.smoothed(both)
        share = mean[:, 4:]  # weight of the first lattice at each pixel
        own = torch.where(one > 0, share, 1 - share)
        first, second = (
            torch.where(one > 0, mean[:, :1], mean[:, 1:2]),
            torch.where(one > 0, mean[:, 2:3], mean[:, 3:4]),
        )
        return (second / own - (first / own) ** 2).clamp(min=TINY)

    def smoothed(self, x: Tensor) -> Tensor:
        """Each channel under the window, of sum 1, border mirrored, so that the lattice goes on: (B,C,H,W) -> (B,C,H,W)."""
        channels, window = x.shape[1], self.window / self.window.sum()
        x = F.pad(x, (3, 3, 3, 3), mode="reflect")
        x = F.conv2d(x, window.view(1, 1, -1, 1).expand(channels, -1, -1, -1), groups=channels)
        return F.conv2d(x, window.view(1, 1, 1, -1).expand(channels, -1, -1, -1), groups=channels)


def quincunx(x: Tensor) -> Tensor:
    """1 where row + column is even, else 0: (1,1,H,W), for an x (...,H,W)."""
    rows, columns = (torch.arange(side, device=x.device) for side in x.shape[-2:])
    return ((rows[:, None] + columns) % 2 == 0).to(x.dtype)[None, None]


def prediction_error(green: Tensor) -> Tensor:
    """Mean of the four neighbours minus the pixel, border mirrored: (B,1,H,W) -> (B,1,H,W)."""
    x = F.pad(green, (1, 1, 1, 1), mode="reflect")
    around = x[..., 1:-1, :-2] + x[..., 1:-1, 2:] + x[..., :-2, 1:-1] + x[..., 2:, 1:-1]
    return around / 4 - green


def block_ratio(variance: Tensor) -> Tensor:
    """L of each block: mean log variance of the measured lattice minus that of the other, (B,1,h,w)."""
    even = cut(quincunx(variance).expand_as(variance[:1]), SIDE)[0, 0, 0] > 0  # (64,) the same in every block
    logs = cut(variance.log(), SIDE)
    ratio = (logs[..., even].mean(-1) - logs[..., ~even].mean(-1))[:, None]
    return ratio * torch.where(ratio.mean((1, 2, 3), keepdim=True) < 0, -1.0, 1.0)


def log_likelihood_ratio(x: Tensor) -> Tensor:
    """log N(x; mu, s2) - log N(x; 0, s1) of x (B,N), the two fitted to each image by EM, from the authors' start."""
    share, mean, wide = x.new_full((len(x), 1), 0.5), x.mean(1, keepdim=True), x.var(1, keepdim=True) + TINY
    narrow = wide / 10
    for _ in range(ROUNDS):
        zero = torch.sigmoid(share.logit() - normal_ratio(x, mean, wide, narrow))
        before, share = share, zero.mean(1, keepdim=True).clamp(1e-6, 1 - 1e-6)
        # either group may lose its last block
        gone, whole = (part.sum(1, keepdim=True).clamp(min=TINY) for part in (zero, 1 - zero))
        narrow = (zero * x**2).sum(1, keepdim=True) / gone + TINY
        mean = ((1 - zero) * x).sum(1, keepdim=True) / whole
        wide = ((1 - zero) * (x - mean) ** 2).sum(1, keepdim=True) / whole + TINY
        if (share - before).abs().max() < TOLERANCE:
            break
    return normal_ratio(x, mean, wide, narrow)


def normal_ratio(x: Tensor, mean: Tensor, wide: Tensor, narrow: Tensor) -> Tensor:
    """log N(x; mean, wide) - log N(x; 0, narrow), variances given."""
    return (narrow.log() - wide.log() - (x - mean) ** 2 / wide + x**2 / narrow) / 2
