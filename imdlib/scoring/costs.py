"""What a training step costs: seconds on any device, and bytes kept for the backward pass."""

import time

import torch


def step(fabric, model, optimizer, loss, image, mask):
    """Seconds of one training step: forward, loss, backward, optimizer."""

    def work():
        fabric.backward(loss(model(image), mask)["loss"])
        optimizer.step()
        optimizer.zero_grad()

    return seconds(work, image)


def kept(model, loss, image, mask):
    """Bytes that autograd keeps for the backward pass of one step, without the model's own parameters."""
    own = {p.untyped_storage().data_ptr() for p in model.parameters()}
    sizes = {}

    def note(tensor):
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            sizes[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        loss(model(image), mask)
    return sum(sizes.values())


def seconds(work, tensor):
    """Seconds of work() on the device of `tensor`."""
    wait(tensor)
    start = time.perf_counter()
    work()
    wait(tensor)
    return time.perf_counter() - start


def wait(tensor):
    """Until the device of `tensor` has done what was asked of it."""
    if tensor.is_cuda:
        torch.cuda.synchronize(tensor.device)
