"""Two students beside one teacher: pictures of six tokens in two dimensions, and their way through the plane of d1 and d2.

Bridging section 3.2, Eq. 1 to 5. The generalizers of section 3.3 are left out: what they rewrite is taken as it is.
"""

from collections.abc import Iterable
from typing import Any

import pandas as pd
import torch
from sklearn.metrics import roc_auc_score
from torch import Tensor

from imdlib.bridge.discrepancy import Discrepancy, Outputs, diverge, squared_distance, student_losses
from imdlib.bridge.labels import CLASSES, FULLY, PARTLY, REAL
from imdlib.bridge.stages import learners, stage_losses

SMALL = dict(dim=16, depth=1, heads=2)
EQUATIONS = {  # names of the losses of `student_losses`
    "Eq. 1": ("real1", "real2"),
    "Eq. 2 and 4": ("pf_diverge2", "ff_diverge1"),
    "Eq. 3 and 5": ("pf_converge1", "ff_converge2"),
}


def pictures(
    count: int = 40, trace: float = 1.0, tokens: int = 6, rewritten: int = 2, seed: int = 0
) -> tuple[Tensor, Tensor]:
    """Tokens (3*count,tokens,2) and labels (3*count,): every token is noise around one place, made ones are moved.

    trace: how far a generator moves the tokens that it made, in units of 2; `rewritten` tokens of a partly fake picture
    and all of a fully fake one.
    """
    label = torch.arange(len(CLASSES)).repeat_interleave(count)
    made = (label == FULLY)[:, None] | ((label == PARTLY)[:, None] & (torch.arange(tokens) < rewritten))
    noise = 0.5 * torch.randn(len(label), tokens, 2, generator=torch.Generator().manual_seed(seed))
    return torch.tensor([1.0, 0.0]) + noise + 2 * trace * made[..., None] * torch.tensor([-0.6, 0.8]), label


def only_learn(model: Discrepancy, stage: str = "") -> None:
    """Only the modules that learn in a stage, '' for none, are in training mode and ask for gradients."""
    for name, modules in learners(model, None).items():
        for module in modules:
            module.train(name == stage).requires_grad_(name == stage)


def teach(tokens: Tensor, label: Tensor, *, steps: int = 20, rate: float = 3e-3, seed: int = 0) -> Discrepancy:
    """A `Discrepancy` whose teacher took `steps` steps of cross-entropy; the students know nothing yet."""
    torch.manual_seed(seed)
    model = Discrepancy(tokens.shape[2], **SMALL)
    only_learn(model, "teacher")
    optimizer = torch.optim.AdamW(model.teacher.parameters(), rate)
    for _ in range(steps):
        optimizer.zero_grad()
        stage_losses("teacher", model, None, {"tokens": tokens, "label": label})["loss"].backward()
        optimizer.step()
    return model


def distil(
    model: Discrepancy,
    tokens: Tensor,
    label: Tensor,
    watched: Tensor,
    *,
    margin: float = 4.0,
    without: Iterable[str] = (),
    steps: int = 80,
    every: int = 4,
    rate: float = 5e-3,
) -> pd.DataFrame:
    """Teach the students by Eq. 1 to 5 less those `without` (keys of EQUATIONS): DataFrame step, image, d1, d2.

    The distances are those of `watched` (N,T,2), which nobody learns from; noted before the first step, then every
    `every` steps.
    """
    only_learn(model, "students")
    teacher = model.teacher(tokens)[0].detach()
    optimizer = torch.optim.AdamW([*model.student1.parameters(), *model.student2.parameters()], rate, fused=True)
    left_out, rows = {"loss", *(name for equation in without for name in EQUATIONS[equation])}, []
    for step in range(steps + 1):
        if step % every == 0:
            with torch.no_grad():
                now = pd.DataFrame(model.distances(watched).numpy(), columns=["d1", "d2"])
            rows.append(now.rename_axis("image").reset_index().assign(step=step))
        raw = Outputs(teacher, model.student1(tokens)[0], model.student2(tokens)[0])
        parts = student_losses(raw, raw.of(label == PARTLY), raw.of(label == FULLY), label, margin=margin)
        optimizer.zero_grad()
        sum(value for name, value in parts.items() if name not in left_out).backward()
        optimizer.step()
    return pd.concat(rows, ignore_index=True)


def story(
    trace: float = 1.0, *, teacher_steps: int = 20, seed: int = 0, **options: Any
) -> tuple[pd.DataFrame, Discrepancy]:
    """Teacher, then students, then fresh pictures of the same kind: DataFrame of `distil` with `label`, and the model."""
    tokens, label = pictures(trace=trace, seed=2 * seed)
    watched, truth = pictures(trace=trace, seed=2 * seed + 1)
    model = teach(tokens, label, steps=teacher_steps, seed=seed)
    path = distil(model, tokens, label, watched, **options)
    return path.assign(label=truth.numpy()[path["image"]]), model


def forces(margin: float = 4.0, most: float = 7.0, count: int = 8) -> pd.DataFrame:
    """How fast Eq. 1 to 5 move a picture of each class through the plane: DataFrame label, d1, d2, v1, v2.

    The students' outputs are free vectors that follow the gradient; v = change of d per unit of time.
    """
    d = torch.linspace(0, most**0.5, count) ** 2
    d1, d2 = (one.flatten() for one in torch.meshgrid(d, d, indexing="ij"))
    tables = []
    for one in (REAL, PARTLY, FULLY):
        z = [torch.stack([torch.zeros_like(x), x.sqrt()], 1).requires_grad_() for x in (d1, d2)]
        raw = Outputs(torch.zeros(len(d1), 2), *z)
        label = torch.full((len(d1),), one)
        student_losses(raw, raw.of(label == PARTLY), raw.of(label == FULLY), label, margin=margin)["loss"].backward()
        v1, v2 = ((-2 * len(d1) * x.detach() * x.grad).sum(1) for x in z)  # of one picture, not of the mean
        tables.append(pd.DataFrame({"label": one, "d1": d1, "d2": d2, "v1": v1, "v2": v2}))
    return pd.concat(tables, ignore_index=True)


def medians(path: pd.DataFrame) -> pd.DataFrame:
    """Median distances of each class at the end: DataFrame with a row for each class and columns d1, d2."""
    last = path[path["step"] == path["step"].max()]
    return last.groupby("label")[["d1", "d2"]].median().set_axis(list(CLASSES))


def margin_sweep(
    margins: Iterable[float], teacher_steps: int, **options: Any
) -> tuple[dict[float, pd.DataFrame], pd.DataFrame]:
    """Paths {M: DataFrame of `story`}, and the median d2 of partly fake pictures: DataFrame margin, before, after."""
    paths = {m: story(teacher_steps=teacher_steps, margin=m, **options)[0] for m in margins}
    rows = [
        (m, *path[path["label"] == PARTLY].groupby("step")["d2"].median().iloc[[0, -1]]) for m, path in paths.items()
    ]
    return paths, pd.DataFrame(rows, columns=["margin", "before", "after"]).assign(teacher_steps=teacher_steps)


def best_evidence(tokens: Tensor, trace: float, rewritten: int = 2, noise: float = 0.5) -> Tensor:
    """Logarithm of the likelihood ratio of partly fake to real, (N,), of somebody who knows how `pictures` made them."""
    move = 2 * trace * torch.tensor([-0.6, 0.8])
    each = ((tokens - torch.tensor([1.0, 0.0])) @ move - move.square().sum() / 2) / noise**2  # (N,T)
    return each[:, torch.combinations(torch.arange(tokens.shape[1]), rewritten)].sum(2).logsumexp(1)


def auc(score: Tensor, label: Tensor, fake: int = PARTLY) -> float:
    """How well a score (N,) tells pictures of the class `fake` from real ones: 0.5 is guessing, 1 is perfect."""
    rows = (label == fake) | (label == REAL)
    return roc_auc_score(label[rows] == fake, score[rows])


def overlap(
    traces: Iterable[float], *, seed: int = 0, **options: Any
) -> tuple[dict[float, pd.DataFrame], pd.DataFrame]:
    """Paths {trace: DataFrame of `story`}, and how well fakes are told from real pictures: DataFrame, a row per trace."""
    paths, rows = {}, []
    for trace in traces:
        paths[trace], model = story(trace, seed=seed, **options)
        tokens, label = pictures(trace=trace, seed=2 * seed + 1)
        with torch.no_grad():
            logits, d = model.teacher_logits(tokens), model.distances(tokens)
        scores = best_evidence(tokens, trace), logits[:, PARTLY] - logits[:, REAL], d[:, 1]
        rows.append((trace, *(auc(one, label) for one in scores), auc(d[:, 0], label, FULLY)))
    names = ["partly fake, at best", "partly fake, teacher", "partly fake, d2", "fully fake, d1"]
    return paths, pd.DataFrame(rows, columns=["trace", *names])


def copied(margin: float) -> Tensor:
    """Eq. 2 for a student that says what the teacher says: (2,), the loss and the length of its gradient."""
    student = torch.randn(8, 3, requires_grad=True)
    loss = diverge(student.detach(), student, margin=margin)
    loss.backward()
    return torch.stack([loss.detach(), student.grad.norm()])


def most_apart(margin: float) -> Tensor:
    """Two networks certain of different classes, as probabilities: (2,), squared distance and Eq. 2."""
    sure = torch.eye(3)[:1], torch.eye(3)[1:2]
    return torch.stack([squared_distance(*sure)[0], diverge(*sure, margin=margin)])
