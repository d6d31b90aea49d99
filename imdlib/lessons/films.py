"""Films inside notebooks: a figure that is drawn again for every picture, as HTML with its own buttons."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.animation import FuncAnimation
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D


def film(figure: Figure, draw: Callable[[Any], None], moments: Iterable, *, interval: int, dpi: int) -> str:
    """HTML of a figure; draw(moment) changes it for each of `moments`, `interval` milliseconds each. The figure is closed."""
    with plt.rc_context({"savefig.dpi": dpi, "savefig.bbox": None}):
        html = FuncAnimation(figure, draw, frames=moments, interval=interval).to_jshtml(default_mode="once")
    plt.close(figure)
    return html


def around(
    figure: Figure, dots: list[list[Line2D]], paths: dict[str, np.ndarray], *, frames: int, interval: int, dpi: int
) -> str:
    """`film` of dots that run around circles: dots, a list of lines for each of `paths`, {title: angles (steps+1,n)}."""

    def draw(step):
        for path, row in zip(paths.values(), dots):
            for angle, dot in zip(path[step], row):
                dot.set_data([angle], [1])

    steps = np.unique(np.linspace(0, len(next(iter(paths.values()))) - 1, frames).round().astype(int))
    return film(figure, draw, steps, interval=interval, dpi=dpi)


def tidy_paths(paths: dict[str, np.ndarray]) -> pd.DataFrame:
    """Paths {title: (steps+1,n)} as a DataFrame: path, step, feature (its number), angle."""
    wide = pd.concat({name: pd.DataFrame(path) for name, path in paths.items()}, names=["path", "step"])
    return wide.melt(var_name="feature", value_name="angle", ignore_index=False).reset_index()


def ends(axis: Axes, angles: np.ndarray, shown: Sequence[tuple], *, gap: float = 0.09) -> None:
    """Markers at the ends of paths. Those that would cover one another stand side by side, outside of the paths.

    shown: (colour, marker, size, edge) of each; gap: radians between neighbours. Stars stay where they are, inside.
    """
    dots = [n for n, look in enumerate(shown) if look[1] != "*"]
    turned = np.asarray(angles) % (2 * np.pi)
    order = sorted(dots, key=lambda n: turned[n])
    widest = int(np.diff(turned[order], append=turned[order[0]] + 2 * np.pi).argmax())  # the circle is cut there
    order = order[widest + 1 :] + order[: widest + 1]
    cut = turned[order[0]] - 1e-9
    turned = (turned - cut) % (2 * np.pi)

    def places(heap):
        return turned[heap].mean() + gap * (np.arange(len(heap)) - (len(heap) - 1) / 2)

    heaps = [[order[0]]]
    for n in order[1:]:
        heaps[-1].append(n) if turned[n] - turned[heaps[-1][-1]] < gap else heaps.append([n])
    heaps, k = [sorted(heap, key=lambda n: shown[n][0]) for heap in heaps], 0  # colour by colour
    while k + 1 < len(heaps):
        if places(heaps[k + 1])[0] - places(heaps[k])[-1] < gap - 1e-9:  # a heap is wider than its ends were
            heaps[k : k + 2], k = [heaps[k] + heaps[k + 1]], max(k - 1, 0)
        else:
            k += 1
    for heap in heaps:
        for n, place in zip(heap, places(heap)):
            color, marker, size, edge = shown[n]
            at = (angles[n], 1) if len(heap) == 1 else (place + cut, 1.1)
            axis.plot(*at, marker, color=color, ms=size, mec=edge, mew=0.7, zorder=3)
    for n in set(range(len(shown))) - set(dots):
        color, marker, size, edge = shown[n]
        axis.plot(angles[n], 0.93, marker, color=color, ms=size, mec=edge, mew=0.7, zorder=4)
    axis.set_ylim(0, 1.2)
