"""The networks and the loss of a run, from the run's parameters."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
from torch import Tensor, nn

from imdlib import runs
from imdlib.baselines import supervised
from imdlib.baselines.names import LOCALIZERS, WEAK
from imdlib.baselines.wscl import WSCL, wscl_loss
from imdlib.data.batches import ImageSet
from imdlib.inr.clusters import tampered_excess
from imdlib.inr.detector import one_of, tampered_probability
from imdlib.inr.distill import self_distillation
from imdlib.inr.labels import LabelledImages
from imdlib.inr.pooling import otsu_mean
from imdlib.inr.priors import SRM, Smooth, error_scale
from imdlib.inr.reconstruction import NRR
from imdlib.inr.variants import loss_of, model_of, pooling_of, settings
from imdlib.places import results_folder, run_folder
from imdlib.scoring import evaluate, metrics

NRR_SHAPE = ("width", "stride", "blocks", "channels", "frequencies", "hidden")
STREAMS = ("backbone", "stem_stride", "width", "pretrained")
DETECTOR = ("backbone", "pretrained", "stem_stride", "width", "inputs", "feat", "proj")
MEMORY = 2**29  # bytes of reconstructions that a training keeps: those of 600 images of 128 x 128 in every mirroring
MODES, COUNTERS = ("weak", "unsupervised", "supervised"), ("none", "reconstructed")
KEPT = ("last", "val_image_auc")  # epochs that may be chosen: by labels, never by masks


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


def modes_of(variant: str) -> tuple[str, ...]:
    """Modes in which a variant can be trained."""
    return MODES[2:] if variant in LOCALIZERS else MODES[:1] if variant in WEAK else MODES[:2]


def has_filter(variant: str) -> bool:
    """Whether a variant has a fixed filter, whose scale is measured on training images."""
    return settings(variant)[0] in ("highpass", "srm")


def training_images(params: dict[str, Any], rows: pd.DataFrame) -> ImageSet:
    """Images to learn from: with their masks in the supervised mode, else with the label of each image and nothing more."""
    shape = dict(crop=params["crop"], flips=True, seed=params["seed"])
    return (
        ImageSet(rows, **shape)
        if params["mode"] == "supervised"
        else LabelledImages(rows, labels=params["labels"], **shape)
    )


def detector_of(
    params: dict[str, Any], *, nrr: NRR | None = None, scale: float | None = None, memory: int = 0
) -> nn.Module:
    """Untrained INRNet for the parameters of notebooks/inr/run.ipynb, or the network of another paper; nrr, scale: of
    `trained_nrr`, where it is used; memory: of `FrozenNRR`, MEMORY for a training.
    """
    if params["mode"] not in MODES:
        raise ValueError(f"mode={params['mode']!r}: expected one of {', '.join(MODES)}")
    one_of("counter", params["counter"], COUNTERS)
    if params["mode"] not in modes_of(params["variant"]):
        raise ValueError(
            f"mode={params['mode']!r}: variant={params['variant']!r} goes with {' and '.join(modes_of(params['variant']))} alone"
        )
    if params["variant"] in LOCALIZERS:
        return supervised.build(params["variant"], params)
    if params["variant"] in WEAK:
        return WSCL(**{name: params[name] for name in STREAMS} | {"blocks": params["blocks"] or None})
    options = {name: params[name] for name in DETECTOR} | {"blocks": params["blocks"] or None}
    options |= {"pooling": params["pooling"], "counter": params["counter"] == "reconstructed"}
    shallow = params["shallow"] if params["mode"] == "unsupervised" else None
    return model_of(params["variant"], nrr=nrr, scale=scale, shallow=shallow, memory=memory, **options)


def kept_epoch(params: dict[str, Any]) -> str:
    """Which epoch a run keeps: its parameter `keep`, refused where it would let masks choose, or labels without supervision."""
    allowed = KEPT[:1] if params["mode"] == "unsupervised" else KEPT
    if params["keep"] not in allowed:
        raise ValueError(
            f"keep={params['keep']!r}: expected one of {', '.join(map(repr, allowed))} where mode={params['mode']!r}; "
            "masks of validation images choose nothing, and without labels nor do these"
        )
    return params["keep"]


def pooling_in(params: dict[str, Any]) -> str:
    """The pooling of a run: its own, or that of its variant."""
    return params["pooling"] or pooling_of(params["variant"])


def detector_loss(params: dict[str, Any]) -> Callable[..., dict[str, Tensor]]:
    """loss(outputs, mask) of a run, in the form that `imdlib.train.fit` calls: weak by image labels, without any, or by masks."""
    if params["variant"] in LOCALIZERS:
        return supervised.LOCALIZERS[params["variant"]].loss
    if params["variant"] in WEAK:
        return partial(wscl_loss, pool=otsu_mean, steps=params["steps"])
    shared = {name: params[name] for name in ("beta", "tau", "form", "scl_on", "m_rule")}
    shared["contrast_after"] = contrast_after(params)
    if params["mode"] == "unsupervised":
        return partial(self_distillation, selection=params["selection"], deep=params["deep"], **shared)
    return loss_of(params["variant"], pooling=pooling_in(params), scl_all=params["scl_all"], **shared)


def contrast_after(params: dict[str, Any]) -> int:
    """Steps before the contrast of a run counts; 0 where it has none."""
    contrasts = params["mode"] == "unsupervised" or settings(params["variant"])[1]
    return round(params["contrast_from"] * params["steps"]) if contrasts else 0


def needs_nrr(variant: str) -> bool:
    """Whether a variant has a trained NRR."""
    return settings(variant)[0] == "nrr"


def validation(
    model: nn.Module,
    images: ImageSet,
    *,
    image_score: Callable[[dict[str, Tensor]], Tensor],
    m_rule: str = "minority",
    after: int = 0,
) -> dict[str, float]:
    """What is watched in training: val_image_auc, AUC of the image score, the one number that may choose an epoch; for looking
    alone, since masks go into them, val_auc, mean AUC of the maps of tampered images, and `clusters.tampered_excess`.

    after: of `weak.weak_loss`. Before its contrast counts a run is not yet what it is named for: the AUC is then called
    early_image_auc, and no such epoch is chosen.
    """
    scores, _ = evaluate.score(model, images, probability=tampered_probability, image_score=image_score)
    tampered, name = scores["label"] == 1, "early_image_auc" if after and model.seen < after else "val_image_auc"
    found = {name: metrics.auc(scores["score"], tampered), "val_auc": scores.loc[tampered, "auc"].mean()}
    return found | tampered_excess(model, images, m_rule=m_rule)
