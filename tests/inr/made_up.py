"""A made-up study: runs of the real grid whose scores are as good as they are told to be."""

import numpy as np
import pandas as pd

from imdlib import parameters
from imdlib.inr.grid import configurations
from imdlib.inr.methods import method
from imdlib.inr.rows import REDRAWN, Rows

TARGET, SETS = "sim-casia", ["sim-casia", "sim-magicbrush", "sim-iedit"]
IMAGES = 40  # of each label in every set
ERRORS = (
    "NRR error, smoothed",
    "NRR error, Otsu",
    "high-pass energy, smoothed",
    "SRM energy, smoothed",
    "random minority",
)
TRIVIAL = ("all-ones map", "random map", "centre blob", "average training mask")
ALL = dict(without_contrast=True, forms=["standard"], base_inputs=["rgb"], literal=True)
SWEEPS = dict(sweep_widths=[8], sweep_seeds=[0])
FACTS = dict(seconds=60.0, peak_memory_mb=100, train_images=10, commit="abc", device="a processor", outdated=False)
DECIBELS = dict(psnr_authentic=30.0, psnr_outside=29.0, psnr_tampered=31.0, psnr_gap=-2.0)

LEVELS = {  # how good maps and labels are; every statement holds
    **dict.fromkeys(TRIVIAL, 0.2),
    **dict.fromkeys(ERRORS[2:], 0.2),
    "NRR error, Otsu": 0.3,
    "NRR error, smoothed": 0.4,
    "self-distillation, without selection": 0.4,
    "self-distillation, as printed": 0.4,
    "self-distillation": 0.6,
    "Baseline, inputs rgb": 0.55,
    "Baseline": 0.7,
    "Baseline+NRR": 0.775,
    "Baseline+NRR+SCL": 0.85,
    "Baseline+NRR+SCL+AGAP": 0.925,
    "Baseline+NRR+SCL+AGAP, form standard": 1.0,
}
REST = 0.8  # fixed filters in the whole method, other poolings, without contrast


def study(results, *, turned=False, **grid) -> Rows:
    """Rows of the grid's runs, two seeds, LEVELS kept, or (turned) each level turned into 1 - level, so that nothing holds."""
    cells = configurations(**dict(seeds=[0, 1], train_set=TARGET) | grid)
    settings, raw, history = [], [], []
    for run, cell in cells.items():
        given = parameters.declared(f"inr/{cell.notebook}") | cell.parameters | cell.uses
        if cell.notebook == "nrr":
            settings.append(given | FACTS | DECIBELS | dict(run=run))
            kept = [TARGET, "sim-magicbrush"] if "test_sets" not in cell.parameters else [TARGET]
            parts = [images(name, level(one, turned)).assign(predictor=one) for name in kept for one in ERRORS]
            raw += [part[part["label"] == 1].assign(run=run, attack="none") for part in parts]
        else:
            settings.append(given | FACTS | dict(run=run, collapsed_epochs=0))
            raw.append(detected(given, turned).assign(run=run))
        history.append(pd.DataFrame(dict(run=run, epoch=[0, 1], cls=0.5, chosen=4.0, positive=2.0, val_auc=0.5)))
    blind = [images(name, level(one, turned)).assign(method=one, seed=0) for name in SETS[:2] for one in TRIVIAL]
    blind = pd.concat(blind).query("label == 1")
    return Rows(results, pd.DataFrame(settings), pd.concat(raw, ignore_index=True), pd.concat(history), blind)


def level(name, turned):
    return 1 - LEVELS.get(name, REST) if turned else LEVELS.get(name, REST)


def detected(given, turned):
    """Rows of one detector on all sets, and of the baseline on redrawn images: worse maps, better labels."""
    name = method(given)
    usual = parameters.declared("inr/run")
    changes = [f"{key} {given[key]}" for key in ("contrast", "form", "inputs", "pooling") if given[key] != usual[key]]
    good = level(", ".join([name, *changes]), turned)
    parts = [images(one, good).assign(attack="none") for one in SETS]
    if given["redrawn"]:
        parts.append(
            images(TARGET, level("all-ones map", turned), level("Baseline+NRR+SCL+AGAP", turned)).assign(attack=REDRAWN)
        )
    parts.append(images(TARGET, good).assign(attack="jpeg 75"))
    return pd.concat(parts)


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
