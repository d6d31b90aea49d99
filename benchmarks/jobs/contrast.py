"""Contrast of patches beside pytorch-metric-learning's SupConLoss and FOCAL's InfoNCE."""

from functools import partial

import torch

from benchmarks.jobs.job import Job, close
from benchmarks.peers import focal
from imdlib.inr.contrast import selective_contrast
from imdlib.ncl import losses
from imdlib.scoring import costs


def contrast_parts(scale):
    """Functions of ours and theirs that give a loss of 1,000 tampered and 1,000 authentic features of 256, and the leaf."""
    from pytorch_metric_learning.losses import SupConLoss

    count = max(int(1000 * scale), 8)
    torch.manual_seed(0)
    features = torch.randn(2 * count, 256, requires_grad=True)
    labels, supcon = torch.arange(2 * count) < count, SupConLoss(temperature=0.1)
    every = torch.ones(1, count, dtype=torch.bool)

    def ours(features=features):
        unit = torch.nn.functional.normalize(features, dim=1).unflatten(0, (2, count))
        return losses.pairwise_term(unit[:1], every, unit[1:], every, 0.1).mean()

    def theirs(features=features):
        return supcon(features, labels.long())

    return ours, theirs, features


def contrast(scale):
    *pair, features = contrast_parts(scale)

    def work(loss):
        features.grad = None
        loss().backward()

    name = "contrast of 1,000 tampered and 1,000 authentic patches, D = 256, forward and backward"
    return Job(name, "pytorch-metric-learning SupConLoss", 0.5, *(partial(work, loss) for loss in pair), None)


def contrast_memory(scale):
    *pair, features = contrast_parts(scale)

    def work(loss):
        return costs.kept(torch.nn.Identity(), lambda found, _: loss(found), features, None) / 2**20

    name = "contrast of 1,000 tampered and 1,000 authentic patches, D = 256, kept for the backward pass"
    return Job(name, "pytorch-metric-learning SupConLoss", 1.0, *(partial(work, loss) for loss in pair), None, "MB")


def info_nce(scale):
    side, count = max(int(128 * scale), 12), max(int(1000 * scale), 20)
    torch.manual_seed(0)
    feat = torch.randn(256, side, side, requires_grad=True)
    place = torch.randperm(side * side).view(side, side)
    queries, negatives = place < count, (place >= count) & (place < 2 * count)

    def work(loss):
        feat.grad = None
        found = loss()
        found.backward()
        return [found.item(), *feat.grad.flatten()[:: side * side].tolist()]

    ours = partial(work, lambda: selective_contrast(feat[None], negatives[None], queries[None], form="standard"))
    theirs = partial(work, lambda: focal.info_nce(feat, queries, negatives))
    name = "contrast of 1,000 and 1,000 of the 16,384 cells of a map, D = 256, forward and backward"
    return Job(name, "FOCAL's InfoNCE, rewritten", 1 / 10, ours, theirs, partial(close, 1e-5))


JOBS = [contrast, contrast_memory, info_nce]
