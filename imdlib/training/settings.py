"""Settings: how long and how fast a training goes, in which precision and on which device."""

from dataclasses import dataclass, fields
from typing import Any

import torch
from lightning_fabric import Fabric
from lightning_fabric.strategies import DDPStrategy


@dataclass(frozen=True)
class Settings:
    """What every training is told.

    epochs: at least 1; batch_size: over all devices together; learning_rate: before the schedule, a key of
    `optimizers.SCHEDULES`; until_flat: in place of the schedule the rule of `training.flat`, with `epochs` as its budget; seed:
    of everything random but the batches, which have that of their images; precision, accelerator: of `make_fabric`; workers:
    processes that make batches, 0 for none beside this one.
    """

    epochs: int
    batch_size: int
    learning_rate: float
    weight_decay: float = 5e-4
    schedule: str = "poly"
    until_flat: bool = False
    seed: int = 0
    precision: str = "auto"
    accelerator: str = "auto"
    workers: int = 0

    def __post_init__(self) -> None:
        if self.epochs < 1:
            raise ValueError(f"epochs={self.epochs}: expected 1 or more")

    @classmethod
    def of(cls, params: dict, **given: Any) -> "Settings":
        """Those among a notebook's parameters, where none is given."""
        return cls(**{one.name: params[one.name] for one in fields(cls) if one.name in params} | given)


def best_precision() -> str:
    """'bf16-mixed' where the device multiplies bfloat16 in hardware (GPUs since Ampere, CPUs with AMX or AVX512-BF16), else '32-true'."""
    if torch.cuda.is_available():
        return "bf16-mixed" if torch.cuda.is_bf16_supported(including_emulation=False) else "32-true"
    return (
        "bf16-mixed"
        if torch.backends.mkldnn.is_available() and torch.ops.mkldnn._is_mkldnn_bf16_supported()
        else "32-true"
    )


def make_fabric(*, devices: int = 1, precision: str = "auto", accelerator: str = "auto") -> Fabric:
    """A Fabric for `devices` devices of `accelerator` ('auto', 'cpu', 'gpu'); precision 'auto' = `best_precision()`."""
    precision = best_precision() if precision == "auto" else precision
    if devices == 1:
        return Fabric(accelerator=accelerator, devices=1, precision=precision)
    # forked, so that functions of a notebook arrive there; static: outputs that a loss does not use have no gradient
    strategy = DDPStrategy(start_method="fork", static_graph=True)
    return Fabric(accelerator=accelerator, devices=devices, precision=precision, strategy=strategy)
