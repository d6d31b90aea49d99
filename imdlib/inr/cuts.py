"""Which score rows decide INR's statements: one cut for each question, from the study's rows to rows of two sides and more.

A cut that serves as a gate holds its sides on own test images, predictors that look at no image beside them, and the column
`blind` that tells these apart.
"""

import pandas as pd

from imdlib.inr.image_level import always_tampered
from imdlib.inr.rows import BLURRED, REDRAWN, Rows
from imdlib.scoring.rows import averaged, best_of, within

MAPS, LABELS = ("f1", "iou", "auc", "auc_shuffled"), ("image_auc", "correct")  # columns that are compared
CLASSIC = "best classic detector"  # on the images in question, chosen by what is compared: the claim has to beat it all the same
TAMPERED, AUTHENTIC = "tampered images", "authentic images"  # of which a change is


def at_home(rows: Rows, scores: pd.DataFrame) -> pd.DataFrame:
    """Those of `scores` on the test images of the training set."""
    return scores[scores["dataset"] == rows.target]


def own_images(rows: Rows) -> pd.DataFrame:
    """Weak runs on the training set's own test images."""
    return at_home(rows, rows.weak)


def other_sets(rows: Rows) -> pd.DataFrame:
    """Weak runs on sets not trained on: an image of any of them counts alike."""
    return averaged(rows.weak[rows.weak["dataset"] != rows.target], [*MAPS, *LABELS])


def same_source(rows: Rows) -> pd.DataFrame:
    """Weak runs on copy-move, whose tampered pixels come from the image that they lie in."""
    return rows.weak[rows.weak["dataset"].str.endswith("coverage")]


def decibels(rows: Rows) -> pd.DataFrame:
    """PSNR outside and inside the masks, an image of any set with masks counts alike; no predictor without image has one."""
    return averaged(rows.decibels, ["psnr"])


def error_maps(rows: Rows) -> pd.DataFrame:
    """The NRR's error map, fixed filters and predictors that look at no image, an image of any set with masks counts alike."""
    return averaged(pd.concat([rows.error, within(rows.trivial, rows.error)]), MAPS)


def unlabelled(rows: Rows) -> pd.DataFrame:
    """Self-distillation and the best classic detector, an image of any set with masks counts alike."""
    return averaged(pd.concat([rows.tampered(rows.unsupervised), best_classic(rows)]), MAPS)


def best_classic(rows: Rows) -> pd.DataFrame:
    """Maps of the classic detector with the highest F1 on all sets with masks together, once for every seed of self-distillation."""
    return best_of(rows.tampered(rows.classic), "f1", rows.unsupervised, CLASSIC)


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
    """Baseline, whole method, rivals that learned from labels and those that learned from masks, on MagicBrush."""
    found = pd.concat([rows.weak, rows.supervised])
    return found[found["dataset"].str.endswith("magicbrush")]


def whole_edits(rows: Rows) -> pd.DataFrame:
    """Weak runs on IEdit, whose real set is read as GIER."""
    return rows.weak[rows.weak["dataset"].str.endswith(("iedit", "gier"))]


def redrawn(rows: Rows) -> pd.DataFrame:
    """Detectors that learned from masks, on images as they are, redrawn and blurred: the mean over them; `method` is the attack."""
    found = rows.redrawn_supervised
    return averaged(
        found.assign(method=found["attack"]), [*MAPS, *LABELS], ["method", "seed", "dataset", "image", "label"]
    )


def redrawn_tampered(rows: Rows) -> pd.DataFrame:
    """Tampered images of `redrawn`."""
    return rows.tampered(redrawn(rows))


def redrawn_authentic(rows: Rows) -> pd.DataFrame:
    """Authentic images of `redrawn`."""
    found = redrawn(rows)
    return found[found["label"] == 0]


def redrawn_changes(rows: Rows) -> pd.DataFrame:
    """What redrawing adds (`change`): to pixel F1 of tampered images, to the share of authentic ones that is called so.

    These are other images; they are paired in the order of their names, as many as both have, so that an interval resamples both.
    """
    keys = ["seed", "dataset", "image"]
    parts = []
    for name, found, metric in (
        (TAMPERED, redrawn_tampered(rows), "f1"),
        (AUTHENTIC, redrawn_authentic(rows), "correct"),
    ):
        wide = found.pivot(index=keys, columns="method", values=metric).reindex(columns=["none", REDRAWN])
        change = (wide[REDRAWN] - wide["none"]).rename("change").reset_index().sort_values(keys)
        parts.append(change.assign(method=name, image=change.groupby(["seed", "dataset"]).cumcount()))
    both = pd.concat(parts, ignore_index=True)
    return both[both.groupby(keys)["change"].transform("size") == 2]


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


def error_gate(rows: Rows) -> pd.DataFrame:
    """Error maps and fixed filters beside maps of predictors that look at no image, own test images."""
    return beside_blind_maps(rows, at_home(rows, rows.error))


def poolings_gate(rows: Rows) -> pd.DataFrame:
    """Maps of `poolings` beside those of predictors that look at no image."""
    return beside_blind_maps(rows, poolings(rows))


def contrast_poolings_gate(rows: Rows) -> pd.DataFrame:
    """Maps of `contrast_poolings` beside those of predictors that look at no image."""
    return beside_blind_maps(rows, contrast_poolings(rows))


def distilled_gate(rows: Rows) -> pd.DataFrame:
    """Maps of self-distillation and of the best classic detector beside those of predictors that look at no image."""
    maps = pd.concat([distilled(rows), at_home(rows, best_classic(rows))])
    return beside_blind_maps(rows, maps)


def local_gate(rows: Rows) -> pd.DataFrame:
    """Maps of all runs with labels or masks beside those of predictors that look at no image."""
    return beside_blind_maps(rows, at_home(rows, pd.concat([rows.weak, rows.supervised])))


def redrawn_gate(rows: Rows) -> pd.DataFrame:
    """Maps of `redrawn` on images as they are, under the names of all sides: what was not learned cannot be lost."""
    found = redrawn_tampered(rows)
    plain = found[found["method"] == "none"]
    named = [plain.assign(method=name) for name in ("none", REDRAWN, BLURRED, TAMPERED, AUTHENTIC)]
    return beside_blind_maps(rows, pd.concat(named))


def redrawn_labels_gate(rows: Rows) -> pd.DataFrame:
    """Labels of `redrawn` on images as they are, under the names of all attacks, beside calling every image tampered."""
    found = redrawn(rows)
    plain = found[found["method"] == "none"]
    return beside_blind_labels(pd.concat([plain.assign(method=name) for name in ("none", REDRAWN, BLURRED)]))
