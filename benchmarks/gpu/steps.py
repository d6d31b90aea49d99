"""Steps: the training step of a piece on a device, as runs take it, and how long one is."""

import statistics
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import torch

from benchmarks.gpu import pieces
from imdlib.scoring.costs import wait
from imdlib.training.optimizers import make_optimizer
from imdlib.training.settings import make_fabric


def network(piece: pieces.Piece, device: str, change: Callable = lambda model: model) -> Callable[..., None]:
    """step(inputs, mask): forward, loss, backward and optimizer as runs take them, in the precision that they choose."""
    torch.manual_seed(0)
    fabric = make_fabric(accelerator="gpu" if device == "cuda" else "cpu")
    model = piece.build().to(fabric.device, memory_format=torch.channels_last).train()
    loss = piece.loss(model)
    weights = [weight for weight in model.parameters() if weight.requires_grad]
    net, optimizer = fabric.setup(model, make_optimizer("adamw", weights, learning_rate=1e-5, weight_decay=0.0))
    net = change(net)

    def step(inputs, mask):
        fabric.backward(loss(net(inputs), mask)["loss"])
        optimizer.step()
        optimizer.zero_grad()

    return step


def training(piece: pieces.Piece, device: str, change: Callable = lambda model: model) -> tuple[Callable, torch.Tensor]:
    """(step(), a tensor on the device): the step of `network` on a batch that is there already."""
    inputs, mask = piece.batch(device)
    return partial(network(piece, device, change), inputs, mask), mask


def timed(work: Callable[[], Any], tensor: torch.Tensor, repeats: int) -> float:
    """Median seconds of work(), after two turns that warm up."""
    times = []
    for _ in range(repeats + 2):
        wait(tensor)
        start = time.perf_counter()
        work()
        wait(tensor)
        times.append(time.perf_counter() - start)
    return statistics.median(times[2:])
