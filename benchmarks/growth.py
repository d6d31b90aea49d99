"""How time and memory grow with the size of the work: python -m benchmarks.growth [--out results/bench/growth].

Images, pixels, patches, seeds and cores, each on its own. Writes <out>/<machine>.csv (what, of, size, milliseconds, megabytes; a median of
five) and the figure <machine>.png; megabytes are those that autograd keeps, and stand only where something is trained.
"""

import argparse
import os
import statistics
import time
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import seaborn as sns
import torch

from benchmarks.jobs.job import maps
from benchmarks.jobs.memory import kept_for, patches_of
from benchmarks.run import machine
from imdlib.ncl import losses
from imdlib.ncl.model import NCLNet
from imdlib.networks.cluster import otsu_threshold, two_means
from imdlib.pages import plots, style
from imdlib.scoring import intervals, metrics

COLUMNS = ["what", "of", "size", "milliseconds", "megabytes"]


def images(count):
    """Scores of so many maps of 128 x 128."""
    return partial(metrics.per_image, *maps(count, 128))


def pixels(side):
    """Scores of one map."""
    return partial(metrics.per_image, *maps(1, side))


def thresholds(side):
    """Otsu's threshold of one map."""
    return partial(otsu_threshold, torch.from_numpy(maps(1, side)[0]).flatten(1))


def points(count):
    """Two clusters of points of 64."""
    return partial(two_means, torch.randn(1, count, 64))


def patches(side):
    """NCL's contrast of a map of side x side cells, forward and backward."""
    feat, labels = patches_of(side)
    return lambda: losses.non_exclusive_contrast(feat, labels).total.backward()


def seeds(count):
    """The interval of an effect of two methods on 200 images with so many seeds each."""
    rng = np.random.default_rng(0)
    keys = [(seed, f"{image}.png") for seed in range(count) for image in range(200)]
    rows = [
        pd.DataFrame(keys, columns=["seed", "image"]).assign(dataset="d", auc=rng.random(len(keys))) for _ in range(2)
    ]
    return partial(intervals.paired_effect, *rows, "auc")


def cores(count):
    """A training step of NCL's base on two images of 128 x 128, on so many threads."""
    model = NCLNet(backbone="resnet18", pivot=False, aux=False).train()
    image = torch.rand(2, 3, 128, 128)

    def step():
        torch.set_num_threads(count)
        model(image)["logits"].square().mean().backward()

    return step


SIZES = {
    images: [1, 4, 16, 64],
    pixels: [64, 128, 256, 512, 1024],
    thresholds: [32, 64, 128, 256, 512, 1024],
    points: [1024, 4096, 16384, 65536],
    patches: [16, 32, 64, 128, 256],
    seeds: [1, 3, 5, 10, 20],
}


def measured(make, size, repeats):
    """A row of COLUMNS; size in what grows: a side counts as its square."""
    work = make(size)
    work()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        times.append(1000 * (time.perf_counter() - start))
    square = make in (pixels, thresholds, patches)
    kept = kept_for(size) if make is patches else None
    what = make.__doc__.splitlines()[0].rstrip(".")
    return make.__name__, what, size**2 if square else size, statistics.median(times), kept


def table(sizes, repeats=5):
    """Rows of all sizes {function: sizes}; the number of threads is as before when it is done."""
    threads = torch.get_num_threads()
    rows = [measured(make, size, repeats) for make, every in sizes.items() for size in every]
    torch.set_num_threads(threads)
    return pd.DataFrame(rows, columns=COLUMNS)


def draw(found):
    """Figure: a panel for each that grows, both axes logarithmic, and a line of slope one through the last point."""
    kinds = list(dict.fromkeys(found["what"]))
    figure, axes = plots.plt.subplots(2, -(-len(kinds) // 2), figsize=(plots.PAGE, 4.2))
    for axis in axes.flat[len(kinds) :]:
        axis.remove()
    for axis, kind in zip(axes.flat, kinds):
        rows = found[found["what"] == kind]
        sns.lineplot(rows, x="size", y="milliseconds", marker="o", ax=axis)
        last = rows.iloc[-1]
        if kind != "cores":
            axis.plot(rows["size"], rows["size"] * last["milliseconds"] / last["size"], ls=":", color="0.5")
        axis.set(xscale="log", yscale="log", xlabel=kind, ylabel="ms")
    style.plain(figure)
    return figure


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", default="results/bench/growth", help="folder of the csv and the figure")
    options = parser.parse_args(arguments)
    plots.use_style()
    found = table(SIZES | {cores: range(1, (os.cpu_count() or 1) + 1)})
    out = Path(options.out)
    out.mkdir(parents=True, exist_ok=True)
    found.to_csv(out / f"{machine()}.csv", index=False, float_format="%.4g")
    draw(found).savefig(out / f"{machine()}.png", dpi=120)
    print(found.to_string(index=False))


if __name__ == "__main__":
    main()
