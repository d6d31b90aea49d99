"""Cuts: the rows of both sides of a statement, from the rows of Bridging's report."""

import pandas as pd

from imdlib.bridge.labels import CLASSES
from imdlib.bridge.measures import ordering
from imdlib.bridge.methods import METHODS
from imdlib.bridge.rows import Rows
from imdlib.scoring.rows import averaged

JUDGING = ("correct", "image_auc")  # values of an image's score
SCENE = ("method", "seed", "image")  # twins show a scene under one name in all of their versions: it counts once
OURS, CHANCE = METHODS["late"], "chance"


def own_images(rows: Rows) -> pd.DataFrame:
    """Every method on the test images of the training set, beside blind predictors and the linear probe."""
    found = pd.concat([rows.blind, rows.probed, rows.main])
    return found[found["seen"]]


def unseen_generators(rows: Rows) -> pd.DataFrame:
    """Every method on images of generators that were not trained on, the mean over generators first."""
    return averaged(rows.unseen, JUDGING, SCENE)


def lost_on_unseen(rows: Rows) -> pd.DataFrame:
    """What unseen generators take from every method: their mean minus the value in domain, of images that both have."""
    away, home = (one.groupby(list(SCENE), sort=False)[list(JUDGING)].mean() for one in (rows.unseen, rows.seen))
    return (away - home).dropna(how="all").reset_index()


def fully_fakes(rows: Rows) -> pd.DataFrame:
    """Fully fake images of all generators, averaged, for methods trained with and without such images."""
    found = pd.concat([rows.main, rows.turned["with_fully"]])
    return averaged(found[found["class"] == CLASSES[2]], JUDGING, SCENE)


def pairs_in_order(rows: Rows) -> pd.DataFrame:
    """`ordering.per_image` of the whole method on its own test images, and one half for each of them; methods are named for
    the statement: 'Ours: d2: partly fake above real' and 'chance: d2: ...'.
    """
    found = ordering.per_image(rows.measured[rows.measured["seen"] & (rows.measured["method"] == OURS)])
    once = found.drop_duplicates(["dataset", "image", "statement"]).assign(method=CHANCE, seed=0, ordered=0.5)
    found = pd.concat([found, once])
    return found.assign(method=found["method"] + ": " + found["statement"])


def own_maps(rows: Rows) -> pd.DataFrame:
    """Every map, drawn in every way, on the test images of the training set, beside maps that look at no image."""
    found = rows.maps[rows.maps["seen"]]
    return pd.concat([rows.trivial[rows.trivial["dataset"].isin(found["dataset"])], found])
