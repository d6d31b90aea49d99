"""The networks and the loss of a run, from the run's parameters."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from torch import Tensor, nn

from imdlib import runs
from imdlib.data.batches import ImageSet
from imdlib.inr.detector import INRNet, tampered_probability
from imdlib.inr.distill import self_distillation
from imdlib.inr.priors import SRM, Smooth, error_scale
from imdlib.inr.reconstruction import NRR
from imdlib.inr.variants import loss_of, model_of, pooling_of, settings
from imdlib.places import results_folder, run_folder
from imdlib.scoring import evaluate, metrics

NRR_SHAPE = ("width", "stride", "blocks", "channels", "frequencies", "hidden")
DETECTOR = ("backbone", "stem_stride", "width", "inputs", "feat", "proj")
MODES = ("weak", "unsupervised")


def nrr_of(params: dict[str, Any]) -> NRR:
    """Untrained NRR for the parameters of notebooks/inr/nrr.ipynb (a dict)."""
    norm = None if params["norm"] == "none" else params["norm"]
    return NRR(**{name: params[name] for name in NRR_SHAPE}, norm=norm, span=params["span"] or None)


def trained_nrr(folder: Path) -> dict:
    """Of a finished run of notebooks/inr/nrr.ipynb: dict of nrr, scale (of its error map) and key (what it was trained from).

    Raises RunError where the run is absent, unfinished, or its weights are not those that were trained.
    """
    weights, about = runs.trained(folder)
    nrr = nrr_of(about["needs"]["parameters"])
    nrr.load_state_dict(weights)
    return {"nrr": nrr.requires_grad_(False).eval(), "scale": about["error_scale"], "key": about["key"]}


def nrr_run(results: Path | str, name: str, train_set: str, seed: int) -> Path:
    """Folder of the NRR's run of that name; without a name, of the newest finished one of that training set and seed."""
    if name:
        return run_folder(results, "inr", name)
    asked = {"train_set": train_set, "seed": seed}
    found = runs.newest(results, "inr", lambda stamp: of_nrr(stamp["needs"], asked))
    if found is None:
        raise runs.RunError(
            f"{results_folder(results, 'inr')}/runs: no finished NRR of train_set={train_set!r} and seed={seed}. Run "
            "notebooks/inr/nrr.ipynb with them first (`make study` does); weights are not in git"
        )
    return found


def of_nrr(needs: dict[str, Any], asked: dict[str, Any]) -> bool:
    """Whether a run is one of notebooks/inr/nrr.ipynb with these parameters."""
    return needs["notebook"] == "inr/nrr" and all(needs["parameters"][name] == value for name, value in asked.items())


def filter_scale(variant: str, manifest: pd.DataFrame) -> float:
    """Scale of the error map of a variant's fixed filter: on the authentic training images of a manifest, as NRR's is."""
    authentic = manifest[(manifest["split"] == "train") & (manifest["label"] == 0)]
    return error_scale({"highpass": Smooth, "srm": SRM}[settings(variant)[0]](), ImageSet(authentic))


def detector_of(params: dict[str, Any], *, nrr: NRR | None = None, scale: float | None = None) -> INRNet:
    """Untrained INRNet for the parameters of notebooks/inr/run.ipynb; nrr, scale: of `trained_nrr`, where it is used."""
    if params["mode"] not in MODES:
        raise ValueError(f"mode={params['mode']!r}: expected one of {', '.join(MODES)}")
    options = {name: params[name] for name in DETECTOR} | {"blocks": params["blocks"] or None}
    shallow = params["shallow"] if params["mode"] == "unsupervised" else None
    return model_of(params["variant"], nrr=nrr, scale=scale, shallow=shallow, **options)


def redraw(nrr: NRR) -> Callable[[Tensor], Tensor]:
    """change(image (3,H,W) uint8) -> the same image as an NRR redraws it, for the `attack` of `imdlib.scoring.evaluate.score`."""

    @torch.no_grad()
    def change(image):
        device = next(nrr.parameters()).device
        redrawn = nrr.reconstruct(image[None].to(device).float() / 255)[0]
        return (redrawn.clamp(0, 1) * 255).round().to(torch.uint8).cpu()

    return change


def pooling_in(params: dict[str, Any]) -> str:
    """The pooling of a run: its own, or that of its variant."""
    return params["pooling"] or pooling_of(params["variant"])


def detector_loss(params: dict[str, Any]) -> Callable[..., dict[str, Tensor]]:
    """loss(outputs, mask) of a run, in the form that `imdlib.train.fit` calls: weak by image labels, or without any."""
    sampled = dict(tau=params["tau"], form=params["form"])
    weights = dict(scl_on=params["scl_on"], m_rule=params["m_rule"])
    if params["mode"] == "unsupervised":
        return partial(
            self_distillation, selection=params["selection"], deep=params["deep"], beta=0.3, **weights, **sampled
        )
    beta = {"beta": 0.0} if not params["contrast"] else {}
    return loss_of(params["variant"], pooling=pooling_in(params), **beta, **weights, **sampled)


def needs_nrr(variant: str) -> bool:
    """Whether a variant has a trained NRR."""
    return settings(variant)[0] == "nrr"


def validation(
    model: nn.Module, images: ImageSet, *, image_score: Callable[[dict[str, Tensor]], Tensor]
) -> dict[str, float]:
    """What is watched in training: AUC of the image score, and mean AUC of the maps of tampered images. Nothing is chosen by it."""
    scores, _ = evaluate.score(model, images, probability=tampered_probability, image_score=image_score)
    tampered = scores["label"] == 1
    return {"val_image_auc": metrics.auc(scores["score"], tampered), "val_auc": scores.loc[tampered, "auc"].mean()}
