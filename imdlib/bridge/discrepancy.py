"""Discrepancy-aware distillation: a teacher, two students that agree with it on some classes only, two generalizers.

Bridging sections 3.2 and 3.3, equations 1 to 8. After training d1 (teacher to student 1) and d2 (to student 2) tell the
classes apart: real small, small; partly fake small, large; fully fake large, small.

Differs from the paper:
- The square of a vector is read as the squared L2 distance, the margin's hinge as applied to each image; so margin 4
  asks for a distance of 2. `elementwise=True` puts the hinge on each component instead, and averages.
- The compared outputs are the logits, which are unbounded (probabilities can never be 4 apart); `disc_on="feature"`
  compares the readouts before them.
- Around Eq. 5 the text and the equation differ in whether student 2 sees raw or rewritten features; as in the
  equations, a student converges on raw fakes and diverges on rewritten ones. It could then tell the two apart instead of
  the classes: `diverge_on_raw_too=True` adds the hinge on raw fakes.
- Only a generalizer learns in Eq. 6 and 7; the text has the other networks "modified" there, too.
"""

from collections.abc import Sequence
from typing import NamedTuple, Self

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from imdlib.bridge.labels import CLASSES, rows_of
from imdlib.bridge.transformers import Generalizer, Reader


class Outputs(NamedTuple):
    """What the three networks say about the same tokens, (B,K) each."""

    teacher: Tensor
    student1: Tensor
    student2: Tensor

    def of(self, rows: Tensor) -> "Outputs":
        """Outputs of some images: their positions (n,), or a mask (B,) bool."""
        return Outputs(*(z[rows] for z in self))


def squared_distance(z_teacher: Tensor, z_student: Tensor) -> Tensor:
    """d^2 of each image: (B,K), (B,K) -> (B,), in float32 also inside autocast."""
    return (full(z_teacher) - full(z_student)).square().sum(1)


def converge(z_teacher: Tensor, z_student: Tensor) -> Tensor:
    """Eq. 1, 3 and 5: mean over images of the squared distance; zero that is part of the graph for no image."""
    return mean(squared_distance(z_teacher, z_student))


def diverge(z_teacher: Tensor, z_student: Tensor, *, margin: float = 4.0, elementwise: bool = False) -> Tensor:
    """Eq. 2 and 4: mean over images of [margin - d]_+; zero that is part of the graph for no image.

    elementwise: mean over images and components of [margin - (difference)^2]_+ instead.
    """
    if elementwise:
        return mean(F.relu(margin - (full(z_teacher) - full(z_student)).square()))
    return mean(F.relu(margin - squared_distance(z_teacher, z_student)))


def student_losses(
    raw: Outputs,
    rewritten_pf: Outputs,
    rewritten_ff: Outputs,
    label: Tensor,
    *,
    rows: Sequence[Tensor] | None = None,
    diverge_on_raw_too: bool = False,
    **hinge: float | bool,
) -> dict[str, Tensor]:
    """Eq. 1 to 5: dict of scalars, `loss` their plain sum. Student i may learn from them, the teacher must be detached.

    raw: Outputs on the batch's own tokens (B,K); rewritten_pf, rewritten_ff: Outputs on G_PF(partly fake tokens) and on
    G_FF(fully fake tokens), with as many rows as the batch has of the class; label (B,), see `labels`; rows: `rows_of` it,
    where known. hinge: margin, elementwise.
    """
    real, partly, fully = (raw.of(one) for one in (rows_of(label) if rows is None else rows))
    parts = {
        "real1": converge(real.teacher, real.student1),  # Eq. 1, i = 1
        "real2": converge(real.teacher, real.student2),  # Eq. 1, i = 2
        "pf_diverge2": diverge(rewritten_pf.teacher, rewritten_pf.student2, **hinge),  # Eq. 2
        "pf_converge1": converge(partly.teacher, partly.student1),  # Eq. 3
        "ff_diverge1": diverge(rewritten_ff.teacher, rewritten_ff.student1, **hinge),  # Eq. 4
        "ff_converge2": converge(fully.teacher, fully.student2),  # Eq. 5
    }
    if diverge_on_raw_too:
        parts["pf_diverge2_raw"] = diverge(partly.teacher, partly.student2, **hinge)
        parts["ff_diverge1_raw"] = diverge(fully.teacher, fully.student1, **hinge)
    return {"loss": sum(parts.values()), **parts}


def generalizer_loss(z_teacher: Tensor, z_push: Tensor, z_pull: Tensor, **hinge: float | bool) -> Tensor:
    """Eq. 6 (push = student 1, pull = student 2) and Eq. 7 (the other way round): [margin - d_push]_+ + d_pull.

    It closes the very gap that Eq. 2 or 4 opens, and opens the one that Eq. 3 or 5 closes. z: (B,K) on rewritten tokens.
    """
    return diverge(z_teacher, z_push, **hinge) + converge(z_teacher, z_pull)


def discrepancy_vector(z: Outputs) -> Tensor:
    """Eq. 8, the classifier's input: Outputs (B,K) -> (B,2K), squares of teacher - student 1, then - student 2."""
    z = Outputs(*(full(one) for one in z))
    return torch.cat([(z.teacher - z.student1).square(), (z.teacher - z.student2).square()], dim=1)


class Discrepancy(nn.Module):
    """Teacher, students and generalizers over tokens (B,T,features); `width` is the length of the vector of Eq. 8.

    disc_on: 'logits' or 'feature', what is compared; dim, depth, heads: of all five transformers. generalizers=False:
    students diverge on the fakes as they are. students=False: the teacher's probabilities (B,3) take the place of Eq. 8.
    """

    def __init__(
        self,
        features: int,
        *,
        disc_on: str = "logits",
        students: bool = True,
        generalizers: bool = True,
        dim: int = 384,
        depth: int = 4,
        heads: int = 6,
    ) -> None:
        super().__init__()
        if disc_on not in ("logits", "feature"):
            raise ValueError(f"disc_on={disc_on!r}: expected 'logits' or 'feature'")
        self.disc_on, self.students = disc_on, students
        self.width = 2 * (len(CLASSES) if disc_on == "logits" else dim) if students else len(CLASSES)
        shape = dict(dim=dim, depth=depth, heads=heads)
        self.teacher = Reader(features, **shape)
        self.student1, self.student2 = (Reader(features, **shape) if students else nn.Identity() for _ in range(2))
        adversarial = students and generalizers
        self.generalizer_pf, self.generalizer_ff = (
            Generalizer(features, **shape) if adversarial else nn.Identity() for _ in range(2)
        )

    def outputs(self, tokens: Tensor) -> Outputs:
        """Outputs on tokens (B,T,D), of what `disc_on` says; of no image, zeros (0,K) that are part of no graph."""
        if len(tokens) == 0:
            return Outputs(*[tokens.new_zeros(0, self.width // 2)] * 3)
        which = 0 if self.disc_on == "logits" else 1
        return Outputs(*(network(tokens)[which] for network in (self.teacher, self.student1, self.student2)))

    def outputs_of(self, *parts: Tensor) -> list[Outputs]:
        """`outputs` of several token sequences at once, one Outputs each."""
        joined = self.outputs(torch.cat(parts))
        return [Outputs(*some) for some in zip(*(z.split([len(one) for one in parts]) for z in joined))]

    def forward(self, tokens: Tensor) -> Tensor:
        """Eq. 8: tokens (B,T,D) -> (B,width) float32, without generalizers, as at inference."""
        if not self.students:
            return self.teacher_logits(tokens).float().softmax(1)
        return discrepancy_vector(self.outputs(tokens))

    def teacher_logits(self, tokens: Tensor) -> Tensor:
        """The teacher's own classification, logits (B,3)."""
        return self.teacher(tokens)[0]

    def beginning(self, untrained: Self) -> Self:
        """This teacher beside the students of `untrained`, which may be changed: the fair "before" of Figure 3, since the
        students of the paper begin to learn from a teacher that is trained and frozen."""
        untrained.teacher = self.teacher
        return untrained

    def distances(self, tokens: Tensor) -> Tensor:
        """d1 and d2 of each image, (B,2) float32, squared; NaN without students."""
        if not self.students:
            return torch.full((len(tokens), 2), torch.nan)
        return self(tokens).unflatten(1, (2, -1)).sum(2)


def mean(values: Tensor) -> Tensor:
    """Mean over all values, 0 with a graph where there is none."""
    return values.mean() if values.numel() else values.sum()


def full(z: Tensor) -> Tensor:
    """Half precision becomes float32; float32 and float64 stay."""
    return z if z.dtype == torch.float64 else z.float()
