"""The five stages of training, teacher, students, the two generalizers, classifier: who learns in each, from what, and when.

Bridging sections 3.2, 3.3 and 4.1 (AdamW, learning rate 5e-5, weight decay 5e-4, epsilon 1e-8, margin 4).

Differs from the paper:
- "Rotates through five stages sequentially" names neither the stages nor what a turn is. Here every epoch passes the data
  once for each stage (order 'epoch'); 'per_step' takes all stages on each batch, 'once' ends a stage before the next.
- The text freezes the teacher after its training; in a rotation it would go on, so it stops after `teacher_epochs`.
- How long a turn is, is not stated: a pass over the data, of the teacher `teacher_passes`, since everything else is
  measured from what the teacher says.
- The epoch that is kept is the best on validation images where `keep` says so; the paper names no rule.
- The paper's learning rate is constant, as far as it says; here each stage's may follow a schedule over its own passes.
- Features are those of whole images, computed beforehand; one device.
"""

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path

import pandas as pd
import torch
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel

from imdlib.bridge.discrepancy import Discrepancy, generalizer_loss, student_losses
from imdlib.bridge.labels import FULLY, PARTLY, rows_of
from imdlib.bridge.samples import Samples, batches_on
from imdlib.bridge.watch import medians
from imdlib.train import Stage, finish, loop
from imdlib.training.optimizers import make_optimizer
from imdlib.training.settings import Settings, make_fabric

STAGES = ("teacher", "students", "generalizer_pf", "generalizer_ff", "classifier")
ORDERS = ("epoch", "per_step", "once")


def fit_stages(
    model: nn.Module | None,
    classifier: nn.Module | None,
    samples: Samples,
    folder: Path | str,
    settings: Settings,
    *,
    order: str = "epoch",
    teacher_epochs: int = 3,
    teacher_passes: int = 1,
    watch: Samples | None = None,
    validate: Callable | None = None,
    keep: str = "last",
    **options: float | bool,
) -> pd.DataFrame:
    """Train a `Discrepancy` and a classifier, one of which may be None, and leave their weights in them; continues what
    `folder` holds.

    order, teacher_epochs, teacher_passes: of `timetable`; options: of `stage_losses`. watch: those whose distances are
    noted, by default the samples; validate(model, classifier) -> dict of numbers, after every epoch; keep: as in
    `imdlib.train.loop`. `settings.until_flat` has no meaning where stages come one after the other (order 'once').
    Returns the history: a row before training (epoch 0) and one after each epoch, with the mean losses of each stage as
    <stage>_<loss>, the seconds, the medians of d1 and d2 and the numbers of `validate`. Raises as `imdlib.train.fit` does.
    """
    fabric = make_fabric(precision=settings.precision, accelerator=settings.accelerator)
    parts = {"model": model, "classifier": classifier}
    networks = {name: one.to(fabric.device) for name, one in parts.items() if one is not None}
    stages = stages_of(fabric, model, classifier, settings, **options)
    times = dict(order=order, epochs=settings.epochs, teacher_epochs=teacher_epochs, teacher_passes=teacher_passes)
    settings = replace(settings, until_flat=settings.until_flat and order != "once")
    distances = partial(medians, fabric, model, samples if watch is None else watch, settings.batch_size)
    loop(
        fabric,
        stages,
        timetable(list(stages), **times),
        samples,
        folder,
        settings,
        networks=networks,
        on_device=batches_on,
        start=distances,
        validate=lambda: distances() | (validate(model, classifier) if validate else {}),
        keep=keep,
    )
    history = finish(folder, networks)
    for network in networks.values():
        network.requires_grad_(False)
    return history


def stages_of(
    fabric: Fabric, model: Discrepancy | None, classifier: nn.Module | None, settings: Settings, **options: float | bool
) -> dict[str, Stage]:
    """{name: `Stage`} of what there is to learn; options: of `stage_losses`."""
    stages = {}
    for name, modules in learners(model, classifier).items():
        rates = dict(learning_rate=settings.learning_rate, weight_decay=settings.weight_decay)
        optimizer = make_optimizer("adamw", weights(modules), **rates)
        losses = partial(losses_on, fabric, name, model, classifier, **options)
        stages[name] = Stage(modules, fabric.setup_optimizers(optimizer), losses)
    return stages


def learners(model: Discrepancy | None, classifier: nn.Module | None) -> dict[str, list[nn.Module]]:
    """{stage: the modules that learn in it}; a stage whose networks the model lacks, or that has no weights, is left out."""
    found = {"classifier": [classifier]}
    if model is not None:
        found["teacher"] = [model.teacher]
        found["students"] = [model.student1, model.student2]
        found["generalizer_pf"], found["generalizer_ff"] = [model.generalizer_pf], [model.generalizer_ff]
    learning = {name: [one for one in found.get(name, []) if one is not None and weights([one])] for name in STAGES}
    return {name: modules for name, modules in learning.items() if modules}


def weights(modules: Iterable[nn.Module]) -> list[nn.Parameter]:
    """List of the parameters of some modules."""
    return [weight for module in modules for weight in module.parameters()]


def timetable(
    stages: Sequence[str], *, order: str, epochs: int, teacher_epochs: int, teacher_passes: int = 1
) -> list[list[list[str]]]:
    """Which stages each pass over the data has, epoch by epoch: list of epochs, of passes, of names.

    order 'epoch': a pass for each stage in every epoch; 'per_step': one pass, all stages on each batch; 'once': the teacher
    for `teacher_epochs` epochs, then every other stage for `epochs`, so that there are more epochs in all. In each of its
    epochs the teacher has `teacher_passes` passes, all but the last one alone and before the others.
    """
    if order not in ORDERS:
        raise ValueError(f"order={order!r}: expected one of {ORDERS}")
    if teacher_passes < 1:
        raise ValueError(f"teacher_passes={teacher_passes}: expected 1 or more")
    if order == "once":
        turns = [[one] for one in stages for _ in range(teacher_epochs if one == "teacher" else epochs)]
    else:
        turns = [[one for one in stages if one != "teacher" or epoch < teacher_epochs] for epoch in range(epochs)]
    alone = [["teacher"]] * (teacher_passes - 1)
    return [
        [*(alone if "teacher" in turn else []), *([turn] if order == "per_step" else [[one] for one in turn])]
        for turn in turns
    ]


def stage_losses(
    stage: str,
    model: Discrepancy | None,
    classifier: nn.Module | None,
    batch: dict[str, Tensor],
    *,
    margin: float = 4.0,
    elementwise: bool = False,
    diverge_on_raw_too: bool = False,
) -> dict[str, Tensor] | None:
    """Losses of one stage on one batch: dict of scalars with `loss`, or None where the batch has nothing for it.

    batch: dict of tokens (B,T,D) float, label (B,) and, for a classifier that looks at it, image (B,3,H,W) in [0,1]; disc
    (B,width) takes the place of what the model would say of the tokens; rows: `rows_of` the labels, where they are known.
    """
    tokens, label = batch["tokens"], batch["label"]
    hinge = dict(margin=margin, elementwise=elementwise)
    if stage == "teacher":
        return {"loss": F.cross_entropy(model.teacher_logits(tokens).float(), label)}
    if stage == "classifier":
        with torch.no_grad():
            disc = batch.get("disc") if model is None else model(tokens)
        return {"loss": F.cross_entropy(classifier(batch.get("image"), disc)["logits"], label)}
    rows = batch["rows"] if "rows" in batch else rows_of(label)
    if stage == "students":
        with torch.no_grad():
            rewritten = model.generalizer_pf(tokens[rows[PARTLY]]), model.generalizer_ff(tokens[rows[FULLY]])
        raw, partly, fully = model.outputs_of(tokens, *rewritten)
        return student_losses(raw, partly, fully, label, rows=rows, diverge_on_raw_too=diverge_on_raw_too, **hinge)
    one, rewrite = (PARTLY, model.generalizer_pf) if stage == "generalizer_pf" else (FULLY, model.generalizer_ff)
    if len(rows[one]) == 0:
        return None
    z = model.outputs(rewrite(tokens[rows[one]]))
    push, pull = (z.student1, z.student2) if one == PARTLY else (z.student2, z.student1)
    return {"loss": generalizer_loss(z.teacher, push, pull, **hinge)}


def losses_on(
    fabric: Fabric,
    stage: str,
    model: Discrepancy | None,
    classifier: nn.Module | None,
    batch: dict[str, Tensor],
    **options: float | bool,
) -> dict[str, Tensor] | None:
    """`stage_losses` in the precision of a Fabric."""
    with fabric.autocast(), attention_on(fabric.device):
        return stage_losses(stage, model, classifier, batch, **options)


def attention_on(device: torch.device) -> AbstractContextManager:
    """Context in which attention is computed plainly on the CPU: there the fused kernel of PyTorch 2.11 is slow to go backwards
    in bfloat16 on sequences as short as the stand-in's, and no faster on those of CLIP (see benchmarks).
    """
    return sdpa_kernel(SDPBackend.MATH) if device.type == "cpu" else nullcontext()
