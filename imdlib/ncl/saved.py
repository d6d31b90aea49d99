"""A finished NCL run as a network again, and what has to be said about it before its map of a photo is believed."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from torch import Tensor, nn

from imdlib import archive, places, runs, store
from imdlib.ncl import networks
from imdlib.ncl.grid import METHODS
from imdlib.ncl.model import tampered_probability
from imdlib.scoring import intervals

SETTINGS = (*networks.SHARED, *networks.RESNET, "blocks", "variant")
MAKE = "`make study` (or notebooks/ncl/run.ipynb) trains runs and keeps their weights"


def newest(results: Path | str) -> Path:
    """Folder of the NCL run under `results` that was finished last and still has its weights."""
    found = runs.newest(results, "ncl")
    if found is None:
        raise FileNotFoundError(
            f"no finished run with weights in {places.results_folder(results, 'ncl')}/runs: {MAKE}; weights are not in git, "
            "so a fresh clone has none. Or give the folder of a run as the parameter `run`"
        )
    return found


def load_run(folder: Path | str) -> tuple:
    """(network in evaluation mode, params, stamp) of a finished run's folder, its weights held against the sum in its stamp."""
    folder = places.REPO / folder
    weights, about = runs.trained(folder)
    params = about["needs"]["parameters"]
    absent = [name for name in SETTINGS if name not in params]
    if absent:
        raise ValueError(
            f"{folder}: expected a run of notebooks/ncl/run.ipynb, its parameters lack {', '.join(absent)}"
        )
    network = networks.build(params | {"pretrained": False})
    try:
        network.load_state_dict(weights)
    except RuntimeError as error:
        raise ValueError(
            f"{folder}: its weights do not fit the network of its parameters, so the code has changed since: {MAKE}. "
            f"{str(error)[:300]}"
        ) from error
    return network.eval(), params, about


def probability(network: nn.Module) -> Callable[[Tensor], Tensor]:
    """The function that `imdlib.photos.tiles.predict` takes: batch (B,3,h,w) in [0,1] -> probability of tampered (B,1,h,w)."""
    return lambda batch: tampered_probability(network(batch)["logits"])


def beside_blob(folder: Path | str) -> pd.DataFrame:
    """Scores on the run's own test images beside the centre blob's, tidy as `intervals.summarise` has them; the blob is absent
    where notebooks/data.ipynb was not run."""
    folder = Path(folder)
    own = store.read(folder / "scores.parquet").assign(method="this run", seed=0)
    if "attack" in own:
        own = own[own["attack"] == "none"]
    try:
        _, found = archive.gather(folder.parents[2], "data", dict.fromkeys(own["dataset"].unique()))
        blob = found["scores"]
        own = pd.concat([own, blob[blob["method"] == "centre blob"]], ignore_index=True)
    except runs.RunError:
        pass
    own = own[own["label"] == 1]
    metrics = [name for name in ("f1", "iou", "auc", "auc_shuffled") if name in own]
    return intervals.summarise(own, metrics, by=["dataset", "method"])


def authentic_scores(folder: Path | str) -> np.ndarray:
    """Image scores of the authentic images among the run's test images, sorted."""
    own = store.read(Path(folder) / "scores.parquet")
    return own.loc[own["label"] == 0, "score"].sort_values().to_numpy()


def words(params: dict[str, Any], stamp: dict[str, Any], found: pd.DataFrame) -> str:
    """What the network was trained on and how far to trust it, as Markdown; found: of `beside_blob`."""
    name, data = METHODS.get(params["variant"], params["variant"]), params["train_set"]
    twin = (
        f"`{data}` is an **embedded twin**: pictures made by a simulated camera, {params['size']} pixels a side, not real forgeries. "
        "On a real photograph this network works outside everything it has seen."
        if data.startswith("sim-")
        else f"It knows the manipulations of `{data}` and no others."
    )
    start = "ImageNet weights" if params.get("pretrained") else "scratch"
    commit, device = stamp.get("commit", "unknown"), stamp.get("device", "unknown device")
    lines = [
        f"**{name}**, trained from {start} on {stamp.get('train_images', 'an unknown number of')} images of `{data}`, "
        f"{params['epochs']} epochs (commit {commit}, {device}). {twin}\n"
    ]
    labels = {"f1": "pixel F1 at 0.5", "auc_shuffled": "shuffled AUC (0.5 is chance)"}
    for (dataset, metric), part in found[found["metric"].isin(labels)].groupby(["dataset", "metric"], sort=False):
        value = {row.method: f"{row.value:.3f} [{row.low:.3f}, {row.high:.3f}]" for row in part.itertuples()}
        blob = value.get("centre blob", "not computed, run notebooks/data.ipynb")
        lines.append(
            f"- {labels[metric]} on the test images of `{dataset}`: **{value['this run']}**; "
            f"a blob in the middle of the image, which looks at nothing: {blob}"
        )
    lines.append(
        "\nA bright place in the map is where the network is reminded of what it was trained on. It is no proof of manipulation, "
        "and a dark map is no proof of authenticity. The image score is the map's largest value; it tends to grow with the size "
        "of the photo, and it is not the probability that the photo is forged."
    )
    return "\n".join(lines)
