"""Cuts: the rows of both sides of a statement, from the rows of Bridging's report; gates, which ask whether they had learned,
are in `gates.py`.
"""

from collections.abc import Callable

import numpy as np
import pandas as pd

from imdlib.bridge.labels import CLASSES
from imdlib.bridge.measures import ordering
from imdlib.bridge.measures.detection import balanced
from imdlib.bridge.methods import METHODS
from imdlib.bridge.rows import Rows
from imdlib.scoring.rows import averaged, judged

TRACING = ("f1", "iou", "auc", "auc_shuffled")  # values of a map
JUDGING = ("correct", "image_auc", "recall")  # values of an image's score and of the class it is called
SCENE = ("method", "seed", "image")  # twins show a scene under one name in all of their versions: it counts once
OURS, CHANCE = METHODS["late"], "chance"
SPACES = {
    "knn_extractor": ", in the tower's features",
    "knn_final": ", in its own features",
}  # column -> added to a name
NEAR = 0.25  # of the margin: what counts as near zero


def own_images(rows: Rows) -> pd.DataFrame:
    """Every method on the test images of the training set, beside blind predictors and the linear probe."""
    found = pd.concat([rows.blind, rows.probed, rows.main, rows.turned["equal_passes"]])
    return found[found["seen"]]


def unseen_generators(rows: Rows) -> pd.DataFrame:
    """Every method on images of generators that were not trained on, the mean over generators first."""
    found = pd.concat([rows.probed, rows.main, rows.turned["equal_passes"]])
    return averaged(found[~found["seen"]], JUDGING, SCENE)


def of_three(cut: Callable[[Rows], pd.DataFrame], rows: Rows) -> pd.DataFrame:
    """The rows of a cut where there are images of all three classes, none elsewhere: what calls two is no test of three."""
    found = cut(rows)
    return found if {*CLASSES} <= {*rows.main["class"]} else found.head(0)


def lost_on_unseen(rows: Rows) -> pd.DataFrame:
    """What unseen generators take from every method: their mean minus the value in domain, of images that both have."""
    found = pd.concat([rows.main, rows.turned["equal_passes"]])
    away, home = (
        one.groupby(list(SCENE), sort=False)[list(JUDGING)].mean()
        for one in (found[~found["seen"]], found[found["seen"]])
    )
    return (away - home).dropna(how="all").reset_index()


def fully_fakes(rows: Rows) -> pd.DataFrame:
    """Fully fake images of all generators, ranked against real ones, averaged, for methods trained with and without such images. What
    real images are called counts for nothing here.
    """
    found = pd.concat([rows.main, rows.turned["with_fully"]])
    found = judged(found[found["class"].isin([CLASSES[0], CLASSES[2]])])
    found = found[found.groupby(["run", "dataset"])["class"].transform("nunique") > 1]
    real, fully = found[found["class"] == CLASSES[0]], balanced(found[found["class"] == CLASSES[2]])
    return averaged(pd.concat([fully, real.assign(correct=np.nan, recall=np.nan)]), JUDGING, SCENE)


def pairs_in_order(rows: Rows) -> pd.DataFrame:
    """`ordering.per_image` of the whole method on its own test images, and one half for each of them and each seed; methods are named for
    the statement: 'Ours: d2: partly fake above real' and 'chance: d2: ...'.
    """
    found = ordering.per_image(ours_measured(rows))
    found = pd.concat([found, found.assign(method=CHANCE, ordered=0.5)])
    return found.assign(method=found["method"] + ": " + found["statement"])


def real_distances(rows: Rows) -> pd.DataFrame:
    """Real test images of the training set: `near`, whether both squared distances lie below NEAR of the margin, which is of squares, too,
    and `nearer`, the share of the two that lie below those of students about to learn; one half of each for chance, as often.
    """
    found = ours_measured(rows)
    found = found[found["class"] == CLASSES[0]]
    margin = found["run"].map(rows.settings.set_index("run")["margin"])
    begun = found.reindex(columns=["d1_fresh", "d2_fresh"]).to_numpy(float)
    ended = found.reindex(columns=["d1", "d2"])
    nearer = ordering.above_half(begun, ended).mean(1)
    found = found.assign(near=(ended.max(axis=1) < NEAR * margin).astype(float), nearer=nearer)
    return pd.concat([found, found.assign(method=CHANCE, near=0.5, nearer=0.5)])


def ours_measured(rows: Rows) -> pd.DataFrame:
    """Distances of the whole method on its own test images."""
    return rows.measured[rows.measured["seen"] & (rows.measured["method"] == OURS)]


def own_maps(rows: Rows) -> pd.DataFrame:
    """Every map, drawn in every way, on the test images of the training set, beside maps that look at no image."""
    found = rows.maps[rows.maps["seen"]]
    return pd.concat([rows.trivial[rows.trivial["dataset"].isin(found["dataset"])], found])


def unseen_maps(rows: Rows) -> pd.DataFrame:
    """The same on images of generators that were not trained on, the mean over generators first."""
    found = rows.maps[~rows.maps["seen"]]
    blind = rows.trivial[rows.trivial["dataset"].isin(found["dataset"])]
    return averaged(pd.concat([blind, found]), TRACING, SCENE) if len(found) else found


def spaces_of_partly(rows: Rows) -> pd.DataFrame:
    """`spaces`, of real and partly fake images alone; of sets without the latter nothing."""
    partly = rows.main["class"] == CLASSES[1]
    return in_spaces(
        rows.main[rows.main["class"].isin(CLASSES[:2]) & rows.main["dataset"].isin(rows.main.loc[partly, "dataset"])]
    )


def spaces(rows: Rows) -> pd.DataFrame:
    """`knn` of every image of all generators, averaged, in the features that each method ends with and in those it was given."""
    return in_spaces(rows.main)


def in_spaces(found: pd.DataFrame) -> pd.DataFrame:
    """The `knn` of rows in every space, averaged over generators; methods are named for the space."""
    parts = []
    for column, added in SPACES.items():
        some = found[found[column].notna()] if column in found else found.head(0)
        parts.append(some.assign(knn=some.get(column), method=some["method"] + added))
    return averaged(pd.concat(parts), ["knn"], SCENE)
