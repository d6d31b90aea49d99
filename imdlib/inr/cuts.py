"""Which score rows decide INR's statements: one cut for each question, from the study's rows to rows of two sides and more.

A cut that serves as a gate holds its sides on own test images, predictors that look at no image beside them, and the column
`blind` that tells these apart.
"""

import pandas as pd

from imdlib.inr.image_level import always_tampered
from imdlib.inr.rows import BLURRED, REDRAWN, Rows
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


def decibels(rows: Rows) -> pd.DataFrame:
    """PSNR outside and inside the masks, own test images: of a reconstruction, which no predictor without image has."""
    return at_home(rows, rows.decibels).assign(blind=False)


def without_labels(rows: Rows) -> pd.DataFrame:
    """Maps that no label went into, on own test images that all of them have: error maps, filters, self-distillation, trivial."""
    trivial = within(at_home(rows, rows.trivial), rows.error)
    error, distilled = at_home(rows, rows.error), rows.tampered(at_home(rows, rows.unsupervised))
    parts = [trivial.assign(blind=True), error.assign(blind=error["method"] == "random minority")]
    return within(pd.concat([*parts, distilled.assign(blind=False)]), rows.error)


def distilled(rows: Rows) -> pd.DataFrame:
    """Self-distillation in its forms, own test images."""
    return at_home(rows, rows.unsupervised)


def poolings(rows: Rows) -> pd.DataFrame:
    """NRR without the contrast and with every pooling, own test images."""
    return at_home(rows, rows.pooled)


def contrast_poolings(rows: Rows) -> pd.DataFrame:
    """The whole method with every pooling, own test images."""
    return at_home(rows, rows.contrast_pooled)


def local_edits(rows: Rows) -> pd.DataFrame:
    """Baseline and whole method on MagicBrush."""
    return rows.two[rows.two["dataset"].str.endswith("magicbrush")]


def whole_edits(rows: Rows) -> pd.DataFrame:
    """Baseline and whole method on IEdit, whose real set is read as GIER."""
    return rows.two[rows.two["dataset"].str.endswith(("iedit", "gier"))]


def redrawn_tampered(rows: Rows) -> pd.DataFrame:
    """Tampered images as they are, redrawn and blurred; `method` is the attack."""
    found = rows.tampered(rows.redrawn_base)
    return found.assign(method=found["attack"])


def redrawn_authentic(rows: Rows) -> pd.DataFrame:
    """Authentic images as they are, redrawn and blurred; `method` is the attack."""
    found = rows.redrawn_base[rows.redrawn_base["label"] == 0]
    return found.assign(method=found["attack"])


# ---- gates ---------------------------------------------------------------------------------------------------------


def beside_blind_maps(rows: Rows, maps: pd.DataFrame) -> pd.DataFrame:
    """Score rows, tampered images alone, and predictors that look at no image on the same."""
    blind = within(at_home(rows, rows.trivial), maps)
    return pd.concat([blind.assign(blind=True), rows.tampered(maps).assign(blind=False)])


def beside_blind_labels(maps: pd.DataFrame) -> pd.DataFrame:
    """Score rows, and calling every image tampered, which ranks none above another."""
    blind = always_tampered(maps)
    blind = blind.assign(correct=blind["label"].astype(float), image_auc=0.5, blind=True)
    return pd.concat([blind, maps.assign(blind=False)])


def beside_trivial_maps(rows: Rows) -> pd.DataFrame:
    """Maps of weak runs and of predictors that look at no image, tampered own test images."""
    return beside_blind_maps(rows, own_images(rows))


def beside_trivial_labels(rows: Rows) -> pd.DataFrame:
    """Weak runs and calling every image tampered; own test images."""
    return beside_blind_labels(own_images(rows))


def poolings_gate(rows: Rows) -> pd.DataFrame:
    """Maps of `poolings` beside those of predictors that look at no image."""
    return beside_blind_maps(rows, poolings(rows))


def contrast_poolings_gate(rows: Rows) -> pd.DataFrame:
    """Maps of `contrast_poolings` beside those of predictors that look at no image."""
    return beside_blind_maps(rows, contrast_poolings(rows))


def distilled_gate(rows: Rows) -> pd.DataFrame:
    """Maps of self-distillation beside those of predictors that look at no image, the all-ones map among them."""
    return beside_blind_maps(rows, distilled(rows))


def redrawn_gate(rows: Rows) -> pd.DataFrame:
    """Maps of the baseline on images as they are, under the names of all attacks: what was not learned cannot be lost."""
    found = redrawn_tampered(rows)
    plain = found[found["attack"] == "none"]
    named = [plain.assign(method=name) for name in ("none", REDRAWN, BLURRED)]
    return beside_blind_maps(rows, pd.concat(named))


def redrawn_labels_gate(rows: Rows) -> pd.DataFrame:
    """Labels of the baseline on images as they are, under the names of all attacks, beside calling every image tampered."""
    plain = rows.redrawn_base[rows.redrawn_base["attack"] == "none"]
    return beside_blind_labels(pd.concat([plain.assign(method=name) for name in ("none", REDRAWN, BLURRED)]))
