"""Pieces: the network, batch and loss of a run's training step, made of its parameters, for whatever is measured on a card."""

import logging
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import FlopCounterMode

from imdlib import parameters
from imdlib.bridge import networks as bridge
from imdlib.bridge.costs import Stage
from imdlib.bridge.labels import rows_of
from imdlib.bridge.methods import parts
from imdlib.bridge.stages import learners
from imdlib.inr import networks as inr
from imdlib.inr.reconstruction import nrr_loss
from imdlib.ncl import networks as ncl
from imdlib.scoring.costs import kept

TOKENS = {"stand-in": (65, 192), "efficientnet_lite0": (65, 320)}  # of a frozen tower: how many an image, how wide
CLIP = (257, 1024)  # ViT-L/14
BYTES, FEW, MOST = 4, 3, 128  # of a weight in float32; images and pixels a side of what is counted on the processor


class Piece(NamedTuple):
    """notebook, params: of the run; build() -> untrained network; batch(device) -> (what the network gets, mask); loss(network) ->
    loss(outputs, mask) -> dict with `loss`; turns: steps of training that one of these stands for; beside: parameters of the NRR
    that it uses.
    """

    notebook: str
    params: dict[str, Any]
    build: Callable[[], nn.Module]
    batch: Callable[..., tuple[Any, Tensor]]
    loss: Callable[[nn.Module], Callable]
    turns: int = 1
    beside: dict[str, Any] = {}

    def changed(self, **more: Any) -> "Piece":
        """The same with other parameters."""
        return of_run(self.notebook, self.params | more, self.beside)

    @property
    def side_name(self) -> str:
        """The parameter that says how many pixels a side its images have."""
        return "crop" if "crop" in self.params else "size"

    @property
    def side(self) -> int:
        """How many these are."""
        return self.params[self.side_name]


def of_run(notebook: str, given: dict[str, Any], beside: dict[str, Any] | None = None, **more: Any) -> Piece:
    """The piece of a run: its notebook, what it is given, what its NRR is, and what is changed (batch_size, crop, ...).

    Nothing is downloaded: networks that start from weights of others start from random ones of the same shape.
    """
    p = parameters.declared(notebook) | given | {"pretrained": False, "start": "random"} | more
    p = {name: value for name, value in p.items() if name in parameters.declared(notebook)}
    if notebook == "inr/run":
        return of_inr(p | {"start": given.get("start", "centred")}, beside or {})
    return {"ncl/run": of_ncl, "inr/nrr": of_nrr, "bridge/run": of_bridge}[notebook](p)


def of_ncl(p: dict[str, Any]) -> Piece:
    """A step of NCL, or of the localizers that it is compared with."""
    return Piece("ncl/run", p, partial(ncl.build, p), partial(pictures, p), lambda model: ncl.loss_of(model, p))


def of_nrr(p: dict[str, Any]) -> Piece:
    """A step of the reconstruction."""
    return Piece("inr/nrr", p, partial(inr.nrr_of, p), partial(pictures, p), lambda model: nrr_loss)


def of_inr(p: dict[str, Any], beside: dict[str, Any]) -> Piece:
    """A step of INR's detector, its NRR untrained and frozen."""

    def build():
        nrr = inr.nrr_of(parameters.declared("inr/nrr") | beside).requires_grad_(False).eval()
        return inr.detector_of(p, nrr=nrr, scale=1.0)

    return Piece("inr/run", p, build, partial(pictures, p), lambda model: inr.detector_loss(p), beside=beside)


def of_bridge(p: dict[str, Any]) -> Piece:
    """A step of every stage of the method in turn; of a detector of real against fake its one step."""
    count, width = TOKENS.get(p["extractor"], CLIP)
    if p["method"] in bridge.BINARY:
        whole = partial(bridge.build, p, 0)
        return Piece("bridge/run", p, whole, partial(pictures, p), lambda model: model.loss)

    def build():
        model = bridge.build(p, width)
        return Turns(model.distillation, model.classifier)

    def batch(device, count=count):
        image, mask = pictures(p, device)
        label = torch.arange(len(image), device=device) % 3
        tokens = torch.randn(len(image), count, width, generator=torch.Generator().manual_seed(0)).to(device)
        return {"tokens": tokens, "label": label, "rows": rows_of(label), "image": image}, mask

    turns = stages_in(p["method"])
    return Piece("bridge/run", p, build, batch, lambda model: lambda losses, mask: losses, turns)


def stages_in(method: str) -> int:
    """How many stages of Bridging a method is trained in."""
    which = parts(method)
    students = which["distillation"] and which["students"]
    return which["distillation"] + students + 2 * (students and which["generalizers"]) + bool(which["classifier"])


class Turns(nn.Module):
    """All stages of Bridging on one batch: batch -> the sum of their losses."""

    def __init__(self, distillation: nn.Module | None, classifier: nn.Module | None) -> None:
        super().__init__()
        names = learners(distillation, classifier)
        self.stages = nn.ModuleList(Stage(name, distillation, classifier) for name in names)

    def forward(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        found = {stage.name: stage(batch) for stage in self.stages}
        parts = {name: losses["loss"] for name, losses in found.items() if losses is not None}
        return {"loss": sum(parts.values()), **parts}


def pictures(p: dict[str, Any], device: torch.device | str) -> tuple[Tensor, Tensor]:
    """A made-up batch: images (B,3,H,W) float in [0,1] and masks (B,1,H,W) uint8. The first image is authentic, the others have a
    tampered rectangle, or are tampered everywhere where labels are of whole images.
    """
    side, count = p["crop" if "crop" in p else "size"], p["batch_size"]
    generator = torch.Generator().manual_seed(0)
    image = torch.rand(count, 3, side, side, generator=generator)
    mask = torch.zeros(count, 1, side, side, dtype=torch.uint8)
    whole = p.get("mode", "supervised") != "supervised" or p.get("method", "") in bridge.BINARY
    for one in range(1, count):
        far = side if whole else side // 2
        mask[one, :, side // 4 * (not whole) : far, side // 4 * (not whole) : far] = 1
    return image.to(memory_format=torch.channels_last).to(device), mask.to(device)


def quiet() -> None:
    """Fabric says its precision every time; here it is made for every piece."""
    logging.getLogger("lightning_fabric").setLevel(logging.WARNING)


# ---- what a step is ------------------------------------------------------------------------------------------------


def operations(piece: Piece) -> float:
    """Multiplications and additions (two operations) of one training step, forward and backward, counted by PyTorch.

    On tensors without contents, the loss left out; where what a network does depends on contents, on a few images, loss included.
    """
    try:
        return counted(piece, "meta")
    except (RuntimeError, NotImplementedError):
        few = few_of(piece)
        return counted(few, "cpu") * piece.params["batch_size"] / few.params["batch_size"]


def counted(piece: Piece, device: str) -> float:
    """`operations` on one of the two kinds of tensors."""
    model = piece.build().to(device).train()
    inputs, mask = piece.batch(device)
    with FlopCounterMode(display=False) as counter:
        outputs = model(inputs)
        if device == "meta":
            some = [one for one in tree_leaves(outputs) if isinstance(one, Tensor) and one.requires_grad]
            loss = sum(one.float().sum() for one in some)
        else:
            loss = piece.loss(model)(outputs, mask)["loss"]
        loss.backward()
    return counter.get_total_flops() / piece.turns


def memory(piece: Piece) -> float:
    """MB of a step: what autograd keeps for the backward pass in float32, seen on a few small crops and taken as growing with
    their pixels; weights, their gradients and two moments.
    """
    few = few_of(piece, MOST)
    model = few.build().train()
    inputs, mask = few.batch("cpu")
    pixels = (piece.side / few.side) ** 2 * piece.params["batch_size"] / few.params["batch_size"]
    return pixels * kept(model, few.loss(model), inputs, mask) / 2**20 + 4 * weights(piece)


def few_of(piece: Piece, side: int = 0) -> Piece:
    """The same step on FEW images, of at most `side` pixels a side where that is given."""
    less = {"batch_size": min(FEW, piece.params["batch_size"])}
    less |= {piece.side_name: min(side, piece.side)} if side else {}
    return piece.changed(**less)


def weights(piece: Piece) -> float:
    """MB of a network's weights on disk, in float32."""
    return BYTES * sum(one.numel() for one in piece.build().parameters()) / 2**20
