"""Exercises of the notebook on the generalizers: what the library says at hidden inputs, and what is often mistaken.

Bridging section 3.3, Eq. 6 and 7.
"""

import torch
from torch import Tensor

from imdlib.bridge.discrepancy import generalizer_loss
from imdlib.lessons.bridge.generalizers_unseen import changed
from imdlib.lessons.exercises import Task, drawn, slips


def eq6(margin: float) -> tuple[Tensor, ...]:
    """Eq. 6 for a feature where real, fully fake and partly fake pictures lie."""
    places = ((0.0, 0.0), (margin, 0.0), (0.0, margin))
    return tuple(generalizer_loss(*torch.tensor([0.0, *place]).sqrt().view(3, 1, 1), margin=margin) for place in places)


EQ6 = Task(
    eq6,
    "the hinge of M - d1, plus d2",
    lambda: {f"M = {m}": (m,) for m in (4.0, 1.0, 9.0)},
    {
        "to look real still costs the hinge of d1": lambda m: (0, 0, 2 * m),
        "among the partly fake ones both terms count": lambda m: (m, 0, m),
        "d1 = M is where the hinge lets go": lambda m: (m, m, 2 * m),
        "that is Eq. 7": lambda m: (m, 2 * m, 0),
        "it depends on M": lambda m: (4, 0, 8),
        "that is Eq. 2, what the student wants": lambda m: (m, m, 0),
        "d is squared already": lambda m: (m, 0, m + m**2),
    },
)
CHANGED = Task(
    changed,
    "the gradient passes through three of the networks; who steps?",
    mistakes={
        "the gradient runs through teacher and students; their weights stay": {
            "teacher", "student1", "student2", "generalizer_pf", "generalizer_ff"
        },
        "the students have a step of their own": {"student1", "student2"},
        "Eq. 7 is for the other generalizer": {"generalizer_pf"},
        "Eq. 6 is for the other generalizer": {"generalizer_ff"},
        "the students' weights stay": {"student1", "student2", "generalizer_pf", "generalizer_ff"},
        "somebody steps": {"nobody"},
    },
    names=("teacher", "student1", "student2", "generalizer_pf", "generalizer_ff"),
)  # fmt: skip


def rivalled(teacher: Tensor, push: Tensor, pull: Tensor, margin: float, *, wrong: str) -> Tensor:
    """Eq. 6 with a mistake."""
    far, near = ((teacher - one).square().sum(1) for one in (push, pull))
    far, near = (near, far) if wrong == "turned" else (far.sqrt(), near.sqrt()) if wrong == "root" else (far, near)
    far, near = (far / 3, near / 3) if wrong == "mean" else (far, near)
    margin = 4.0 if wrong == "four" else margin
    hinge = (margin - far) if wrong == "no hinge" else (margin - far).relu()
    if len(teacher) == 0:
        return hinge.mean() if wrong == "nan" else hinge.sum()
    if wrong == "late":
        hinge = (margin - far.mean()).relu()
    terms = {
        "first": near.mean(),
        "second": hinge.mean(),
        "sign": near.mean() - hinge.mean(),
        "student": (margin - near).relu().mean(),
    }
    return terms.get(wrong, hinge.sum() + near.sum() if wrong == "sum" else hinge.mean() + near.mean())


GENERALIZER = Task(
    lambda t, push, pull, margin: generalizer_loss(t, push, pull, margin=margin),
    "mean of [M - d_push]+ plus mean of d_pull, squared distances between logits; 0 for no picture",
    lambda: {
        "five pictures": (drawn(5, 3), drawn(5, 3, seed=1), drawn(5, 3, seed=2), 4.0),
        "far apart": (drawn(3, 3), 4 * drawn(3, 3, seed=1), drawn(3, 3, seed=2), 4.0),
        "another margin": (drawn(5, 3), drawn(5, 3, seed=1), drawn(5, 3, seed=2), 9.0),
        "no picture": (drawn(0, 3), drawn(0, 3), drawn(0, 3), 4.0),
    },
    slips(
        rivalled,
        {
            "turned": "Eq. 6 pushes the first student away and pulls the second one near",
            "root": "the distances are squared; there is no root",
            "mean": "the distance is the sum over the three logits",
            "no hinge": "beyond the margin nothing pushes: the hinge is missing",
            "late": "the hinge is taken of each picture, before the mean",
            "nan": "no picture gives 0, not NaN",
            "first": "the first term, the hinge, is missing",
            "second": "the second term, d_pull, is missing",
            "sign": "both terms are to be made small",
            "student": "that is what the student wants",
            "sum": "pictures are averaged, not added",
            "four": "the margin is an argument and need not be 4",
        },
    ),
    gradients=(0, 1, 2),
)
TASKS = (EQ6, CHANGED, GENERALIZER)
