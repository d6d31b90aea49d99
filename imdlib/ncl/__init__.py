"""NCL: non-mutually exclusive contrastive learning (ICCV 2023), fully supervised localization."""

METHODS = {
    "base": "Base",
    "contrast": "Base+Contrast",
    "pivot": "Base+Pivot",
    "pivot+pc": "Base+Pivot+PC",
}  # variant -> name in tables

DATA_CODE = [
    f"imdlib.data.{name}"
    for name in ("images", "batches", "synthetic", "twins", "scenes", "camera", "masks", "manipulate")
]
NETWORK_CODE = [f"imdlib.ncl.{name}" for name in ("model", "vit", "networks", "patches", "pivot", "losses")]
CODE = [
    *DATA_CODE,
    *NETWORK_CODE,
    "imdlib.pixels",
    "imdlib.resnet",
    "imdlib.train",
    "imdlib.evaluate",
    "imdlib.metrics",
    "imdlib.data.attacks",
]  # what the numbers of a run depend on
