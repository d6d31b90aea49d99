"""Cross-fitted discrepancies: the classifier learns from distances on images that teacher and students were not trained on.

Not in the paper, whose classifier gets, in training, the distances of the very images that the teacher has learned by heart, and
in use those of images that it never saw. Here the scenes are dealt into folds; each fold's distances come from a distillation
that learned from the other folds (Chernozhukov et al. 2018), and in use the folds' distances are averaged.
"""

import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Self

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn
from torch.utils.data import Subset

from imdlib.bridge.discrepancy import Discrepancy
from imdlib.bridge.samples import Samples
from imdlib.bridge.stages import fit_stages
from imdlib.training.settings import Settings


class CrossFitted(nn.Module):
    """Several `Discrepancy` of one shape, one a fold, that speak as one: what they say is the mean over folds."""

    def __init__(self, members: Sequence[Discrepancy]) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)
        self.width, self.students = members[0].width, members[0].students

    def forward(self, tokens: Tensor) -> Tensor:
        """Eq. 8: tokens (B,T,D) -> (B,width) float32."""
        return torch.stack([member(tokens) for member in self.members]).mean(0)

    def teacher_logits(self, tokens: Tensor) -> Tensor:
        """Mean of the teachers' logits, (B,3)."""
        return torch.stack([member.teacher_logits(tokens) for member in self.members]).mean(0)

    def distances(self, tokens: Tensor) -> Tensor:
        """d1 and d2 of each image, (B,2) float32, squared; NaN without students."""
        return torch.stack([member.distances(tokens) for member in self.members]).mean(0)

    def beginning(self, untrained: Self) -> Self:
        """`Discrepancy.beginning` of every fold."""
        return CrossFitted([one.beginning(other) for one, other in zip(self.members, untrained.members)])


def dealt(groups: Sequence[str], folds: int, seed: int) -> np.ndarray:
    """Fold (N,) of each image, all images of a group in one; folds differ by one group at most."""
    names, group = np.unique(np.asarray(groups, dtype=str), return_inverse=True)
    if not 2 <= folds <= len(names):
        raise ValueError(f"crossfit={folds}: expected 0, or 2 to {len(names)}, as many folds as there are scenes")
    return (np.random.default_rng(seed).permutation(len(names)) % folds)[group]


def fit_crossfitted(
    model: CrossFitted,
    classifier: nn.Module,
    samples: Samples,
    fold: np.ndarray,
    folder: Path | str,
    settings: Settings,
    *,
    validate: Callable,
    keep: str = "last",
    watch: Samples | None = None,
    **options: float | bool | str,
) -> pd.DataFrame:
    """Train every member on the other folds, then the classifier on the distances of images that were held out.

    fold (N,): of each sample; options: of `fit_stages`, which each member is trained by, for all epochs; validate, keep: of the
    classifier. Continues what `folder` holds. Returns the history of the classifier.
    """
    folder, distillation = Path(folder), replace(settings, until_flat=False)
    vectors = torch.zeros(len(samples), model.width)
    for number, member in enumerate(model.members):
        learns, held = (np.flatnonzero(fold != number).tolist(), np.flatnonzero(fold == number).tolist())
        others = Samples(Subset(samples.features, learns), samples.labels[learns], seed=settings.seed)
        fit_stages(member, None, others, folder / f"fold{number}", distillation, watch=watch, **options)
        vectors[held] = said(member, Subset(samples.features, held))
    known = Samples(samples.features, samples.labels, samples.images, disc=vectors, seed=samples.seed)
    judged = dict(keep=keep, validate=lambda _, trained: validate(model, trained))
    history = fit_stages(None, classifier, known, folder, settings, **judged)
    for number in range(len(model.members)):
        shutil.rmtree(folder / f"fold{number}")
    return history


@torch.no_grad()
def said(model: Discrepancy, features: Subset, batch_size: int = 256) -> Tensor:
    """Eq. 8 of every image of `features`, (N,width) on the CPU."""
    device = next(model.parameters()).device
    parts = []
    for start in range(0, len(features), batch_size):
        some = [features[i].float() for i in range(start, min(start + batch_size, len(features)))]
        parts.append(model(torch.stack(some).to(device)).cpu())
    return torch.cat(parts)
