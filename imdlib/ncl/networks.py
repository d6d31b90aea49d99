"""The network of a run, its loss and its map, from the run's parameters."""

from collections.abc import Callable
from functools import partial
from typing import Any

from torch import Tensor, nn

from imdlib.baselines import supervised
from imdlib.baselines.names import LOCALIZERS
from imdlib.ncl.losses import total_loss
from imdlib.ncl.model import NCLNet, tampered_probability
from imdlib.ncl.pyramid import NCLPyramid
from imdlib.ncl.vit import NCLViT
from imdlib.networks import lite0

SHARED = ("head_width", "inputs", "dropout")
RESNET = ("backbone", "width", "rates", "output_stride", "stem_stride", "hook", "pretrained", "aux_aspp")
LITE0 = ("hook", "pretrained")
WEIGHTS = ("omega", "mu", "tau", "contour_grid", "max_pos", "max_neg")


def build(params: dict[str, Any]) -> nn.Module:
    """Network for the parameters of notebooks/ncl/run.ipynb (a dict): NCLViT where backbone is 'vit', NCLPyramid where it is
    'efficientnet_lite0', else NCLNet; for a variant of another paper that paper's localizer (`imdlib.baselines.supervised`).

    The pivot and the auxiliary classifier are there where the variant's loss needs them, and in training alone.
    """
    variant = params["variant"]
    if variant in LOCALIZERS:
        return supervised.build(variant, params)
    options = {key: params[key] for key in SHARED}
    options |= dict(pivot="pivot" in variant, aux="pc" in variant or "aux" in variant)
    if params["backbone"] == "vit":
        patch, embed, depth, heads = params["vit"]
        return NCLViT(patch=patch, embed=embed, depth=depth, heads=heads, size=params["crop"], **options)
    if params["backbone"] == lite0.NAME:
        return NCLPyramid(**{key: params[key] for key in LITE0}, **options)
    return NCLNet(**{key: params[key] for key in RESNET}, blocks=params["blocks"] or None, **options)


def loss_of(model: nn.Module, params: dict[str, Any]) -> Callable[..., dict[str, Tensor]]:
    """loss(outputs, mask) of a run, as `imdlib.train.fit` takes it; model: of `build`."""
    if params["variant"] in LOCALIZERS:
        return model.loss
    weights = {key: params[key] for key in WEIGHTS}
    return partial(total_loss, variant=params["variant"], pivot=model.pivot, **weights)


def probability_of(params: dict[str, Any]) -> Callable[[dict[str, Tensor]], Tensor]:
    """What makes the probability of tampered (B,1,h,w) of a network's outputs."""
    return supervised.probability if params["variant"] in LOCALIZERS else two_class


def two_class(outputs: dict[str, Tensor]) -> Tensor:
    """Of logits (B,2,H,W)."""
    return tampered_probability(outputs["logits"])
