"""From a probability map to the probability that the image is tampered: adaptive pooling and what it is compared with.

INR section 3.4 (adaptive global average pooling, AGAP) and Table 6 (max, average, generalized mean, global smooth).

Differs from the paper:
- Otsu's threshold is the exact optimum; WSCL (Zhai et al. 2023), which the paper follows, stops at a local one and
  keeps less than half of the cells: `cap_half=True` has that bound. A constant map has nothing above the threshold: all
  of it is then selected, so the score is its value.
- Where the two clusterings have no tampered cell in common, the cluster's score is Otsu's.
- Generalized mean: WSCL's code takes p = 100 and divides by n outside the root, which leaves scores of about 1/n;
  `divide_outside=True` reproduces it. The mean is inside, and p = 3, as in Radenovic et al. 2019.
- Global smooth pooling (Wang et al. 2017): the weights are w = argmax w.r - mu/2 |w|^2 over the simplex, i.e. r / mu
  projected on it; mu = 1. They are treated as constants, as the selections above are.
"""

import math

import torch
from torch import Tensor

from imdlib.networks.cluster import otsu_threshold

POOLINGS = ("adaptive", "otsu", "max", "average", "gem", "smooth")


def pool(
    prob: Tensor, pooling: str = "adaptive", selected: Tensor | None = None, **options: float | bool
) -> tuple[Tensor, ...]:
    """Image scores of a map: tuple of (B,) float32 in [0,1], (p_otsu, p_clu) for 'adaptive', one score for the others.

    prob (B,1,h,w), (B,h,w) or (B,N) in [0,1]; selected: bool of as many cells, those tampered in both clusterings, for
    'adaptive' alone. options: cap_half (adaptive, otsu), p and divide_outside (gem), mu (smooth).
    """
    if pooling not in POOLINGS:
        raise ValueError(f"pooling={pooling!r}: expected one of {', '.join(POOLINGS)}")
    if pooling == "adaptive" and selected is None:
        raise ValueError("pooling='adaptive' needs selected, the tampered cells of imdlib.inr.contrast.select")
    with torch.autocast(prob.device.type, enabled=False):
        prob = (prob if prob.dtype == torch.float64 else prob.float()).flatten(1)  # (B,N)
        if pooling == "adaptive":
            otsu, cluster = otsu_mean(prob, **options), selected_mean(prob, selected.flatten(1))
            return otsu, torch.where(cluster.isnan(), otsu, cluster)
        one = {"otsu": otsu_mean, "max": maximum, "average": average, "gem": generalized_mean, "smooth": smooth_mean}
        return (one[pooling](prob, **options),)


def otsu_mean(prob: Tensor, *, cap_half: bool = False) -> Tensor:
    """Mean of the values above Otsu's threshold, (B,N) -> (B,); of all of them where none is above.

    cap_half: only those count that are also among the n - n // 2 - 1 largest of the n values (the largest one always does).
    """
    kept = prob.detach() > otsu_threshold(prob.detach())[:, None]
    kept = kept | ~kept.any(dim=1, keepdim=True)
    if cap_half:
        limit = max(1, prob.shape[1] - prob.shape[1] // 2 - 1)
        largest = prob.detach().topk(limit, dim=1).indices
        kept = kept & torch.zeros_like(kept).scatter(1, largest, True)
    return selected_mean(prob, kept)


def selected_mean(prob: Tensor, selected: Tensor) -> Tensor:
    """Mean of the selected values, (B,N) and bool (B,N) -> (B,); NaN where nothing is selected."""
    count = selected.sum(dim=1)
    mean = (prob * selected).sum(dim=1) / count.clamp(min=1)
    return mean.masked_fill(count == 0, torch.nan)


def maximum(prob: Tensor) -> Tensor:
    """Largest value, (B,N) -> (B,)."""
    return prob.amax(dim=1)


def average(prob: Tensor) -> Tensor:
    """Mean, (B,N) -> (B,)."""
    return prob.mean(dim=1)


def generalized_mean(prob: Tensor, *, p: float = 3.0, divide_outside: bool = False) -> Tensor:
    """(mean of r^p)^(1/p), (B,N) -> (B,), by logarithms, because r^100 underflows; divide_outside: (sum r^p)^(1/p) / n."""
    n = prob.shape[1]
    log_norm = (p * prob.clamp(min=1e-6).log()).logsumexp(dim=1) / p
    return (log_norm - math.log(n) / (1 if divide_outside else p)).exp()


def smooth_mean(prob: Tensor, *, mu: float = 1.0) -> Tensor:
    """w.r with the weights of global smooth pooling, (B,N) -> (B,); mu > 0: large = average, small = maximum."""
    return (simplex_projection(prob.detach() / mu) * prob).sum(dim=1)


def simplex_projection(x: Tensor) -> Tensor:
    """Nearest point of {w >= 0, sum w = 1} to each row, (B,N) -> (B,N) (Held, Wolfe and Crowder 1974)."""
    ordered = x.sort(dim=1, descending=True).values
    k = torch.arange(1, x.shape[1] + 1, device=x.device, dtype=x.dtype)
    excess = (ordered.cumsum(dim=1) - 1) / k  # (B,N) what to take off if the k largest stay positive
    largest = (ordered > excess).sum(dim=1, keepdim=True)  # (B,1) the k that do
    return (x - excess.gather(1, largest - 1)).clamp(min=0)
