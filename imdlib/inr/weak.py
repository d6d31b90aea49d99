"""Weak supervision: classification by the image label, selective contrast, their sum, and the score of an image.

INR section 3.5, Eq. 6 (binary cross-entropy), Eq. 7 (total), section 4 (alpha 1, beta 0.1).

Differs from the paper:
- Contrast only in images labelled tampered: a clustering marks something in an authentic image too (`scl_all=True`
  takes all).
- How an image is scored at inference is not stated: the mean of the two pools, which is Otsu's alone where the
  clusterings agree on no cell.
- A batch without an image for the contrast has contrast zero.
- The contrast counts from the first step on; `contrast_after` lets that many steps pass, in which the clusters of features
  that know nothing of tampering are not yet held on to.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from imdlib.inr.contrast import Selection, select, selective_contrast
from imdlib.inr.detector import tampered_probability
from imdlib.inr.labels import image_label
from imdlib.inr.pooling import pool


def bce(label: Tensor, prob: Tensor) -> Tensor:
    """INR Eq. 6 per image, label (B,) in {0,1} and prob (B,) in [0,1] -> (B,); logarithms end at -100."""
    with torch.autocast(prob.device.type, enabled=False):
        prob = prob.float()
        return F.binary_cross_entropy(prob, label.to(prob.dtype), reduction="none")


def classification_loss(label: Tensor, scores: tuple[Tensor, ...]) -> Tensor:
    """L_cls of INR section 3.5: the sum over pools of the mean of Eq. 6. label (B,), scores: tuple of (B,)."""
    return sum(bce(label, score).mean() for score in scores)


def weak_loss(
    outputs: dict[str, Tensor],
    mask: Tensor,
    *,
    pooling: str = "adaptive",
    alpha: float = 1.0,
    beta: float = 0.1,
    scl_on: str = "proj",
    scl_all: bool = False,
    contrast_after: int = 0,
    m_rule: str = "minority",
    pool_options: dict[str, float | bool] | None = None,
    **contrast: float | str | torch.Generator | None,
) -> dict[str, Tensor]:
    """INR Eq. 7 in the form that `imdlib.train.fit` calls: dict of scalars; `loss` is to be minimised.

    outputs: of `INRNet`; mask (B,1,H,W): the image's label at every pixel, as `labels.LabelledImages` gives it; a pixel
    mask is refused. pooling: see `pooling.pool`; beta=0: no contrast (the only choice without matching scores, unless
    pooling needs them too). scl_on: 'proj' or 'feat', with keys from the reconstruction where the outputs hold its features;
    contrast_after: steps before the contrast counts; contrast: tau, form, max_authentic, max_tampered, generator.
    Others in the dict: cls and scl (unweighted); share1, of the batch that is tampered; score1 and score0, mean image score of the
    tampered and of the authentic images times their share; agree and low, of `select`.
    """
    label = image_label(mask)  # (B,)
    selection = selected(outputs, m_rule) if beta or pooling == "adaptive" else None
    scores = pool(tampered_probability(outputs), pooling, selection and selection.tampered, **(pool_options or {}))
    cls = classification_loss(label, scores)
    parts = {"cls": cls, **by_label(label, image_score(scores))}
    if selection is None:
        return {"loss": alpha * cls, **parts}
    parts |= agreement(selection)
    if not beta:
        return {"loss": alpha * cls, **parts}
    which = torch.ones_like(label, dtype=torch.bool) if scl_all else label == 1
    keys = outputs.get(f"{scl_on}_r")
    scl = selective_contrast(
        outputs[scl_on], selection.tampered, selection.authentic, keys=keys, which=which, **contrast
    )
    return {"loss": alpha * cls + beta * counts(outputs, contrast_after) * scl, "scl": scl, **parts}


def counts(outputs: dict[str, Tensor], after: int) -> Tensor | float:
    """1 once a model has seen more than `after` training batches, 0 before: what the contrast is multiplied by."""
    return (outputs["seen"] > after).float() if after else 1.0


def selected(outputs: dict[str, Tensor], m_rule: str = "minority") -> Selection:
    """C_I of a model's outputs: a `contrast.Selection`."""
    if "matching" not in outputs:
        raise ValueError(
            "outputs hold no matching scores: build INRNet with a prior and matching=True, or set beta=0 and another pooling"
        )
    return select(outputs["feat"], outputs["matching"], m_rule=m_rule)


@torch.no_grad()
def score_images(
    outputs: dict[str, Tensor], *, pooling: str = "adaptive", m_rule: str = "minority", **pool_options: float | bool
) -> Tensor:
    """Image score at inference, (B,) in [0,1]: the mean over the pools. outputs: of `INRNet`."""
    cells = selected(outputs, m_rule).tampered if pooling == "adaptive" else None
    return image_score(pool(tampered_probability(outputs), pooling, cells, **pool_options))


def image_score(scores: tuple[Tensor, ...]) -> Tensor:
    """Tuple of (B,) -> their mean (B,)."""
    return torch.stack(scores).mean(dim=0)


def by_label(label: Tensor, score: Tensor) -> dict[str, Tensor]:
    """Share of the batch that is tampered and each label's mean score times its share: sums that stay right when
    averaged over batches of one size (score1 / share1 and score0 / (1 - share1) are the means)."""
    one, score = (label == 1).float(), score.detach()
    return {"share1": one.mean(), "score1": (score * one).mean(), "score0": (score * (1 - one)).mean()}


def agreement(selection: Selection) -> dict[str, Tensor]:
    """Share of cells on which the clusterings agree, and of images in which the minority of M is the low cluster."""
    cells = selection.tampered | selection.authentic
    return {"agree": cells.float().mean(), "low": selection.low.float().mean()}
