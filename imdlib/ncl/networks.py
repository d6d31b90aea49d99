"""The network of a run, from the run's parameters."""

from typing import Any

from imdlib.ncl.model import NCLNet
from imdlib.ncl.vit import NCLViT

SHARED = ("head_width", "inputs", "dropout")
RESNET = ("backbone", "width", "rates", "output_stride", "stem_stride", "hook", "pretrained")


def build(params: dict[str, Any]) -> NCLNet | NCLViT:
    """Network for the parameters of notebooks/ncl/run.ipynb (a dict): NCLViT where backbone is 'vit', else NCLNet.

    The pivot and the auxiliary classifier are there where the variant's loss needs them, and in training alone.
    """
    options = {key: params[key] for key in SHARED}
    options |= dict(pivot="pivot" in params["variant"], aux="pc" in params["variant"])
    if params["backbone"] == "vit":
        patch, embed, depth, heads = params["vit"]
        return NCLViT(patch=patch, embed=embed, depth=depth, heads=heads, size=params["crop"], **options)
    return NCLNet(**{key: params[key] for key in RESNET}, blocks=params["blocks"] or None, **options)
