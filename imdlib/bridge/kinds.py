"""Kinds of statements about Bridging: each with the metric that decides it, its gate, and what would overturn its verdict.

A detector is judged by `image_auc`, which no threshold moves: the paper's F1 is of a whole set and has no value for an image.
Three classes are judged by `recall`, the mean over the classes: macro F1, in the tables beside it, has no value for an image
either. A map is judged by `auc_shuffled`, which a map that looks at no image cannot win; the map that inference gives, against
one that marks everything, by `f1`. The other metrics stand beside.
"""

from collections.abc import Callable
from functools import partial

from imdlib.bridge.cuts import (
    CHANCE,
    JUDGING,
    OURS,
    TRACING,
    lost_on_unseen,
    of_three,
    own_images,
    own_maps,
    pairs_in_order,
    real_distances,
    spaces,
    unseen_generators,
)
from imdlib.bridge.gates import both_learned, images_learned, maps_learned, spaces_learned
from imdlib.pages.claims import Statement

REAL_GENERATORS = (
    "Dolos itself with CLIP's features, where the same two rows give an interval on the other side of zero"
)
OTHER_TRACES = (
    "a data set whose fakes the frozen features tell apart less well, where the same two rows give an interval on the other "
    "side of zero"
)
LONGER = "a larger Conformer, trained on more images, whose maps pass the gate and give an interval on the other side of zero"
SEEDS = "more seeds, or a margin and a number of the teacher's passes outside the space that was searched, that reverse the order"


def detects(name: str, where: str, says: str, cut: Callable, worse: str, better: str, **more: object) -> Statement:
    """A statement about images called real or fake."""
    usual = dict(gate=images_learned, overturned=REAL_GENERATORS)
    return Statement(name, where, says, cut, worse, better, JUDGING, "image_auc", **usual | more)


def loses_less(name: str, where: str, says: str, rival: str) -> Statement:
    """A statement about what unseen generators take from a detector, of two that have both learned: at chance nothing can be lost."""
    return detects(name, where, says, lost_on_unseen, rival, OURS, gate=partial(both_learned, rival=rival))


def helps(name: str, where: str, says: str, worse: str, better: str) -> tuple[Statement, Statement]:
    """A statement about a part of the method, on its own test images and on unseen generators."""
    about = dict(overturned=OTHER_TRACES)
    return (
        detects(name, where, f"{says}, own test images", own_images, worse, better, **about),
        detects(f"{name}-unseen", where, f"{says}, unseen generators", unseen_generators, worse, better, **about),
    )


def tells(name: str, where: str, says: str, worse: str, better: str) -> tuple[Statement, Statement]:
    """A statement about the paper's own task, three classes, on its own test images and on unseen generators."""
    places = {"": ("own test images", own_images), "-unseen": ("unseen generators", unseen_generators)}
    about = dict(gate=images_learned, overturned=OTHER_TRACES)
    return tuple(
        Statement(
            f"three-{name}{end}",
            where,
            f"of three classes, {says}, {place}",
            partial(of_three, cut),
            worse,
            better,
            JUDGING,
            "recall",
            **about,
        )
        for end, (place, cut) in places.items()
    )


def orders(name: str, says: str) -> Statement:
    """A statement about the distances, against pairs in no order."""
    sides = f"{CHANCE}: {says}", f"{OURS}: {says}"
    about = f"after training, {says}"
    return Statement(name, "Fig. 3", about, pairs_in_order, *sides, ("ordered",), "ordered", overturned=SEEDS)


def real(name: str, says: str, metric: str) -> Statement:
    """A statement about the distances of real images, against one half."""
    sides, read = (CHANCE, OURS), "how near fakes come, in the table of Figure 3"
    return Statement(name, "Fig. 3", says, real_distances, *sides, (metric,), metric, overturned=SEEDS, read_with=read)


def traces(name: str, where: str, says: str, worse: str, better: str, **more: object) -> Statement:
    """A statement about maps of partly fake images."""
    usual = dict(cut=own_maps, decides="auc_shuffled", gate=maps_learned, overturned=LONGER)
    return Statement(name, where, says, worse=worse, better=better, metrics=TRACING, **usual | more)


def parts_classes(name: str, says: str, worse: str, better: str, cut: Callable = spaces) -> Statement:
    """A statement about neighbours of other scenes in two spaces of features."""
    shown = dict(gate=partial(spaces_learned, cut=cut), overturned=REAL_GENERATORS)
    return Statement(name, "Fig. 4", says, cut, worse, better, ("knn",), "knn", **shown)
