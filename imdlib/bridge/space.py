"""What Bridging's rows are tuned in: one space of settings for the method, its parts and its rivals, and what each row takes of it.

A row is a compared method. Each gets the same number of draws, is trained with all classes on the study's training set, and is
judged by labels of validation images alone (`keep`: `val_both`, mean of the recall over its classes and of the AUC of fake).
"""

from collections.abc import Mapping
from typing import Any

from imdlib.bridge.methods import METHODS, VARIANTS
from imdlib.protocol.search import Choice, Log, Row, row_of

SPACE = {
    "learning_rate": Log(0.0002, 0.005),
    "weight_decay": Log(0.0001, 0.1),
    "teacher_passes": Choice(2, 4, 8),
    "margin": Log(1.0, 16.0),
    "perturbed": Choice(0.1, 0.5),  # the two probabilities of Wang et al.
    "rotation": Choice(0.0, 20.0),  # none, as traces ask for, or that of TAR's authors
}
COMMON = ("learning_rate", "weight_decay")
DISTILLED = (*COMMON, "teacher_passes", "margin")
SEARCHED = {
    "wang": (*COMMON, "perturbed"),
    "tar": (*COMMON, "rotation"),
    "transcam": COMMON,
    "teacher": (*COMMON, "teacher_passes"),
    "disc": DISTILLED,
    "late": DISTILLED,
    "wang-imagenet": (*COMMON, "perturbed"),
    "transcam-imagenet": COMMON,
    "late-features": DISTILLED,
    "late-crossfit": DISTILLED,
}  # row -> what it is tuned in
BORROWED = {
    "token": "late",
    "late-no-generalizers": "late",
    "late-no-students": "late",
    "teacher-features": "late-features",
}  # what has one thing less, or another, than a row keeps that row's settings
KINDS = {name: Row(dict(method=name)) for name in METHODS} | {name: Row(fixed) for name, fixed in VARIANTS.items()}
ROWS = {name: Row(KINDS[name].fixed, searched) for name, searched in SEARCHED.items()}


def kind_of(parameters: Mapping[str, Any]) -> str:
    """Name of the compared method that a run is of, a key of KINDS."""
    return row_of(parameters, KINDS)


def settings_of(parameters: Mapping[str, Any], tuned: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The tuned settings for a run: those of its row, or of the row that it borrows from; {} where there are none."""
    kind = kind_of(parameters)
    return dict(tuned.get(BORROWED.get(kind, kind), {}))
