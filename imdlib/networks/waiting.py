"""Waiting: whether Python may look at the values of a tensor at no cost."""

from torch import Tensor


def may_look(x: Tensor) -> bool:
    """True on a processor. An accelerator runs behind Python, and whoever looks at a value, or makes a shape hang on one, waits for it."""
    return x.device.type == "cpu"
