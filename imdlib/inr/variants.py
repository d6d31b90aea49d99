"""The rows of the papers' ablations as models and losses.

INR Table 4 (components) and the comparison of priors that section 2.1 argues for. The baseline is an FCN on RGB with max
pooling. The third row of Table 4 has no adaptive pooling, yet equals no row of Table 6: it is read as Otsu's pool alone,
the part of the adaptive one that the paper takes from WSCL.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

from torch import Tensor

from imdlib.baselines.names import LOCALIZERS
from imdlib.inr.detector import INRNet
from imdlib.inr.priors import SRM, FrozenNRR, Smooth
from imdlib.inr.reconstruction import NRR
from imdlib.inr.weak import weak_loss

VARIANTS = {  # variant -> prior, whether there is a contrast, pooling
    "base": (None, False, "max"),
    "nrr": ("nrr", False, "max"),
    "highpass": ("highpass", False, "max"),
    "srm": ("srm", False, "max"),
    "nrr+otsu": ("nrr", False, "otsu"),
    "nrr+agap": ("nrr", False, "adaptive"),
    "nrr+scl": ("nrr", True, "otsu"),
    "nrr+scl+agap": ("nrr", True, "adaptive"),
    "highpass+scl+agap": ("highpass", True, "adaptive"),
    "srm+scl+agap": ("srm", True, "adaptive"),
    "wscl": (None, False, "otsu"),
    **dict.fromkeys(LOCALIZERS, (None, False, "max")),
}


def model_of(
    variant: str,
    *,
    nrr: NRR | None = None,
    scale: float | None = None,
    memory: int = 0,
    pooling: str = "",
    **network: Any,
) -> INRNet:
    """The INRNet of a variant. nrr: a trained NRR, for the variants that have it, memory: of `FrozenNRR`; scale: of the prior's error
    map (see `priors.error_scale`); pooling: in place of the variant's; network: other arguments of `INRNet`.
    """
    kind, contrast, usual = settings(variant)
    if kind == "nrr" and nrr is None:
        raise ValueError(f"variant={variant!r} needs nrr, an NRR trained on authentic images")
    makers = {None: lambda: None, "nrr": lambda: FrozenNRR(nrr, scale=scale, memory=memory)}
    makers |= {"highpass": lambda: Smooth(scale=scale), "srm": lambda: SRM(scale=scale)}
    return INRNet(prior=makers[kind](), matching=contrast or (pooling or usual) == "adaptive", **network)


def loss_of(variant: str, **options: Any) -> Callable[..., dict[str, Tensor]]:
    """The weak loss of a variant, loss(outputs, mask) -> dict; options: of `weak.weak_loss`, among them another pooling.

    A variant without contrast has none, whatever `beta` is.
    """
    _, contrast, pooling = settings(variant)
    weight = {} if contrast else {"beta": 0.0}
    return partial(weak_loss, **{"pooling": pooling} | options | weight)


def pooling_of(variant: str) -> str:
    """The pooling whose scores a variant is judged by: an argument of `weak.score_images`."""
    return settings(variant)[2]


def settings(variant: str) -> tuple[str | None, bool, str]:
    """Row of VARIANTS, or an error that lists them."""
    if variant not in VARIANTS:
        raise ValueError(f"variant={variant!r}: expected one of {', '.join(VARIANTS)}")
    return VARIANTS[variant]
