"""A finished INR run as a network again, detector or NRR: any images scored as its notebook scores them, any photo looked at."""

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from imdlib import data as datasets
from imdlib import finished, runs
from imdlib.data import attacks
from imdlib.data.batches import ImageSet
from imdlib.finished import Finished
from imdlib.inr import networks
from imdlib.inr.detector import tampered_probability
from imdlib.inr.methods import method
from imdlib.inr.premise import ErrorDetector
from imdlib.inr.priors import FrozenNRR
from imdlib.inr.variants import settings
from imdlib.inr.weak import score_images
from imdlib.photos import tiles
from imdlib.places import REPO
from imdlib.scoring import evaluate, metrics

DETECTOR, NRR = "inr/run", "inr/nrr"  # notebooks
SCORE = "that of the run's pooling, of the tile where it is largest; of an NRR alone the largest value of its error map"


def load_run(folder: Path | str, data: str = "") -> Finished:
    """The run in that folder, of either notebook.

    data: folder of the real data sets, for the variants with a fixed filter, whose scale is that of its training images.
    """
    return finished.load(folder, (DETECTOR, NRR), partial(untrained, folder=Path(folder), data=data))


def untrained(params: dict[str, Any], stamp: dict[str, Any], *, folder: Path, data: str) -> torch.nn.Module:
    """The network of a run before its weights are in it."""
    if stamp["needs"]["notebook"] == NRR:
        return networks.nrr_of(params)
    prior = settings(params["variant"])[0]
    if prior is None:
        return networks.detector_of(params)
    if prior == "nrr":
        about = nrr_stamp(folder, stamp["needs"]["uses"]["nrr"])
        return networks.detector_of(
            params, nrr=networks.nrr_of(about["needs"]["parameters"]), scale=about["error_scale"]
        )
    shape = dict(count=params["count"], size=params["size"])
    scale = networks.filter_scale(params["variant"], datasets.load(params["train_set"], data, **shape))
    return networks.detector_of(params, scale=scale)


def nrr_stamp(folder: Path, key: str) -> dict[str, Any]:
    """Stamp of the NRR with which the detector in `folder` was trained, also where it was set aside since."""
    for path in sorted((REPO / folder).parent.glob(f"*/{runs.STAMP}")):
        stamp = json.loads(path.read_text(encoding="utf-8"))
        if stamp.get("key") == key:
            return stamp
    raise runs.RunError(f"{folder}: the NRR that it was trained with (key {key}) is not beside it; {runs.AGAIN}")


def title(run: Finished) -> str:
    """Name of its method in tables."""
    return "NRR alone" if run.stamp["needs"]["notebook"] == NRR else method(run.params)


def image_score(run: Finished) -> Callable[[dict[str, Tensor]], Tensor]:
    """Score of images (B,) from the outputs of a detector."""
    return partial(score_images, pooling=networks.pooling_in(run.params), m_rule=run.params["m_rule"])


def error_detectors(run: Finished) -> dict[str, ErrorDetector]:
    """{predictor: detector}: the error map of an NRR's run as its notebook scores it, in three forms."""
    forms = {"": {}, ", smoothed": {"box": run.params["box"]}, ", Otsu": {"box": run.params["box"], "binary": True}}
    prior, scale = FrozenNRR(run.network), run.stamp["error_scale"]
    return {f"NRR error{form}": ErrorDetector(prior, scale=scale, **options) for form, options in forms.items()}


def score(
    run: Finished, rows: pd.DataFrame, *, same: bool = False, attack: str = "none", examples: int = 0
) -> tuple[pd.DataFrame, dict[str, np.ndarray]]:
    """(scores, pictures) of `imdlib.scoring.evaluate.score` for rows of a manifest; of an NRR those of its error map,
    and the column `predictor`.

    same: the images that the run itself scores of a test set: `test_count` of each label, those with a mask for an NRR.
    attack: a name of `imdlib.data.attacks`, before which the images are as they are.
    """
    masked = rows[rows["mask"] != ""]
    locations = (
        metrics.mask_locations([mask[0].numpy() for _, mask in ImageSet(masked).samples()]) if len(masked) else None
    )
    count = run.params["test_count"] if same else 0
    drawn = rows.sample(frac=1, random_state=0).groupby("label").head(count or len(rows)).sort_index()
    change = None if attack == "none" else partial(attacks.apply, attack)
    told = dict(locations=locations, examples=examples, attack=change)
    if run.stamp["needs"]["notebook"] == DETECTOR:
        told |= dict(probability=tampered_probability, image_score=image_score(run))
        scores, pictures = evaluate.score(run.network, ImageSet(drawn), **told)
        return scores.assign(attack=attack), pictures
    images = ImageSet(drawn[drawn["mask"] != ""] if same else drawn)
    detectors = error_detectors(run)
    found = {name: evaluate.score(one, images, probability=Tensor.float, **told) for name, one in detectors.items()}
    scores = [scores.assign(predictor=name, attack=attack) for name, (scores, _) in found.items()]
    return pd.concat(scores, ignore_index=True), found["NRR error"][1]


def named(method: str, scores: pd.DataFrame) -> pd.DataFrame:
    """Rows of `score` with the `method` that tables print: of an NRR's run, a method for each form of its error map."""
    return scores.assign(method=method + (": " + scores["predictor"] if "predictor" in scores else ""))


def look(run: Finished, image: np.ndarray, **options: int | str) -> tuple[dict[str, np.ndarray], dict[str, float]]:
    """What the run says of a photo (H,W,3) uint8: ({'map', 'error': (H,W) in [0,1]}, {'score': of the image}).

    error: that of the detector's prior, as the detector gets it; of an NRR alone its own, and no map. options: tile,
    overlap, device of `imdlib.photos.tiles.predict`. The score of a photo in tiles is the largest of its tiles.
    """
    if run.stamp["needs"]["notebook"] == NRR:
        error = tiles.predict(error_detectors(run)["NRR error"].eval(), image, **options)
        return {"error": error}, {"score": float(error.max())}
    scores, pool = [], image_score(run)

    def seen(batch: Tensor) -> Tensor:
        outputs = run.network(batch)
        scores.append(float(pool(outputs)[0]))
        return tampered_probability(outputs, batch.shape[-2:])

    maps = {"map": tiles.predict(seen, image, **options)}
    if run.network.prior is not None:
        error = lambda batch: run.network.prior(batch)[1].mean(dim=1, keepdim=True)  # noqa: E731
        maps["error"] = tiles.predict(error, image, **options)
    return maps, {"score": max(scores)}
