"""Otsu's threshold, exact and batched: the split of each row into two classes of largest between-class variance (Otsu 1979).

INR, Section 3.5 uses it in the pooling. With k the number of lower values and S their sum about the row's mean, what is maximized is
f(k, S) = S^2 / (k (n - k)). All splits can be read off the sorted values. Sorting many values is slow on a processor, where a histogram
first says which of them need it, without a loss:

- the points (k, S) of the splits within one bin lie under the chord between the bin's ends and above the two lines through them whose
  slopes are the bin's edges, since S is convex in k: they lie in a triangle;
- f is convex in (k, S), being (S^2 / k + S^2 / (n - k)) / n, so that nowhere in the triangle it is above the largest of its corners;
- a bin of which no corner reaches the best end of all bins holds no optimum. The few values of the others are sorted.
"""

import numpy as np
import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from imdlib.networks.waiting import may_look

BINS = 256
FEW, MANY = 2**12, 2**16  # values of a row, and of all rows, up to which a processor sorts as quickly as it counts
BLOCK = 2**17  # values that are counted together: their copies stay in a core's cache
EQUAL = 1 - 1e-12  # two splits are equally good where their variances differ by rounding


@torch.no_grad()
def otsu_threshold(x: Tensor) -> Tensor:
    """Threshold that splits each row in two classes of largest between-class variance: (..., N) real -> (...,).

    Class 1 is `x > threshold`. The optimum over all splits of the values, no bins (Otsu 1979). The threshold is the
    largest value of the lower class, so it compares exactly in x's own precision; of equal splits (to twelve digits)
    the lowest. A constant row returns its constant (nothing is above it), a row with NaN or infinity NaN (nothing is
    above that either).
    """
    if x.ndim == 0 or x.shape[-1] == 0:
        raise ValueError(f"otsu_threshold: expected (..., N) with at least one value, got shape {tuple(x.shape)}")
    rows = x.detach().reshape(-1, x.shape[-1])  # (R,N)
    low, high = rows.amin(dim=1, keepdim=True), rows.amax(dim=1, keepdim=True)
    finite = low.isfinite() & high.isfinite()  # (R,1)
    wide = torch.float32 if x.device.type == "mps" else torch.float64  # prefix sums lose digits in float32
    low, high = (edge.where(finite, 0).to(wide) for edge in (low, high))
    scale = (BINS - 1) / (high - low).clamp(min=BINS * torch.finfo(wide).tiny)  # bins a unit
    if may_look(x) and x.shape[-1] > FEW and x.numel() > MANY:
        found = _by_counting(rows if finite.all() else rows.where(finite, 0), low, scale)
    else:
        found = _by_sorting(rows, low, scale)
    return found.where(finite[:, 0], torch.nan).reshape(x.shape[:-1])


def _variance(below, k, n):
    """Between-class variance times n^2 of k values whose sum about the mean is `below`; 0 for none and for all."""
    return below**2 / (k * (n - k)).clamp(min=1)


def _by_sorting(rows, low, scale):
    """Thresholds (R,) of rows (R,N) from all splits of the sorted values."""
    ordered = _sorted(rows)
    above = (ordered.to(low.dtype) - low) * scale
    return _best(ordered, above, 0, 0, above.mean(dim=1, keepdim=True), rows.shape[1])


def _best(ordered, above, start, before, mean, n):
    """The value of each row after which the best split lies, (R,): ordered values (R,M), from the one above the `start` lowest on.

    above: the same in widths of a bin above the lowest, (R,M), infinite where a row has fewer; before: sum of the lowest, about the mean.
    """
    # no need to mask splits between equal values: along such a run the largest lies at one of its ends
    k = start + torch.arange(1, above.shape[1] + 1, device=above.device)
    found = _variance(before + (above - mean).cumsum(dim=1), k, n).where(above.isfinite(), -1)
    as_good = found >= found.amax(dim=1, keepdim=True) * EQUAL
    return ordered.gather(1, as_good.to(torch.uint8).argmax(dim=1, keepdim=True))[:, 0]


def _by_counting(rows, low, scale):
    """Thresholds (R,) of rows (R,N): a histogram leaves a few values to be sorted."""
    n, block = rows.shape[1], max(BLOCK // rows.shape[1], 1)
    parts = [_bins(*part) for part in zip(rows.split(block), low.split(block), scale.split(block))]
    index, counts, sums = (torch.cat(part) for part in zip(*parts))
    mean = sums.sum(dim=1, keepdim=True) / n
    edges = torch.arange(BINS) - mean  # (R,BINS) lower ones, about the mean
    sums -= counts * mean
    k, below = counts.cumsum(dim=1), sums.cumsum(dim=1)
    start, before = k - counts, below - sums
    inside = ((edges + 1) * counts - sums).clamp(min=0)  # lower values at the third corner, where the two lines meet
    ends, corners = _variance(below, k, n), _variance(before + inside * edges, start + inside, n)
    possible = (corners.maximum(ends) >= (1 - 1e-9) * ends.amax(dim=1, keepdim=True)) & (counts > 0)
    first = possible.to(torch.uint8).argmax(dim=1, keepdim=True)
    last = BINS - 1 - possible.flip(1).to(torch.uint8).argmax(dim=1, keepdim=True)
    ordered = _ordered(rows, index, first.tolist(), last.tolist())
    above = (ordered.double() - low) * scale
    return _best(ordered, above, start.gather(1, first), before.gather(1, first), mean, n)


def _bins(rows, low, scale):
    """Bin of each value (R,N) int32, numbers of values (R,BINS) and sums (R,BINS) float64 in widths of a bin above the lowest."""
    above = (rows.double() - low).mul_(scale)
    index = above.int()
    row = BINS * torch.arange(len(rows), dtype=torch.int32)[:, None]
    flat, size = (index + row).flatten(), BINS * len(rows)
    counts, sums = torch.bincount(flat, minlength=size), torch.bincount(flat, above.flatten(), minlength=size)
    return index, counts.double().view(-1, BINS), sums.view(-1, BINS)


def _ordered(rows, index, first, last):
    """Values of each row in the bins from its first to its last, sorted, (R,M), infinite where a row has fewer."""
    values, index = _wide(rows).numpy(), index.numpy()
    few = [np.sort(row[(i >= a) & (i <= b)]) for row, i, (a,), (b,) in zip(values, index, first, last)]
    return pad_sequence([torch.from_numpy(row) for row in few], batch_first=True, padding_value=torch.inf).to(
        rows.dtype
    )


def _sorted(x):
    """Values in order along the last axis; on a processor by NumPy, which takes a fifth of the time."""
    if x.device.type != "cpu":
        return x.sort(dim=-1).values
    return torch.from_numpy(np.sort(_wide(x).numpy(), axis=-1)).to(x.dtype)


def _wide(x):
    """Values as NumPy can hold them: it knows no bfloat16."""
    return x.float() if x.dtype.itemsize == 2 else x
