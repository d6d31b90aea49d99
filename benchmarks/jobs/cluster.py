"""Otsu's threshold and two-means beside scikit-image, scikit-learn, WSCL, and a loop that sorts.

scikit-image's threshold lies between two of 256 bins, ours is the best of all splits, and so is that of the loop.
"""

from functools import partial

import numpy as np
import torch

from benchmarks.jobs.job import Job, maps
from benchmarks.peers import wscl
from imdlib.networks import cluster


def between(threshold, values):
    """Between-class variance of the split above a threshold."""
    above = values > threshold
    if above.all() or not above.any():
        return 0.0
    return above.mean() * (~above).mean() * (values[above].mean() - values[~above].mean()) ** 2


def at_least_as_good(prob, a, b):
    """Whether no threshold of ours splits its map worse than that of the peer."""
    return all(between(x, p) >= between(y, p) - 1e-9 for x, y, p in zip(a.tolist(), b, prob.astype(float)))


def otsu_beside(peer, target, theirs, count, scale, same=at_least_as_good):
    """Job of `count` maps; theirs: threshold of one map (side,side)."""
    prob, _ = maps(max(int(count * scale), 2), 128 if scale == 1 else 32)
    ours = partial(cluster.otsu_threshold, torch.from_numpy(prob).flatten(1))
    name = f"Otsu's threshold of {count} maps of 128 x 128"
    return Job(name, peer, target, ours, lambda: [theirs(p) for p in prob], partial(same, prob))


def otsu(scale):
    from skimage.filters import threshold_otsu

    return otsu_beside("scikit-image, 256 bins, in a loop", 0.5, threshold_otsu, 32, scale)


def sorted_threshold(p):
    """The exact threshold of one map from its sorted values."""
    values = np.sort(p, axis=None)
    wide = values - values.mean(dtype=np.float64)
    k = np.arange(1, wide.size)
    return values[(np.cumsum(wide)[:-1] ** 2 / (k * (wide.size - k))).argmax()]


def otsu_sorted(scale):
    def same(prob, a, b):
        return bool(
            np.allclose(
                [between(x, p) for x, p in zip(a.tolist(), prob)], [between(y, p) for y, p in zip(b, prob)], rtol=1e-6
            )
        )

    return otsu_beside("NumPy, sorted, in a loop, as exact", 1.0, sorted_threshold, 32, scale, same)


def otsu_wscl(scale):
    return otsu_beside(
        "WSCL, rewritten: a local optimum", 1 / 20, lambda p: wscl.threshold(torch.from_numpy(p).flatten()), 2, scale
    )


def clouds(count, points, wide):
    """Points (count,points,wide) float32, a fifth of them moved by a half along every axis."""
    found = np.random.default_rng(0).normal(size=(count, points, wide)).astype(np.float32)
    found[:, : points // 5] += 0.5
    return found


def two_means_beside(name, target, points, x):
    """Job of sklearn's KMeans with one start on points (count,n,D), one set after the other; x: what ours takes."""
    from sklearn.cluster import KMeans

    def theirs():
        return [KMeans(2, n_init=1, random_state=0).fit(one).labels_ for one in points]

    def inertia(one, labels):
        return sum(((one[labels == k] - one[labels == k].mean(0)) ** 2).sum() for k in (0, 1))

    def no_worse(a, b):
        return all(inertia(one, x.numpy()) <= 1.001 * inertia(one, y) for one, x, y in zip(points, a[0], b))

    return Job(name, "scikit-learn, one start", target, partial(cluster.two_means, x), theirs, no_worse)


def two_means(scale):
    points = clouds(1, max(int(16_384 * scale), 64), 64)
    return two_means_beside("two clusters of 16,384 points of 64", 0.8, points, torch.from_numpy(points))


def two_means_batch(scale):
    points = clouds(max(int(32 * scale), 2), 1024, 64)
    name = "two clusters of each of 32 maps of 32 x 32 x 64"
    return two_means_beside(name, 0.2, points, torch.from_numpy(points))


def two_means_scores(scale):
    prob, _ = maps(max(int(32 * scale), 2), 32)
    points = prob.reshape(len(prob), -1, 1)
    name = "two clusters of the values of each of 32 maps of 32 x 32"
    return two_means_beside(name, 0.2, points, torch.from_numpy(points[..., 0]))


JOBS = [otsu, otsu_sorted, otsu_wscl, two_means, two_means_batch, two_means_scores]
