"""What the parameters of NCL's notebooks may be, where all studies do not share it."""

from imdlib.baselines.names import DETECTORS
from imdlib.choices import COUNT, MANY, at_least, between, each, one_of
from imdlib.ncl.grid import METHODS
from imdlib.networks.named import LITE0

CHOICES = {
    "variant": one_of(*METHODS),
    "detector": one_of(*DETECTORS),
    "omega": at_least(0),
    "mu": between(0, 1),
    "max_pos": MANY,
    "max_neg": MANY,
    "attack_count": MANY,
    "hook": one_of("stem", "layer1", "layer2", "layer3", "layer4"),
    "backbone": one_of("resnet18", "resnet34", "resnet50", "resnet101", "vit", LITE0),
    "vit": each(MANY, 4),
    "head_width": MANY,
    "rates": each(MANY),
    "dropout": between(0, 1),
    "output_stride": one_of(1, 2, 4, 8, 16, 32),
    "run.steps": COUNT,
    "contour_grid": COUNT,
    "trial": at_least(-1),
    "keep": one_of("last", "val_auc_shuffled", "val_auc", "val_f1"),
    "1_three_kinds_of_patches.side": one_of(2, 4, 8, 16, 32, 64),
    "1_three_kinds_of_patches.size": one_of(64, 128, 256, 512),
    "2_the_pivot.size": one_of(64, 128, 256, 512),
    "2_the_pivot.k": MANY,
    "4_pivot_consistency.cells": one_of(8, 16, 32, 64),
}
