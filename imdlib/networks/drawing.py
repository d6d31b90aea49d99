"""Drawing of cells: some members of each image at random, all images at once; as many places as an accelerator need not be asked for."""

import torch
from torch import Tensor

from imdlib.networks.waiting import may_look


def draw_cells(member: Tensor, limit: int, generator: torch.Generator | None = None) -> tuple[Tensor, Tensor]:
    """Draw up to `limit` members of each row at random without replacement, all rows at once.

    member (B,N) bool -> index (B,n) int64, present (B,n) bool; a row's members come first, in random order, and `present` is False
    at its unused places. n is the largest number drawn from a row (at least 1) on a processor, and the most that there could be on an
    accelerator, which would have to be waited for.
    """
    largest = min(limit, member.shape[1])
    if may_look(member) and member.numel():
        largest = max(1, min(largest, int(member.sum(1).max())))
    keys = torch.rand(member.shape, generator=generator, device=member.device).masked_fill(~member, -1)
    keys, index = keys.topk(largest, dim=1)
    return index, keys >= 0
