"""Activation times attention on planted cells: when attention completes the map, and when it carries it too far.

Bridging section 3.5. Everything after the planted activation and attention is `imdlib.bridge.localize` (drawings:
`cam_times_attention_figures`).
"""

from collections.abc import Iterable

import pandas as pd
import torch
from torch import Tensor
from torch.nn import functional as F

from imdlib.bridge.labels import PARTLY
from imdlib.bridge.localize import REFINEMENTS, class_map, refined_cam, unit_range
from imdlib.scoring import metrics

SIDE, CHANNELS, SHARPNESS = 16, 12, 16.0  # cells a side; numbers in a token; scale of the cosine at temperature 1
GROUND, SURFACE, FORGED = 0, 1, 2
LARGE, SMALL = (5, 6), (3, 3)  # sizes of a forged region in cells
SINK = 14 * SIDE + 2  # a cell of the ground to which all cells attend, where there is one


def kinds(size: tuple[int, int] = LARGE) -> Tensor:
    """What each cell shows, (h,w) int: ground below, a surface above it, a forged region of size (h,w) in the surface."""
    shown = torch.full((SIDE, SIDE), GROUND)
    shown[:10] = SURFACE
    shown[3 : 3 + size[0], 5 : 5 + size[1]] = FORGED
    return shown


def planted(
    contrast: float = 1.0,
    *,
    size: tuple[int, int] = LARGE,
    noise: float = 0.3,
    response: float = 3.0,
    uneven: float = 0.15,
    seed: int = 0,
) -> tuple[Tensor, Tensor, Tensor]:
    """Tokens (N,D), activation map `cam` (1,3,h,w) in logits, and truth (h,w) bool.

    contrast: how unlike the surface the forged region is, 0 = not at all; the map of the partly fake class fires
    around one of its cells only. noise, uneven: deviation of tokens and of logits.
    """
    generator = torch.Generator().manual_seed(seed)
    shown = kinds(size)
    means = torch.eye(3, CHANNELS)
    means[FORGED] = (1 - contrast) * means[SURFACE] + contrast * means[FORGED]
    tokens = means[shown.flatten()] + noise * torch.randn(SIDE * SIDE, CHANNELS, generator=generator) / CHANNELS**0.5
    rows, columns = torch.meshgrid(torch.arange(SIDE), torch.arange(SIDE), indexing="ij")
    cam = uneven * torch.randn(1, 3, SIDE, SIDE, generator=generator)
    cam[0, PARTLY] += response * torch.exp(-((rows - 4) ** 2 + (columns - 6) ** 2) / 2.0)
    return tokens, cam, shown == FORGED


def attention(tokens: Tensor, *, temperature: float = 1.0, layers: int = 6, sink: float = 0.0) -> Tensor:
    """Attention (L,1,N,N) of layers without weights: softmax of cosines; each layer's tokens are half what the last gathered.

    temperature: of the softmax; sink: added to what every cell thinks of the cell SINK, before the softmax.
    """
    found = []
    bias = sink * (torch.arange(len(tokens)) == SINK)
    for _ in range(layers):
        unit = F.normalize(tokens, dim=1)
        found.append((SHARPNESS * unit @ unit.T / temperature + bias).softmax(1))
        tokens = 0.5 * (tokens + found[-1] @ tokens)
    return torch.stack(found)[:, None]


def maps(cam: Tensor, weights: Tensor) -> dict[str, Tensor]:
    """{refinement: map (h,w) in [0,1]} of the partly fake class, as `localize.fake_map` makes it."""
    outputs = {"cam": cam, "attention": weights}
    return {refine: unit_range(class_map(outputs, refine=refine))[0, 0] for refine in REFINEMENTS}


def iou(prob: Tensor, truth: Tensor) -> float:
    """Intersection over union at 0.5 of a map (h,w) with truth (h,w) bool."""
    return float(metrics.per_image(prob.numpy(), truth.numpy())["iou"].iloc[0])


def sweep(
    name: str, values: Iterable[float], *, size: tuple[int, int] = LARGE, seeds: int = 20, **options: float
) -> pd.DataFrame:
    """Mean IoU when one parameter takes `values`: DataFrame of that parameter, refinement, iou.

    name: 'contrast', 'temperature' or 'layers'; options: the other ones of these.
    """
    rows = []
    for value in values:
        chosen = dict(contrast=1.0, temperature=1.0, layers=6) | options | {name: value}
        for seed in range(seeds):
            tokens, cam, truth = planted(chosen["contrast"], size=size, seed=seed)
            weights = attention(tokens, temperature=chosen["temperature"], layers=chosen["layers"])
            rows += [(value, refine, iou(prob, truth)) for refine, prob in maps(cam, weights).items()]
    table = pd.DataFrame(rows, columns=[name, "refinement", "iou"])
    return table.groupby([name, "refinement"], sort=False, as_index=False)["iou"].mean()


def authentic(amplitudes: Iterable[float], seed: int = 0) -> dict[float, dict[str, Tensor]]:
    """Maps of pictures without a forgery, whose activation is noise of these deviations: {amplitude: maps}, see `maps`."""
    tokens, _, _ = planted(0.0, seed=seed)
    noise = torch.randn(1, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(seed + 1))
    weights = attention(tokens)
    return {amplitude: maps(amplitude * noise, weights) for amplitude in amplitudes}


def authentic_draws(count: int = 40) -> pd.DataFrame:
    """Share of cells above 0.5 in `count` pictures of `authentic`, noise 1: DataFrame empty, mean, largest.

    empty: share of the pictures in which no cell is above 0.5.
    """
    shares = pd.DataFrame(
        {refine: float((prob > 0.5).float().mean()) for refine, prob in authentic([1.0], seed)[1.0].items()}
        for seed in range(count)
    )
    return pd.DataFrame({"empty": (shares == 0).mean(), "mean": shares.mean(), "largest": shares.max()})


def shifted(shifts: Iterable[float], *, seed: int = 0) -> pd.DataFrame:
    """What happens when the same number is added to the logits of all classes: DataFrame shift, probability, called.

    probability: of the partly fake class, from the mean over cells; called: share of the cells above 0.5, no attention.
    """
    tokens, cam, _ = planted(uneven=0.8, response=1.5, seed=seed)
    rows = []
    for shift in shifts:
        probability = (cam + shift).mean((2, 3)).softmax(1)[0, PARTLY]
        prob = maps(cam + shift, attention(tokens, layers=1))["none"]
        rows.append((shift, float(probability), float((prob > 0.5).float().mean())))
    return pd.DataFrame(rows, columns=["shift", "probability", "called"])


def uniform(cam: Tensor, layers: int) -> Tensor:
    """`refined_cam` (B,C,h,w) under attention that goes to all cells alike in every layer."""
    cells = cam[0, 0].numel()
    return refined_cam(cam, torch.full((layers, len(cam), cells, cells), 1 / cells))


def twin_map(share: float, size: int = 4) -> Tensor:
    """Map (3 size,) of forged cells, their twins and others: the first two kinds give `share` of their attention to each
    other's kind and the rest to their own; the activation is 1 at every forged cell."""
    among = torch.tensor([[1 - share, share, 0.0], [share, 1 - share, 0.0], [0.0, 0.0, 1.0]])
    weights = among.repeat_interleave(size, 0).repeat_interleave(size, 1) / size
    cam = torch.zeros(1, 3, 3, size)
    cam[:, PARTLY, 0] = 1
    return maps(cam, weights[None, None])["attention"].flatten()
