"""Films inside notebooks: a figure that is drawn again for every picture, as HTML with its own buttons."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.animation import FuncAnimation


def film(figure, draw, moments, *, interval, dpi):
    """HTML of a figure; draw(moment) changes it for each of `moments`, `interval` milliseconds each. The figure is closed."""
    with plt.rc_context({"savefig.dpi": dpi, "savefig.bbox": None}):
        html = FuncAnimation(figure, draw, frames=moments, interval=interval).to_jshtml(default_mode="once")
    plt.close(figure)
    return html


def around(figure, dots, paths, *, frames, interval, dpi):
    """`film` of dots that run around circles: dots, a list of lines for each of `paths`, {title: angles (steps+1,n)}."""

    def draw(step):
        for path, row in zip(paths.values(), dots):
            for angle, dot in zip(path[step], row):
                dot.set_data([angle], [1])

    steps = np.unique(np.linspace(0, len(next(iter(paths.values()))) - 1, frames).round().astype(int))
    return film(figure, draw, steps, interval=interval, dpi=dpi)
