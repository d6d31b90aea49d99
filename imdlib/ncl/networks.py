"""The network of a run, from the run's parameters."""

from typing import Any

from imdlib.ncl.model import NCLNet
from imdlib.ncl.pyramid import NCLPyramid
from imdlib.ncl.vit import NCLViT
from imdlib.networks import lite0

SHARED = ("head_width", "inputs", "dropout")
RESNET = ("backbone", "width", "rates", "output_stride", "stem_stride", "hook", "pretrained", "aux_aspp")
LITE0 = ("hook", "pretrained")


def build(params: dict[str, Any]) -> NCLNet | NCLPyramid | NCLViT:
    """Network for the parameters of notebooks/ncl/run.ipynb (a dict): NCLViT where backbone is 'vit', NCLPyramid where it is
    'efficientnet_lite0', else NCLNet.

    The pivot and the auxiliary classifier are there where the variant's loss needs them, and in training alone.
    """
    variant = params["variant"]
    options = {key: params[key] for key in SHARED}
    options |= dict(pivot="pivot" in variant, aux="pc" in variant or "aux" in variant)
    if params["backbone"] == "vit":
        patch, embed, depth, heads = params["vit"]
        return NCLViT(patch=patch, embed=embed, depth=depth, heads=heads, size=params["crop"], **options)
    if params["backbone"] == lite0.NAME:
        return NCLPyramid(**{key: params[key] for key in LITE0}, **options)
    return NCLNet(**{key: params[key] for key in RESNET}, blocks=params["blocks"] or None, **options)
