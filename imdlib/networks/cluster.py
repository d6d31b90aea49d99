"""Two classes without labels: Otsu's threshold and two-means, batched, deterministic, on the input's device.

INR, Sections 3.3 and 3.5: two-means on features and on the consistency map, Otsu's threshold in the pooling. Nothing
here has a gradient: callers select with the result.
"""

import torch
from torch import Tensor


@torch.no_grad()
def otsu_threshold(x: Tensor) -> Tensor:
    """Threshold that splits each row in two classes of largest between-class variance: (..., N) real -> (...,).

    Class 1 is `x > threshold`. The optimum over all splits of the sorted values, no bins (Otsu 1979). The threshold is
    the largest value of the lower class, so it compares exactly in x's own precision; of equal splits the lowest.
    A constant row returns its constant (nothing is above it), a row with NaN or infinity NaN (nothing is above that
    either).
    """
    if x.ndim == 0 or x.shape[-1] == 0:
        raise ValueError(f"otsu_threshold: expected (..., N) with at least one value, got shape {tuple(x.shape)}")
    n = x.shape[-1]
    ordered = x.sort(dim=-1).values
    wide = ordered.to(torch.float32 if x.device.type == "mps" else torch.float64)  # prefix sums lose digits in float32
    mean = wide.mean(dim=-1, keepdim=True)
    below = (wide - mean).cumsum(dim=-1)  # (..., N) sum of the k lowest, k = 1 ... N
    k = torch.arange(1, n + 1, device=x.device, dtype=wide.dtype)
    between = below**2 / (k * (n - k).clamp(min=1))  # between-class variance, times N; 0 for k = N
    # no need to mask splits between equal values: along such a run the largest lies at one of its ends
    threshold = ordered.gather(-1, between.argmax(dim=-1, keepdim=True))[..., 0]
    return torch.where(mean[..., 0].isfinite(), threshold, torch.nan)


@torch.no_grad()
def two_means(x: Tensor, iterations: int = 10) -> tuple[Tensor, Tensor, Tensor]:
    """Two clusters of least within-cluster variance: labels (B,N) bool, centers (B,2,D) float32, valid (B,) bool.

    x: (B,N,D) vectors or (B,N) scalars (D = 1), any float type, computed in float32. No random start: the points are
    projected on a direction, first the principal one, then the line through the two centers, and split by Otsu's
    threshold, until no label changes or `iterations` are done. A step is at least as good as Lloyd's, whose midpoint is
    one of the thresholds searched; scalars get the exact optimum at once.
    Cluster 1 (label True) is the one whose center is larger in the first coordinate in which the centers differ; for
    scalars, the higher values. valid is False where all points are equal or one is not finite: every label is then
    False and the centers say nothing.
    """
    if x.ndim not in (2, 3) or 0 in x.shape[1:]:
        raise ValueError(f"two_means: expected (B,N,D) or (B,N) with points in it, got shape {tuple(x.shape)}")
    with torch.autocast(x.device.type, enabled=False):
        x = (x if x.ndim == 3 else x[..., None]).float()
        mean = x.mean(dim=1, keepdim=True)
        valid = (x.amax(dim=1) != x.amin(dim=1)).any(dim=1) & mean.isfinite().flatten(1).all(dim=1)
        centred = x - mean
        direction = _principal(centred)
        labels = torch.zeros(x.shape[:2], dtype=torch.bool, device=x.device)
        for _ in range(iterations):
            along = (centred @ direction[..., None])[..., 0]  # (B,N)
            before, labels = labels, (along > otsu_threshold(along)[:, None]) & valid[:, None]
            offsets = _centers(centred, labels)
            direction = offsets[:, 1] - offsets[:, 0]
            if torch.equal(labels, before) or x.shape[2] == 1:
                break
        swap = _first_difference(direction) < 0
        labels = (labels ^ swap[:, None]) & valid[:, None]  # (B,N)
        offsets = torch.where(swap[:, None, None], offsets.flip(1), offsets)
    return labels, mean + offsets, valid


def minority(labels: Tensor) -> Tensor:
    """The smaller cluster as a mask, (B,N) bool -> (B,N) bool; on a tie cluster 0, nothing where one is empty."""
    ones = labels.sum(dim=-1, keepdim=True)
    return labels ^ (2 * ones >= labels.shape[-1])


def _principal(centred, steps=10):
    """Direction of largest variance, (B,N,D) -> (B,D): power iteration from the point farthest from the mean."""
    farthest = torch.linalg.vector_norm(centred, dim=2).argmax(dim=1)  # (B,)
    direction = centred[torch.arange(len(centred), device=centred.device), farthest]
    for _ in range(steps if centred.shape[2] > 1 else 0):
        direction = torch.nn.functional.normalize(direction, dim=1)
        along = centred @ direction[..., None]  # (B,N,1)
        direction = (centred.transpose(1, 2) @ along)[..., 0]
    return torch.nn.functional.normalize(direction, dim=1)


def _centers(x, labels):
    """Mean of each cluster, (B,2,D); of an empty one, 0. x: (B,N,D), labels (B,N) bool."""
    member = torch.stack([~labels, labels], dim=1).to(x.dtype)  # (B,2,N)
    return member @ x / member.sum(dim=2, keepdim=True).clamp(min=1)


def _first_difference(direction):
    """First coordinate of each row that is not zero, (B,D) -> (B,)."""
    first = (direction != 0).to(torch.uint8).argmax(dim=1, keepdim=True)
    return direction.gather(1, first)[:, 0]
