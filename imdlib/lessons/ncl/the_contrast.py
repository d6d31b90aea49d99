"""The three contrasts in two dimensions: features on a circle that follow the gradient of the study's own loss.

NCL section 3.2, Eq. 7. Features are angles, in this order: the tampered ones, the authentic ones, se+ and se-.
"""

from collections.abc import Iterable, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from torch import Tensor

from imdlib.lessons import films
from imdlib.ncl.losses import Contrast, non_exclusive_contrast
from imdlib.ncl.patches import AUTHENTIC, TAMPERED
from imdlib.pages import plots


def start(tampered: int = 8, authentic: int = 8, spread: float = 1.0, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Features on the unit circle: angles (n,) in radians of the tampered ones, the authentic ones, se+ and se- in this
    order, and patches (1,1,n-2) of all but the last two.
    """
    generator = torch.Generator().manual_seed(seed)
    centres = torch.tensor([0.5] * tampered + [-0.5] * authentic)
    angles = centres + spread * (torch.rand(len(centres), generator=generator) - 0.5) * 2
    patches = torch.tensor([TAMPERED] * tampered + [AUTHENTIC] * authentic, dtype=torch.int8)
    return torch.cat([angles, torch.tensor([-0.6, 0.6])]), patches[None, None]


def contrast(angles: Tensor, patches: Tensor, tau: float) -> Contrast:
    """The library's Contrast of features at `angles`, see `start`."""
    points = torch.stack([angles.cos(), angles.sin()])  # (2, n)
    pivots = points[:, -2].unsqueeze(0), points[:, -1].unsqueeze(0), torch.tensor([True])
    return non_exclusive_contrast(points[None, :, None, :-2], patches, *pivots, tau=tau)


def descend(
    angles: Tensor,
    patches: Tensor,
    *,
    terms: Sequence[str] = ("l1", "l2", "l3"),
    tau: float = 0.5,
    sign: int = 1,
    steps: int = 120,
    rate: float = 0.03,
) -> np.ndarray:
    """Follow the gradient of the chosen terms times `sign` (-1 = Eq. 7 as printed): angles at each step, (steps+1,n).

    Adam, so that a feature with a small share of the gradient moves as visibly as a pivot with a large one; `rate` is
    about the largest step in radians.
    """
    angles = angles.double().clone().requires_grad_()
    optimizer, path = torch.optim.Adam([angles], lr=rate), []
    for _ in range(steps + 1):
        path.append(angles.detach().clone())
        terms_now = contrast(angles, patches, tau)
        optimizer.zero_grad()
        (sign * sum(getattr(terms_now, term) for term in terms)).backward()
        optimizer.step()
    return torch.stack(path).numpy()


def separation(path: np.ndarray, patches: Tensor) -> np.ndarray:
    """Mean cosine between tampered features minus that between tampered and authentic ones, per step: (steps+1,)."""
    points = torch.polar(torch.ones(path.shape, dtype=torch.float64), torch.from_numpy(path))[:, : patches.numel()]
    mean = {kind: points[:, patches.flatten() == kind].mean(1) for kind in (TAMPERED, AUTHENTIC)}
    count = (patches == TAMPERED).sum()
    among = (mean[TAMPERED].abs() ** 2 * count - 1) / (count - 1)  # the pairs of a feature with itself left out
    return (among - (mean[TAMPERED] * mean[AUTHENTIC].conj()).real).numpy()


def printed_loss(path: np.ndarray, patches: Tensor, tau: float) -> float:
    """Eq. 7 as it is printed, without the minus sign, at the end of a path (steps+1,n)."""
    return -float(contrast(torch.from_numpy(path[-1]), patches, tau).total)


def collapsed_loss(tampered: int, authentic: int) -> float:
    """Eq. 7 when every feature and both pivots are one and the same vector."""
    patches = torch.tensor([TAMPERED] * tampered + [AUTHENTIC] * authentic, dtype=torch.int8)[None, None]
    return float(contrast(torch.zeros(patches.numel() + 2), patches, tau=0.1).total)


def best_l2(authentic: int, tau: float) -> float:
    """l2 when se+ has cosine 1 with every tampered and 0 with every authentic feature."""
    patches = torch.tensor([TAMPERED] * 3 + [AUTHENTIC] * authentic, dtype=torch.int8)[None, None]
    angles = torch.tensor([0.0] * 3 + [np.pi / 2] * authentic + [0.0, np.pi / 2])
    return float(contrast(angles, patches, tau).l2)


def looks(patches: Tensor) -> list[tuple[str, str, int, str]]:
    """(colour, marker, size, edge) of each feature of `start`."""
    plain = [
        ({TAMPERED: plots.TAMPERED, AUTHENTIC: plots.AUTHENTIC}[int(kind)], "o", 4, "none")
        for kind in patches.flatten()
    ]
    return plain + [(plots.TAMPERED, "*", 11, "k"), (plots.AUTHENTIC, "*", 11, "k")]


def row_of_circles(titles: Sequence[str], width: float = plots.PAGE) -> tuple[Figure, np.ndarray]:
    """A row of polar axes without ticks."""
    size = (width, width / len(titles) + 0.5)
    figure, axes = plt.subplots(1, len(titles), figsize=size, subplot_kw={"projection": "polar"}, squeeze=False)
    for axis, title in zip(axes[0], titles):
        axis.set(xticks=[], yticks=[], ylim=(0, 1.12))
        axis.set_title(title, fontsize=8, pad=3)
    handles = [Line2D([], [], marker="o", ls="", ms=4, color=c) for c in (plots.TAMPERED, plots.AUTHENTIC)]
    handles += [Line2D([], [], marker="*", ls="", ms=9, color=h.get_color(), mec="k") for h in handles]
    figure.legend(handles, ["tampered", "authentic", "se+", "se-"], loc="outside lower center", ncols=4, fontsize=8)
    return figure, axes[0]


def spirals(paths: dict[str, np.ndarray], patches: Tensor, width: float = plots.PAGE) -> Figure:
    """Every path as a growth ring: the first step in the middle, the last on the outer circle; {title: (steps+1,n)}."""
    figure, axes = row_of_circles(list(paths), width)
    for axis, path in zip(axes, paths.values()):
        radius = np.linspace(0.25, 1, len(path))
        for angle, (color, marker, *_) in zip(path.T, looks(patches)):
            style = dict(color="k", ls=":", lw=1) if marker == "*" else dict(color=color, lw=0.8)
            axis.plot(angle, radius, **style)
        films.ends(axis, path[-1], looks(patches))
    return figure


def animate(
    paths: dict[str, np.ndarray], patches: Tensor, *, frames: int = 25, interval: int = 140, dpi: int = 90
) -> str:
    """The same paths as a film of `frames` pictures, `interval` milliseconds each: HTML with its own buttons."""
    figure, axes = row_of_circles(list(paths))
    look = looks(patches)
    dots = [
        [axis.plot([], [], m, color=c, ms=size, mec=edge, mew=0.7)[0] for c, m, size, edge in look] for axis in axes
    ]
    return films.around(figure, dots, paths, frames=frames, interval=interval, dpi=dpi)


def temperature(taus: Iterable[float], apart: pd.DataFrame | dict[str, np.ndarray]) -> Figure:
    """Push on a stranger against its cosine, and separation against the step; one line per tau, a column of `apart`."""
    figure, axes = plt.subplots(1, 2, figsize=(plots.PAGE, 2.4))
    cosine = np.linspace(-1, 1, 201)
    for tau, name, color in zip(taus, apart, plots.PALETTE):
        axes[0].plot(cosine, np.exp((cosine - 1) / tau), color=color)
        axes[1].plot(apart[name], color=color, label=name)
    axes[0].set(xlabel="cosine of a stranger", ylabel="push, relative to cosine 1", ylim=(0, 1.03), xticks=(-1, 0, 1))
    axes[1].set(xlabel="step", ylabel="separation", ylim=(0, 2.1))
    axes[1].legend(fontsize=8, loc=(0.63, 0.5))
    return figure
