"""Layers of a network as a table: what each is, and what comes out of it, read from the network itself."""

from collections.abc import Sequence

import pandas as pd
import torch
from torch import nn

WEIGHED = (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)


def layers(model: nn.Module, size: tuple[int, int], parts: Sequence[str] = ("",)) -> pd.DataFrame:
    """Convolutions and linear layers in the order in which an image of that size (H, W) passes them: DataFrame layer, what it is, output.

    model: takes images (B,3,H,W); on the device 'meta', where its code allows that, it needs no memory and computes nothing.
    parts: beginnings of the names of layers that are asked for, '' for all.
    """
    device, rows, hooks = next(model.parameters()).device, [], []
    for name, layer in model.named_modules():
        if isinstance(layer, WEIGHED) and name.startswith(tuple(parts)):
            note = lambda layer, given, output, name=name: rows.append((name, str(layer), tuple(output.shape)))  # noqa: E731
            hooks.append(layer.register_forward_hook(note))
    with torch.no_grad():
        model.eval()(torch.zeros(1, 3, *size, device=device))
    for hook in hooks:
        hook.remove()
    return pd.DataFrame(rows, columns=["layer", "what it is", "output"])
