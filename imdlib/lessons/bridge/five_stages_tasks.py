"""Exercises of the notebook on the five stages: what the library says at hidden inputs, and what is often mistaken.

Bridging sections 3.3, 3.4 and 4.1, Eq. 8.
"""

import torch
from torch import Tensor

from imdlib.bridge.discrepancy import Outputs, discrepancy_vector
from imdlib.bridge.stages import STAGES, timetable
from imdlib.lessons.exercises import Task, drawn, slips

TOKENS = Task(
    lambda height, width, stem, fusion: 1 + (fusion == "token") + -(-height // (4 * stem)) * -(-width // (4 * stem)),
    "a class token, one for each cell of 4 x stem_stride pixels a side (edges are padded), and what 'token' fusion adds",
    lambda: {
        f"{h} x {w}, stem stride {s}, {fusion}": (h, w, s, fusion)
        for h, w, s, fusion in ((64, 64, 1, "late"), (256, 256, 4, "token"), (100, 60, 4, "none"), (33, 65, 2, "token"))
    },
    {
        "the class token is missing": lambda h, w, s, f: (f == "token") + -(-h // (4 * s)) * -(-w // (4 * s)),
        "with 'token' the discrepancies are a token": lambda h, w, s, f: 1 + -(-h // (4 * s)) * -(-w // (4 * s)),
        "with 'late' no token is added": lambda h, w, s, f: 1 + (f != "none") + -(-h // (4 * s)) * -(-w // (4 * s)),
        "edges are padded, not cut": lambda h, w, s, f: 1 + (f == "token") + h // (4 * s) * (w // (4 * s)),
        "a token covers 4 x stem_stride pixels a side": lambda h, w, s, f: 1 + (f == "token") + -(-h // s) * -(-w // s),
        "a token is a square of 4 x stem_stride pixels a side": lambda h, w, s, f: (
            1 + (f == "token") + -(-h // (4 * s))
        ),
    },
    rtol=1e-9,
)


def vector(teacher: Tensor, student1: Tensor, student2: Tensor, *, wrong: str) -> Tensor:
    """Eq. 8's input with a mistake."""
    first, second = teacher - student1, teacher - student2
    if wrong == "order":
        first, second = second, first
    if wrong == "students":
        second = student1 - student2
    if wrong == "distances":
        return torch.stack([first.square().sum(1), second.square().sum(1)], 1)
    if wrong == "woven":
        return torch.stack([first, second], 2).square().flatten(1)
    both = torch.cat([first, second], 1)
    if wrong == "teacher":
        return torch.cat([teacher, both.square()], 1)
    return both if wrong == "square" else both.abs() if wrong == "absolute" else both.square().log1p()


VECTOR = Task(
    lambda *z: discrepancy_vector(Outputs(*z)),
    "the squared differences of the logits, teacher less student 1, then teacher less student 2: (B,6)",
    lambda: {
        "four pictures": (drawn(4, 3), drawn(4, 3, seed=1), drawn(4, 3, seed=2)),
        "no picture": (drawn(0, 3), drawn(0, 3), drawn(0, 3)),
        "students that copy": (drawn(2, 3), drawn(2, 3), drawn(2, 3)),
    },
    slips(
        vector,
        {
            "order": "student 1 stands first",
            "students": "both differences are from the teacher",
            "distances": "Eq. 8 keeps each logit's difference, it does not add them up to d1 and d2",
            "woven": "all of student 1 stands first, then all of student 2",
            "teacher": "the teacher's logits do not go in",
            "square": "the differences are squared",
            "absolute": "the differences are squared, not made positive",
            "log": "the logarithm belongs to the classifier, not to the vector",
        },
    ),
    gradients=(0, 1, 2),
)


def fused(cam: Tensor, trans: Tensor, disc: Tensor, *, wrong: str = "") -> Tensor:
    """Late fusion of the Conformer, with a mistake where one is named."""
    conv = cam.amax((2, 3)) if wrong == "max" else cam.sum((2, 3)) if wrong == "cells" else cam.mean((2, 3))
    if wrong == "probabilities":
        return conv.softmax(1) + trans.softmax(1) + disc.softmax(1)
    if wrong == "softmax":
        return (conv + trans + disc).softmax(1)
    left_out = {"no disc": conv + trans, "no trans": conv + disc, "no conv": trans + disc}
    return left_out.get(wrong, (conv + trans + disc) / (3 if wrong == "mean" else 1))


FUSION = Task(
    fused,
    "logits of all three sources, added: the mean of the activation map over cells, the class token's, the discrepancies'",
    lambda: {
        "four pictures": (drawn(4, 3, 2, 3), drawn(4, 3, seed=1), drawn(4, 3, seed=2)),
        "one cell": (drawn(1, 3, 1, 1), drawn(1, 3, seed=1), drawn(1, 3, seed=2)),
    },
    slips(
        fused,
        {
            "max": "the activation map is averaged, its maximum is not taken",
            "cells": "the activation map is averaged, not added up",
            "probabilities": "logits are added, not probabilities",
            "softmax": "logits are asked for; the softmax comes later",
            "no disc": "the discrepancies are missing",
            "no trans": "the class token's logits are missing",
            "no conv": "the activation map's logits are missing",
            "mean": "logits are added, not averaged",
        },
    ),
    gradients=(0, 1, 2),
)


def turns(epochs: int, teacher_epochs: int, *, wrong: str) -> list[list[str]]:
    """The stages of each epoch with a mistake."""
    others = [one for one in STAGES if one != "teacher"]
    if wrong == "always":
        return [list(STAGES)] * epochs
    if wrong == "first":
        return [["teacher"] if epoch < teacher_epochs else others for epoch in range(epochs)]
    if wrong == "longer":
        return [list(STAGES)] * teacher_epochs + [others] * epochs
    if wrong == "once":
        return [["teacher"]] * teacher_epochs + [[one] for one in others for _ in range(epochs)]
    if wrong == "one a turn":
        return [[STAGES[epoch % 5]] for epoch in range(epochs)]
    if wrong == "off by one":
        return [list(STAGES) if epoch <= teacher_epochs else others for epoch in range(epochs)]
    return [
        (others[-1:] + list(STAGES)[:-1]) if epoch < teacher_epochs else others[-1:] + others[:-1]
        for epoch in range(epochs)
    ]


TIMETABLE = Task(
    lambda epochs, teacher: [
        [one for turn in passes for one in turn]
        for passes in timetable(STAGES, order="epoch", epochs=epochs, teacher_epochs=teacher)
    ],
    "each epoch has a pass for every stage in its order, the teacher's only in the first teacher_epochs",
    lambda: {f"{e} epochs, teacher {t}": (e, t) for e, t in ((5, 3), (2, 0), (2, 4), (1, 1))},
    slips(
        turns,
        {
            "always": "the teacher stops after its epochs: everything else is measured from it",
            "first": "in the teacher's epochs the other stages have their passes, too",
            "longer": "the teacher's epochs are the first of the epochs, not in front of them",
            "once": "stages take turns within every epoch",
            "one a turn": "every epoch has a pass for each stage",
            "off by one": "the teacher learns in exactly teacher_epochs epochs",
            "classifier": "the classifier comes last: it reads what the others say",
        },
    ),
)
TASKS = (TOKENS, VECTOR, FUSION, TIMETABLE)
