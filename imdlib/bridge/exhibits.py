"""What figures are drawn from: the discrepancies of Figure 3 and the features of Figure 4, from the rows of a run.

Bridging section 4.2.2.
"""

import numpy as np
import pandas as pd
import seaborn as sns

from imdlib.bridge.labels import CLASSES, three_classes
from imdlib.pages import plots
from imdlib.scoring import embedding

KNOWN = ["image", "dataset", "class", "generator"]  # what is kept of an image beside its features
CURVES = {
    "val_recall": "validation recall",
    "val_teacher_recall": "that of the teacher",
    "d1_pf": "d1, partly fake",
    "d2_pf": "d2, partly fake",
    "d1_ff": "d1, fully fake",
    "d2_ff": "d2, fully fake",
    "d1_real": "d1, real",
    "d2_real": "d2, real",
    "loss": "loss",
}  # columns of a history -> titles


def long_distances(scores):
    """Rows of scores -> one row per image, discrepancy and time: class, which (d1, d2), when, distance (L2, not squared)."""
    frame = scores.assign(**{"class": [CLASSES[c] for c in three_classes(scores)]})
    parts = [
        frame[["class"]].assign(which=which, when=when, distance=frame[f"{which}{suffix}"] ** 0.5)
        for which in ("d1", "d2")
        for suffix, when in (("_start", "before training"), ("", "after training"))
        if f"{which}{suffix}" in frame
    ]
    return pd.concat(parts, ignore_index=True)


def densities(scores):
    """Figure 3: densities of d1 and d2, a row for each class that occurs; returns the figure."""
    long = long_distances(scores)
    drawn = sns.displot(
        long,
        x="distance",
        row="class",
        row_order=[name for name in CLASSES if name in set(long["class"])],
        col="which",
        hue="when",
        palette=plots.PALETTE[:2],
        kind="kde",
        common_norm=False,
        fill=True,
        warn_singular=False,
        cut=0,
        height=plots.PAGE / 5,
        aspect=2,
        facet_kws=dict(margin_titles=True, sharey=False),
    )
    drawn.set_titles(row_template="{row_name}", col_template="{col_name}").set_axis_labels(
        "distance to the teacher", "density"
    )
    return drawn.figure


def write_points(path, scores, points):
    """Keep the features of test images for Figure 4: arrays KNOWN (text) and one (N,D) float16 for each kind of features.

    scores: rows of all sets; points: a dict {which: features} for each set, in the same order. Authentic images that
    several sets show under one name are kept once, as of the first.
    """
    scores = scores.reset_index(drop=True)
    scores["class"] = [CLASSES[c] for c in three_classes(scores)]
    scores["generator"] = scores["generator"].fillna("") if "generator" in scores else ""
    once = ~(scores["label"].eq(0) & scores.duplicated(["image", "label"]))
    points = list(points)
    features = {which: np.concatenate([some[which] for some in points])[once] for which in points[0]}
    known = {name: scores.loc[once, name].to_numpy(dtype=str) for name in KNOWN}
    np.savez_compressed(path, **known, **{which: found.astype(np.float16) for which, found in features.items()})


def read_points(path):
    """(DataFrame of KNOWN, {which: features (N,D) float32}) that `write_points` left."""
    with np.load(path) as kept:
        found = {name: kept[name] for name in kept.files}
    rows = pd.DataFrame({name: found.pop(name) for name in KNOWN})
    return rows, {which: features.astype(np.float32) for which, features in found.items()}


def planes(features, classes, ways, seed=0):
    """Figure 4: ({title: coordinates (N,2)}, {title: `embedding.judge`}) of every kind of features by every way.

    features: {title: (N,D)}; classes (N,); ways: pairs (method of `embedding.METHODS`, perplexity), of which those that
    ask for as many neighbours as there are images are left out.
    """
    coordinates, judged = {}, {}
    for method, perplexity in ways:
        for title, points in features.items() if perplexity < len(classes) else ():
            name = f"{title}, {embedding.METHODS[method]} {perplexity}"
            coordinates[name] = embedding.project(points, method, perplexity, seed=seed)
            judged[name] = embedding.judge(points, classes, coordinates[name])
    return coordinates, judged
