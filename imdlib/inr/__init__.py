"""INR: image manipulation detection with implicit neural representation (ECCV 2024), image labels or none."""

METHODS = {
    "base": "Baseline",
    "nrr": "Baseline+NRR",
    "nrr+scl": "Baseline+NRR+SCL",
    "nrr+scl+agap": "Baseline+NRR+SCL+AGAP",
    "highpass+scl+agap": "Baseline+high pass+SCL+AGAP",
    "srm+scl+agap": "Baseline+SRM+SCL+AGAP",
}  # variant -> name in tables

DATA_CODE = ["imdlib.data.images", "imdlib.data.batches", "imdlib.twins"]
NETWORK_CODE = [
    f"imdlib.inr.{name}"
    for name in (
        *("image_encoder", "reconstruction", "priors", "premise", "detector"),
        *("contrast", "pooling", "labels", "weak", "distill", "variants", "networks"),
    )
]
CODE = [
    *DATA_CODE,
    *NETWORK_CODE,
    "imdlib.networks.cluster",
    "imdlib.networks.pixels",
    "imdlib.networks.resnet",
    *(f"imdlib.{name}" for name in ("train", "settings", "optimizers", "checkpoints")),
    "imdlib.scoring.evaluate",
    "imdlib.scoring.metrics",
]  # what the numbers of a run depend on
