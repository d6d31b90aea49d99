"""Checkpoints: a run after its last finished epoch, in one file that is replaced in a single step.

A file holds a dict of states {name: state_dict}, epoch (how many are finished), history (a dict per row) and kept
({name: state_dict} of the networks of a chosen epoch, or None) and flat (the epoch with which a cool-down began, or None).
"""

import zipfile
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import nn


class CheckpointError(RuntimeError):
    """A checkpoint cannot be read, or is not one of this run; the message names the file and says what to do."""


def save(fabric: Fabric, path: Path, state: dict[str, Any]) -> None:
    """Write a checkpoint beside the old one, then replace it; OSError, and the old one stays, where that fails."""
    draft = path.with_suffix(".draft")
    try:
        fabric.save(draft, state)
        if fabric.is_global_zero:
            draft.replace(path)
        fabric.barrier()
    except (OSError, RuntimeError) as error:
        draft.unlink(missing_ok=True)
        raise OSError(
            f"{path}: the checkpoint could not be written ({error}); the one before it is intact. Free disk space, run again."
        ) from error


def restore(
    path: Path, parts: dict[str, nn.Module | torch.optim.Optimizer], device: torch.device | str
) -> dict[str, Any]:
    """Continue from a checkpoint: its dict, after every part, {name: network or optimizer}, got its state from there.

    Raises CheckpointError where the file is cut off, changed, of another kind, or of other networks.
    """
    try:
        with zipfile.ZipFile(path) as whole:
            if broken := whole.testzip():  # PyTorch itself takes changed bytes for numbers
                raise ValueError(f"{broken} in it is not what was written")
        state = torch.load(path, map_location=device, weights_only=True)
        found = set(state["states"])
        if missing := {"epoch", "history", "kept", "flat"} - set(state):
            raise ValueError(f"without {', '.join(sorted(missing))}")
        if found != set(parts):
            raise ValueError(f"it holds {', '.join(sorted(found))} in place of {', '.join(sorted(parts))}")
        for name, part in parts.items():
            part.load_state_dict(state["states"][name])
    except Exception as error:  # reading foreign bytes may end in any error
        said = (str(error).strip() or "no message").splitlines()[0][:200]
        raise CheckpointError(
            f"{path}: not a whole checkpoint of this run ({type(error).__name__}: {said}). Delete this file and run again: "
            "training then begins at the first epoch, and only the epochs that were in the file are lost."
        ) from None
    return state
