"""Validation: what labels of validation images say of a network while it learns, by which epochs and settings are chosen.

Not in the paper, which names no rule for either. No mask of a validation image is looked at: labels are all that is learned from.
"""

import numpy as np
import torch
from torch import Tensor, nn

from imdlib.bridge.crossfit import CrossFitted
from imdlib.bridge.discrepancy import Discrepancy
from imdlib.bridge.labels import PARTLY, REAL, three_classes
from imdlib.bridge.networks import Whole
from imdlib.bridge.scoring import features_of
from imdlib.bridge.towers.cache import Features
from imdlib.data.batches import ImageSet, evaluation_batches
from imdlib.scoring.ranks import beaten


@torch.no_grad()
def three_way(
    distillation: Discrepancy | CrossFitted | None,
    classifier: nn.Module | None,
    *,
    images: ImageSet,
    features: Tensor | Features,
) -> dict[str, float]:
    """What labels of validation images say: dict of `judgement`'s numbers, of the whole and, with val_teacher_, of its teacher
    alone, and the recall of partly fake images.
    """
    model = Whole(distillation, classifier).eval()
    truth, device = three_classes(images.manifest), next(model.parameters()).device
    said = {"val": torch.zeros(len(truth), 3)} | (
        {} if model.distillation is None else {"val_teacher": torch.zeros(len(truth), 3)}
    )
    for image, _, index in evaluation_batches(images):
        tokens = features_of(features, index).to(device)
        said["val"][index] = model(image.to(device).float() / 255, tokens)["logits"].cpu()
        if "val_teacher" in said:
            said["val_teacher"][index] = model.distillation.teacher_logits(tokens).float().cpu()
    found = {}
    for name, logits in said.items():
        called = logits.argmax(1).numpy()
        found |= judgement(name, truth, called, 1 - logits.softmax(1)[:, REAL].numpy())
        found |= {f"{name}_partly": np.mean(called[truth == PARTLY] == PARTLY)} if (truth == PARTLY).any() else {}
    return found


@torch.no_grad()
def binary(model: nn.Module, *, images: ImageSet) -> dict[str, float]:
    """`judgement` of a detector of real against fake, whose classes are two."""
    score, device = np.zeros(len(images)), next(model.parameters()).device
    for image, _, index in evaluation_batches(images):
        score[index] = model.probability(model(image.to(device).float() / 255)).float().cpu()
    truth = np.minimum(three_classes(images.manifest), 1)
    return judgement("val", truth, (score > 0.5).astype(int), score)


def judgement(name: str, truth: np.ndarray, called: np.ndarray, score: np.ndarray) -> dict[str, float]:
    """<name>_recall, the mean over the classes that occur; <name>_auc, of real against fake; <name>_both, the mean of the two.

    truth, called (N,) class numbers; score (N,) of fake. `both` is what epochs and settings are chosen by: one number for
    detectors and for three-class methods, of all that they are judged by. NaN in the AUC where there is one label.
    """
    recall = float(np.mean([(called[truth == one] == one).mean() for one in np.unique(truth)]))
    auc = float(np.mean(beaten(score[truth != REAL], score[truth == REAL]))) if (truth != REAL).any() else np.nan
    return {f"{name}_recall": recall, f"{name}_auc": auc, f"{name}_both": (recall + auc) / 2}
