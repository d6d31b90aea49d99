"""Which score rows decide INR's statements: one cut for each question, from the study's rows to rows of two sides and more."""

import pandas as pd

from imdlib.inr.image_level import always_tampered
from imdlib.inr.rows import Rows
from imdlib.scoring.rows import averaged, within

MAPS, LABELS = ("f1", "iou", "auc", "auc_shuffled"), ("image_auc", "correct")  # columns that are compared


def at_home(rows: Rows, scores: pd.DataFrame) -> pd.DataFrame:
    """Those of `scores` on the test images of the training set."""
    return scores[scores["dataset"] == rows.target]


def own_images(rows: Rows) -> pd.DataFrame:
    """Weak runs on the training set's own test images."""
    return at_home(rows, rows.weak)


def other_sets(rows: Rows) -> pd.DataFrame:
    """Weak runs on sets not trained on: an image of any of them counts alike."""
    return averaged(rows.weak[rows.weak["dataset"] != rows.target], [*MAPS, *LABELS])


def without_labels(rows: Rows) -> pd.DataFrame:
    """Maps that no label went into, on own test images that all of them have: error maps, filters, self-distillation, trivial."""
    error = pd.concat([within(at_home(rows, rows.trivial), rows.error), at_home(rows, rows.error)])
    return within(pd.concat([error, rows.tampered(at_home(rows, rows.unsupervised))]), rows.error)


def distilled(rows: Rows) -> pd.DataFrame:
    """Self-distillation in its forms, own test images."""
    return at_home(rows, rows.unsupervised)


def variations(rows: Rows) -> pd.DataFrame:
    """Weak runs and those with one choice turned, own test images."""
    return pd.concat([own_images(rows), at_home(rows, rows.changed)])


def poolings(rows: Rows) -> pd.DataFrame:
    """The whole method with every pooling, own test images."""
    return at_home(rows, rows.pooled)


def local_edits(rows: Rows) -> pd.DataFrame:
    """Baseline and whole method on MagicBrush."""
    return rows.two[rows.two["dataset"].str.endswith("magicbrush")]


def whole_edits(rows: Rows) -> pd.DataFrame:
    """Baseline and whole method on IEdit."""
    return rows.two[rows.two["dataset"].str.endswith("iedit")]


def redrawn_tampered(rows: Rows) -> pd.DataFrame:
    """Tampered images before and after they were redrawn; `method` is the attack."""
    found = rows.tampered(rows.redrawn)
    return found.assign(method=found["attack"])


def redrawn_authentic(rows: Rows) -> pd.DataFrame:
    """Authentic images before and after they were redrawn; `method` is the attack."""
    found = rows.redrawn[rows.redrawn["label"] == 0]
    return found.assign(method=found["attack"])


def beside_trivial_maps(rows: Rows) -> pd.DataFrame:
    """Maps of weak runs and of predictors that look at no image, tampered own test images."""
    here = own_images(rows)
    return pd.concat([within(at_home(rows, rows.trivial), here), rows.tampered(here)])


def beside_trivial_labels(rows: Rows) -> pd.DataFrame:
    """Weak runs and calling every image tampered, which ranks none above another; own test images."""
    here = own_images(rows)
    blind = always_tampered(here)
    return pd.concat([blind.assign(correct=blind["label"].astype(float), image_auc=0.5), here])
