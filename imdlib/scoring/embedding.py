"""Features in the plane, by t-SNE or UMAP, and numbers beside the picture that do not depend on the picture.

Bridging section 4.2.2, Figure 4 (t-SNE of the features); van der Maaten and Hinton, "Visualizing Data using t-SNE"
(2008); McInnes et al., "UMAP" (2018); Rousseeuw, "Silhouettes" (1987).

Differs from the paper: perplexity, start and preparation of its figure are not stated. Here columns are standardised,
reduced to their first 50 principal components, and t-SNE starts from the first two, so that two runs give one picture.
"""

import warnings

import numpy as np
from numpy.typing import ArrayLike
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE
from sklearn.metrics import silhouette_score
from sklearn.neighbors import NearestNeighbors
from sklearn.preprocessing import StandardScaler

METHODS = {"tsne": "t-SNE", "umap": "UMAP"}  # method -> its name
COMPONENTS = 50  # principal components kept before either method


def prepared(features: ArrayLike) -> np.ndarray:
    """Features (N,D) real -> (N,min(D,50,N)) float64: columns with mean 0 and deviation 1 (constant ones 0), then PCA if D > 50.

    PCA is exact (no random projection), so the same features give the same numbers.
    """
    features = np.asarray(features, dtype=np.float64)
    if features.ndim != 2 or 0 in features.shape:
        raise ValueError(f"features: expected (N,D) with points in it, found {features.shape}")
    if not np.isfinite(features).all():
        bad = int((~np.isfinite(features)).any(1).sum())
        raise ValueError(f"features: expected finite numbers, found NaN or infinity in {bad} of {len(features)} rows")
    features = StandardScaler().fit_transform(features)
    if features.shape[1] <= COMPONENTS:
        return features
    return PCA(min(COMPONENTS, len(features)), svd_solver="full").fit_transform(features)


def project(
    features: ArrayLike, method: str = "tsne", perplexity: float = 30, seed: int = 0, init: str = "pca"
) -> np.ndarray:
    """Features (N,D) -> coordinates (N,2) float64 of `prepared` features; axes, scale and orientation mean nothing.

    perplexity: about how many neighbours each point has, less than N; UMAP's n_neighbors is the same number. seed: of
    the start, where there is chance in it, and of UMAP's steps. init: 'pca' (t-SNE: no chance left; UMAP: 'spectral',
    its own default) or 'random'.
    """
    if method not in METHODS:
        raise ValueError(f"method={method!r}: expected one of {tuple(METHODS)}")
    if init not in ("pca", "random"):
        raise ValueError(f"init={init!r}: expected 'pca' or 'random'")
    points = prepared(features)
    if not 1 < perplexity < len(points):
        raise ValueError(f"perplexity={perplexity}: expected more than 1 and less than the {len(points)} points")
    if method == "tsne":
        return TSNE(perplexity=perplexity, init=init, random_state=seed).fit_transform(points).astype(np.float64)
    from umap import UMAP  # compiled when first used, which takes seconds

    start = "spectral" if init == "pca" else "random"
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Spectral initiali[sz]ation failed")
        fitted = UMAP(n_neighbors=round(perplexity), init=start, random_state=seed, n_jobs=1).fit_transform(points)
    return fitted.astype(np.float64)


def judge(
    features: ArrayLike, labels: ArrayLike, coordinates: ArrayLike, k: int = 10, scenes: ArrayLike | None = None
) -> dict[str, float]:
    """How far classes lie apart, before and after the projection: dict of five floats.

    features (N,D), of which the `prepared` ones are judged; labels (N,) of any kind; coordinates (N,2).
    silhouette, silhouette_plane: mean over the points, in [-1,1]; NaN with one class, or with as many as points.
    knn, knn_plane: share of the points whose class is that of most of their k nearest others (of equal classes the
    first in sorted order); NaN where there are not more than k points. chance: share of the largest class.
    scenes (N,): what each image shows; points of the same scene are no neighbours of each other.
    """
    labels, coordinates = np.unique(np.asarray(labels), return_inverse=True)[1], np.asarray(coordinates, np.float64)
    points = prepared(features)
    if not len(points) == len(labels) == len(coordinates):
        found = f"{len(points)} features, {len(labels)} labels, {len(coordinates)} coordinates"
        raise ValueError(f"labels, coordinates: expected one of each for every row of features, found {found}")
    return {
        "silhouette": silhouette(points, labels),
        "silhouette_plane": silhouette(coordinates, labels),
        "knn": leave_one_out(points, labels, k, scenes),
        "knn_plane": leave_one_out(coordinates, labels, k, scenes),
        "chance": float(np.bincount(labels).max() / len(labels)),
    }


def silhouette(points: np.ndarray, labels: np.ndarray) -> float:
    """Mean silhouette of points (N,D) with labels (N,) int; NaN with one class, or with as many classes as points."""
    return float(silhouette_score(points, labels)) if 1 < len(np.unique(labels)) < len(labels) else float("nan")


def leave_one_out(points: np.ndarray, labels: np.ndarray, k: int, scenes: ArrayLike | None = None) -> float:
    """Share of points (N,D) whose label is the commonest among their k nearest of other scenes (None: each point is its own);
    NaN where one has not k of them.
    """
    scenes = np.arange(len(points)) if scenes is None else np.unique(np.asarray(scenes), return_inverse=True)[1]
    most = int(np.bincount(scenes).max()) if len(points) else 0
    if len(points) < k + most:
        return float("nan")
    near = NearestNeighbors(n_neighbors=k + most - 1).fit(points).kneighbors(return_distance=False)  # (N,*), not itself
    others = scenes[near] != scenes[:, None]
    nearest = np.take_along_axis(near, np.argsort(~others, axis=1, kind="stable")[:, :k], axis=1)  # (N,k)
    votes = (labels[nearest][..., None] == np.arange(labels.max() + 1)).sum(1)  # (N,classes)
    return float((votes.argmax(1) == labels).mean())
