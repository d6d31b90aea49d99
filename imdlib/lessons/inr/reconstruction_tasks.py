"""Exercises of the notebook on reconstruction: what the library says at hidden inputs, and what is often mistaken.

INR section 3.2, Eq. 2 and 3, and the error map of section 3.3.
"""

import math

import torch
from torch import Tensor

from imdlib.inr.reconstruction import NRR, error_map, positional_encoding, reconstruction_loss
from imdlib.lessons.exercises import Task, drawn, slips
from imdlib.lessons.inr.reconstruction import first_idle

WIDTH = Task(
    lambda c, n: NRR(channels=c, frequencies=n).mlp[0].in_features,
    "each of the L frequencies has a sine and a cosine, of x and of y",
    lambda: {f"C = {c}, L = {n}": (c, n) for c, n in ((64, 8), (16, 3), (5, 1))},
    {
        "there are two coordinates": lambda c, n: c + 2 * n,
        "the coordinates themselves do not go in": lambda c, n: c + 4 * n + 2,
        "each frequency has a sine and a cosine": lambda c, n: c + n,
        "the features go in once": lambda c, n: 4 * c * n,
        "L counts the frequencies, 2^L is the fastest": lambda c, n: c + 4 * 2**n,
    },
    rtol=1e-9,
)
IDLE = Task(
    first_idle,
    "the row is 2 long; wave k repeats after 2 / 2^k. When is that one pixel?",
    lambda: {f"N = {n}": (n,) for n in (16, 64, 256, 1024)},
    {
        "that is the k of the first idle wave, and L counts from one": lambda n: math.log2(n),
        "the wave of half that speed still changes sign from pixel to pixel": lambda n: math.log2(n) - 1,
        "the wave repeats after 2 / 2^k, not after 1 / 2^k": lambda n: math.log2(n) + 2,
        "the paper's 8 is right for one size only": lambda n: 8,
    },
    rtol=1e-9,
)


def encoded(x: Tensor, frequencies: int, *, wrong: str) -> Tensor:
    """Eq. 3 with a mistake."""
    k = torch.arange(frequencies, dtype=x.dtype) + (wrong == "one")
    speed = {"linear": k + 1, "pi": 2.0**k}.get(wrong, math.pi * 2.0**k)
    angles = x[..., None, :] * speed[:, None]
    both = [angles.cos(), angles.sin()] if wrong == "cosine" else [angles.sin(), angles.cos()]
    if wrong == "blocks":
        return torch.cat([one.flatten(-2) for one in both], -1)
    if wrong == "axes":
        return torch.stack(both, -1).flatten(-3)
    return (
        torch.cat([x, torch.stack(both, -2).flatten(-3)], -1) if wrong == "raw" else torch.stack(both, -2).flatten(-3)
    )


ENCODING = Task(
    positional_encoding,
    "for k = 0 ... L - 1: sin(2^k pi x), sin(2^k pi y), cos(2^k pi x), cos(2^k pi y)",
    lambda: {
        "three frequencies": (drawn(5, 2), 3),
        "one frequency": (drawn(4, 3, 2, seed=1), 1),
        "no frequency": (drawn(5, 2), 0),
    },
    slips(
        encoded,
        {
            "pi": "the factor pi is missing",
            "one": "k begins at 0, not at 1",
            "linear": "each wave is twice as fast as the one before, not one step faster",
            "cosine": "the sines stand before the cosines",
            "blocks": "the order is k by k, not all sines and then all cosines",
            "axes": "the order is both sines, then both cosines, not x first and then y",
            "raw": "the coordinates themselves do not go in",
        },
    ),
    gradients=(0,),
)


def lost(image: Tensor, reconstruction: Tensor, mask: Tensor, *, wrong: str) -> Tensor:
    """Eq. 2 with a mistake."""
    difference, known = (image - reconstruction).abs(), (mask != 255).double()
    if wrong == "square":
        difference = difference**2
    if wrong == "padding":
        return difference.mean()
    if wrong == "tampered":
        known = (mask == 0).double()
    count = known.sum() if wrong == "pixels" else 3 * known.sum()
    if wrong == "all":
        count = torch.tensor(float(difference.numel()))
    return (difference * known).sum() / (count if wrong == "nan" else count.clamp(min=1))


def images() -> dict[str, tuple]:
    """Images, reconstructions (B,3,H,W) and masks (B,1,H,W) with padding."""
    mask = torch.zeros(2, 1, 4, 4, dtype=torch.uint8)
    mask[0, :, 1:3], mask[1, :, :, 3] = 1, 255
    pair = drawn(2, 3, 4, 4), drawn(2, 3, 4, 4, seed=1)
    whole = torch.full_like(mask, 255)
    return {"padding": (*pair, mask), "nothing but padding": (*pair, whole), "no padding": (*pair, 0 * mask)}


RECONSTRUCTION_LOSS = Task(
    reconstruction_loss,
    "mean absolute difference of the values whose mask is not 255; 0 where none is left",
    images,
    slips(
        lost,
        {
            "square": "Eq. 2 takes the absolute difference, not its square",
            "padding": "padding, 255, does not count",
            "tampered": "tampered pixels count like all others, only 255 does not",
            "pixels": "the sum is divided by the number of values, three a pixel",
            "all": "the sum is divided by the number of values that count, not of all",
            "nan": "an image that is padding throughout has the loss 0, not NaN",
        },
    ),
    gradients=(1,),
)


def erred(image: Tensor, reconstruction: Tensor, *, wrong: str) -> Tensor:
    """The error map with a mistake."""
    error = (reconstruction - image) ** 2
    if wrong == "absolute":
        error = (reconstruction - image).abs()
    if wrong == "each":
        return error
    if wrong == "early":
        return (reconstruction - image).mean(1, keepdim=True) ** 2
    found = error.sum(1, keepdim=True) if wrong == "sum" else error.mean(1, keepdim=True)
    return found.sqrt() if wrong == "root" else found[:, 0] if wrong == "shape" else found


ERROR_MAP = Task(
    error_map,
    "the squared difference, then the mean over the three channels, (B,1,H,W)",
    lambda: {"two images": images()["padding"][:2], "a perfect copy": (drawn(1, 3, 2, 2), drawn(1, 3, 2, 2))},
    slips(
        erred,
        {
            "absolute": "the difference is squared",
            "each": "one channel comes out, the mean of three",
            "sum": "the channels are averaged, not added",
            "early": "first the square, then the mean over channels: errors of opposite sign must not cancel",
            "root": "the error is not brought back by a root",
            "shape": "the map keeps a channel axis, (B,1,H,W)",
        },
    ),
    gradients=(1,),
)
TASKS = (WIDTH, IDLE, ENCODING, RECONSTRUCTION_LOSS, ERROR_MAP)
