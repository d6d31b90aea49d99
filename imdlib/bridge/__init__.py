"""Bridging: real, partly fake or fully fake, and where, from image labels alone (Lee, Na and Noh)."""

DATA_CODE = [
    *(f"imdlib.data.{name}" for name in ("images", "batches", "synthetic", "twins", "scenes", "camera", "masks")),
    *(f"imdlib.data.{name}" for name in ("manipulate", "dolos_twins", "generators", "autoencoders", "photographs")),
    "imdlib.bridge.labels",
]
FEATURE_CODE = [f"imdlib.bridge.{name}" for name in ("features", "feature_files", "standin")]
NETWORK_CODE = [
    f"imdlib.bridge.{name}" for name in ("networks", "discrepancy", "blocks", "conformer", "fusion", "localize")
]
CODE = [
    *DATA_CODE,
    *FEATURE_CODE,
    *NETWORK_CODE,
    *(f"imdlib.bridge.{name}" for name in ("samples", "stages", "rotation", "methods", "whole", "scoring", "exhibits")),
    *(f"imdlib.baselines.{name}" for name in ("generated", "tar")),
    "imdlib.embedding",
    "imdlib.pixels",
    "imdlib.resnet",
    "imdlib.train",
    "imdlib.evaluate",
    "imdlib.metrics",
]  # what the numbers of a run depend on
