"""Maps of large images: overlapping tiles, joined without seams, in bounded memory.

A network sees one tile at a time. Where tiles overlap their maps are blended with weights that rise smoothly from zero, and the
outermost pixels of a tile, which saw its artificial border, do not count at all. A network whose receptive field reaches no further than
that margin gives the same map as on the whole image; one that also looks at the mean of its input, like DeepLabV3+, nearly so.
"""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from imdlib.networks.pixels import padded


def predict(network: Callable[[Tensor], Tensor], image: np.ndarray, **options: int | torch.device | str) -> np.ndarray:
    """Probability map of an image of any size: image (H,W,3) uint8 -> (H,W) float32 in [0,1]; all arguments: of `joined`."""
    total = joined(network, image, **options)
    return total.clip(0, 1, out=total)


@torch.inference_mode()
def joined(
    network: Callable[[Tensor], Tensor],
    image: np.ndarray,
    *,
    tile: int = 512,
    overlap: int = 128,
    device: torch.device | str = "cpu",
) -> np.ndarray:
    """Maps of all tiles of an image as one: image (H,W,3) uint8 -> (H,W) float32 in the range of the network's maps.

    network(batch (1,3,h,w) float in [0,1]) -> map (1,1,h,w), already in evaluation mode. tile: side of the largest piece in
    pixels; an image that fits is done whole. overlap: pixels that neighbours share, a quarter of them on each side without weight.
    Memory: one tile's activations, and about 11 bytes per pixel of the image (itself, the sum, the map).
    """
    if not 0 < overlap < tile:
        raise ValueError(
            f"expected 0 < overlap < tile, got overlap={overlap} and tile={tile}: lower one or raise the other"
        )
    height, width = image.shape[:2]
    rows, columns = (starts(n, tile, overlap) for n in (height, width))
    sides = min(tile, height), min(tile, width)
    down, across = (windows(n, side, at, overlap) for n, side, at in zip((height, width), sides, (rows, columns)))
    total = np.zeros((height, width), np.float32)
    for top, weight_y in zip(rows, down):
        for left, weight_x in zip(columns, across):
            here = slice(top, top + sides[0]), slice(left, left + sides[1])
            total[here] += forward(network, image[here], device) * weight_y[:, None] * weight_x
    return total


def starts(size: int, tile: int, overlap: int) -> list[int]:
    """First pixels of the tiles along one side; the last tile ends with the image."""
    if size <= tile:
        return [0]
    step = tile - overlap
    return [*range(0, size - tile, step), size - tile]


def windows(size: int, tile: int, at: Sequence[int], overlap: int) -> np.ndarray:
    """Weights of each tile along one side, (T,tile) float32; over the tiles on a pixel they sum to 1.

    From either end of a tile: a quarter of the overlap without weight, then a smooth rise over half of it. The ends of the image
    have no neighbour and keep their weight.
    """
    ramp = ((np.arange(tile) + 0.5 - overlap / 4) / (overlap / 2)).clip(0, 1)
    ramp = ramp * ramp * (3 - 2 * ramp)
    weights = np.ones((len(at), tile))
    weights[1:] *= ramp
    weights[:-1] *= ramp[::-1]
    total = np.zeros(size)
    for start, weight in zip(at, weights):
        total[start : start + tile] += weight
    return np.stack([w / total[s : s + tile] for s, w in zip(at, weights)]).astype(np.float32)


def forward(network: Callable[[Tensor], Tensor], piece: np.ndarray, device: torch.device | str) -> np.ndarray:
    """Map (h,w) float32 of one piece (h,w,3) uint8; one that is too small for a network is `padded`, and its map cut again."""
    height, width = piece.shape[:2]
    batch = torch.from_numpy(np.ascontiguousarray(piece)).to(device).permute(2, 0, 1)[None].float() / 255
    return network(padded(batch))[0, 0, :height, :width].float().cpu().numpy()
