"""No labels at all: the deepest layer's agreed predictions teach the shallow ones, and watching that this is learning.

INR section 3.5: pseudo-labels where the Otsu pool and the cluster pool lie on the same side of 0.5, cross-entropy of
each shallow head's maximum against them; section 4 (alpha 1, beta 0.3); Table 5 (without the selection).

Differs from the paper:
- As written, nothing ever trains the mask: the teacher is a constant, the shallow losses end at the third stage and the
  contrast at the features. `deep=True` adds the cross-entropy of the deep pools against the same pseudo-labels;
  `deep=False` is the literal form (a test shows the missing gradient).
- Shallow heads: see `detector.ChannelMean`; as written they cannot answer "authentic" (a test shows the floor of 0.5).
- An image in which the clusterings have no tampered cell in common has one source, not two that agree: not selected.
- The three shallow losses are added with weight 1. Contrast only in images whose pseudo-label is 1.
- Pseudo-labels confirm themselves, and may all become the same: `collapsed` reads the history.
"""

from collections.abc import Iterable

import pandas as pd
import torch
from torch import Tensor

from imdlib.inr.contrast import selective_contrast
from imdlib.inr.detector import tampered_probability
from imdlib.inr.pooling import otsu_mean, selected_mean
from imdlib.inr.weak import agreement, bce, counts, selected

SELECTIONS = ("agreement", "all")


def pseudo_labels(p_otsu: Tensor, p_clu: Tensor, selection: str = "agreement") -> tuple[Tensor, Tensor]:
    """Label (B,) float32 in {0,1} and selected (B,) bool of two image scores (B,), p_clu NaN where there is none.

    selection: 'agreement' = both above 0.5 or neither, 'all' = p_otsu decides for every image (without selection).
    """
    if selection not in SELECTIONS:
        raise ValueError(f"selection={selection!r}: expected one of {', '.join(SELECTIONS)}")
    label = (p_otsu > 0.5).float()
    if selection == "all":
        return label, torch.ones_like(label, dtype=torch.bool)
    return label, ((p_clu > 0.5) == (p_otsu > 0.5)) & ~p_clu.isnan()


def shallow_scores(shallow: Iterable[Tensor]) -> list[Tensor]:
    """Image score of each shallow head, list of logits (B,1,h,w) -> list of (B,): sigmoid, global maximum."""
    return [logits.float().sigmoid().amax(dim=(1, 2, 3)) for logits in shallow]


def chosen_bce(label: Tensor, score: Tensor, chosen: Tensor) -> Tensor:
    """Mean of Eq. 6 over the chosen images, a scalar; zero, still part of the graph, where there is none."""
    return (bce(label, score) * chosen).sum() / chosen.sum().clamp(min=1)


def self_distillation(
    outputs: dict[str, Tensor | list[Tensor]],
    mask: Tensor | None = None,
    *,
    selection: str = "agreement",
    deep: bool = True,
    alpha: float = 1.0,
    beta: float = 0.3,
    scl_on: str = "proj",
    contrast_after: int = 0,
    m_rule: str = "minority",
    cap_half: bool = False,
    **contrast: float | str | torch.Generator | None,
) -> dict[str, Tensor]:
    """INR Eq. 7 of the unsupervised mode, in the form that `imdlib.train.fit` calls: dict of scalars with `loss`.

    outputs: of `INRNet` with a prior, matching and shallow heads; mask: not looked at. selection, deep: see above;
    contrast_after: of `weak.weak_loss`; contrast: tau, form, max_authentic, max_tampered, generator.
    Others in the dict: shallow, deep and scl (unweighted); chosen, share of images with a pseudo-label; positive, share
    with the pseudo-label 1; agree and low, of `contrast.select`.
    """
    if "shallow" not in outputs:
        raise ValueError("outputs hold no shallow heads: build INRNet with shallow='norm'")
    cells = selected(outputs, m_rule)
    with torch.autocast(outputs["logits"].device.type, enabled=False):
        prob = tampered_probability(outputs).flatten(1)  # (B,N)
        p_otsu, p_clu = otsu_mean(prob, cap_half=cap_half), selected_mean(prob, cells.tampered.flatten(1))
        label, chosen = pseudo_labels(p_otsu.detach(), p_clu.detach(), selection)
        students = sum(chosen_bce(label, score, chosen) for score in shallow_scores(outputs["shallow"]))
        teachers = chosen_bce(label, p_otsu, chosen) + chosen_bce(label, p_clu.nan_to_num(0.5), chosen & ~p_clu.isnan())
        which = chosen & (label == 1)
        keys = outputs.get(f"{scl_on}_r")
        scl = selective_contrast(outputs[scl_on], cells.tampered, cells.authentic, keys=keys, which=which, **contrast)
    loss = alpha * (students + teachers if deep else students) + beta * counts(outputs, contrast_after) * scl
    shares = {"chosen": chosen.float().mean(), "positive": which.float().mean()}
    return {"loss": loss, "shallow": students, "deep": teachers, "scl": scl, **shares, **agreement(cells)}


def collapsed(history: pd.DataFrame, low: float = 0.02, high: float = 0.98) -> pd.Series:
    """Which epochs have pseudo-labels that say nothing: the share of 1 among them below `low` or above `high`, or none.

    history: of `imdlib.train.fit` with `self_distillation` -> bool Series.
    """
    rate = history["positive"] / history["chosen"]  # NaN where nothing was selected
    return ~rate.between(low, high)
