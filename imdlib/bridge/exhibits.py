"""What figures are drawn from: the discrepancies of Figure 3 and the plane of Figure 4, from the rows and points of a run.

Bridging section 4.2.2.
"""

import pandas as pd
import seaborn as sns

from imdlib import embedding, plots
from imdlib.bridge.labels import CLASSES, three_classes

PLANE = ["image", "features", "x", "y", "class"]  # columns
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


def plane(points, rows, seed=0):
    """Figure 4: (DataFrame of image, class, features (which), x, y; dict of `embedding.judge` for each, `<name>_<which>`).

    points: {which: features (N,D)}; rows: of the same N images in the same order. Too few images for t-SNE (30 neighbours)
    give an empty frame and no numbers.
    """
    classes, frames, judged = three_classes(rows), [], {}
    for which, features in points.items() if len(rows) > 60 else ():
        xy = embedding.project(features, seed=seed)
        known = dict(image=rows["image"].to_numpy(), features=which, x=xy[:, 0], y=xy[:, 1])
        frames.append(pd.DataFrame(known | {"class": [CLASSES[c] for c in classes]}))
        judged |= {f"{name}_{which}": value for name, value in embedding.judge(features, classes, xy).items()}
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=PLANE), judged
