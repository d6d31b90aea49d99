"""Bridging: real, partly fake or fully fake, and where, from image labels alone (Lee, Na and Noh)."""

DATA_CODE = ["imdlib.data.images", "imdlib.data.batches", "imdlib.twins", "imdlib.bridge.labels"]
FEATURE_CODE = ["imdlib.bridge.towers"]
NETWORK_CODE = [
    f"imdlib.bridge.{name}"
    for name in ("networks", "transformers", "discrepancy", "blocks", "conformer", "fusion", "localize")
]
CODE = [
    *DATA_CODE,
    *FEATURE_CODE,
    *NETWORK_CODE,
    *(f"imdlib.bridge.{name}" for name in ("samples", "stages", "watch", "methods", "scoring", "exhibits")),
    *(f"imdlib.baselines.{name}" for name in ("generated", "tar")),
    "imdlib.scoring.embedding",
    "imdlib.networks.pixels",
    "imdlib.networks.resnet",
    *(f"imdlib.{name}" for name in ("train", "settings", "optimizers", "checkpoints")),
    "imdlib.scoring.evaluate",
    "imdlib.scoring.metrics",
]  # what the numbers of a run depend on
