"""Syncs: how often a training step makes the processor wait for the device, counted on any device by what waits.

On CUDA a value that Python looks at, and a shape that hangs on contents, make the processor wait until the card has done all
before; between such points it can run ahead, and a card is busy without a pause. Of `torch.cuda.set_sync_debug_mode` these are the
cases that count; here they are seen by name, so that a processor can count them, too.
"""

import sys
import traceback
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from unittest import mock

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from imdlib.networks import waiting
from imdlib.places import REPO

aten = torch.ops.aten
WAITS = {  # a value for Python, or a shape that hangs on contents
    aten._local_scalar_dense.default, aten.nonzero.default, aten.masked_select.default, aten.is_nonzero.default,
    aten.equal.default, aten._unique2.default, aten.unique_dim.default, aten.repeat_interleave.Tensor,
}  # fmt: skip


class Waiting(TorchDispatchMode):
    """Counts what waits while it lasts; places: Counter of 'file:line' of the project's code that asked for it."""

    def __init__(self) -> None:
        super().__init__()
        self.places = Counter()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        masks = func in (aten.index.Tensor, aten.index_put.default, aten.index_put_.default) and any(
            one is not None and one.dtype in (torch.bool, torch.uint8) for one in args[1]
        )
        if func in WAITS or masks:
            self.places[asked_by()] += 1
        return func(*args, **(kwargs or {}))


def asked_by() -> str:
    """The innermost line of imdlib in the calls that led here."""
    own = [one for one in traceback.extract_stack() if one.filename.startswith(str(REPO / "imdlib"))]
    return f"{own[-1].filename.removeprefix(f'{REPO}/')}:{own[-1].lineno}" if own else "elsewhere"


def counted(step: Callable[[], object]) -> Counter:
    """{'file:line': how often} of one step(), taken as an accelerator takes it: without the looks that are for a processor alone."""
    askers = [one for one in sys.modules.values() if getattr(one, "may_look", None) is waiting.may_look]
    with Waiting() as seen, ExitStack() as stack:
        for one in askers:
            stack.enter_context(mock.patch.object(one, "may_look", lambda _: False))
        step()
    return seen.places
