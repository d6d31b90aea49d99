"""The rotation: one explicit loop over the five stages on Lightning Fabric, resumable at every epoch.

Bridging section 4.1. Each epoch starts from a seed of its own and ends with a checkpoint that replaces the one before in a
single step, as in `imdlib.train`.

Differs from the paper:
- Features are those of whole images, computed beforehand; one device.
- The paper's learning rate is constant, as far as it says; here each stage's may follow a schedule over its own passes.
"""

import time
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from imdlib.bridge.samples import batch_on, passes_over
from imdlib.bridge.stages import learners, prepare, step, timetable, weights
from imdlib.train import SCHEDULES, NonFiniteLoss, broken, make_fabric, report, save


def passes(plan, stage):
    """How many passes over the data a stage has in a timetable."""
    return sum(stage in stages for epoch in plan for stages in epoch)


@torch.no_grad()
def medians(fabric, model, samples, batch_size):
    """Median squared distances of each class: dict of d1 and d2 with suffix _real, _pf, _ff; NaN where there is none.

    No distances, an empty dict, without students.
    """
    if model is None or not model.students:
        return {}
    model.eval()
    distances, labels = [], []
    for batch in passes_over(samples, batch_size):
        batch = batch_on(fabric, {name: value for name, value in batch.items() if name != "image"})
        with fabric.autocast():
            distances.append(model.distances(batch["tokens"]).cpu().numpy())
        labels.append(batch["label"].cpu().numpy())
    distances, labels = np.concatenate(distances), np.concatenate(labels)
    return {
        f"d{i + 1}_{name}": float(np.median(distances[labels == one, i])) if (labels == one).any() else np.nan
        for one, name in enumerate(("real", "pf", "ff"))
        for i in (0, 1)
    }


def fit_stages(
    model,
    classifier,
    samples,
    folder,
    *,
    epochs,
    batch_size,
    order="epoch",
    teacher_epochs=3,
    teacher_passes=1,
    learning_rate=5e-5,
    schedule="constant",
    weight_decay=5e-4,
    eps=1e-8,
    margin=4.0,
    elementwise=False,
    diverge_on_raw_too=False,
    watch=None,
    validate=None,
    seed=0,
    precision="auto",
    accelerator="auto",
    workers=0,
):
    """Train a `Discrepancy` and a classifier (of which one may be None) and leave their weights in them; continues what
    `folder` holds.

    schedule: of the learning rate of each stage over its own passes, a key of `imdlib.train.SCHEDULES`.
    samples: `Samples` to learn from; watch: those whose distances are noted, by default the same. validate(model,
    classifier) -> dict of numbers, after every epoch. Returns the history: a row before training (epoch 0) and one after
    each epoch, with the mean losses of each stage as <stage>_<loss>, the medians of d1 and d2, and the seconds.
    Raises NonFiniteLoss and keeps every finished epoch on disk.
    """
    fabric = make_fabric(precision=precision, accelerator=accelerator)
    model = None if model is None else model.to(fabric.device)
    classifier = None if classifier is None else classifier.to(fabric.device)
    parts, watch = learners(model, classifier), samples if watch is None else watch
    optims = {
        name: torch.optim.AdamW(
            [weight for module in modules for weight in weights(module)],
            learning_rate,
            eps=eps,
            weight_decay=weight_decay,
        )
        for name, modules in parts.items()
    }
    saved = {f"optimizer of {name}": optim for name, optim in optims.items()}
    saved |= {name: one for name, one in (("model", model), ("classifier", classifier)) if one is not None}
    plan = timetable(
        list(parts), order=order, epochs=epochs, teacher_epochs=teacher_epochs, teacher_passes=teacher_passes
    )
    longest = max(map(len, plan))
    options = dict(margin=margin, elementwise=elementwise, diverge_on_raw_too=diverge_on_raw_too)
    path = Path(folder) / "checkpoint.pt"
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists():
        state = torch.load(path, map_location=fabric.device, weights_only=True)
        for name, one in saved.items():
            one.load_state_dict(state["states"][name])
        history = state["history"]
    else:
        history = [{"epoch": 0, **medians(fabric, model, watch, batch_size)}]
    for epoch in range(len(history) - 1, len(plan)):
        torch.manual_seed(np.random.SeedSequence((seed, epoch)).generate_state(1)[0].item())
        totals, start = {}, time.perf_counter()
        for turn, stages in enumerate(plan[epoch]):
            batches = samples.batches(epoch * longest + turn, batch_size, workers)
            before = {stage: passes([*plan[:epoch], plan[epoch][:turn]], stage) for stage in stages}
            for number, batch in enumerate(batches):
                on_device = batch_on(fabric, batch)
                for stage in stages:
                    done = (before[stage] + number / len(batches)) / passes(plan, stage)
                    optims[stage].param_groups[0]["lr"] = learning_rate * SCHEDULES[schedule](done, 1)
                    losses = step(fabric, stage, parts, optims[stage], model, classifier, on_device, **options) or {}
                    if not torch.isfinite(losses.get("loss", torch.zeros(()))):
                        files = [samples.files[i] for i in batch["index"]]
                        raise NonFiniteLoss(f"stage {stage}: {broken(losses, epoch, number, files)}")
                    for name, value in losses.items():
                        totals.setdefault(f"{stage}_{name}", []).append(value.detach().float())
        prepare("", parts)
        row = {"epoch": epoch + 1, **{name: torch.stack(some).mean().item() for name, some in totals.items()}}
        row["seconds"] = time.perf_counter() - start  # of training alone
        row |= medians(fabric, model, watch, batch_size)
        row |= {name: float(value) for name, value in (validate(model, classifier) if validate else {}).items()}
        history.append(row)
        save(fabric, path, {"states": {name: one.state_dict() for name, one in saved.items()}, "history": history})
        report(row, len(plan))
    prepare("", parts)
    return pd.DataFrame(history)
