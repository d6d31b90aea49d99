"""A made-up study: runs of the real grid whose scores are as good as they are told to be."""

import numpy as np
import pandas as pd

from imdlib import parameters
from imdlib.baselines.names import DETECTORS
from imdlib.inr.grid import configurations
from imdlib.inr.methods import method
from imdlib.inr.premise import INSIDE, OUTSIDE
from imdlib.inr.rows import BLURRED, REDRAWN, Rows
from imdlib.inr.space import ROWS

TARGET, SETS = "sim-casia", ["sim-casia", "sim-magicbrush", "sim-coverage", "sim-iedit"]
IMAGES = 40  # of each label in every set
ERRORS = (
    "NRR error, smoothed",
    "NRR error, Otsu",
    "high-pass energy, smoothed",
    "SRM energy, smoothed",
    "random minority",
)
TRIVIAL = ("all-ones map", "random map", "centre blob", "average training mask")
POOLS = ["average", "gem", "smooth"]
CLASSIC = ["noi", "cfa1"]
ALL = dict(
    rows=[*ROWS], classic=CLASSIC, poolings=POOLS, contrast_poolings=["max", *POOLS], random_start=True, literal=True
)
SWEEPS = dict(sweep_widths=[8], sweep_seeds=[0])
FACTS = dict(
    seconds=60.0, peak_memory_mb=100, train_images=10, commit="abc", key="k", device="a processor", outdated=False
)
WATCHED = ("loss", "cls", "val_auc", "val_cluster", "psnr_gap")
DECIBELS = dict(psnr_authentic=30.0, psnr_outside=29.0, psnr_tampered=31.0, psnr_gap=-2.0)

LEVELS = {  # how good maps and labels are; every statement holds
    **dict.fromkeys(TRIVIAL, 0.2),
    **dict.fromkeys(ERRORS[2:], 0.2),
    "NRR error, Otsu": 0.3,
    "NRR error, smoothed": 0.4,
    "self-distillation, without selection": 0.4,
    "self-distillation, random start": 0.4,
    "self-distillation, as printed": 0.4,
    "self-distillation": 0.6,
    "RGB: Baseline": 0.5,
    "RGB: Baseline+high pass": 0.525,
    "RGB: Baseline+SRM": 0.55,
    "RGB: Baseline+NRR": 0.625,
    "RGB: Baseline+NRR+SCL+AGAP": 0.65,
    "WSCL": 0.85,
    "MVSS-Net": 0.85,
    **dict.fromkeys(("NOI", "CFA1"), 0.3),
    "Baseline": 0.7,
    "Baseline+NRR": 0.775,
    "Baseline+NRR, Otsu": 0.8,
    "Baseline+NRR+SCL": 0.85,
    "Baseline+NRR+AGAP": 0.85,
    "Baseline+NRR+SCL+AGAP, Eq. 5": 0.9,
    "Baseline+NRR+SCL+AGAP": 0.925,
    "Baseline+NRR+SCL+AGAP, InfoNCE": 0.95,
    "Baseline+NRR+SCL+AGAP, counter samples": 0.975,
    "ImageNet: Baseline+NRR+SCL+AGAP": 0.9,
    REDRAWN: 0.2,
    BLURRED: 0.4,
    INSIDE: 0.4,
    OUTSIDE: 0.6,
}
REST = 0.8  # fixed filters in the whole method, other poolings, the baseline that ImageNet trained


def study(results, *, turned=False, **grid) -> Rows:
    """Rows of the grid's runs, three seeds, LEVELS kept, or (turned) each level turned into 1 - level, so that nothing holds."""
    cells = configurations(**dict(seeds=[0, 1, 2], train_set=TARGET) | grid)
    settings, raw, history = [], [], []
    for run, cell in cells.items():
        given = parameters.declared(f"inr/{cell.notebook}") | cell.parameters | cell.uses
        if cell.notebook == "nrr":
            settings.append(given | FACTS | DECIBELS | dict(run=run))
            kept = SETS[:-1] if "test_sets" not in cell.parameters else [TARGET]
            parts = [images(name, level(one, turned)).assign(predictor=one) for name in kept for one in ERRORS]
            parts += [
                decibels(name, level(one, turned)).assign(predictor=one) for name in kept for one in (INSIDE, OUTSIDE)
            ]
            raw += [part[part["label"] == 1].assign(run=run, attack="none") for part in parts]
        else:
            settings.append(given | FACTS | dict(run=run, collapsed_epochs=0))
            raw.append(detected(given, turned).assign(run=run))
        history.append(
            pd.DataFrame(dict(run=run, epoch=[0, 1], chosen=4.0, positive=2.0) | dict.fromkeys(WATCHED, 0.5))
        )
    blind = [images(name, level(one, turned)).assign(method=one, seed=0) for name in SETS[:-1] for one in TRIVIAL]
    blind = pd.concat(blind).query("label == 1")
    settings = pd.DataFrame(settings)
    tried = settings["trial"] >= 0
    return Rows(
        results, settings[~tried], pd.concat(raw, ignore_index=True), pd.concat(history), blind, settings[tried]
    )


def level(name, turned):
    return 1 - LEVELS.get(name, REST) if turned else LEVELS.get(name, REST)


def detected(given, turned):
    """Rows of one detector on all sets, some also on redrawn images: worse maps, better labels; blurred: in between, worse."""
    name = DETECTORS[given["detector"]] if "detector" in given else method(given)
    pooled = [f"pooling {given['pooling']}"] if given.get("pooling") else []
    good = level(", ".join([name, *pooled]), turned)
    parts = [images(one, good).assign(attack="none") for one in SETS]
    if given.get("redrawn"):
        parts += [
            images(TARGET, level(attack, turned), level(labels, turned)).assign(attack=attack)
            for attack, labels in ((REDRAWN, "Baseline+NRR+SCL+AGAP"), (BLURRED, "RGB: Baseline"))
        ]
    if "detector" not in given:
        parts.append(images(TARGET, good).assign(attack="jpeg 75"))
    return pd.concat(parts)


def decibels(dataset, good):
    """PSNR of a set's images, by 20 dB around `good`; no map."""
    found = images(dataset, good)
    return found.assign(psnr=20 * found["f1"], f1=np.nan, iou=np.nan, auc=np.nan, auc_shuffled=np.nan)


def images(dataset, maps, labels=None):
    """IMAGES of each label: map metrics of tampered ones near `maps`, and the share `labels` (default: as `maps`) called rightly."""
    number = np.arange(2 * IMAGES)
    label, rank = number % 2, number // 2 / IMAGES
    right = rank < (maps if labels is None else labels)
    value = np.where((label == 1) & (dataset != "sim-iedit"), maps + 0.02 * np.sin(number), np.nan)
    table = dict.fromkeys(("f1", "iou", "auc", "auc_shuffled"), value)
    names = [f"{i}.png" for i in number]
    score = np.where(right, label, 1 - label).astype(float)
    return pd.DataFrame(dict(dataset=dataset, image=names, label=label, score=score, **table))
