"""What is measured: the same work by imdlib and by a library that people would use instead, on made-up data of one seed.

Each job is a function of a scale (1 = as reported; less for a try) that returns a `Job`. A peer that is not installed is an
ImportError.
"""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np
import torch

from benchmarks import detectors
from imdlib.bridge import networks, stages
from imdlib.ncl import losses
from imdlib.ncl.model import NCLNet
from imdlib.networks import cluster
from imdlib.parameters import declared
from imdlib.scoring import costs, metrics
from imdlib.training.settings import make_fabric


class Job(NamedTuple):
    """ours and theirs do the work and return what `equal` compares, or return the figure itself where unit is MB.

    target: the ratio ours / theirs that is aimed at; equal(a, b): whether both found the same; None where they do different things.
    """

    job: str
    peer: str
    target: float
    ours: Callable
    theirs: Callable
    equal: Callable | None
    unit: str = "ms"


def maps(count, side, seed=0):
    """Probability maps (count,side,side) float32 with three decimals, so that there are ties, and masks with a rectangle each."""
    rng = np.random.default_rng(seed)
    masks = np.zeros((count, side, side), np.uint8)
    for mask in masks:
        top, left = rng.integers(side // 2, size=2)
        mask[top : top + side // 4, left : left + side // 3] = 1
    noise = rng.normal(size=masks.shape) + masks
    return (1 / (1 + np.exp(-noise))).round(3).astype(np.float32), masks


def close(tolerance, a, b):
    """Whether all numbers are within the tolerance."""
    return bool(np.allclose(a, b, rtol=0, atol=tolerance))


def our_aucs(prob, masks):
    """AUC of each map."""
    return [metrics.auc(p, m) for p, m in zip(prob, masks)]


def pixel_auc(scale):
    from sklearn.metrics import roc_auc_score

    prob, masks = maps(4, max(int(512 * scale), 32))

    def theirs():
        return [roc_auc_score(m.ravel(), p.ravel()) for p, m in zip(prob, masks)]

    ours = partial(our_aucs, prob, masks)
    return Job("pixel AUC, 4 maps of 512 x 512", "scikit-learn", 1.0, ours, theirs, partial(close, 1e-12))


def pixel_auc_torch(scale):
    from torchmetrics.functional.classification import binary_auroc

    prob, masks = maps(4, max(int(512 * scale), 32))
    tensors = [(torch.from_numpy(p.ravel()), torch.from_numpy(m.ravel()).long()) for p, m in zip(prob, masks)]

    def theirs():
        return [binary_auroc(p, m).item() for p, m in tensors]

    ours = partial(our_aucs, prob, masks)
    return Job("pixel AUC, 4 maps of 512 x 512", "torchmetrics", 1.0, ours, theirs, partial(close, 1e-5))


def all_scores(scale):
    from sklearn.metrics import f1_score, jaccard_score, precision_recall_curve, roc_auc_score

    prob, masks = maps(2, max(int(512 * scale), 32))

    def theirs():
        rows = []
        for p, m in zip(prob.reshape(2, -1), masks.reshape(2, -1)):
            precision, recall, _ = precision_recall_curve(m, p)
            best = (2 * precision * recall / np.maximum(precision + recall, 1e-12)).max()
            rows.append([f1_score(m, p > 0.5), jaccard_score(m, p > 0.5), roc_auc_score(m, p), best])
        return rows

    def ours():
        return metrics.per_image(prob, masks)[["f1", "iou", "auc", "f1_best"]].to_numpy()

    name = "pixel F1, IoU, AUC and best F1, 2 maps of 512 x 512"
    return Job(name, "scikit-learn", 0.5, ours, theirs, partial(close, 1e-9))


def image_auc(scale):
    from sklearn.metrics import roc_auc_score

    rng = np.random.default_rng(0)
    label = rng.integers(2, size=max(int(100_000 * scale), 100))
    score = (rng.normal(size=len(label)) + label).round(3)
    return Job(
        "image AUC of 100,000 scores",
        "scikit-learn",
        1.0,
        partial(metrics.auc, score, label),
        partial(roc_auc_score, label, score),
        partial(close, 1e-12),
    )


def otsu(scale):
    from skimage.filters import threshold_otsu

    prob, _ = maps(max(int(32 * scale), 2), 128)
    rows = torch.from_numpy(prob).flatten(1)

    def theirs():
        return [threshold_otsu(p) for p in prob]

    def between(threshold, p):
        above = p > threshold
        return above.mean() * (~above).mean() * (p[above].mean() - p[~above].mean()) ** 2

    def at_least_as_good(a, b):
        return all(between(x, p) >= between(y, p) - 1e-9 for x, y, p in zip(a.tolist(), b, prob.astype(float)))

    ours = partial(cluster.otsu_threshold, rows)
    return Job("Otsu's threshold of 32 maps of 128 x 128", "scikit-image", 4.0, ours, theirs, at_least_as_good)


def two_means(scale):
    from sklearn.cluster import KMeans

    rng = np.random.default_rng(0)
    points = rng.normal(size=(max(int(16_384 * scale), 64), 64)).astype(np.float32)
    points[: len(points) // 5] += 0.5
    batch = torch.from_numpy(points)[None]

    def theirs():
        return KMeans(2, n_init=1, random_state=0).fit(points).labels_

    def inertia(labels):
        return sum(((points[labels == k] - points[labels == k].mean(0)) ** 2).sum() for k in (0, 1))

    def at_least_as_good(a, b):
        return bool(inertia(a[0][0].numpy()) <= 1.001 * inertia(b))

    ours = partial(cluster.two_means, batch)
    return Job("two clusters of 16,384 points of 64", "scikit-learn", 1.0, ours, theirs, at_least_as_good)


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


def localizer_step(scale):
    from torchvision.models.segmentation import deeplabv3_resnet50

    return against(deeplabv3_resnet50(weights=None, weights_backbone=None), "torchvision DeepLabV3, 40 M", scale)


def localizer_step_separable(scale):
    import segmentation_models_pytorch as smp

    model = smp.DeepLabV3Plus("resnet50", encoder_weights=None, encoder_output_stride=8)
    return against(model, "smp DeepLabV3Plus, separable, 27 M", scale)


def against(theirs, peer, scale):
    """A training step of NCL's base and of another network with the same backbone and stride."""
    side = max(int(256 * scale) // 32 * 32, 64)
    torch.manual_seed(0)
    image, mask = torch.rand(2, 3, side, side), (torch.rand(2, 1, side, side) > 0.9).float()

    def step(model, optim):
        outputs = model(image)
        logits = outputs.get("logits", outputs.get("out")) if isinstance(outputs, dict) else outputs
        optim.zero_grad()
        torch.nn.functional.binary_cross_entropy_with_logits(logits[:, :1], mask).backward()
        optim.step()

    models = NCLNet(backbone="resnet50", pivot=False, aux=False), theirs
    works = [partial(step, model.train(), torch.optim.SGD(model.parameters(), 0.01)) for model in models]
    name = "training step of NCL's base, 40 M, ResNet-50 with stride 8, 2 images of 256 x 256"
    return Job(name, peer, 1.0, *works, None)


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


def error_levels(scale):
    return detectors.ela(Job, scale)


def noise_levels(scale):
    return detectors.noi(Job, scale)


def mosaic(scale):
    return detectors.cfa1(Job, scale)


JOBS = [pixel_auc, pixel_auc_torch, all_scores, image_auc, otsu, two_means]
JOBS += [contrast, contrast_memory, localizer_step, localizer_step_separable, attention_on_the_cpu]
JOBS += [attention_of_more_tokens]
JOBS += [error_levels, noise_levels, mosaic]
