"""The generalizer as an adversary in two dimensions: a picture is one point, so all of feature space can be drawn.

Bridging section 3.3, Eq. 6 and 7, against the students of Eq. 1 to 5. The teacher learns a little and then stands still;
after that one step of the students and `adversary` steps of the generalizers take turns, all pictures in every step.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from imdlib.bridge.discrepancy import Discrepancy, Outputs, generalizer_loss, student_losses
from imdlib.bridge.labels import CLASSES, FULLY, PARTLY
from imdlib.bridge.stages import learners, stage_losses
from imdlib.lessons.bridge.discrepancy import only_learn

CENTRES = torch.tensor([[0.0, 0.0], [2.0, 0.0], [0.0, 2.5]])  # real, partly fake, fully fake
NAMES = ("generalizer_pf", "generalizer_ff")


def cloud(centre: Tensor | Sequence[float], count: int = 40, seed: int = 0) -> Tensor:
    """Pictures of one token each around a centre: (count,1,2)."""
    noise = torch.randn(count, 1, 2, generator=torch.Generator().manual_seed(seed))
    return torch.as_tensor(centre, dtype=torch.float) + 0.3 * noise


def pictures(seed: int = 0) -> tuple[Tensor, Tensor]:
    """Tokens (120,1,2) and labels (120,): a cloud for each class."""
    label = torch.arange(len(CLASSES)).repeat_interleave(40)
    return torch.cat([cloud(centre, seed=3 * seed + i) for i, centre in enumerate(CENTRES)]), label


def begin(tokens: Tensor, label: Tensor, *, teacher_steps: int = 20, seed: int = 0) -> Discrepancy:
    """A `Discrepancy` whose teacher took some steps; students know nothing, generalizers change nothing."""
    torch.manual_seed(seed)
    model = Discrepancy(2, dim=16, depth=1, heads=2)
    only_learn(model, "teacher")
    optimizer = torch.optim.AdamW(model.teacher.parameters(), 3e-3)
    for _ in range(teacher_steps):
        optimizer.zero_grad()
        stage_losses("teacher", model, None, {"tokens": tokens, "label": label})["loss"].backward()
        optimizer.step()
    return model


def rewrite(model: Discrepancy, tokens: Tensor, label: Tensor) -> tuple[Tensor, Tensor]:
    """What the generalizers make of the fakes: partly fake (40,1,2), fully fake (40,1,2)."""
    return model.generalizer_pf(tokens[label == PARTLY]), model.generalizer_ff(tokens[label == FULLY])


def split(outputs: Outputs, *sizes: int) -> list[Outputs]:
    """Outputs of several batches that went through the networks together."""
    return [Outputs(*parts) for parts in zip(*(z.split(sizes) for z in outputs))]


def students_loss(
    model: Discrepancy, tokens: Tensor, label: Tensor, *, margin: float = 4.0, raw_too: bool = False
) -> Tensor:
    """Eq. 1 to 5, all pictures in one pass."""
    with torch.no_grad():
        partly, fully = rewrite(model, tokens, label)
    outputs = model.outputs(torch.cat([tokens, partly, fully]))
    parts = split(outputs, len(tokens), len(partly), len(fully))
    return student_losses(*parts, label, margin=margin, diverge_on_raw_too=raw_too)["loss"]


def adversary_loss(model: Discrepancy, tokens: Tensor, label: Tensor, *, margin: float = 4.0) -> Tensor:
    """Eq. 6 plus Eq. 7; the sum gives each generalizer the gradient of its own equation."""
    partly, fully = rewrite(model, tokens, label)
    pf, ff = split(model.outputs(torch.cat([partly, fully])), len(partly), len(fully))
    eq6 = generalizer_loss(pf.teacher, pf.student1, pf.student2, margin=margin)
    return eq6 + generalizer_loss(ff.teacher, ff.student2, ff.student1, margin=margin)


def play(
    model: Discrepancy,
    tokens: Tensor,
    label: Tensor,
    *,
    adversary: int = 1,
    students: int = 1,
    steps: int = 80,
    margin: float = 4.0,
    push: bool = True,
    raw_too: bool = False,
    every: int = 5,
) -> list[dict[str, Any]]:
    """Let students and generalizers take turns: list of moments, of `look` with `step`, at 0, `every`, ... and the last

    adversary, students: how many steps each side takes per turn, 0 = it stands still. push=False: Eq. 6 and 7 without
    their first term. raw_too: Eq. 2 and 4 on features as they are, too.
    """
    parts = learners(model, None)
    pupils = [weight for module in parts["students"] for weight in module.parameters()]
    rivals = [weight for name in NAMES for module in parts[name] for weight in module.parameters()]
    optimizers = [torch.optim.AdamW(weights, 5e-3, fused=True) for weights in (pupils, rivals)]
    only_learn(model)
    moments = []
    for step in range(steps + 1):
        if step % every == 0 or step == steps:
            moments.append({"step": step, **look(model, tokens, label)})
        turns = [(0, lambda: students_loss(model, tokens, label, margin=margin, raw_too=raw_too))] * students
        turns += [(1, lambda: adversary_loss(model, tokens, label, margin=margin if push else 0.0))] * adversary
        for who, loss in turns:
            for weights, learn in ((pupils, who == 0), (rivals, who == 1)):
                for weight in weights:
                    weight.requires_grad_(learn)
            optimizers[who].zero_grad()
            loss().backward()
            optimizers[who].step()
    return moments


@torch.no_grad()
def look(model: Discrepancy, tokens: Tensor, label: Tensor, size: int = 41) -> dict[str, Any]:
    """fields: d1 and d2 over the square from -4 to 5, (size,size,2), upwards; moved: the rewritten fakes, two of (40,2)."""
    line = torch.linspace(-4, 5, size)
    y, x = torch.meshgrid(line, line, indexing="ij")
    fields = model.distances(torch.stack([x, y], -1).view(-1, 1, 2)).view(size, size, 2)
    return {"fields": fields.numpy(), "moved": [one[:, 0].numpy() for one in rewrite(model, tokens, label)]}


def story(*, teacher_steps: int = 20, seed: int = 0, **options: Any) -> tuple[Discrepancy, list[dict[str, Any]]]:
    """Teacher, then the game of `play`: model, moments."""
    tokens, label = pictures(seed)
    model = begin(tokens, label, teacher_steps=teacher_steps, seed=seed)
    return model, play(model, tokens, label, **options)
