"""Scores of probability maps beside scikit-learn, torchmetrics, IMDLBenCo's evaluators and TruFor's best threshold."""

from functools import partial

import numpy as np
import torch

from benchmarks.jobs.job import Job, close, maps
from benchmarks.peers import imdlbenco, trufor
from imdlib.scoring import metrics


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


def continuous(count, side):
    """Maps without ties, and masks, as in `maps`."""
    prob, masks = maps(count, side)
    noise = np.random.default_rng(1).permuted(
        np.linspace(-4e-4, 4e-4, side * side, dtype=np.float64).reshape(1, -1).repeat(count, 0), axis=1
    )
    return (prob + noise.reshape(prob.shape)).clip(0, 1), masks


def evaluators(scale):
    prob, masks = continuous(4, max(int(512 * scale), 32))
    tensors = torch.from_numpy(prob)[:, None], torch.from_numpy(masks)[:, None].float()

    def theirs():
        return torch.stack(
            [score(*tensors).double() for score in (imdlbenco.f1, imdlbenco.iou, imdlbenco.auc)], dim=1
        ).numpy()

    def ours():
        return metrics.per_image(prob, masks)[["f1", "iou", "auc"]].to_numpy()

    name = "pixel F1, IoU and AUC, 4 maps of 512 x 512 without ties"
    return Job(name, "IMDLBenCo, rewritten", 1 / 8, ours, theirs, partial(close, 1e-4))


def best_threshold(scale):
    prob, masks = maps(4, max(int(512 * scale), 32))

    def theirs():
        return [trufor.best_f1(p, m) for p, m in zip(prob, masks)]

    def ours():
        return metrics.per_image(prob, masks)["f1_best"].to_numpy()

    name = "F1 at the best threshold (ours: all scores), 4 maps of 512 x 512"
    return Job(name, "TruFor, rewritten", 1.0, ours, theirs, partial(close, 1e-9))


JOBS = [pixel_auc, pixel_auc_torch, all_scores, evaluators, best_threshold, image_auc]
