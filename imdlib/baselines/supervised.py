"""The fully supervised localizers by name, and what all of them share: a map of logits, learned from pixel masks.

NCL's Tables 1 and 2, INR's Figure 1 and Table 3 set their methods beside networks like these.
"""

from collections.abc import Callable
from typing import Any

from torch import Tensor, nn

from imdlib.baselines.fcn import FCN
from imdlib.baselines.mvss import MVSS
from imdlib.baselines.rru import RRU
from imdlib.baselines.vit import ViT

LOCALIZERS: dict[str, Callable[..., nn.Module]] = {"fcn": FCN, "rru": RRU, "mvss": MVSS, "vit": ViT}
SHAPE = ("inputs", "width")
RESNET = ("backbone", "blocks", "stem_stride", "pretrained")


def build(localizer: str, params: dict[str, Any]) -> nn.Module:
    """The localizer of that name for the parameters of a run notebook (a dict); it has `loss(outputs, mask)`, and `probability` reads
    what it gives.
    """
    if localizer not in LOCALIZERS:
        raise ValueError(f"localizer={localizer!r}: expected one of {', '.join(LOCALIZERS)}")
    options = {key: params[key] for key in SHAPE}
    if localizer in ("fcn", "mvss"):
        options |= {key: params[key] for key in RESNET} | {"blocks": params["blocks"] or None}
    if localizer == "vit":
        options |= {"size": params["crop"], "pretrained": params["pretrained"]}
    return LOCALIZERS[localizer](**options)


def probability(outputs: dict[str, Tensor]) -> Tensor:
    """Probability of tampered, (B,1,h,w) float32 in [0,1]."""
    return outputs["logits"].float().sigmoid()
