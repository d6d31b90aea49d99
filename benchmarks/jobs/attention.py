"""Bridging's teacher with the attention that is chosen on a processor, beside PyTorch's fused one."""

from functools import partial

import torch

from benchmarks.jobs.job import Job, close
from imdlib.bridge import networks, stages
from imdlib.parameters import declared
from imdlib.training.settings import make_fabric


def attention_on_the_cpu(scale, tokens=65):
    fabric = make_fabric(precision="bf16-mixed", accelerator="cpu")
    params = declared("bridge/run") | {"method": "teacher"}
    torch.manual_seed(0)
    model = networks.build(params, 192).distillation
    model.requires_grad_(False).teacher.requires_grad_(True)
    count = max(int(16 * scale), 2)
    batch = {"tokens": torch.randn(count, tokens, 192), "label": torch.arange(count) % 3}

    def ours():
        with stages.attention_on(fabric.device):
            return work()

    def work():
        with fabric.autocast():
            loss = stages.stage_losses("teacher", model, None, batch)["loss"]
        model.zero_grad()
        fabric.backward(loss)
        return loss.item()

    name = f"forward and backward of Bridging's teacher, 16 images of {tokens} tokens, bfloat16 on the CPU"
    return Job(name, "PyTorch's fused attention", 1.0, ours, work, partial(close, 0.02))


def attention_of_more_tokens(scale):
    return attention_on_the_cpu(scale, tokens=257)


JOBS = [attention_on_the_cpu, attention_of_more_tokens]
