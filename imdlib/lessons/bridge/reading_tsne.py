"""Points whose truth is known, to be looked at through t-SNE and UMAP.

For Bridging's Figure 4, which shows features of three classes in the plane of a t-SNE.
"""

from collections.abc import Iterable, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from imdlib.pages import plots
from imdlib.scoring import embedding

DIMENSIONS = 20
PERPLEXITIES = (5, 30, 100)
METERS = ("silhouette", "silhouette_plane", "knn", "knn_plane")


def equal(count: int = 50, apart: float = 8.0, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Three Gaussian clusters of one size, at equal distances: features (3 count,D), labels (3 count,)."""
    centres = np.zeros((3, DIMENSIONS))
    centres[range(3), range(3)] = apart
    return around(centres, [count] * 3, [1.0] * 3, seed)


def unequal(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Three clusters: 90 points that lie wide, 30 of a third of that width near them, and 30 far away from both."""
    centres = np.zeros((3, DIMENSIONS))
    centres[1, 0], centres[2, 0] = 12.0, 60.0
    return around(centres, [90, 30, 30], [1.5, 0.5, 1.5], seed)


def noise(count: int = 150, dimensions: int = 3, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """One Gaussian cloud, and labels 0, 1, 2 drawn by lot, a third each."""
    generator = np.random.default_rng(seed)
    return generator.normal(size=(count, dimensions)), generator.permutation(np.arange(count) % 3)


def ribbon(count: int = 150, width: float = 0.1, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Points at random places along one bent line, cut in three classes of a third each."""
    generator = np.random.default_rng(seed)
    along = np.sort(generator.random(count))
    curve = np.stack([along * 10, 3 * np.sin(4 * along), 3 * np.cos(4 * along)], 1)
    features = width * generator.normal(size=(count, DIMENSIONS))
    features[:, :3] += curve
    return rotated(features, seed), (3 * along).astype(int)


def around(
    centres: np.ndarray, counts: Sequence[int], deviations: Sequence[float], seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Gaussian clusters (sum of counts, D) with these centres, sizes and deviations, and their labels."""
    generator = np.random.default_rng(seed)
    labels = np.repeat(np.arange(len(counts)), counts)
    spread = np.asarray(deviations)[labels, None] * generator.normal(size=(len(labels), centres.shape[1]))
    return rotated(centres[labels] + spread, seed), labels


def rotated(features: np.ndarray, seed: int) -> np.ndarray:
    """The same points turned at random, so that no column is a direction of its own and standardising changes little."""
    square = np.random.default_rng([seed, 1]).normal(size=(features.shape[1], features.shape[1]))
    return features @ np.linalg.qr(square)[0]


def views(
    features: np.ndarray,
    *,
    perplexities: Iterable[int] = PERPLEXITIES,
    umap: bool = True,
    seed: int = 0,
    init: str = "pca",
) -> dict[str, np.ndarray]:
    """{title: coordinates (N,2)}: t-SNE at each perplexity, and UMAP with 15 neighbours."""
    found = {f"t-SNE, perplexity {p}": embedding.project(features, "tsne", p, seed, init) for p in perplexities}
    return found | ({"UMAP, 15 neighbours": embedding.project(features, "umap", 15, seed)} if umap else {})


def verdicts(features: np.ndarray, labels: np.ndarray, panels: dict[str, np.ndarray]) -> dict[str, dict[str, float]]:
    """{title: `embedding.judge`} of every panel."""
    return {title: embedding.judge(features, labels, points) for title, points in panels.items()}


def sizes(features: np.ndarray, labels: np.ndarray, panels: dict[str, np.ndarray]) -> pd.DataFrame:
    """What a picture says of size and distance: DataFrame, one row for the `prepared` features and for each panel.

    far / near: distance of the mean of class 0 from that of class 2, in units of that from class 1; width of 1, of 2: mean
    distance of a class from its own mean, in units of that of class 0.
    """
    rows = {}
    for name, points in ({"features": embedding.prepared(features)} | panels).items():
        means = np.stack([points[labels == k].mean(0) for k in range(3)])
        widths = [np.linalg.norm(points[labels == k] - means[k], axis=1).mean() for k in range(3)]
        near, far = np.linalg.norm(means[0] - means[1:], axis=1)
        rows[name] = far / near, widths[1] / widths[0], widths[2] / widths[0]
    return pd.DataFrame(rows, index=["far / near", "width of 1", "width of 2"]).T


def overlaps(aparts: Iterable[float], *, count: int = 40, seed: int = 0) -> pd.DataFrame:
    """Four numbers of `embedding.judge` (t-SNE, perplexity 30) as three equal clusters move apart: DataFrame apart, meter, value."""
    rows = []
    for apart in aparts:
        features, labels = equal(count, apart, seed)
        judged = embedding.judge(features, labels, embedding.project(features))
        rows += [(apart, meter, judged[meter]) for meter in METERS]
    return pd.DataFrame(rows, columns=["apart", "meter", "value"])


def overlap_figure(table: pd.DataFrame, chance: float = 1 / 3) -> Figure:
    """Silhouette and k-NN accuracy of features (solid) and plane (dashed) against the distance of the clusters."""
    figure, axes = plt.subplots(1, 2, figsize=(plots.PAGE, 2.2))
    for axis, meter, floor in ((axes[0], "silhouette", 0), (axes[1], "knn", chance)):
        for name, style, color in ((meter, "-", plots.AUTHENTIC), (f"{meter}_plane", "--", plots.TAMPERED)):
            part = table[table["meter"] == name]
            where = "plane" if name.endswith("plane") else "features"
            axis.plot(part["apart"], part["value"], style, marker="o", ms=3, color=color, label=where)
        axis.axhline(floor, color="0.5", lw=0.8, ls=":")
        axis.set(xlabel="distance of the centres from the origin", title="k-NN accuracy" if meter == "knn" else meter)
    axes[0].legend(fontsize=7)
    return figure


def everyone_votes(count: int = 33) -> float:
    """k-NN accuracy of three classes of `count` points when all other points vote."""
    features, labels = noise(3 * count)
    return embedding.judge(features, labels, features[:, :2], k=3 * count - 1)["knn"]
