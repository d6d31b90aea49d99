"""The selective contrast in two dimensions: features on a circle that follow the gradient of the study's own loss.

INR section 3.3, Eq. 5. Features are angles, in this order: the tampered ones, the authentic ones.
"""

from collections.abc import Iterable, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from torch import Tensor

from imdlib.inr.contrast import selective_contrast
from imdlib.lessons import films
from imdlib.pages import plots


def start(tampered: int = 6, authentic: int = 14, spread: float = 1.0, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Features on the unit circle: angles (n,) in radians, and truth (n,) bool, True = tampered."""
    truth = torch.arange(tampered + authentic) < tampered
    noise = torch.rand(len(truth), generator=torch.Generator().manual_seed(seed)) - 0.5
    return torch.where(truth, 0.5, -0.5) + 2 * spread * noise, truth


def wrong(truth: Tensor, flips: int, seed: int = 0) -> Tensor:
    """A selection (n,) bool that is mistaken about `flips` tampered and as many authentic features, drawn at random."""
    keys = torch.rand(len(truth), generator=torch.Generator().manual_seed(seed))
    for kind in (truth, ~truth):
        truth = truth ^ torch.zeros_like(truth).scatter(0, keys.masked_fill(~kind, -1).topk(flips).indices, True)
    return truth


def loss(
    angles: Tensor, tampered: Tensor, authentic: Tensor | None = None, *, tau: float = 0.1, form: str = "literal"
) -> Tensor:
    """The library's contrast of features at `angles` (n,), called tampered and authentic (None = all the others)."""
    authentic = ~tampered if authentic is None else authentic
    points = torch.stack([angles.cos(), angles.sin()])[None, :, None]  # (1,2,1,n)
    return selective_contrast(points, tampered[None, None], authentic[None, None], tau=tau, form=form)


def descend(
    angles: Tensor,
    tampered: Tensor,
    authentic: Tensor | None = None,
    *,
    tau: float = 0.1,
    form: str = "literal",
    steps: int = 120,
    rate: float = 0.03,
) -> tuple[np.ndarray, np.ndarray]:
    """Follow the gradient of `loss`: angles at each step (steps+1,n), and the loss there (steps+1,). Adam."""
    angles, path, values = angles.double().clone().requires_grad_(), [], []
    optimizer = torch.optim.Adam([angles], lr=rate)
    for _ in range(steps + 1):
        value = loss(angles, tampered, authentic, tau=tau, form=form)
        path.append(angles.detach().clone())
        values.append(float(value.detach()))
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
    return torch.stack(path).numpy(), np.array(values)


def separation(path: np.ndarray, truth: Tensor) -> np.ndarray:
    """Mean cosine between authentic features minus that between authentic and tampered ones, per step: (steps+1,)."""
    cosine = np.cos(path[:, :, None] - path[:, None])  # (steps+1,n,n)
    tampered, count = truth.numpy(), int((~truth).sum())
    among = (cosine[:, ~tampered][:, :, ~tampered].sum((1, 2)) - count) / (count * (count - 1))
    return among - cosine[:, ~tampered][:, :, tampered].mean((1, 2))


def collapsed(authentic: int, tampered: int, form: str) -> float:
    """Eq. 5 when all features are one and the same vector."""
    called = torch.arange(authentic + tampered) < tampered
    return float(loss(torch.zeros(len(called)), called, form=form))


def at_cosine(cosines: Iterable[float], *, tampered: int = 6, tau: float = 0.1, form: str = "literal") -> list[float]:
    """Eq. 5 when the authentic features are one vector and the tampered ones another, for each cosine of the two."""
    called = torch.arange(3 + tampered) < tampered
    return [float(loss(torch.where(called, float(np.arccos(c)), 0.0), called, tau=tau, form=form)) for c in cosines]


def mistakes(
    angles: Tensor, truth: Tensor, flips: Iterable[int], *, tau: float = 0.1, steps: int = 120, seed: int = 0
) -> pd.DataFrame:
    """Separation of the true and of the called kinds, before and after, for wrong selections: DataFrame."""
    rows = []
    for count in flips:
        called = wrong(truth, count, seed)
        path, values = descend(angles, called, tau=tau, steps=steps)
        for kinds, labels in (("true kinds", truth), ("called kinds", called)):
            before, after = separation(path[[0, -1]], labels)
            rows.append((count, kinds, before, after, values[0], values[-1]))
    return pd.DataFrame(rows, columns=["flips", "kinds", "before", "after", "loss_before", "loss_after"])


def circles(titles: Sequence[str], width: float = plots.PAGE, height: float = 0.5) -> tuple[Figure, np.ndarray]:
    """A row of polar axes without ticks, with the legend of all drawings of this file."""
    size = (width, width / len(titles) + height)
    figure, axes = plt.subplots(1, len(titles), figsize=size, subplot_kw={"projection": "polar"}, squeeze=False)
    for axis, title in zip(axes[0], titles):
        axis.set(xticks=[], yticks=[], ylim=(0, 1.12))
        axis.set_title(title, fontsize=8, pad=3)
    looks = {"tampered": (plots.TAMPERED, "o"), "authentic": (plots.AUTHENTIC, "o")}
    looks |= {"called tampered": ("0.4", "^"), "called authentic": ("0.4", "o"), "not selected": ("0.4", "x")}
    handles = [Line2D([], [], marker=m, ls="", ms=5, color=c, label=name) for name, (c, m) in looks.items()]
    figure.legend(handles=handles, loc="outside lower center", ncols=5, fontsize=7, handletextpad=0.1, columnspacing=1)
    return figure, axes[0]


def looks(truth: Tensor, called: Tensor, authentic: Tensor | None = None) -> list[tuple[str, str]]:
    """(colour, marker) of each feature: the colour says what it is, the marker what it is called."""
    authentic = ~called if authentic is None else authentic
    markers = ["^" if t else "o" if a else "x" for t, a in zip(called, authentic)]
    return [(plots.TAMPERED if t else plots.AUTHENTIC, marker) for t, marker in zip(truth, markers)]


def spirals(paths: dict[str, np.ndarray], look: dict[str, list[tuple[str, str]]], width: float = plots.PAGE) -> Figure:
    """Every path {title: (steps+1,n)} as a growth ring: the first step in the middle, the last on the outer circle.

    look: {title: one of `looks`}.
    """
    figure, axes = circles(list(paths), width)
    for axis, (title, path) in zip(axes, paths.items()):
        radius = np.linspace(0.25, 1, len(path))
        for angle, (color, _) in zip(path.T, look[title]):
            axis.plot(angle, radius, color=color, lw=0.8)
        shown = [(color, marker, 5, color if marker == "x" else "w") for color, marker in look[title]]
        films.ends(axis, path[-1], shown)
    return figure


def turn(start: Tensor, truth: Tensor, *, tau: float, form: str, steps: int = 120) -> Figure:
    """`spirals` of one descent with every call right."""
    title = f"{form}, tau = {tau}"
    path, _ = descend(start, truth, tau=tau, form=form, steps=steps)
    return spirals({title: path}, {title: looks(truth, truth)}, width=3)


def animate(
    paths: dict[str, np.ndarray],
    look: dict[str, list[tuple[str, str]]],
    *,
    frames: int = 20,
    interval: int = 150,
    dpi: int = 80,
) -> str:
    """The same paths as a film of `frames` pictures, `interval` milliseconds each: HTML with its own buttons."""
    figure, axes = circles(list(paths))
    dots = [[a.plot([], [], m, color=c, ms=5)[0] for c, m in look[title]] for a, title in zip(axes, paths)]
    return films.around(figure, dots, paths, frames=frames, interval=interval, dpi=dpi)


def forms_figure(curves: dict[str, pd.DataFrame], apart: dict[str, np.ndarray]) -> Figure:
    """Loss against the cosine of the two kinds, and separation against the step.

    curves: {name: DataFrame cosine, loss}; apart: {name: (steps+1,)}.
    """
    figure, axes = plt.subplots(1, 2, figsize=(plots.PAGE, 2.3))
    for color, (name, curve) in zip(plots.PALETTE, curves.items()):
        axes[0].plot(curve["cosine"], curve["loss"], color=color, label=name)
    for color, (name, values) in zip(plots.PALETTE, apart.items()):
        axes[1].plot(values, color=color, label=name)
    axes[0].axhline(0, color="0.6", lw=0.8, ls=":")
    axes[0].set(xlabel="cosine of tampered and authentic", ylabel="loss", xticks=(-1, 0, 1))
    axes[1].set(xlabel="step", ylabel="separation", ylim=(-0.1, 2.1))
    for axis in axes:
        axis.legend(fontsize=7)
    return figure


def mistakes_figure(table: pd.DataFrame, tampered: int) -> Figure:
    """Separation of the true and of the called kinds after training, against the mistakes of the selection."""
    figure, axis = plt.subplots(figsize=(plots.PAGE * 0.6, 2.3))
    for (kinds, part), color in zip(table.groupby("kinds", sort=False), (plots.PALETTE[2], "k")):
        axis.plot(part["flips"] / tampered, part["after"], "o-", ms=3.5, color=color, label=f"{kinds}, after")
        axis.plot(part["flips"] / tampered, part["before"], ":", color=color, label=f"{kinds}, before")
    axis.set(xlabel="wrong calls, as a share of the tampered features", ylabel="separation")
    axis.legend(fontsize=7, ncols=2, loc="upper center", bbox_to_anchor=(0.5, 1.25))
    return figure
