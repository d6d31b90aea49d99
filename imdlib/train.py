"""Training: one explicit loop on Lightning Fabric for all studies, resumable at every epoch.

A stage says who learns, and from which losses; a plan says, for each epoch, which passes over the data there are, and for
each pass which stages take a step on every batch. Plain training, `fit`, is one stage and one pass an epoch.

Each epoch starts from a seed of its own, (seed, epoch), and ends with a checkpoint that replaces the one before in a single
step. A run that was killed at any moment therefore repeats at most one epoch and arrives at the weights of a run that was
never interrupted.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import torch
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.utils.data import Dataset
from tqdm.auto import tqdm

from imdlib.data.batches import training_batches
from imdlib.progress import interactive
from imdlib.training import checkpoints
from imdlib.training import devices as several
from imdlib.training.finite import LOOK, Taken, look, looked_at
from imdlib.training.flat import cooling, flat, latest
from imdlib.training.optimizers import SCHEDULES, make_optimizer
from imdlib.training.settings import Settings, make_fabric


class Stage(NamedTuple):
    """One kind of step: who learns in it, and from which losses.

    learns: modules that are in training mode in this stage alone; optimizer: of the weights that ask for gradients in this
    stage alone; losses(batch) -> dict of scalar tensors, of which `loss` is minimised, or None where the batch has nothing
    for this stage.
    """

    learns: list[nn.Module]
    optimizer: torch.optim.Optimizer
    losses: Callable


# ---- plain training ------------------------------------------------------------------------------------------------------------


def fit(
    model: nn.Module,
    loss: Callable,
    images: Dataset,
    folder: Path | str,
    settings: Settings,
    *,
    optimizer: str = "sgd",
    devices: int = 1,
    validate: Callable | None = None,
    validate_every: int = 1,
    keep: str = "last",
) -> pd.DataFrame:
    """Train `model` and leave its weights in it; a `folder` that holds a checkpoint is continued from there.

    loss(outputs, mask) -> dict of scalar tensors, of which `loss` is minimised and all are written to the history; images: ImageSet
    with a crop; outputs = model(image (b,3,h,w) float in [0,1]); mask (b,1,h,w) uint8 in {0,1,255}. optimizer: 'sgd' or 'adamw';
    devices: GPUs, or processes on CPUs, which learn what one would (`training.devices`). validate(model) -> dict of numbers; it,
    validate_every and keep: as in `loop`.
    Returns the history: one row per epoch with learning rate, mean losses, seconds and validation numbers.
    Raises NonFiniteLoss and keeps every finished epoch on disk; CheckpointError where the checkpoint is damaged.
    """
    fabric = make_fabric(devices=devices, precision=settings.precision, accelerator=settings.accelerator)
    watching = dict(validate=validate, validate_every=validate_every, keep=keep)
    run = (model, loss, images, folder, settings, optimizer, watching)
    fabric.launch(fit_here, *run) if devices > 1 else fit_here(fabric, *run)
    return finish(folder, {"model": model})


def fit_here(
    fabric: Fabric,
    model: nn.Module,
    loss: Callable[[Any, Tensor], dict[str, Tensor]],
    images: Dataset,
    folder: Path | str,
    settings: Settings,
    optimizer: str,
    watching: dict[str, Any],
) -> None:
    """`fit` in the process of one device: the loop with a single stage, whose name is empty."""
    if fabric.world_size > 1:
        model = several.shared(model)
        torch.set_num_threads(1)  # a forked process has no more: those of its parent are gone
    model = model.to(memory_format=torch.channels_last)
    weights = [weight for weight in model.parameters() if weight.requires_grad]
    rates = dict(learning_rate=settings.learning_rate, weight_decay=settings.weight_decay)
    net, optim = fabric.setup(model, make_optimizer(optimizer, weights, **rates))
    losses = lambda batch: loss(*several.whole(fabric, (net(batch["image"]), batch["mask"])))  # noqa: E731
    stages = {"": Stage([net], optim, losses)}
    if watching["validate"] is not None:
        watching = watching | {"validate": partial(watching["validate"], net)}
    shape = dict(networks={"model": model}, on_device=image_batches)
    loop(fabric, stages, [[[""]]] * settings.epochs, images, folder, settings, **shape, **watching)


def image_batches(fabric: Fabric, loader: Iterable[tuple[Tensor, Tensor, Tensor]]) -> Iterator[dict[str, Tensor]]:
    """Batches of an ImageSet on the device: dicts of image (b,3,h,w) float in [0,1], mask (b,1,h,w) uint8 and index (b,)."""
    for image, mask, index in loader:
        image = fabric.to_device(image).to(memory_format=torch.channels_last).float() / 255
        yield {"image": image, "mask": fabric.to_device(mask), "index": index}


# ---- the loop ------------------------------------------------------------------------------------------------------------------


def loop(
    fabric: Fabric,
    stages: dict[str, Stage],
    plan: list[list[list[str]]],
    samples: Dataset,
    folder: Path | str,
    settings: Settings,
    *,
    networks: dict[str, nn.Module],
    on_device: Callable,
    start: Callable | None = None,
    validate: Callable | None = None,
    validate_every: int = 1,
    keep: str = "last",
) -> None:
    """Train until the plan is done, from where the checkpoint in `folder` ends; `finish` reads what came of it.

    plan: list of epochs, of passes, of names of stages; samples: of `training_batches`, with `files`; networks: those whose
    weights are the result; on_device(fabric, loader) yields what the stages get, dicts with `index`.
    start() -> dict of numbers before training, the row of epoch 0; validate() -> dict of numbers after every
    `validate_every`-th epoch and the last; keep: 'last', or the name of one of them whose maximum chooses the epoch kept.
    With `until_flat` the plan is the most that is done, `keep` names the validation number that has to be flat, and every row of
    the history says whether the epoch belongs to the cool-down (`cooling`, 0 or 1).
    """
    if settings.until_flat and (validate is None or keep == "last"):
        raise ValueError("until_flat: expected `keep` to name a validation number, which says when training is flat")
    path = Path(folder) / "checkpoint.pt"
    path.parent.mkdir(parents=True, exist_ok=True)
    parts = networks | {f"optimizer of {name or 'all'}": stage.optimizer for name, stage in stages.items()}
    if path.exists():
        state = checkpoints.restore(path, parts, fabric.device)
    else:
        state = {"epoch": 0, "history": [] if start is None else [{"epoch": 0, **start()}], "kept": None, "flat": None}
    for epoch in range(state["epoch"], len(plan)):
        if settings.until_flat and state["flat"] is None and begins_to_cool(state["history"], keep, epoch, len(plan)):
            state["flat"] = epoch
        end = last_of(plan, state["flat"])
        if epoch == end:
            break
        # the same on every device: what losses draw from the whole batch has to be the same there; 0: of the one device
        torch.manual_seed(np.random.SeedSequence((settings.seed, epoch, 0)).generate_state(1)[0].item())
        began = time.perf_counter()
        found = one_epoch(fabric, stages, plan, epoch, samples, settings, on_device, state["flat"])
        row = {"epoch": epoch + 1, **found, "seconds": time.perf_counter() - began}  # of training alone
        row |= {"cooling": float(state["flat"] is not None)} if settings.until_flat else {}
        if validate is not None and ((epoch + 1) % validate_every == 0 or epoch + 1 == end):
            row |= {name: float(value) for name, value in validate().items()}
        state["history"].append(row)
        state["epoch"] = epoch + 1
        if keep in row and row[keep] >= np.nanmax([past.get(keep, np.nan) for past in state["history"]]):
            state["kept"] = {name: copied(network.state_dict()) for name, network in networks.items()}
        state["states"] = {name: part.state_dict() for name, part in parts.items()}
        checkpoints.save(fabric, path, state)
        if fabric.is_global_zero:
            report(row, end)


def one_epoch(
    fabric: Fabric,
    stages: dict[str, Stage],
    plan: list[list[list[str]]],
    epoch: int,
    samples: Dataset,
    settings: Settings,
    on_device: Callable[[Fabric, Iterable], Iterable[dict[str, Tensor]]],
    cool_from: int | None = None,
) -> dict[str, float]:
    """The passes of one epoch: mean losses, <stage>_<loss>; of a stage without a name first the last learning rate.

    cool_from: of `until_flat`, the epoch with which the cool-down began, None before.
    """
    shape = dict(batch_size=settings.batch_size, rank=fabric.global_rank, world=fabric.world_size)
    shape["workers"] = settings.workers
    longest, quiet = max(map(len, plan)), not (fabric.is_global_zero and interactive())
    active, rate, losses = None, 0.0, {}
    for turn, names in enumerate(plan[epoch]):
        batches = training_batches(samples, epoch=epoch * longest + turn, **shape)
        before = {name: passes([*plan[:epoch], plan[epoch][:turn]], name) for name in names}
        bar = dict(total=len(batches), desc=f"epoch {epoch + 1}", leave=False, disable=quiet)
        with looked_at(epoch, samples) as taken:
            for number, batch in enumerate(tqdm(on_device(fabric, batches), **bar)):
                for name in names:
                    if name != active:
                        active = activate(stages, name)
                    done = before[name] * len(batches) + number
                    spans = [
                        passes(plan[:stop], name) * len(batches) for stop in (cool_from or 0, last_of(plan, cool_from))
                    ]
                    told = dict(cools=cool_from is not None, ends=passes(plan[-1:], name) == 0)
                    rate = settings.learning_rate * factor_at(settings, done, *spans, **told)
                    found = stages[name].losses(batch)
                    if found is None:
                        continue
                    update(fabric, stages[name].optimizer, found["loss"], rate)
                    found = {key: value.detach().float() for key, value in found.items()}
                    for key, value in found.items():
                        losses.setdefault(f"{name}_{key}" if name else key, []).append(value)
                    taken.append(Taken(name, number, found, batch["index"]))
                if len(taken) >= LOOK:
                    look(taken, epoch, samples)
    for module in (module for stage in stages.values() for module in stage.learns):
        module.eval()
    means = fabric.all_reduce({name: torch.stack(values).mean() for name, values in losses.items()})
    means = {name: value.item() for name, value in means.items()}
    return {"learning_rate": rate, **means} if "" in stages else means


def last_of(plan: list, cool_from: int | None) -> int:
    """How many epochs of a plan are done when its cool-down begins with that one; None = all of them."""
    return len(plan) if cool_from is None else cool_from + cooling(cool_from)


def factor_at(settings: Settings, done: int, start: int, total: int, *, cools: bool, ends: bool = False) -> float:
    """What the learning rate is multiplied by after `done` steps of a stage that ends after `total`.

    With `until_flat` 1, and once it `cools`, from step `start` on, a straight line down to 0. A stage that `ends` before the last
    epoch of the plan, such as a teacher that is frozen, has the schedule over its own steps either way.
    """
    if ends or not settings.until_flat:
        return SCHEDULES[settings.schedule](done, total)
    return (total - done) / (total - start) if cools else 1.0


def begins_to_cool(history: list[dict[str, float]], validation: str, epoch: int, budget: int) -> bool:
    """Whether training has become flat, in its loss and on the validation images, or leaves no more than the cool-down."""
    losses = {name for row in history for name in row if name in ("loss", "classifier_loss")}
    return epoch == latest(budget) or flat(history, validation, sorted(losses))


def passes(plan: list[list[list[str]]], stage: str) -> int:
    """How many passes over the data a stage has in a plan."""
    return sum(stage in names for epoch in plan for names in epoch)


def activate(stages: dict[str, Stage], name: str) -> str:
    """Only the learners of one stage are in training mode and ask for gradients; returns its name."""
    for one, stage in stages.items():
        for module in stage.learns:
            module.train(one == name)
        for group in stage.optimizer.param_groups:
            for weight in group["params"]:
                weight.requires_grad_(one == name)
    return name


def update(fabric: Fabric, optimizer: torch.optim.Optimizer, loss: Tensor, learning_rate: float) -> None:
    """One step of an optimizer; the gradients are gone afterwards."""
    for group in optimizer.param_groups:
        group["lr"] = learning_rate
    fabric.backward(loss)
    optimizer.step()
    optimizer.zero_grad()


def copied(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """A state_dict that later steps do not change."""
    return {name: value.detach().clone() for name, value in state.items()}


def finish(folder: Path | str, networks: dict[str, nn.Module]) -> pd.DataFrame:
    """Leave the kept weights in the networks, in evaluation mode; returns the history, one row per epoch."""
    state = torch.load(Path(folder) / "checkpoint.pt", map_location="cpu", weights_only=True)
    for name, network in networks.items():
        network.load_state_dict((state["kept"] or state["states"])[name])
        network.eval()
    return pd.DataFrame(state["history"])


def report(row: dict[str, float], epochs: int) -> None:
    """One line per finished epoch: the numbers, as they stand in the history."""
    numbers = "  ".join(
        f"{name} {value:.4g}" for name, value in row.items() if name not in ("epoch", "learning_rate", "seconds")
    )
    tqdm.write(f"epoch {row['epoch']:>3}/{epochs}  {numbers}  ({row['seconds']:.1f} s)")
