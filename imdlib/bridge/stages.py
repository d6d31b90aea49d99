"""The five stages of training: teacher, students, the two generalizers, classifier; who learns in each, and from what.

Bridging sections 3.2, 3.3 and 4.1 (AdamW, learning rate 5e-5, weight decay 5e-4, epsilon 1e-8, margin 4).

Differs from the paper:
- "Rotates through five stages sequentially" names neither the stages nor what a turn is. Here every epoch passes the data
  once for each stage (order 'epoch'); 'per_step' takes all stages on each batch, 'once' ends a stage before the next.
- The text freezes the teacher after its training; in a rotation it would go on, so it stops after `teacher_epochs`.
- How long a turn is, is not stated: a pass over the data, of the teacher `teacher_passes`, since everything else is
  measured from what the teacher says.
"""

from contextlib import nullcontext

import torch
from torch.nn import functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel

from imdlib.bridge.discrepancy import generalizer_loss, student_losses
from imdlib.bridge.labels import FULLY, PARTLY

STAGES = ("teacher", "students", "generalizer_pf", "generalizer_ff", "classifier")
ORDERS = ("epoch", "per_step", "once")


def learners(model, classifier):
    """{stage: the modules that learn in it}; a stage whose networks the model lacks, or that has no weights, is left out."""
    found = {"classifier": [classifier]}
    if model is not None:
        found["teacher"] = [model.teacher]
        found["students"] = [model.student1, model.student2]
        found["generalizer_pf"], found["generalizer_ff"] = [model.generalizer_pf], [model.generalizer_ff]
    learning = {name: [one for one in found.get(name, []) if one is not None and weights(one)] for name in STAGES}
    return {name: modules for name, modules in learning.items() if modules}


def weights(module):
    """List of a module's parameters."""
    return list(module.parameters())


def timetable(stages, *, order, epochs, teacher_epochs, teacher_passes=1):
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


def stage_losses(stage, model, classifier, batch, *, margin=4.0, elementwise=False, diverge_on_raw_too=False):
    """Losses of one stage on one batch: dict of scalars with `loss`, or None where the batch has nothing for it.

    batch: dict of tokens (B,T,D) float, label (B,) and, for a classifier that looks at it, image (B,3,H,W) in [0,1].
    """
    tokens, label = batch["tokens"], batch["label"]
    hinge = dict(margin=margin, elementwise=elementwise)
    if stage == "teacher":
        return {"loss": F.cross_entropy(model.teacher_logits(tokens).float(), label)}
    if stage == "classifier":
        with torch.no_grad():
            disc = None if model is None else model(tokens)
        return {"loss": F.cross_entropy(classifier(batch.get("image"), disc)["logits"], label)}
    if stage == "students":
        with torch.no_grad():
            rewritten = model.generalizer_pf(tokens[label == PARTLY]), model.generalizer_ff(tokens[label == FULLY])
        raw, partly, fully = model.outputs_of(tokens, *rewritten)
        return student_losses(raw, partly, fully, label, diverge_on_raw_too=diverge_on_raw_too, **hinge)
    one = PARTLY if stage == "generalizer_pf" else FULLY
    if not (label == one).any():
        return None
    z = model.outputs(getattr(model, stage)(tokens[label == one]))
    push, pull = (z.student1, z.student2) if one == PARTLY else (z.student2, z.student1)
    return {"loss": generalizer_loss(z.teacher, push, pull, **hinge)}


def prepare(stage, parts):
    """Only the learners of `stage` are in training mode and ask for gradients: `parts` of `learners`."""
    for name, modules in parts.items():
        for module in modules:
            module.train(name == stage).requires_grad_(name == stage)


def attention_on(device):
    """Context in which attention is computed plainly on the CPU: there the fused kernel of PyTorch 2.11 is slow to go backwards
    in bfloat16 on sequences as short as the stand-in's, and no faster on those of CLIP (see benchmarks).
    """
    return sdpa_kernel(SDPBackend.MATH) if device.type == "cpu" else nullcontext()


def step(fabric, stage, parts, optim, model, classifier, batch, **options):
    """One update of one stage: its losses, or None where the batch has nothing for it and nothing was updated."""
    prepare(stage, parts)
    with fabric.autocast(), attention_on(fabric.device):
        losses = stage_losses(stage, model, classifier, batch, **options)
    if losses is not None and torch.isfinite(losses["loss"]):
        optim.zero_grad()
        fabric.backward(losses["loss"])
        optim.step()
    return losses
