"""Exercises of the notebook on two branches: what the library says at hidden inputs, and what is often mistaken.

Bridging section 3.4; Peng et al., "Conformer" (ICCV 2021).
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from imdlib.bridge.blocks import MapToTokens, TokensToMap
from imdlib.lessons.bridge.two_branches import width_of_field
from imdlib.lessons.exercises import Task, drawn, slips

WINDOW = Task(
    lambda: width_of_field(6),
    "stem 3, first block 5, second block 7 and 9, third 11 and 15",
    mistakes={
        "that is a network of three stages": 31,
        "the CAM layer is a 3x3, too": 51,
        "the step between cells doubles where the map is halved": 27,
        "the convolution that halves still steps by the old step": 63,
        "twice as many stages hear more than twice as much": 62,
        "a window has a middle, so its width is odd": 60,
    },
)
FOURTH = Task(
    lambda aa, ab, ba: ab + ba - aa,
    "the branch adds up; what changes when the left mark changes does not depend on the right one",
    lambda: {"three logits": (drawn(3), drawn(3, seed=1), drawn(3, seed=2)), "all alike": (drawn(3),) * 3},
    {
        "BB is not AA": lambda aa, ab, ba: aa,
        "the mean of three is not what a sum gives": lambda aa, ab, ba: (aa + ab + ba) / 3,
        "AA counts against it": lambda aa, ab, ba: aa + ab + ba,
        "both changes count, from AA": lambda aa, ab, ba: ab + ba,
        "the change of one mark alone is not enough": lambda aa, ab, ba: ab,
        "the signs are turned": lambda aa, ab, ba: aa - ab - ba,
        "half of it": lambda aa, ab, ba: (ab + ba) / 2,
    },
)


def bridged(x: Tensor, weight: Tensor, bias: Tensor, stride: int) -> Tensor:
    """The library's bridge from map to tokens with these weights, its normalisation as it starts."""
    bridge = MapToTokens(weight.shape[1], weight.shape[0], stride).double()
    values = {"project.weight": weight[:, :, None, None], "project.bias": bias}
    return torch.func.functional_call(bridge, values, (x,))


def to_tokens(x: Tensor, weight: Tensor, bias: Tensor, stride: int, *, wrong: str) -> Tensor:
    """The same with a mistake."""
    x = torch.einsum("bchw,dc->bdhw", x, weight) + (0 if wrong == "bias" else bias[:, None, None])
    pool = {"max": F.max_pool2d, "stride": lambda x, stride: x[:, :, ::stride, ::stride]}.get(wrong, F.avg_pool2d)
    x = pool(x, stride)
    x = x.transpose(2, 3).flatten(2).transpose(1, 2) if wrong == "columns" else x.flatten(2).transpose(1, 2)
    if wrong == "early":
        return F.layer_norm(F.gelu(x), x.shape[2:], eps=1e-6)
    x = F.layer_norm(x.transpose(1, 2), x.shape[1:2], eps=1e-6).transpose(1, 2) if wrong == "axis" else x
    x = x if wrong in ("norm", "axis") else F.layer_norm(x, x.shape[2:], eps=1e-5 if wrong == "eps" else 1e-6)
    x = x.relu() if wrong == "relu" else x if wrong == "gelu" else F.gelu(x)
    return x.transpose(1, 2) if wrong == "shape" else x


TO_TOKENS = Task(
    bridged,
    "the matrix at every place, the mean of each stride x stride square, layer norm over channels, GELU; (B,h w,D), row by row",
    lambda: {
        "six channels": (drawn(2, 3, 4, 8), drawn(6, 3, seed=1), drawn(6, seed=2), 2),
        "one pixel a token": (drawn(1, 2, 3, 2), drawn(4, 2, seed=1), drawn(4, seed=2), 1),
        "a square grid": (drawn(1, 2, 6, 6), drawn(4, 2, seed=1), drawn(4, seed=2), 2),
    },
    slips(
        to_tokens,
        {
            "bias": "the 1x1 convolution has a bias",
            "stride": "the cells are averaged, not picked",
            "max": "the cells are averaged, not pooled by their maximum",
            "columns": "the tokens stand row by row",
            "early": "layer norm comes before GELU",
            "norm": "layer norm is missing",
            "eps": "the epsilon of layer norm is 1e-6 here, not PyTorch's 1e-5",
            "relu": "the last step is GELU, not ReLU",
            "gelu": "GELU is missing",
            "shape": "tokens are (B,N,D)",
        },
    ),
    gradients=(0, 1, 2),
)


def back(tokens: Tensor, weight: Tensor, bias: Tensor, grid: tuple[int, int], stride: int) -> Tensor:
    """The library's bridge from tokens to map with these weights, in evaluation before any training."""
    bridge = TokensToMap(weight.shape[1], weight.shape[0], stride).double().eval()
    values = {"project.weight": weight[:, :, None, None], "project.bias": bias}
    return torch.func.functional_call(bridge, values, (tokens, grid))


def to_map(tokens: Tensor, weight: Tensor, bias: Tensor, grid: tuple[int, int], stride: int, *, wrong: str) -> Tensor:
    """The same with a mistake."""
    x = tokens @ weight.T + (0 if wrong == "bias" else bias)
    x = x.relu() if wrong != "relu" else x
    x = x.transpose(1, 2)
    x = x.unflatten(2, grid[::-1]).transpose(2, 3) if wrong == "columns" else x.unflatten(2, grid)
    if wrong == "bilinear":
        return F.interpolate(x, scale_factor=stride, mode="bilinear")
    if wrong == "corner":
        big = torch.zeros_like(x).repeat_interleave(stride, 2).repeat_interleave(stride, 3)
        big[:, :, ::stride, ::stride] = x
        return big
    return x if wrong == "size" else F.interpolate(x, scale_factor=stride)


TO_MAP = Task(
    back,
    "the matrix on every token, ReLU, tokens back to their grid, each copied to its stride x stride pixels",
    lambda: {
        "a grid of 2 x 3": (drawn(2, 6, 4), drawn(3, 4, seed=1), drawn(3, seed=2), (2, 3), 2),
        "one pixel a token": (drawn(1, 4, 4), drawn(3, 4, seed=1), drawn(3, seed=2), (4, 1), 1),
    },
    slips(
        to_map,
        {
            "bias": "the 1x1 convolution has a bias",
            "relu": "the ReLU is missing",
            "columns": "the tokens stand row by row",
            "bilinear": "each token is copied to its pixels, not drawn out smoothly",
            "corner": "each token is copied to all of its pixels",
            "size": "the map has stride x stride pixels for every token",
        },
    ),
    gradients=(0, 1, 2),
)
TASKS = (WINDOW, FOURTH, TO_TOKENS, TO_MAP)
