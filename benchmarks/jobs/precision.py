"""The precision that is chosen on a processor beside the other one, on the network that the laptop's runs train."""

from functools import partial

import torch

from benchmarks.gpu import pieces
from benchmarks.jobs.job import Job, close
from imdlib.training.optimizers import make_optimizer
from imdlib.training.settings import best_precision, make_fabric

OTHER = {"bf16-mixed": "32-true", "32-true": "bf16-mixed"}


def stepped(piece, precision):
    """A function that takes a training step in a precision and returns the loss."""
    fabric = make_fabric(precision=precision, accelerator="cpu")
    torch.manual_seed(0)
    model = piece.build().to(memory_format=torch.channels_last).train()
    loss, (inputs, mask) = piece.loss(model), piece.batch("cpu")
    optimizer = make_optimizer("adamw", [*model.parameters()], learning_rate=1e-5, weight_decay=0.0)
    net, optimizer = fabric.setup(model, optimizer)

    def step():
        found = loss(net(inputs), mask)["loss"]
        fabric.backward(found)
        optimizer.step()
        optimizer.zero_grad()
        return found.item()

    return step


def chosen_precision(scale):
    piece, chosen = pieces.of_run("ncl/run", {"batch_size": max(int(8 * scale), 2)}), best_precision()
    works = stepped(piece, chosen), stepped(piece, OTHER[chosen])
    name = f"training step of NCL's laptop network, 8 images of 128 x 128, {chosen}, as chosen here"
    return Job(name, OTHER[chosen], 1.0, *works, partial(close, 0.05))


JOBS = [chosen_precision]
