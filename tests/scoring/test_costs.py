"""Costs: memory counted once and without the weights, a step that trains, work that is done once."""

import torch
from torch import nn

from imdlib.scoring import costs
from imdlib.training.settings import make_fabric


def test_kept_counts_each_tensor_once_and_no_weights():
    layer = nn.Sequential(nn.Linear(10, 10, bias=False), nn.Sigmoid())
    x = torch.rand(4, 10)
    found = costs.kept(layer, lambda outputs, mask: {"loss": outputs.sum()}, x, None)
    assert found == 2 * 4 * 10 * 4  # the input of the product and the output of the sigmoid, float32


def test_a_step_trains_and_leaves_no_gradient():
    fabric = make_fabric(precision="32-true", accelerator="cpu")
    model = nn.Linear(3, 1, bias=False)
    before = model.weight.detach().clone()
    model, optimizer = fabric.setup(model, torch.optim.SGD(model.parameters(), 0.1))
    took = costs.step(fabric, model, optimizer, lambda out, mask: {"loss": (out * mask).sum()}, torch.ones(2, 3), 2)
    assert took > 0 and torch.allclose(before - model.weight, torch.full((1, 3), 0.1 * 2 * 2))
    assert model.weight.grad is None


def test_seconds_do_the_work_once():
    done = []
    assert costs.seconds(lambda: done.append(1), torch.zeros(1)) > 0 and done == [1]
