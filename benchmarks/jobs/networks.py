"""Training steps of the studies' networks beside DeepLab of torchvision and smp, NCL's own base, and TransCAM's Conformer.

What was made equal to NCL's base: backbone, stride, rates, decoder, kind of convolution and memory format; `equal` compares the
numbers of parameters. Networks of ours are channels-last, as `imdlib.train` trains them; TransCAM's has planes, as its release.
"""

from functools import partial

import torch
from torch.nn import functional as F

from benchmarks.jobs.job import Job, close
from benchmarks.peers import deeplab, transcam
from imdlib.bridge.conformer import Conformer
from imdlib.ncl import losses
from imdlib.ncl.model import NCLNet


def batch(scale):
    """Two images (2,3,side,side), channels-last, and masks (2,1,side,side) with a square each, 256 pixels a side at scale 1."""
    side = max(int(256 * scale) // 32 * 32, 64)
    torch.manual_seed(0)
    image, mask = torch.rand(2, 3, side, side), torch.zeros(2, 1, side, side)
    mask[:, :, side // 4 : side // 2, side // 8 : side // 2] = 1
    return image.to(memory_format=torch.channels_last), mask


def as_trained(model):
    """A network as `imdlib.train.fit` has it."""
    return model.train().to(memory_format=torch.channels_last)


def stepped(model, loss):
    """A function that takes a training step of a model with loss() and returns the loss."""
    optim = torch.optim.SGD(model.parameters(), 0.001)

    def step():
        found = loss()
        optim.zero_grad()
        found.backward()
        optim.step()
        return found.item()

    return step


def beside_base(theirs, peer, scale):
    """NCL's base beside another network that gives logits (B,2,H,W)."""
    image, mask = batch(scale)
    model = NCLNet(backbone="resnet50", pivot=False, aux=False)
    sizes = [sum(p.numel() for p in one.parameters()) for one in (model, theirs)]
    target = mask[:, 0].long()
    works = [
        stepped(as_trained(model), lambda: F.cross_entropy(model(image)["logits"], target)),
        stepped(as_trained(theirs), lambda: F.cross_entropy(theirs(image), target)),
    ]
    name = "training step of NCL's base, 40 M, ResNet-50 with stride 8, 2 images of 256 x 256"
    return Job(name, peer, 1.0, *works, lambda a, b: sizes[0] == sizes[1])


def base_torchvision(scale):
    return beside_base(deeplab.TorchvisionPlus(), "torchvision DeepLabV3 with DeepLabV3+'s decoder, 40 M", scale)


def base_smp(scale):
    return beside_base(deeplab.smp_plus(), "smp DeepLabV3Plus with plain convolutions, 40 M", scale)


def whole_method(scale):
    image, mask = batch(scale)
    whole, base = NCLNet(backbone="resnet50"), NCLNet(backbone="resnet50", pivot=False, aux=False)

    def loss(model, variant):
        return losses.total_loss(model(image), mask, variant=variant, pivot=model.pivot)["loss"]

    works = [stepped(as_trained(m), partial(loss, m, v)) for m, v in ((whole, "pivot+pc"), (base, "base"))]
    name = "training step of the whole of NCL, ResNet-50, 2 images of 256 x 256"
    return Job(name, "NCL's base", 1.1, *works, None)


def conformer_step(scale):
    image, _ = batch(scale)
    torch.manual_seed(0)
    model = Conformer(num_classes=20, fusion="none", drop_path=0.0)
    peer, label = transcam.released(model), torch.tensor([3, 7])

    def loss(one, pixels):
        return F.cross_entropy(one(pixels, attention=False)["logits"], label)

    ours, theirs = partial(loss, as_trained(model), image), partial(loss, peer.train(), image.contiguous())
    works = [stepped(model, ours), stepped(peer, theirs)]
    name = "training step of Conformer-S, 2 images of 256 x 256"
    return Job(name, "TransCAM's release, rewritten: attention written out", 0.8, *works, partial(close, 1e-3))


JOBS = [base_torchvision, base_smp, whole_method, conformer_step]
