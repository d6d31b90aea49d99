"""Two classes without labels: Otsu's threshold and two-means, batched, deterministic, on the input's device.

INR, Sections 3.3 and 3.5: two-means on features and on matching scores, Otsu's threshold in the pooling. Nothing
here has a gradient: callers select with the result.
"""

import torch
from torch import Tensor

from imdlib.networks.otsu import otsu_threshold
from imdlib.networks.waiting import may_look

__all__ = ["minority", "otsu_threshold", "two_means"]


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
        centred = (x - mean).contiguous()
        direction = _principal(centred)
        total = centred.sum(dim=1)
        labels, offsets = torch.zeros(x.shape[:2], dtype=torch.bool, device=x.device), None
        for _ in range(iterations):
            along = _along(centred, direction)  # (B,N)
            before, labels = labels, (along > otsu_threshold(along)[:, None]) & valid[:, None]
            if offsets is not None and may_look(x) and torch.equal(labels, before):  # more steps change nothing
                break
            offsets = _centers(centred, labels, total)
            direction = offsets[:, 1] - offsets[:, 0]
            if x.shape[2] == 1:
                break
        swap = _first_difference(direction) < 0
        labels = (labels ^ swap[:, None]) & valid[:, None]  # (B,N)
        offsets = torch.where(swap[:, None, None], offsets.flip(1), offsets)
    return labels, mean + offsets, valid


def minority(labels: Tensor) -> Tensor:
    """The smaller cluster as a mask, (B,N) bool -> (B,N) bool; on a tie cluster 0, nothing where one is empty."""
    ones = labels.sum(dim=-1, keepdim=True)
    return labels ^ (2 * ones >= labels.shape[-1])


def _along(x, direction):
    """Position of each point along a direction, (B,N,D) and (B,D) -> (B,N); a processor is slow at batches of single columns."""
    if x.device.type == "cpu":
        return torch.stack([points @ one for points, one in zip(x, direction)]) if len(x) else x[..., 0]
    return (x @ direction[..., None])[..., 0]


def _principal(centred, steps=10):
    """Direction of largest variance, (B,N,D) -> (B,D): power iteration from the point farthest from the mean."""
    farthest = torch.linalg.vector_norm(centred, dim=2).argmax(dim=1)  # (B,)
    direction = centred[torch.arange(len(centred), device=centred.device), farthest]
    scatter = centred.transpose(1, 2) @ centred  # (B,D,D)
    for _ in range(steps if centred.shape[2] > 1 else 0):
        direction = torch.nn.functional.normalize(direction, dim=1)
        direction = (direction[:, None] @ scatter)[:, 0]
    return torch.nn.functional.normalize(direction, dim=1)


def _centers(x, labels, total):
    """Mean of each cluster, (B,2,D); of an empty one, 0. x: (B,N,D), labels (B,N) bool, total: sum of the points (B,D)."""
    ones = (labels[:, None].to(x.dtype) @ x)[:, 0]  # (B,D)
    count = labels.sum(dim=1)
    count = torch.stack([labels.shape[1] - count, count], dim=1)  # (B,2)
    return torch.stack([total - ones, ones], dim=1) / count.clamp(min=1)[..., None]


def _first_difference(direction):
    """First coordinate of each row that is not zero, (B,D) -> (B,)."""
    first = (direction != 0).to(torch.uint8).argmax(dim=1, keepdim=True)
    return direction.gather(1, first)[:, 0]
