"""Films inside notebooks: a figure that is drawn again for every picture, as HTML with its own buttons."""

from collections.abc import Callable, Iterable
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.animation import FuncAnimation
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
