"""The whole network of a run: distillation and classifier together, either of which a method may lack.

Bridging sections 3.1 and 3.6, Figure 1: tokens of the frozen tower to discrepancies, image and discrepancies to a class and,
where it is partly fake, a map.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from imdlib.baselines import generated, tar
from imdlib.bridge.conformer import Conformer
from imdlib.bridge.crossfit import CrossFitted
from imdlib.bridge.discrepancy import Discrepancy
from imdlib.bridge.fusion import DiscClassifier
from imdlib.bridge.labels import CLASSES, three_classes
from imdlib.bridge.methods import BINARY, METHODS, parts
from imdlib.bridge.stages import STAGES
from imdlib.bridge.towers import clip, imagenet, standin
from imdlib.networks import lite0

STAND_IN = "stand-in"


class Whole(nn.Module):
    """distillation: `Discrepancy`, `CrossFitted` or None; classifier: `Conformer`, `DiscClassifier`, or None for the
    teacher's own output.
    """

    def __init__(
        self, distillation: Discrepancy | CrossFitted | None, classifier: Conformer | DiscClassifier | None
    ) -> None:
        super().__init__()
        self.distillation, self.classifier = distillation, classifier

    @property
    def localizes(self) -> bool:
        """Whether it can draw a map."""
        return isinstance(self.classifier, Conformer)

    def discrepancies(self, tokens: Tensor) -> Tensor | None:
        """What the classifier gets beside the image, (B,width), or None."""
        return None if self.distillation is None else self.distillation(tokens)

    def distances(self, tokens: Tensor) -> Tensor:
        """d1 and d2 of each image, (B,2) squared; NaN where there are no students."""
        if self.distillation is None:
            return torch.full((len(tokens), 2), torch.nan)
        return self.distillation.distances(tokens)

    def beginning(self, trained: "Whole") -> "Whole":
        """This network, untrained, with the teacher of a trained one: its `distances` are those of students about to learn."""
        if self.distillation is None or not self.distillation.students:
            return self
        return Whole(trained.distillation.beginning(self.distillation), None)

    def forward(self, image: Tensor, tokens: Tensor, *, disc: Tensor | None = None) -> dict[str, Tensor]:
        """image (B,3,H,W) in [0,1], tokens (B,T,D) -> dict of logits (B,3), features (B,D) and what the classifier gives."""
        if self.classifier is None:
            logits, readout = self.distillation.teacher(tokens)
            return {"logits": logits.float(), "features": readout}
        options = dict(attention=False) if self.localizes else {}
        return self.classifier(image, self.discrepancies(tokens) if disc is None else disc, **options)


def tower_of(params: dict[str, Any]) -> standin.StandIn | imagenet.ImageNetGrid | clip.Tower:
    """Frozen feature extractor for the parameters of notebooks/bridge/run.ipynb: a stand-in, ImageNet's features, or a timm CLIP
    tower."""
    if params["extractor"] == STAND_IN:
        return standin.stand_in(params["size"])
    if params["extractor"] == lite0.NAME:
        return imagenet.ImageNetGrid(params["size"])
    return clip.Tower(params["extractor"], weights=params["extractor_weights"], pooled=params["pooled"])


def build(params: dict[str, Any], width: int = 0) -> Whole | generated.Wang | tar.TAR:
    """Untrained network: `Whole`, or a detector of real against fake. width: of a token of the tower."""
    method = params["method"]
    if method not in METHODS:
        raise ValueError(f"method={method!r}: expected one of {', '.join(METHODS)}")
    traces = dict(inputs=params["inputs"])
    started = params["start"] == "imagenet"
    check_start(params, method)
    if method == "wang" and started:
        return generated.Wang(backbone=lite0.NAME, **traces, pretrained=True)
    if method == "wang":
        shape = dict(backbone=params["backbone"], width=params["backbone_width"], stem_stride=params["backbone_stride"])
        return generated.Wang(**shape, **traces, blocks=params["blocks"] or None, pretrained=params["pretrained"])
    if method == "tar":
        return tar.TAR(**traces, blocks=params["tar_blocks"])
    which = parts(method)
    distillation = classifier = None
    if which["distillation"]:
        shape = dict(zip(("dim", "depth", "heads"), params["distillation"]))
        absent = dict(students=which["students"], generalizers=which["generalizers"])
        make = partial(Discrepancy, width, disc_on=params["disc_on"], **absent, **shape)
        distillation = CrossFitted([make() for _ in range(params["crossfit"])]) if params["crossfit"] else make()
    disc_width = 0 if distillation is None else distillation.width
    if which["classifier"] == "disc":
        classifier = DiscClassifier(disc_width, dim=params["conformer"][1])
    elif which["classifier"]:
        shape = dict(zip(("width", "dim", "depth", "heads"), params["conformer"]), stem_stride=params["stem_stride"])
        shape |= dict(imagenet=True, stem_stride=4) if started else {}
        classifier = Conformer(fusion=which["classifier"], disc_width=disc_width, **shape, **traces)
        classifier = classifier.to(memory_format=torch.channels_last)
    return Whole(distillation, classifier)


def check_start(params: dict[str, Any], method: str) -> None:
    """Refuse a start or a cross-fit that a method has nothing for."""
    if params["start"] not in ("random", "imagenet"):
        raise ValueError(f"start={params['start']!r}: expected 'random' or 'imagenet'")
    which = {} if method in BINARY else parts(method)
    looks = method == "wang" or which.get("classifier", "") not in ("", "disc")
    if params["start"] == "imagenet" and not (looks and params["inputs"] == "rgb"):
        raise ValueError(
            f"start='imagenet': expected inputs='rgb' and wang or a method with a Conformer, which weights exist for, found "
            f"inputs={params['inputs']!r}, method={method!r}"
        )
    if params["crossfit"] and not (which.get("distillation") and which["classifier"] and which["students"]):
        raise ValueError(
            f"crossfit={params['crossfit']}: method={method!r} has no classifier that learns from distances"
        )


def passes_in_all(params: dict[str, Any]) -> int:
    """Passes over the training images that the whole method makes with these parameters, all stages together."""
    return min(params["teacher_epochs"], params["epochs"]) * params["teacher_passes"] + params["epochs"] * len(
        STAGES[1:]
    )


def epochs_of(params: dict[str, Any]) -> int:
    """Epochs of a run: `epochs`, or with `equal_passes`, for a network with a single stage, as many as the whole method has passes."""
    alone = params["method"] in (*BINARY, "transcam")
    if params["equal_passes"] and not alone:
        raise ValueError(f"equal_passes=True: method={params['method']!r} has more stages than one")
    return passes_in_all(params) if params["equal_passes"] else params["epochs"]


def change_of(params: dict[str, Any]) -> Callable[[Tensor, torch.Generator], Tensor]:
    """What happens to the training images of a detector of real against fake: `change` of `ImageLabels`, as its authors do it.

    Neither resizes nor crops here: resizing erases traces, and what the label of a crop of a partly fake image is, is not known.
    """
    if params["method"] == "wang":
        return partial(generated.perturb, p=params["perturbed"], resize=None, crop=None)
    if params["method"] == "tar":
        return partial(tar.perturb, side=None, rotation=params["rotation"])
    raise ValueError(f"method={params['method']!r}: nothing says what happens to its training images")


def training_rows(manifest: pd.DataFrame, params: dict[str, Any]) -> pd.DataFrame:
    """Rows to learn from: the train split, without fully fake images unless `with_fully`, `train_count` of them at random.

    Fewer than two classes among them are refused.
    """
    rows = manifest[manifest["split"] == "train"]
    rows = rows if params["with_fully"] else rows[rows["kind"] != "generated"]
    count = params["train_count"]
    rows = rows.sample(count, random_state=params["seed"]) if 0 < count < len(rows) else rows
    found = np.unique(three_classes(rows)) if len(rows) else []
    if len(found) < 2:
        names = ", ".join(CLASSES[c] for c in found) or "no image at all"
        raise ValueError(
            f"train_set={params['train_set']!r}: expected training images of at least two classes, found {names} with "
            f"with_fully={params['with_fully']}; take a set that has two, or set with_fully=True"
        )
    return rows


def some_rows(manifest: pd.DataFrame, split: str, count: int) -> pd.DataFrame:
    """Rows of a split, at most `count` (0: all), drawn alike for all runs."""
    rows = manifest[manifest["split"] == split]
    return rows.sample(count, random_state=0) if 0 < count < len(rows) else rows
