"""Checks: every network, loss and clustering step on a device against float64 on the processor, and a step of each in bfloat16.

    error = ||out - ref|| / ||ref||, over all outputs, over the losses, over the gradients of all weights

float32: TF32 switched off, so that its 10 bits hide nothing. What float32 is good for differs from network to network (batch norms
over three images make gradients inexact), so the bound is WORSE times the error of float32 on the processor, at least FLOORS and
at most MOST. bfloat16 (of `bf16-mixed`): loss and gradients are finite, and the loss is near that of float32.
python -m benchmarks.gpu.checks [--seconds 120] [--device cuda] [--out file]
"""

from collections.abc import Callable, Iterator
from copy import deepcopy
from itertools import zip_longest
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_leaves, tree_map

from benchmarks.gpu import pieces, readings
from imdlib.baselines.names import LOCALIZERS
from imdlib.bridge.methods import METHODS
from imdlib.inr import pooling
from imdlib.inr.variants import VARIANTS
from imdlib.ncl.grid import OWN
from imdlib.networks import cluster
from imdlib.training.settings import make_fabric

PARTS = ("outputs", "loss", "gradient")
WORSE, MOST = 10.0, {"outputs": 1e-2, "loss": 1e-2, "gradient": 0.2}
FLOORS = {"outputs": 1e-5, "loss": 1e-5, "gradient": 1e-4, "clusters": 1e-5, "bf16 loss": 0.1}
COLUMNS = ["notebook", "case", "part", "precision", "error", "bound", "held"]
SMALL = {
    "batch_size": 3,
    "max_pos": 4096,
    "max_neg": 4096,
    "dropout": 0.0,
}  # all patches: which are drawn hangs on the device
CASES = [("ncl/run", {"variant": name}) for name in (*OWN, *LOCALIZERS)]
CASES += [("ncl/run", {"backbone": name, "inputs": "rgb"}) for name in ("vit", "efficientnet_lite0")]
CASES += [
    ("ncl/run", {"backbone": "resnet50", "blocks": [], "stem_stride": 4, "hook": name}) for name in ("stem", "layer4")
]
CASES += [("inr/nrr", {}), ("inr/nrr", {"frequencies": 0})]
CASES += [("inr/run", {"variant": name}) for name in VARIANTS if name not in LOCALIZERS]
CASES += [("inr/run", {"variant": name, "mode": "supervised"}) for name in LOCALIZERS]
CASES += [
    ("inr/run", {"form": "standard"}),
    ("inr/run", {"counter": "reconstructed"}),
    ("inr/run", {"mode": "unsupervised"}),
]
CASES += [("inr/run", {"backbone": "efficientnet_lite0", "inputs": "rgb"})]
CASES += [("bridge/run", {"method": name}) for name in METHODS] + [("bridge/run", {"disc_on": "feature"})]


def rows(device: str, cases: list = CASES) -> Iterator[dict[str, Any]]:
    """A dict of COLUMNS per comparison, the quick ones first."""
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    for name, found in clusterings(device):
        yield row("", name, "clusters", "float32", found)
    for notebook, more in in_turn(cases):
        yield from of_case(notebook, more, device)


def in_turn(cases: list) -> list:
    """The same with notebooks taking turns, so that time that is too short leaves out some of each."""
    books = {notebook: [case for case in cases if case[0] == notebook] for notebook, _ in cases}
    return [case for turn in zip_longest(*books.values()) for case in turn if case is not None]


def row(notebook: str, case: str, part: str, precision: str, error: float, usual: float = 0.0) -> dict[str, Any]:
    """One comparison held against its bound; NaN holds nowhere. usual: the error of float32 on the processor."""
    bound = min(max(WORSE * usual, FLOORS[part]), MOST.get(part, 1.0))
    return dict(zip(COLUMNS, (notebook, case, part, precision, error, bound, bool(error <= bound))))


def error(found: Any, reference: Any) -> float:
    """||found - reference|| / ||reference|| over all floating-point tensors in two collections of one shape."""
    pairs = zip(tensors(found), tensors(reference), strict=True)
    flat = [(one.detach().double().cpu().flatten(), two.detach().double().flatten()) for one, two in pairs]
    one, two = torch.cat([a for a, _ in flat]), torch.cat([b for _, b in flat])
    return float((one - two).norm() / two.norm().clamp(min=1e-30))


def tensors(collection: Any) -> list[Tensor]:
    """Floating-point tensors of a collection, in its order."""
    return [one for one in tree_leaves(collection) if isinstance(one, Tensor) and one.is_floating_point()]


# ---- networks and losses -------------------------------------------------------------------------------------------


def of_case(notebook: str, more: dict[str, Any], device: str) -> Iterator[dict[str, Any]]:
    """Rows of one network with its loss."""
    torch.manual_seed(0)
    piece = pieces.of_run(notebook, {}, **SMALL, **more)
    case = ", ".join(f"{key} {value}" for key, value in more.items()) or "as it is"
    model = piece.build().train()
    inputs, mask = piece.batch("cpu")
    wide = tree_map(lambda one: one.double() if one.is_floating_point() else one, inputs)
    with Wide():
        reference = step(deepcopy(model).double(), piece, wide, mask)
    fabric = make_fabric(precision="bf16-mixed", accelerator="cpu" if device == "cpu" else "gpu")
    here = tree_map(lambda one: one.to(fabric.device), (inputs, mask))
    plain = step(deepcopy(model).to(fabric.device), piece, *here)
    usual = plain if device == "cpu" else step(deepcopy(model), piece, inputs, mask)
    for part, found, on_processor, known in zip(PARTS, plain, usual, reference):
        yield row(notebook, case, part, "float32", error(found, known), error(on_processor, known))
    with fabric.autocast():
        _, losses, gradients = step(deepcopy(model).to(fabric.device), piece, *here)
    finite = all(bool(one.isfinite().all()) for one in (*tensors(losses), *gradients))
    low, full = losses["loss"].item(), plain[1]["loss"].item()
    apart = abs(low - full) / abs(full)
    yield row(notebook, case, "bf16 loss", "bf16-mixed", apart if finite else float("nan"))


def step(
    model: nn.Module, piece: pieces.Piece, inputs: Any, mask: Tensor
) -> tuple[Any, dict[str, Tensor], list[Tensor]]:
    """(outputs, losses, gradients of the weights that have one) of a training step."""
    torch.manual_seed(1)
    outputs = model(inputs)
    losses = piece.loss(model)(outputs, mask)
    losses["loss"].backward()
    return outputs, losses, [weight.grad for weight in model.parameters() if weight.grad is not None]


class Wide(TorchFunctionMode):
    """While it lasts everything is float64 on the processor, also where code asks for float32."""

    def __torch_function__(self, func, types, args=(), kwargs=None):
        if func is Tensor.float:
            return args[0].double()
        wide = lambda one: torch.float64 if one is torch.float32 else one  # noqa: E731
        return func(*map(wide, args), **{name: wide(value) for name, value in (kwargs or {}).items()})


# ---- clusterings and poolings --------------------------------------------------------------------------------------


def clusterings(device: str) -> Iterator[tuple[str, float]]:
    """(name, error) of what chooses and pools: with labels alone an error is the share of places that differ."""
    draw = torch.Generator().manual_seed(0)
    points = torch.randn(4, 512, 16, generator=draw, dtype=torch.float64) + 3.0 * (torch.arange(512) < 100)[:, None]
    values = torch.rand(4, 4096, generator=draw, dtype=torch.float64)
    prob = values.unflatten(1, (1, 64, 64))
    far = lambda x: x.float().to(device)  # noqa: E731
    yield "otsu_threshold", error(cluster.otsu_threshold(far(values)), cluster.otsu_threshold(values.float().double()))
    for name, x in (("two_means, vectors", points), ("two_means, scalars", values)):
        found, known = cluster.two_means(far(x)), cluster.two_means(x)
        yield f"{name}, labels", float((found[0].cpu() != known[0]).double().mean())
        yield f"{name}, centers", error(found[1], known[1])
    for name, work in poolings().items():
        yield f"pooling, {name}", error(work(far(prob)), work(prob.float().double()))


def poolings() -> dict[str, Callable[[Tensor], Tensor]]:
    """Poolings of a map to a score, by name."""
    some = (pooling.otsu_mean, pooling.maximum, pooling.average, pooling.generalized_mean, pooling.smooth_mean)
    return {one.__name__: one for one in some}


def main(arguments: list[str] | None = None) -> None:
    options = readings.parser(__doc__).parse_args(arguments)
    found = readings.collected(rows(options.device), COLUMNS, options, "%.3g")
    wrong = [one for one in found if not one["held"]]
    print(f"{len(found)} comparisons, {len(wrong)} out of bounds")
    for one in wrong:
        print("  ", *one.values())


if __name__ == "__main__":
    main()
