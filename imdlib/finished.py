"""Finished runs, as they are used after their training: found by name, with their weights, and with what has to be said of them.

Every study has `imdlib/<study>/saved.py` with the same names (CONTRIBUTING.md lists them).
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
import torch
from torch import nn

from imdlib import archive, choices, parameters, places, runs, store
from imdlib.scoring import intervals
from imdlib.scoring.rows import judged

MAKE = "`make study` (or the study's run notebook) trains runs and keeps their weights"
SHOWN = {
    "f1": "pixel F1 at 0.5",
    "auc_shuffled": "shuffled AUC (0.5 is chance)",
    "image_auc": "image AUC (0.5 is chance)",
}


@dataclass(frozen=True)
class Finished:
    """A run with its network. folder; network: in evaluation mode; params: of its notebook; stamp: all that it says."""

    folder: Path
    network: nn.Module
    params: dict
    stamp: dict

    @property
    def study(self) -> str:
        """Name of its study."""
        return self.stamp["needs"]["notebook"].split("/")[0]

    @property
    def name(self) -> str:
        """'<study>/<run>', as notebooks are given it."""
        return f"{self.study}/{self.folder.name}"

    @property
    def epochs(self) -> int:
        """Passes over the training images that it made, as its history has them."""
        return int(store.read(self.folder / "history.parquet")["epoch"].max())

    @property
    def older(self) -> str:
        """What of its code has changed since it was trained, in words; '' where nothing has."""
        needs = self.stamp["needs"]
        now = runs.needs(needs["notebook"], needs["parameters"], data=needs["data"], uses=needs["uses"])
        return runs.why_other(needs, now)


# ---- from a name to a network --------------------------------------------------------------------------------------


def load_any(results: Path | str, run: str, studies: dict[str, ModuleType], data: str = "") -> Finished:
    """The run '<study>/<run>' under `results`, or the one in the folder `run`; studies: {name: its `saved`}; data: of `load_run`."""
    there = places.REPO / run
    folder = there if not choices.named(run) or (there / runs.STAMP).exists() else find(results, run)
    stamp = runs.state(folder).stamp
    study = stamp["needs"]["notebook"].split("/")[0] if stamp else ""
    if study not in studies:
        raise runs.RunError(f"run={run!r}: {folder} holds no finished run of {', '.join(studies)}. {MAKE}")
    return studies[study].load_run(folder.resolve(), data)


def find(results: Path | str, run: str) -> Path:
    """Folder of '<study>/<run>' under `results`; RunError where the name leads elsewhere, or to no run."""
    if not choices.named(run):
        raise runs.RunError(f"run={run!r}: expected {choices.RUN.says}")
    folder = places.run_folder(results, *run.split("/"))
    if not folder.is_dir():
        known = [f"{path.parents[1].name}/{path.name}" for path in places.results_folder(results).glob("*/runs/*[!~]")]
        raise runs.RunError(f"there is no run '{run}' under {results}.{parameters.near(run, known)} {MAKE}")
    return folder


def newest(results: Path | str, *studies: str) -> Path:
    """Folder of the run of these studies that was finished last and still has its weights; of an NRR alone, none."""
    found = [
        runs.newest(results, study, lambda stamp: stamp["needs"]["notebook"].endswith("/run")) for study in studies
    ]
    found = [folder for folder in found if folder is not None]
    if not found:
        raise FileNotFoundError(
            f"no finished run with weights under {places.results_folder(results)}: {MAKE}; weights are not in git, so a fresh "
            "clone has none. Or name one with the parameter `run`"
        )
    return max(found, key=lambda folder: runs.state(folder).stamp["finished"])


def load(folder: Path | str, notebooks: tuple[str, ...], build: Callable[[dict, dict], nn.Module]) -> Finished:
    """A finished run from its folder, its weights held against the sum in its stamp.

    notebooks: that may have made it; build(params, stamp) -> the untrained network. Raises RunError where the run is absent,
    unfinished, of another study, or where its weights do not fit the network that today's code builds.
    """
    folder = places.REPO / folder
    weights, stamp = runs.trained(folder)
    notebook = stamp["needs"]["notebook"]
    if notebook not in notebooks:
        raise runs.RunError(f"{folder}: expected a run of {' or '.join(notebooks)}, found one of {notebook}")
    given = stamp["needs"]["parameters"]
    network = build(parameters.declared(notebook) | given, stamp)
    try:
        network.load_state_dict(weights)
    except RuntimeError as error:
        raise runs.RunError(
            f"{folder}: its weights do not fit the network of its parameters, so the code has changed since: {MAKE}. "
            f"{str(error)[:300]}"
        ) from error
    network = network.to(memory_format=torch.channels_last).requires_grad_(False).eval()  # as it left its training
    return Finished(folder, network, parameters.declared(notebook) | given, stamp)


# ---- how far to trust it -------------------------------------------------------------------------------------------


def own_scores(run: Finished) -> pd.DataFrame:
    """Score rows of the run's own test images as they are; of several predictors, as an NRR's run has them, those of the first."""
    own = store.read(run.folder / "scores.parquet")
    own = own[own["predictor"] == own["predictor"].iloc[0]] if "predictor" in own else own
    return own[own["attack"] == "none"] if "attack" in own else own


def beside_blob(run: Finished) -> pd.DataFrame:
    """Means over the run's own test images beside the centre blob's, tidy as `intervals.summarise` has them.

    The blob is absent where notebooks/data.ipynb was not run.
    """
    own = judged(own_scores(run).assign(method="this run", seed=0))
    try:
        _, found = archive.gather(run.folder.parents[2], "data", dict.fromkeys(own["dataset"].unique()))
        blob = found["scores"]
        own = pd.concat([own, blob[blob["method"] == "centre blob"]], ignore_index=True)
    except (runs.RunError, store.DamagedFile):
        pass
    maps, by = [name for name in ("f1", "iou", "auc", "auc_shuffled") if name in own], ["dataset", "method"]
    parts = [(own[own["label"] == 1], maps), (own, ["image_auc"])]
    found = pd.concat([intervals.summarise(some, names, by=by) for some, names in parts], ignore_index=True)
    found = found[found["value"].notna()]
    ours = found.loc[found["method"] == "this run", ["dataset", "metric"]]  # a blob alone says nothing of the run
    return found.merge(ours, on=["dataset", "metric"])


def authentic_scores(run: Finished) -> np.ndarray:
    """Image scores of the authentic images among the run's test images, sorted."""
    own = own_scores(run)
    return own.loc[own["label"] == 0, "score"].sort_values().to_numpy()


def words(run: Finished, title: str, found: pd.DataFrame) -> str:
    """What the network was trained on and how far to trust it, as Markdown; title: of its method; found: of `beside_blob`."""
    data, epochs = run.params["train_set"], run.epochs
    twin = (
        f"`{data}` is an **embedded twin**: pictures made by a simulated camera, {run.params['size']} pixels a side, not real "
        "forgeries. On a real photograph this network works outside everything it has seen."
        if data.startswith("sim-")
        else f"It knows the manipulations of `{data}` and no others."
    )
    imagenet = run.params.get("pretrained") or run.params.get("start") == "imagenet"
    start = "ImageNet weights" if imagenet else "scratch"
    commit, device = run.stamp.get("commit", "unknown"), run.stamp.get("device", "unknown device")
    lines = [
        f"**{title}** (`{run.name.replace('`', '')}`), trained from {start} on "
        f"{run.stamp.get('train_images', 'an unknown number of')} images of `{data}`, "
        f"{epochs} epoch{'s' if epochs != 1 else ''} (commit {commit}, {device}). {twin}\n"
    ]
    if run.older:
        lines.append(f"**Its code has changed since it was trained** ({run.older}): what it does here may differ.\n")
    for (dataset, metric), part in found[found["metric"].isin(SHOWN)].groupby(["dataset", "metric"], sort=False):
        value = {row.method: f"{row.value:.3f} [{row.low:.3f}, {row.high:.3f}]" for row in part.itertuples()}
        blob = value.get("centre blob", "not computed, run notebooks/data.ipynb")
        beside = "" if metric == "image_auc" else f"; a blob in the middle of the image, which looks at nothing: {blob}"
        lines.append(f"- {SHOWN[metric]} on the test images of `{dataset}`: **{value['this run']}**{beside}")
    return "\n".join(lines) + "\n"
