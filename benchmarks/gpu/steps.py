"""Steps: the training step of a piece on a device, as runs take it, and how long one is."""

import statistics
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import torch

from benchmarks.gpu import pieces
from imdlib.data.batches import augment, generator_for
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


class Set:
    """Made-up images and masks in the memory of the processor or of the card; batches of them as training takes them."""

    def __init__(self, side: int, place: str, count: int = 64) -> None:
        """side: of an image, pixels; place: the device that holds all `count` of them."""
        self.images = torch.randint(256, (count, 3, side, side), dtype=torch.uint8).to(place)
        self.masks = (torch.rand(count, 1, side, side) > 0.9).to(place, torch.uint8)

    def batch(self, piece: pieces.Piece, device: str, seed: int, turn: int) -> tuple[torch.Tensor, torch.Tensor]:
        """(image (B,3,crop,crop) float in [0,1], mask (B,1,crop,crop)) on the device: crops, flips, and the way there."""
        count, flipped = piece.params["batch_size"], dict(crop=piece.side, flips=True)
        some = [(turn * count + one) % len(self.images) for one in range(count)]
        drawn = [generator_for(seed, turn, one) for one in some]
        pairs = [augment(self.images[one], self.masks[one], **flipped, generator=g) for one, g in zip(some, drawn)]
        image, mask = (there(torch.stack(part), device) for part in zip(*pairs))
        return image.to(memory_format=torch.channels_last).float() / 255, mask


def there(part: torch.Tensor, device: str) -> torch.Tensor:
    """A tensor on the device, from pinned memory where it comes from the processor, as the loader's batches do."""
    pinned = part.pin_memory() if device == "cuda" and part.device.type == "cpu" else part
    return pinned.to(device, non_blocking=True)


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
