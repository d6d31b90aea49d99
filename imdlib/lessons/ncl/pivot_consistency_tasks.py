"""Exercises of the notebook on pivot consistency: what the library says at hidden inputs, and what is often mistaken."""

import torch
from torch import Tensor
from torch.nn import functional as F

from imdlib.lessons.exercises import Task, drawn, slips
from imdlib.lessons.ncl import pivot_consistency as weights
from imdlib.lessons.ncl import three_kinds_of_patches as picture
from imdlib.ncl.losses import pivot_consistency
from imdlib.ncl.patches import contour_pixels, label_patches


def saucers() -> tuple[Tensor, dict[int, float]]:
    """Masks of two disks (1,128,128), by radius the share of contour pixels on a grid of 32 cells a side."""
    found = {r: picture.disk(r, [[0, 0]], size=128) for r in (20, 45)}
    return found, {r: weights.contour_share(mask, grid=(32, 32)) for r, mask in found.items()}


def factor_of(mu: float, c: float) -> float:
    """How many times as much a contour pixel counts, read off the library's loss for the disk with that share of contour."""
    disks, share = saucers()
    radius = min(share, key=lambda r: abs(share[r] - c))
    return weights.contour_factor(disks[radius], grid=(32, 32), mu=mu)


FACTOR = Task(
    factor_of,
    "of t pixels, another one has (1 - mu) / t; a contour pixel has that and mu / (c t) more",
    lambda: {f"mu = {m}, c = {c:.3f}": (m, c) for m in (0.2, 0.9) for c in saucers()[1].values()},
    {
        "a contour pixel has the second mean's weight, too": lambda m, c: m / c / (1 - m),
        "each mean divides by its own number of pixels": lambda m, c: m / (1 - m),
        "a share of the weight is not a weight": lambda m, c: m + (1 - m) * c,
        "the other pixels have 1 - mu over all pixels, not over the rest": lambda m, c: (m / c) / ((1 - m) / (1 - c)),
    },
    rtol=1e-3,
)
HALF = Task(
    lambda c: (0.5 - c) / (1 - c),
    "the contour has mu from the first mean and the fraction c of the second",
    lambda: {f"c = {c}": (c,) for c in (0.01, 0.1, 0.3)},
    {
        "the second mean gives its part to the contour, too": lambda c: 0.5,
        "the second mean weighs 1 - mu": lambda c: 0.5 - c,
        "the more contour there is, the less mu is needed": lambda c: 0.5 / (1 - c),
        "mu is no share of the pixels": lambda c: c,
    },
)


def marked(patches: Tensor, size: tuple[int, int], *, wrong: str) -> Tensor:
    """Contour pixels with a mistake."""
    contour = (patches >= 1 if wrong == "tampered" else patches == 2).double()[:, None]
    if wrong == "nearest":
        return F.interpolate(contour, size)[:, 0] > 0
    if wrong == "tampered":
        return F.adaptive_max_pool2d(contour, size)[:, 0] > 0
    share = F.adaptive_avg_pool2d(contour, size)[:, 0]
    return share == 1 if wrong == "all" else share > 0.5


CONTOUR_PIXELS = Task(
    contour_pixels,
    "a pixel is contour where its cell is; on a coarser grid, where any of its cells is",
    lambda: {
        "four pixels a cell": (torch.tensor([[[2, 0], [1, -1]]]), (4, 4)),
        "two cells a pixel": (torch.tensor([[[2, 0, 1, 2], [0, 0, 2, 2], [2, 2, 1, 1], [2, 2, 1, 0]]]), (2, 2)),
        "no contour": (torch.zeros(1, 4, 4), (8, 8)),
        "wider than high, four pixels a cell": (torch.tensor([[[2, 0, 1], [1, -1, 2]]]), (4, 6)),
        "wider than high, two cells a pixel": (torch.tensor([[[0, 1, 2, 2, 0, 0], [0, 1, 0, 2, 1, 1]] * 2]), (2, 3)),
        "the same grid": (torch.tensor([[[2, 1], [0, 2]]]), (2, 2)),
    },
    slips(
        marked,
        {
            "nearest": "a coarser pixel is contour if any of its cells is; 'nearest' asks one",
            "all": "a coarser pixel is contour if any of its cells is, not only if all are",
            "most": "a coarser pixel is contour if any of its cells is, not only if most are",
            "tampered": "tampered cells are no contour",
        },
    ),
)


def consistency(logits: Tensor, mask: Tensor, patches: Tensor, mu: float, *, wrong: str) -> Tensor:
    """Eq. 8 at one size with a mistake."""
    entropy, contour = F.cross_entropy(logits, mask.long(), reduction="none"), contour_pixels(patches, mask.shape[1:])
    count = contour.sum() if wrong == "nan" else contour.sum().clamp(min=1)
    rest = ~contour if wrong == "rest" else torch.ones_like(contour)
    on, off = (entropy * contour).sum() / count, (entropy * rest).sum() / rest.sum().clamp(min=1)
    if wrong == "one count":
        on = (entropy * contour).mean()
    if wrong == "image":
        on = ((entropy * contour).sum((1, 2)) / contour.sum((1, 2)).clamp(min=1)).mean()
    if wrong == "swap":
        on, off = off, on
    weight = 1 - mu * bool(contour.any()) if wrong == "full" else 1 if wrong == "plus" else 1 - mu
    return (-1 if wrong == "sign" else 1) * (mu * on + weight * off)


def pixels() -> dict[str, tuple]:
    """Logits (B,2,H,W), masks (B,H,W), patches and mu."""
    mask = torch.zeros(2, 8, 8, dtype=torch.uint8)
    mask[0, 1:5, 2:7], mask[1, 7, 7] = 1, 1
    wide = torch.zeros(2, 8, 12, dtype=torch.uint8)
    wide[0, 2:7, 3:10], wide[1, :3, :5] = 1, 1
    given = {"two pictures": (3, mask, 0.9), "mu = 0.3": (1, mask, 0.3), "no contour": (1, 0 * mask, 0.9)}
    found = {n: (size * drawn(2, 2, 8, 8), m, label_patches(m, (4, 4)), mu) for n, (size, m, mu) in given.items()}
    return found | {"wider than high": (drawn(2, 2, 8, 12), wide, label_patches(wide, (4, 6)), 0.9)}


CONSISTENCY = Task(
    lambda logits, mask, patches, mu: pivot_consistency([logits], mask, grid=patches.shape[1:], mu=mu),
    "mu times the mean over contour pixels plus (1 - mu) times the mean over all pixels, both over the whole batch",
    pixels,
    slips(
        consistency,
        {
            "rest": "the second mean runs over all pixels, the contour among them",
            "one count": "the first mean divides by the number of contour pixels, not of all",
            "image": "the contour is that of the whole batch; pictures are not averaged one by one",
            "swap": "mu and 1 - mu are exchanged",
            "nan": "without contour the first term is 0, not NaN",
            "full": "without contour Eq. 8 as written keeps the weight 1 - mu",
            "plus": "the second mean weighs 1 - mu",
            "sign": "the minus sign is missing, as in the paper",
        },
    ),
    gradients=(0,),
)
TASKS = (FACTOR, HALF, CONTOUR_PIXELS, CONSISTENCY)
