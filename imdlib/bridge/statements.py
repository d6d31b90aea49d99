"""What Bridging states, and what we check besides: which rows decide each statement, and the one number that it is about.

A detector is judged by `image_auc`, which no threshold moves: the paper's F1 is of a whole set and has no value for an image.
A map is judged by `auc_shuffled`, which a map that looks at no image cannot win; the map that inference gives, against
one that marks everything, by `f1`. The other metrics stand beside.
"""

from collections.abc import Callable

from imdlib.bridge.cuts import (
    CHANCE,
    JUDGING,
    OURS,
    fully_fakes,
    lost_on_unseen,
    own_images,
    own_maps,
    pairs_in_order,
    unseen_generators,
)
from imdlib.bridge.measures import blind, ordering, probe
from imdlib.bridge.measures.labelled import NAMES
from imdlib.bridge.measures.maps import DRAWN, PLAIN
from imdlib.bridge.methods import METHODS
from imdlib.pages.claims import Statement

TRACING = ("f1", "iou", "auc", "auc_shuffled")
WANG, TAR, TRANSCAM, TEACHER, ALONE = (METHODS[key] for key in ("wang", "tar", "transcam", "teacher", "disc"))
WITHOUT = f", {NAMES['with_fully']}"
HEADLINES = {
    "unseen-wang",
    "drop-wang",
    "drop-tar",
    "teacher-unseen",
    "discrepancies",
    "discrepancies-unseen",
    "generalizers-unseen",
    "conformer-unseen",
    "whole-wang",
    "order-0",
    "order-2",
    "attention",
    "ours-probe",
}  # names of the statements that the README shows


def detects(name: str, where: str, says: str, cut: Callable, worse: str, better: str) -> Statement:
    """A statement about images called real or fake."""
    return Statement(name, where, says, cut, worse, better, JUDGING, "image_auc", name in HEADLINES)


def helps(name: str, where: str, says: str, worse: str, better: str) -> tuple[Statement, Statement]:
    """A statement about a part of the method, on its own test images and on unseen generators."""
    return (
        detects(name, where, f"{says}, own test images", own_images, worse, better),
        detects(f"{name}-unseen", where, f"{says}, unseen generators", unseen_generators, worse, better),
    )


def orders(name: str, says: str) -> Statement:
    """A statement about the distances, against pairs in no order."""
    sides = f"{CHANCE}: {says}", f"{OURS}: {says}"
    about = f"after training, {says}"
    return Statement(name, "Fig. 3", about, pairs_in_order, *sides, ("ordered",), "ordered", name in HEADLINES)


def traces(name: str, where: str, says: str, worse: str, better: str, decides: str = "auc_shuffled") -> Statement:
    """A statement about maps of partly fake images."""
    return Statement(name, where, says, own_maps, worse, better, TRACING, decides, name in HEADLINES)


# fmt: off
STATEMENTS = (
    detects("unseen-wang", "Table 2", "ours beats Wang et al. on unseen generators", unseen_generators, WANG, OURS),
    detects("unseen-tar", "Table 2", "ours beats TAR on unseen generators", unseen_generators, TAR, OURS),
    detects("drop-wang", "section 4.2.1", "ours drops less than Wang et al. from trained to unseen generators",
            lost_on_unseen, WANG, OURS),
    detects("drop-tar", "section 4.2.1", "ours drops less than TAR from trained to unseen generators",
            lost_on_unseen, TAR, OURS),
    detects("home-wang", "Table 2", "in domain Wang et al. stand above ours", own_images, OURS, WANG),
    detects("home-tar", "Table 2", "in domain TAR stands above ours", own_images, OURS, TAR),
    detects("whole-wang", "section 4.2.1", "trained without fully fake images, ours calls them better than Wang et al.",
            fully_fakes, WANG + WITHOUT, OURS + WITHOUT),
    detects("fully-ours", "section 3.2", "ours calls fully fake images better if trained on some",
            fully_fakes, OURS + WITHOUT, OURS),
    detects("fully-wang", "section 4.2.1", "Wang et al. call fully fake images better if trained on some",
            fully_fakes, WANG + WITHOUT, WANG),
    *helps("generalizers", "section 3.3", "the generalizers help", METHODS["late-no-generalizers"], OURS),
    *helps("students", "section 3.2", "students help against the teacher's probabilities alone",
           METHODS["late-no-students"], OURS),
    *helps("discrepancies", "section 4.2.2", "discrepancies improve TransCAM", TRANSCAM, OURS),
    *helps("conformer", "section 3.4", "the Conformer helps against discrepancies alone", ALONE, OURS),
    *helps("teacher", "section 3.2", "ours beats the teacher that it is made from", TEACHER, OURS),
    *helps("distillation", "section 3.2", "discrepancies alone beat the teacher that they are made from", TEACHER, ALONE),
    *helps("token", "not printed", "adding logits is better than adding a token", METHODS["token"], OURS),
    *(orders(f"order-{number}", says) for number, says in enumerate(ordering.METRICS)),
    traces("attention", "section 3.5", "attention improves the activation map of ours", OURS + PLAIN, OURS + DRAWN),
    traces("attention-transcam", "section 3.5", "attention improves the activation map of TransCAM",
           TRANSCAM + PLAIN, TRANSCAM + DRAWN),
    traces("discrepancies-map", "section 3.3", "discrepancies improve TransCAM's map", TRANSCAM + DRAWN, OURS + DRAWN),
    traces("map-blob", "not printed", "the map of ours is better than the centre blob", "centre blob", OURS + DRAWN),
    traces("map-ones", "not printed", "the map of ours, as inference gives it, is better than the all-ones map",
           "all-ones map", OURS, decides="f1"),
    detects("ours-always", "not printed", "ours calls images better than always fake", own_images, blind.FAKE, OURS),
    detects("wang-always", "not printed", "Wang et al. call images better than always fake", own_images, blind.FAKE, WANG),
    detects("ours-probe", "not printed", "ours calls images better than a linear probe on the same features",
            own_images, probe.METHOD, OURS),
)
# fmt: on
