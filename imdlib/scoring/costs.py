"""What a training step costs: seconds on any device, and bytes kept for the backward pass."""

import time
from collections.abc import Callable
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn


def step(
    fabric: Fabric,
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    loss: Callable[[Any, Tensor], dict[str, Tensor]],
    image: Tensor,
    mask: Tensor,
) -> float:
    """Seconds of one training step: forward, loss, backward, optimizer."""

    def work():
        fabric.backward(loss(model(image), mask)["loss"])
        optimizer.step()
        optimizer.zero_grad()

    return seconds(work, image)


def kept(
    model: nn.Module, loss: Callable[[Any, Tensor | None], Any], image: Tensor | dict[str, Tensor], mask: Tensor | None
) -> int:
    """Bytes that autograd keeps for the backward pass of one step, without the model's own parameters."""
    own = {p.untyped_storage().data_ptr() for p in model.parameters()}
    sizes = {}

    def note(tensor):
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            sizes[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        loss(model(image), mask)
    return sum(sizes.values())


def seconds(work: Callable[[], Any], tensor: Tensor) -> float:
    """Seconds of work() on the device of `tensor`."""
    wait(tensor)
    start = time.perf_counter()
    work()
    wait(tensor)
    return time.perf_counter() - start


def wait(tensor: Tensor) -> None:
    """Until the device of `tensor` has done what was asked of it."""
    if tensor.is_cuda:
        torch.cuda.synchronize(tensor.device)
