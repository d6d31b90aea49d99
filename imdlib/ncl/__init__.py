"""NCL: non-mutually exclusive contrastive learning (ICCV 2023), fully supervised localization."""

METHODS = {
    "base": "Base",
    "contrast": "Base+Contrast",
    "pivot": "Base+Pivot",
    "pivot+pc": "Base+Pivot+PC",
}  # variant -> name in tables

DATA_CODE = ["imdlib.data.images", "imdlib.data.batches", "imdlib.twins"]
NETWORK_CODE = [f"imdlib.ncl.{name}" for name in ("model", "vit", "networks", "patches", "pivot", "losses")]
CODE = [
    *DATA_CODE,
    *NETWORK_CODE,
    "imdlib.networks.pixels",
    "imdlib.networks.resnet",
    *(f"imdlib.{name}" for name in ("train", "settings", "optimizers", "checkpoints")),
    "imdlib.scoring.evaluate",
    "imdlib.scoring.metrics",
    "imdlib.data.attacks",
]  # what the numbers of a run depend on
