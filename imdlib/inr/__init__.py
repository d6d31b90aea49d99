"""INR: image manipulation detection with implicit neural representation (ECCV 2024), image labels or none."""

METHODS = {
    "base": "Baseline",
    "nrr": "Baseline+NRR",
    "nrr+scl": "Baseline+NRR+SCL",
    "nrr+scl+agap": "Baseline+NRR+SCL+AGAP",
    "highpass+scl+agap": "Baseline+high pass+SCL+AGAP",
    "srm+scl+agap": "Baseline+SRM+SCL+AGAP",
}  # variant -> name in tables

DATA_CODE = [
    f"imdlib.data.{name}"
    for name in ("images", "batches", "synthetic", "twins", "scenes", "camera", "masks", "manipulate")
]
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
    "imdlib.cluster",
    "imdlib.pixels",
    "imdlib.resnet",
    "imdlib.train",
    "imdlib.evaluate",
    "imdlib.metrics",
]  # what the numbers of a run depend on
