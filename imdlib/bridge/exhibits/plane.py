"""Figure 4: features of test images in the plane by t-SNE and UMAP, and numbers of how far the classes lie apart.

Bridging section 4.2.2. Differs from the paper: every picture stands beside the same numbers of the features themselves. Neighbours
that show the same scene are left out of them: the embedded sets show each scene in several versions, near for what they show.
"""

from collections.abc import Iterable
from functools import cache

import numpy as np
import pandas as pd
from IPython.display import HTML, Markdown
from matplotlib.figure import Figure

from imdlib.bridge.exhibits.points import read_points
from imdlib.bridge.grid import MAIN
from imdlib.bridge.labels import CLASSES
from imdlib.bridge.rows import STUDY, Rows
from imdlib.pages import captions, plots, plots_embedding, tables
from imdlib.pages.standing import ELSEWHERE, keys, standing, stands
from imdlib.places import run_folder
from imdlib.scoring import embedding

SHOWN = {("transcam", "final"): "TransCAM", (MAIN, "extractor"): "extractor", (MAIN, "final"): "ours"}
USUAL = 30  # perplexity of t-SNE, neighbours of UMAP
WAYS = {"tsne": "t-SNE, perplexity {}", "umap": "UMAP, {} neighbours"}


@cache
def features(rows: Rows) -> tuple[pd.DataFrame, dict[str, np.ndarray]]:
    """(what is known of the points, {title: features (N,D)}) of one seed; both empty where runs kept none."""
    paths = {key: run_folder(rows.results, STUDY, run) / "points.npz" for key, run in rows.pictured.items()}
    kept = {key: read_points(path) for key, path in paths.items() if path.exists()}
    known = next(iter(kept.values()))[0] if kept else pd.DataFrame(columns=["class", "generator"])
    return known, {title: kept[key][1][which] for (key, which), title in SHOWN.items() if key in kept}


@cache
def usual_planes(rows: Rows) -> tuple[dict, dict]:
    """`planes` of all features at the usual perplexity."""
    known, found = features(rows)
    return planes(found, known, [("tsne", USUAL), ("umap", USUAL)])


@cache
def other_planes(rows: Rows, perplexities: tuple[int, ...]) -> tuple[dict, dict]:
    """`planes` of the whole method at other perplexities."""
    known, found = features(rows)
    ours = {title: some for title, some in found.items() if title == "ours"}
    ways = [(method, one) for method in ("tsne", "umap") for one in perplexities if one != USUAL]
    return planes(ours, known, ways)


def planes(features: dict, known: pd.DataFrame, ways: Iterable[tuple[str, int]], seed: int = 0) -> tuple[dict, dict]:
    """({title: coordinates (N,2)}, {title: `embedding.judge`}) of every kind of features by every way.

    features: {title: (N,D)}; known: class and scene of the N points: images of one scene are no neighbours; ways: pairs (method of
    `embedding.METHODS`, perplexity), of which those that ask for as many neighbours as there are images are left out.
    """
    coordinates, judged, labels = {}, {}, classes(known)
    for method, perplexity in ways:
        for title, points in features.items() if perplexity < len(labels) else ():
            name = f"{title}, {WAYS[method].format(perplexity)}"
            coordinates[name] = embedding.project(points, method, perplexity, seed=seed)
            judged[name] = embedding.judge(points, labels, coordinates[name], groups=scenes(known))
    return coordinates, judged


def figure4(rows: Rows) -> Figure | HTML | Markdown:
    """Figure 4: TransCAM, the extractor and the whole method, by t-SNE and UMAP."""
    return draw(rows, *usual_planes(rows), "figure4", columns=len(features(rows)[1]))


def figure4_perplexities(rows: Rows, perplexities: list[int]) -> Figure | HTML | Markdown:
    """The whole method at other perplexities."""
    found = other_planes(rows, tuple(perplexities))
    return draw(rows, *found, "figure4_perplexities", columns=len(found[0]) // 2)


def draw(rows: Rows, coordinates: dict, judged: dict, name: str, columns: int) -> Figure | HTML | Markdown:
    """One panel per plane, saved under that name; where there are none, the figure of the same runs that lies there."""
    of = keys(rows.settings, rows.pictured.values())
    if not coordinates:
        return standing(rows.folder, name, of)
    known = features(rows)[0]
    made_by = known["generator"].replace("", "none (real)").to_numpy() if known["generator"].any() else None
    looks = dict(classes=CLASSES, verdicts=judged, columns=columns)
    figure = plots_embedding.scatter(coordinates, classes(known), **looks)
    what = f"{captions.title(name)}. Features of {len(known)} test images, one seed, in the plane"
    drawn = plots_embedding.rows(coordinates, known["class"], made_by)
    return plots.save(figure, drawn, rows.folder, name, what=what, of=of)


def table_embedding(rows: Rows, perplexities: list[int]) -> HTML | Markdown:
    """Silhouette and k-NN accuracy of the features and of every plane."""
    numbers = usual_planes(rows)[1] | other_planes(rows, tuple(perplexities))[1]
    if not numbers:
        written = rows.folder / "tables" / "table_embedding.csv"
        if not (stands(rows.folder, "figure4", keys(rows.settings, rows.pictured.values())) and written.exists()):
            return ELSEWHERE
        return tables.show(pd.read_csv(written)[["method", "metric", "value"]])
    found = pd.DataFrame(numbers).T.rename_axis("method").reset_index().melt("method", var_name="metric")
    found = found.assign(test_set="all", n=len(features(rows)[0]), seeds=1)
    caption = "How far the classes lie apart, in the features and in the plane; chance: the largest class"
    return tables.save(found, rows.folder, "table_embedding", caption, index=("method",), columns=("metric",))


def scenes(known: pd.DataFrame) -> np.ndarray:
    """Scenes (N,); older points lack them, and there the name of an image, which the versions of a scene share, stands for it."""
    return known["scene" if "scene" in known else "image"].to_numpy()


def classes(known: pd.DataFrame) -> np.ndarray:
    """Class numbers (N,)."""
    return known["class"].map(CLASSES.index).to_numpy()
