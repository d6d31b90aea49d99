"""Training: one explicit loop on Lightning Fabric, resumable at every epoch.

Each epoch starts from a seed of its own, (seed, epoch), and ends with a checkpoint that replaces the one before in a single step. A run
that was killed at any moment therefore repeats at most one epoch and arrives at the weights of a run that was never interrupted.
"""

import math
import time
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from lightning_fabric import Fabric
from tqdm.auto import tqdm

from imdlib.data.batches import training_batches
from imdlib.progress import interactive


class NonFiniteLoss(RuntimeError):
    """The loss became NaN or infinite; the message names the step and the files of the batch."""


def poly(step, steps, power=0.9):
    """Learning-rate factor (1 - step / steps) ** power (DeepLab's schedule, used by NCL section 4)."""
    return (1 - step / steps) ** power


def cosine(step, steps, warmup=0.0):
    """Learning-rate factor: linear rise over the first `warmup` share of the steps, then half a cosine down to 0."""
    rise = int(warmup * steps)
    if step < rise:
        return (step + 1) / (rise + 1)
    return 0.5 * (1 + math.cos(math.pi * (step - rise) / max(steps - rise, 1)))


SCHEDULES = {"poly": poly, "cosine": cosine, "constant": lambda step, steps: 1.0}


def best_precision():
    """'bf16-mixed' where the device multiplies bfloat16 in hardware (GPUs since Ampere, CPUs with AMX or AVX512-BF16), else '32-true'."""
    if torch.cuda.is_available():
        return "bf16-mixed" if torch.cuda.is_bf16_supported(including_emulation=False) else "32-true"
    return (
        "bf16-mixed"
        if torch.backends.mkldnn.is_available() and torch.ops.mkldnn._is_mkldnn_bf16_supported()
        else "32-true"
    )


def make_optimizer(name, parameters, *, learning_rate, weight_decay, momentum=0.9):
    """SGD with momentum (NCL section 4) or AdamW (the other two papers)."""
    if name == "sgd":
        return torch.optim.SGD(parameters, learning_rate, momentum=momentum, weight_decay=weight_decay)
    if name == "adamw":
        return torch.optim.AdamW(parameters, learning_rate, weight_decay=weight_decay, fused=True)
    raise ValueError(f"optimizer={name!r}: expected 'sgd' or 'adamw'")


def make_fabric(*, devices=1, precision="auto", accelerator="auto"):
    """A Fabric for `devices` devices of `accelerator` ('auto', 'cpu', 'gpu'); precision 'auto' = `best_precision()`."""
    precision = best_precision() if precision == "auto" else precision
    return Fabric(
        accelerator=accelerator,
        devices=devices,
        precision=precision,
        strategy="auto" if devices == 1 else "ddp_notebook",
    )


def fit(
    model,
    loss,
    images,
    folder,
    *,
    epochs,
    batch_size,
    learning_rate,
    optimizer="sgd",
    momentum=0.9,
    weight_decay=5e-4,
    schedule="poly",
    seed=0,
    devices=1,
    precision="auto",
    accelerator="auto",
    workers=0,
    validate=None,
    validate_every=1,
    keep="last",
):
    """Train `model` and leave its weights in it; a `folder` that holds a checkpoint is continued from there.

    loss(outputs, mask) -> dict of scalar tensors, of which `loss` is minimised and all are written to the history; images: ImageSet
    with a crop; outputs = model(image (b,3,h,w) float in [0,1]); mask (b,1,h,w) uint8 in {0,1,255}. validate(model) -> dict of numbers,
    called after every `validate_every`-th epoch and the last. keep: 'last', or the name of a number of `validate` whose maximum chooses
    the epoch that is kept.
    Returns the history: one row per epoch with learning rate, mean losses, validation numbers and seconds.
    Raises NonFiniteLoss and keeps every finished epoch on disk.
    """
    fabric = make_fabric(devices=devices, precision=precision, accelerator=accelerator)
    options = dict(
        epochs=epochs,
        batch_size=batch_size,
        schedule=schedule,
        seed=seed,
        workers=workers,
        validate=validate,
        validate_every=validate_every,
        keep=keep,
    )
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    settings = dict(learning_rate=learning_rate, momentum=momentum, weight_decay=weight_decay)
    run = (model, loss, images, folder, optimizer, settings, options)
    fabric.launch(train, *run) if devices > 1 else train(fabric, *run)
    state = torch.load(folder / "checkpoint.pt", map_location="cpu", weights_only=True)
    model.load_state_dict(state["kept"] or state["model"])
    model.eval()
    return pd.DataFrame(state["history"])


def train(fabric, model, loss, images, folder, optimizer, settings, options):
    """The loop itself, on one device; see `fit` for the arguments."""
    epochs, seed, keep, validate = (options[k] for k in ("epochs", "seed", "keep", "validate"))
    if fabric.device.type == "cuda" and fabric.world_size > 1:
        model = torch.nn.SyncBatchNorm.convert_sync_batchnorm(model)
    model = model.to(memory_format=torch.channels_last)
    net, optim = fabric.setup(model, make_optimizer(optimizer, model.parameters(), **settings))
    state = {"model": net, "optimizer": optim, "epoch": 0, "history": [], "kept": None}
    checkpoint = folder / "checkpoint.pt"
    if checkpoint.exists():
        rest = fabric.load(checkpoint, {"model": net, "optimizer": optim})
        state.update(rest)
    for epoch in range(state["epoch"], epochs):
        torch.manual_seed(np.random.SeedSequence((seed, epoch, fabric.global_rank)).generate_state(1)[0].item())
        start = time.perf_counter()
        row = {
            "epoch": epoch + 1,
            **one_epoch(fabric, net, optim, loss, images, epoch, settings["learning_rate"], options),
        }
        row["seconds"] = time.perf_counter() - start  # of training alone
        if validate is not None and ((epoch + 1) % options["validate_every"] == 0 or epoch + 1 == epochs):
            net.eval()
            row |= {name: float(value) for name, value in validate(net).items()}
        state["history"].append(row)
        state["epoch"] = epoch + 1
        if keep in row and row[keep] >= max(past.get(keep, -np.inf) for past in state["history"]):
            state["kept"] = {name: value.detach().clone() for name, value in model.state_dict().items()}
        save(fabric, checkpoint, state)
        if fabric.is_global_zero:
            report(row, epochs)


def one_epoch(fabric, net, optim, loss, images, epoch, learning_rate, options):
    """One pass over the training images; returns the mean of every loss and the last learning rate."""
    net.train()
    shape = dict(
        batch_size=options["batch_size"], rank=fabric.global_rank, world=fabric.world_size, workers=options["workers"]
    )
    batches = training_batches(images, epoch=epoch, **shape)
    steps, totals = len(batches), {}
    bar = tqdm(batches, desc=f"epoch {epoch + 1}", leave=False, disable=not (fabric.is_global_zero and interactive()))
    for step, (image, mask, index) in enumerate(bar):
        factor = SCHEDULES[options["schedule"]](epoch * steps + step, options["epochs"] * steps)
        for group in optim.param_groups:
            group["lr"] = learning_rate * factor
        image = fabric.to_device(image).to(memory_format=torch.channels_last).float() / 255
        parts = loss(net(image), fabric.to_device(mask))
        if not torch.isfinite(parts["loss"]):
            raise NonFiniteLoss(broken(parts, epoch, step, [images.files[i] for i in index]))
        fabric.backward(parts["loss"])
        optim.step()
        optim.zero_grad()
        for name, value in parts.items():
            totals[name] = totals.get(name, 0) + value.detach().float()
    means = fabric.all_reduce({name: total / steps for name, total in totals.items()})
    return {"learning_rate": learning_rate * factor, **{name: value.item() for name, value in means.items()}}


def broken(parts, epoch, step, files):
    """Message of a loss that is not finite."""
    values = ", ".join(f"{name} {value.item():.4g}" for name, value in parts.items())
    return (
        f"the loss is not finite in epoch {epoch + 1}, step {step + 1} ({values}). Images of the batch: {', '.join(files)}. "
        "Finished epochs are kept. Look at these images, lower learning_rate, or set precision='32-true'."
    )


def save(fabric, path, state):
    """Write a checkpoint beside the old one, then replace it in one step."""
    draft = path.with_suffix(".draft")
    try:
        fabric.save(draft, state)
        if fabric.is_global_zero:
            draft.replace(path)
        fabric.barrier()
    except (OSError, RuntimeError) as error:
        draft.unlink(missing_ok=True)
        raise OSError(
            f"{path}: the checkpoint could not be written ({error}); the one before it is intact. Free disk space, run again."
        ) from error


def report(row, epochs):
    """One line per finished epoch: the numbers, as they stand in the history."""
    numbers = "  ".join(
        f"{name} {value:.4g}" for name, value in row.items() if name not in ("epoch", "learning_rate", "seconds")
    )
    tqdm.write(f"epoch {row['epoch']:>3}/{epochs}  {numbers}  ({row['seconds']:.1f} s)")
