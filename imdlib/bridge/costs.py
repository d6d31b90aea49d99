"""What each part of Bridging costs: a training step of each stage, and what an image costs afterwards, in one process."""

import statistics
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from imdlib.bridge import networks, stages
from imdlib.bridge.discrepancy import Discrepancy
from imdlib.bridge.localize import fake_map
from imdlib.bridge.methods import BINARY, METHODS
from imdlib.bridge.towers.cache import extract
from imdlib.scoring.costs import kept, seconds
from imdlib.train import activate, update
from imdlib.training.settings import Settings, make_fabric

NAMES = {
    "teacher": "teacher",
    "students": "students",
    "generalizer_pf": "generalizer, partly fake",
    "generalizer_ff": "generalizer, fully fake",
    "classifier": "Conformer with discrepancies",
}  # stage -> its name in the table
STEP, IMAGE = "training step", "per image"
SETTINGS = Settings(epochs=1, batch_size=1, learning_rate=1e-5)  # of the steps that are timed; the batch is given


class Stage(nn.Module):
    """One stage of training as a module: batch -> losses. Its parameters are those of all networks, also of frozen ones."""

    def __init__(
        self, name: str, distillation: Discrepancy | None, classifier: nn.Module | None, **options: float | bool
    ) -> None:
        super().__init__()
        self.name, self.distillation, self.classifier, self.options = name, distillation, classifier, options

    def forward(self, batch: dict[str, Tensor]) -> dict[str, Tensor] | None:
        with stages.attention_on(batch["tokens"].device):
            return stages.stage_losses(self.name, self.distillation, self.classifier, batch, **self.options)


def measure(
    params: dict[str, Any],
    batch: dict[str, Tensor],
    tower: nn.Module,
    files: Sequence[Path | str],
    *,
    repeats: int = 10,
) -> pd.DataFrame:
    """One row per part: `part, what, parameters, ms, kept_mb`.

    params: of a run of notebooks/bridge/run.ipynb; batch: a training batch as of `samples.batches_on` on the device to be
    measured; a stage for which it holds nothing has no row; tower: the frozen extractor; files: images, whose features are
    computed and then in the cache. what is STEP, median ms of forward, loss, backward and optimizer step on the batch, or
    IMAGE, ms per image of a pass without gradients. parameters: those that learn in the step, or that are used. kept_mb:
    bytes of the tensors that autograd keeps for the backward pass, without the weights. The rows take turns, so that
    whatever else the machine does meets all of them; the first turn warms up.
    """
    fabric = make_fabric(precision=params["precision"], accelerator=batch["tokens"].device.type)
    rows, works = training(params, batch, fabric)
    more, works_of_images = inference(params, batch, tower, files)
    turns = [[work() for work in (*works, *works_of_images)] for _ in range(repeats + 1)]
    table = pd.DataFrame([*rows, *more])
    table["ms"] = [1000 * statistics.median(turn[i] for turn in turns[1:]) for i in range(len(table))]
    table["ms"] /= [len(files) if what == IMAGE else 1 for what in table["what"]]
    return table[["part", "what", "parameters", "ms", "kept_mb"]]


def training(
    params: dict[str, Any], batch: dict[str, Tensor], fabric: Fabric
) -> tuple[list[dict[str, Any]], list[Callable[[], float]]]:
    """Rows and works of a step of every stage of the whole method, of TransCAM and of the two detectors of real against fake."""
    network = partial(build, params, batch)
    model = network("late")
    steps = [(NAMES[name], name, model) for name in stages.learners(model.distillation, model.classifier)]
    steps += [(METHODS["transcam"], "classifier", network("transcam"))]
    rows, works = [], []
    for part, name, model in steps:
        found = stages.stages_of(fabric, model.distillation, model.classifier, SETTINGS)
        activate(found, name)
        if found[name].losses(batch) is None:  # a set without that kind of fakes has nothing for its generalizer
            continue
        mb = kept(Stage(name, model.distillation, model.classifier), lambda losses, _: losses, batch, None) / 2**20
        rows.append(dict(part=part, what=STEP, parameters=size(stages.weights(found[name].learns)), kept_mb=mb))
        works.append(partial(seconds, partial(stage_step, fabric, found, name, batch), batch["tokens"]))
    mask = (batch["label"] > 0).to(batch["image"].dtype)[:, None, None, None].expand_as(batch["image"][:, :1])
    for name in BINARY:
        model = network(name).train()
        optim = torch.optim.AdamW(model.parameters(), 1e-5)
        mb = kept(model, model.loss, batch["image"], mask) / 2**20
        rows.append(dict(part=METHODS[name], what=STEP, parameters=size(model.parameters()), kept_mb=mb))
        works.append(partial(seconds, partial(plain_step, fabric, model, optim, batch["image"], mask), mask))
    return rows, works


def inference(
    params: dict[str, Any], batch: dict[str, Tensor], tower: nn.Module, files: Sequence[Path | str]
) -> tuple[list[dict[str, Any]], list[Callable[[], float]]]:
    """Rows and works of what an image costs: its features, and the Conformer with less and with more of what it gives."""
    device = batch["tokens"].device
    images = batch["image"][torch.arange(len(files)) % len(batch["image"])]
    tokens = batch["tokens"][torch.arange(len(files)) % len(batch["tokens"])]
    model = build(params, batch, "late").eval()
    disc = model.discrepancies(tokens).detach()
    tower = tower.to(device)
    views = torch.rand(len(files), 3, tower.side, tower.side, device=device)
    extract(tower, files, device=device, progress=False)
    rest = size(model.classifier.parameters())
    parts = {
        "extractor, images in memory": (size(tower.parameters()), partial(tower, views)),
        "features from the cache": (0, partial(extract, tower, files, device=device, progress=False)),
        "discrepancies from features": (size(model.distillation.parameters()), partial(model.distances, tokens)),
        "Conformer, class alone": (rest, partial(model.classifier, images, disc, attention=False)),
        "Conformer, class and attention": (rest, partial(model.classifier, images, disc, attention=True)),
        "map, activation alone": (rest, partial(fake_map, model.classifier, images, disc, refine="none")),
        "map, activation times attention": (rest, partial(fake_map, model.classifier, images, disc)),
    }
    rows = [dict(part=name, what=IMAGE, parameters=count, kept_mb=float("nan")) for name, (count, _) in parts.items()]
    return rows, [partial(seconds, torch.no_grad()(work), tokens) for _, work in parts.values()]


def build(params: dict[str, Any], batch: dict[str, Tensor], method: str) -> nn.Module:
    """Untrained network of a method with the sizes of params, on the batch's device."""
    shape = params | {"method": method, "pretrained": False}
    return networks.build(shape, batch["tokens"].shape[2]).to(batch["tokens"].device)


def stage_step(fabric: Fabric, found: dict[str, stages.Stage], name: str, batch: dict[str, Tensor]) -> None:
    """One update of one of the stages `found`."""
    activate(found, name)
    update(fabric, found[name].optimizer, found[name].losses(batch)["loss"], SETTINGS.learning_rate)


def plain_step(fabric: Fabric, model: nn.Module, optim: torch.optim.Optimizer, image: Tensor, mask: Tensor) -> None:
    """One update of a detector of real against fake."""
    with fabric.autocast():
        loss = model.loss(model(image), mask)["loss"]
    optim.zero_grad()
    fabric.backward(loss)
    optim.step()


def size(weights: Iterable[Tensor]) -> int:
    """Number of single weights."""
    return sum(weight.numel() for weight in weights)
