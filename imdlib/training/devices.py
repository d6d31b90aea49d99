"""Several devices as one: they learn what a single one would learn from the same batches.

Each device gets its share of a batch. Batch norms take their statistics from all shares, outputs and masks are put together
again in the order of the batch, and every device computes the loss of the whole batch from them, contrasts and contours
included. What remains are sums in another order (about 1e-6 of a loss in float32; docs/faults.md has what was measured), and
dropout, which draws the same places in every share and hence others than one device.
"""

from typing import Any

import torch
from lightning_fabric import Fabric
from lightning_utilities.core.apply_func import apply_to_collection
from torch import Tensor, nn
from torch import distributed as dist
from torch.distributed.nn.functional import all_reduce


class SharedBatchNorm(nn.BatchNorm2d):
    """Batch norm with the statistics of all devices, whose shares of a batch have one size; x (b,C,h,w) -> (b,C,h,w).

    PyTorch's SyncBatchNorm does the same on GPUs alone.
    """

    def forward(self, x: Tensor) -> Tensor:
        if not self.training:
            return super().forward(x)
        with torch.autocast(x.device.type, enabled=False):
            wide, world = x if x.dtype == torch.float64 else x.float(), dist.get_world_size()
            mean = all_reduce(wide.mean((0, 2, 3))) / world  # (C,)
            centred = wide - mean[:, None, None]
            variance = all_reduce(centred.square().mean((0, 2, 3))) / world  # (C,)
            with torch.no_grad():
                count = world * x.numel() / x.shape[1]
                self.running_mean.lerp_(mean, self.momentum)
                self.running_var.lerp_(variance * count / (count - 1), self.momentum)
                self.num_batches_tracked += 1
            scale = self.weight * (variance + self.eps).rsqrt()
            return (centred * scale[:, None, None] + self.bias[:, None, None]).to(x.dtype)


def shared(model: nn.Module) -> nn.Module:
    """The model with SharedBatchNorm in place of every BatchNorm2d, on the same weights.

    Those of one dimension stay: they stand in losses (NCL's pivot), which see the whole batch on every device.
    """
    for name, child in model.named_children():
        if type(child) is nn.BatchNorm2d:
            twin = SharedBatchNorm(child.num_features, child.eps, child.momentum)
            twin.weight, twin.bias = child.weight, child.bias
            twin.running_mean, twin.running_var = child.running_mean, child.running_var
            twin.num_batches_tracked = child.num_batches_tracked
            setattr(model, name, twin.train(child.training))
        else:
            shared(child)
    return model


def whole(fabric: Fabric, parts: Any) -> Any:
    """Tensors (b,...) of every device's share, in any collection -> the same of the whole batch (B,...), with gradients.

    The share of device r of n holds the samples r, r + n, r + 2n, ... of the batch, as `training_batches` deals them. (The
    gather of PyTorch 2.11 mixes up gradients of channels-last tensors on CPUs; sums with zero do not.)
    """
    if fabric.world_size == 1:
        return parts
    return apply_to_collection(parts, Tensor, lambda one: joined(one, fabric.global_rank, fabric.world_size))


def joined(part: Tensor, rank: int, world: int) -> Tensor:
    """One tensor of `whole`."""
    spread = part.new_zeros(world * len(part), *part.shape[1:])
    spread[rank::world] = part
    return all_reduce(spread)
