"""Exercises of the notebook on the discrepancy: what the library says at hidden inputs, and what is often mistaken.

Bridging section 3.2, Eq. 1 to 5.
"""

import torch
from torch import Tensor

from imdlib.bridge.discrepancy import Outputs, student_losses
from imdlib.bridge.labels import FULLY, PARTLY
from imdlib.lessons.bridge.discrepancy import copied, most_apart
from imdlib.lessons.exercises import Task, drawn, slips

COPIED = Task(
    lambda m: tuple(copied(m)),
    "the distance is 0; the derivative of a square is twice what is squared",
    lambda: {f"M = {m}": (m,) for m in (1.0, 4.0, 9.0)},
    {
        "the hinge is as far from 0 as it can be": lambda m: (0.0, 0.0),
        "the derivative of a square is 0 at 0": lambda m: (m, 1.0),
        "the derivative does not depend on the margin": lambda m: (m, 2 * m),
        "the distance is squared, the margin is not": lambda m: (m**2, 0.0),
        "M is compared with the squared distance": lambda m: (m**0.5, 0.0),
        "twice nothing is nothing": lambda m: (m, 2.0),
    },
)
APART = Task(
    lambda m: tuple(most_apart(m)),
    "two networks that are both certain, of different classes: (1, 0, 0) and (0, 1, 0)",
    lambda: {f"M = {m}": (m,) for m in (3.0, 4.0, 9.0)},
    {
        "two components differ by 1": lambda m: (1.0, m - 1),
        "the distance is squared": lambda m: (2**0.5, m - 2**0.5),
        "a network's probabilities add up to 1": lambda m: (3.0, m - 3),
        "the hinge is M less the distance": lambda m: (2.0, m),
        "it cannot reach the margin": lambda m: (2.0, 0.0),
        "the distance does not depend on the margin": lambda m: (m, 0.0),
    },
)


def raw_losses(teacher: Tensor, student1: Tensor, student2: Tensor, label: Tensor, margin: float) -> Tensor:
    """Eq. 1 to 5 of the library without generalizers."""
    raw = Outputs(teacher, student1, student2)
    return student_losses(raw, raw.of(label == PARTLY), raw.of(label == FULLY), label, margin=margin)["loss"]


def losses(teacher: Tensor, student1: Tensor, student2: Tensor, label: Tensor, margin: float, *, wrong: str) -> Tensor:
    """The same with a mistake."""
    if wrong == "softmax":
        teacher, student1, student2 = (one.softmax(1) for one in (teacher, student1, student2))
    d1, d2 = ((teacher - one).square() for one in (student1, student2))
    d1, d2 = (d1.mean(1), d2.mean(1)) if wrong == "mean" else (d1.sum(1), d2.sum(1))
    d1, d2 = (d1.sqrt(), d2.sqrt()) if wrong == "root" else (d2, d1) if wrong == "students" else (d1, d2)

    def average(values):
        values = values / len(label) * len(values) if wrong == "batch" and len(values) else values
        return values.mean() if len(values) or wrong == "nan" else values.sum()

    def hinge(values):
        inner = (4.0 if wrong == "four" else margin) - (average(values) if wrong == "late" else values)
        inner = inner if wrong == "no hinge" else inner.relu()
        return inner * bool(len(values)) if wrong == "late" else average(inner)

    real, partly, fully = (label == one for one in (0, 1, 2))
    terms = [
        average(d1[real]),
        average(d2[real]),
        hinge(d2[partly]),
        average(d1[partly]),
        hinge(d1[fully]),
        average(d2[fully]),
    ]
    left_out = {"real": (0, 1), "agree": (3, 5)}.get(wrong, ())
    return sum(one for number, one in enumerate(terms) if number not in left_out)


STUDENTS = Task(
    raw_losses,
    "six terms: real d1 and d2, partly fake [M - d2]+ and d1, fully fake [M - d1]+ and d2; each the mean over its class, 0 without one",
    lambda: {
        "all classes": (
            drawn(7, 3),
            drawn(7, 3, seed=1),
            drawn(7, 3, seed=2),
            torch.tensor([0, 0, 1, 1, 1, 2, 2]),
            4.0,
        ),
        "another margin": (
            drawn(7, 3),
            drawn(7, 3, seed=1),
            drawn(7, 3, seed=2),
            torch.tensor([2, 2, 0, 1, 1, 2, 0]),
            9.0,
        ),
        "no fully fake picture": (drawn(3, 3), drawn(3, 3, seed=1), drawn(3, 3, seed=2), torch.tensor([0, 1, 1]), 9.0),
        "real pictures alone": (drawn(2, 3), drawn(2, 3, seed=1), drawn(2, 3, seed=2), torch.tensor([0, 0]), 4.0),
    },
    slips(
        losses,
        {
            "softmax": "logits are compared, not probabilities",
            "mean": "the distance is the sum over the three logits, not their mean",
            "root": "the distance is squared; there is no root",
            "students": "student 2 disagrees about partly fake pictures, student 1 about fully fake ones",
            "batch": "each term is divided by the number of pictures of its class, not of the batch",
            "nan": "a class without a picture adds 0, not NaN",
            "late": "the hinge is taken of each picture, before the mean",
            "no hinge": "beyond the margin nothing pushes: the hinge is missing",
            "real": "Eq. 1 is missing: real pictures, both students",
            "agree": "Eq. 3 and 5 are missing: each student agrees about the other kind of fake",
            "four": "the margin is an argument and need not be 4",
        },
    ),
    gradients=(1, 2),
)
TASKS = (COPIED, APART, STUDENTS)
