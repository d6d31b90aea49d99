"""IMDLBenCo's pixel evaluators (github.com/scu-zjz/IMDLBenCo, IMDLBenCo/evaluation/F1.py, IOU.py, AUC.py), from their formulas.

F1 and IoU multiply maps of numbers where counts would do; the AUC sorts every map by itself and integrates the curve point by point. Tied
values are not taken together, so maps without ties are needed for it to be the area under the ROC.
"""

import torch
from torch import Tensor

EPS = 1e-8


def counts(prob: Tensor, mask: Tensor) -> tuple[Tensor, ...]:
    """True positives, false positives and false negatives of each map at 0.5: (B,1,H,W) float -> (B,) each."""
    called = (prob > 0.5).float()
    tp = (called * mask).sum((1, 2, 3))
    fp = (called * (1 - mask)).sum((1, 2, 3))
    fn = ((1 - called) * mask).sum((1, 2, 3))
    return tp, fp, fn


def f1(prob: Tensor, mask: Tensor) -> Tensor:
    """F1 of each map, (B,)."""
    tp, fp, fn = counts(prob, mask)
    precision, recall = tp / (tp + fp + EPS), tp / (tp + fn + EPS)
    return 2 * precision * recall / (precision + recall + EPS)


def iou(prob: Tensor, mask: Tensor) -> Tensor:
    """Intersection over union of each map, (B,)."""
    tp, fp, fn = counts(prob, mask)
    return tp / (tp + fp + fn + EPS)


def auc(prob: Tensor, mask: Tensor) -> Tensor:
    """Area under the ROC of each map, one after the other, (B,)."""
    areas = []
    for p, m in zip(prob.flatten(1), mask.flatten(1)):
        hits = m[torch.argsort(p, descending=True)]
        recall, fallout = hits.cumsum(0) / hits.sum(), (1 - hits).cumsum(0) / (1 - hits).sum()
        areas.append(torch.trapezoid(recall.double(), fallout.double()))
    return torch.stack(areas)
