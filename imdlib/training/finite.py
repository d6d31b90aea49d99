"""Finite: a loss that is not stops a training with the names of its images; looked at now and then, so that no step waits for a device."""

import contextlib
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import torch
from torch import Tensor
from torch.utils.data import Dataset

LOOK = 16  # steps between two looks at whether losses are finite, each of which makes the processor wait for the device


class NonFiniteLoss(RuntimeError):
    """The loss became NaN or infinite; the message names the step and the files of the batch."""


class Taken(NamedTuple):
    """A step that was taken and that nobody has looked at: its stage, its number, its losses on the device, its batch's images."""

    name: str
    number: int
    losses: dict[str, Tensor]
    images: Tensor


@contextlib.contextmanager
def looked_at(epoch: int, samples: Dataset) -> Iterator[list[Taken]]:
    """List for steps to be entered in; however it ends, those that nobody has looked at are looked at then: what a loss that is
    not finite breaks elsewhere is told as that loss.
    """
    taken = []
    try:
        yield taken
    finally:
        look(taken, epoch, samples)


def look(taken: list[Taken], epoch: int, samples: Dataset) -> None:
    """Empty a list of steps; NonFiniteLoss for the first of them whose loss is not finite. What came after was taken with weights that
    it spoilt, and belongs to an epoch that is not kept.
    """
    some = [*taken]
    taken.clear()
    if some and not torch.isfinite(torch.stack([one.losses["loss"] for one in some])).all():
        one = next(one for one in some if not torch.isfinite(one.losses["loss"]))
        raise NonFiniteLoss(broken(one.name, one.losses, epoch, one.number, [samples.files[i] for i in one.images]))


def broken(stage: str, losses: dict[str, Tensor], epoch: int, step: int, files: Iterable[str]) -> str:
    """Message of a loss that is not finite."""
    values = ", ".join(f"{name} {value.item():.4g}" for name, value in losses.items())
    return (
        f"{f'stage {stage}: ' if stage else ''}the loss is not finite in epoch {epoch + 1}, step {step + 1} ({values}). "
        f"Images of the batch: {', '.join(files)}. Finished epochs are kept. Look at these images, lower learning_rate, or "
        "set precision='32-true'."
    )
