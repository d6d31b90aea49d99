"""Choices: what a parameter of a notebook may be, stated once and checked before anything is trained.

What all notebooks share is in COMMON; a study adds its own in `imdlib/<study>/choices.py`, as CHOICES: {parameter: rule}. A key
'nrr.width' there counts for that notebook alone. A parameter without a rule may have any value of its type.
"""

import importlib
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from imdlib.places import REPO


@dataclass(frozen=True)
class Rule:
    """What a value may be. says: in words, after 'must be'; holds(value): whether it is that."""

    says: str
    holds: Callable[[Any], bool]


# ---- kinds of rules ------------------------------------------------------------------------------------------------


def one_of(*values: Any) -> Rule:
    """One of these."""
    shown = ", ".join(repr(value) if value == "" else str(value) for value in values)
    return Rule(f"one of {shown}", lambda value: value in values)


def at_least(low: float) -> Rule:
    """A finite number from `low` on."""
    return Rule(f"at least {low}", lambda value: low <= value < math.inf)


def above(low: float) -> Rule:
    """A number above `low`."""
    return Rule(f"above {low}", lambda value: value > low)


def between(low: float, high: float) -> Rule:
    """A number from `low` to `high`."""
    return Rule(f"from {low} to {high}", lambda value: low <= value <= high)


def each(rule: Rule, *lengths: int) -> Rule:
    """A list whose elements all follow a rule; lengths: how many it may have, any number where none is given."""
    many = f"a list of {' or '.join(map(str, lengths))} elements" if lengths else "a list"
    return Rule(
        f"{many}, each {rule.says}",
        lambda value: (not lengths or len(value) in lengths) and all(map(rule.holds, value)),
    )


def some(rule: Rule) -> Rule:
    """A list with one element or more, each of a rule."""
    return Rule(
        f"a list that is not empty, each {rule.says}", lambda value: bool(value) and all(map(rule.holds, value))
    )


# ---- names ---------------------------------------------------------------------------------------------------------


def plain(name: str) -> bool:
    """Whether a folder can be named so: it leads nowhere else, is not hidden, and can be printed."""
    return bool(name) and name == Path(name).name and not name.startswith(".") and name.isprintable()


def named(run: str) -> bool:
    """Whether a text is a study and the name of a run in it."""
    study, _, name = run.partition("/")
    return plain(study) and plain(name)


def a_study(name: str) -> bool:
    """Whether the library has a study of that name."""
    return plain(name) and (REPO / "imdlib" / name / "study.py").exists()


def known_set(name: str) -> bool:
    """Whether a data set, or every one of several joined by +, has a reader or is an embedded twin; it need not be at hand."""
    from imdlib.data.catalog import DATASETS
    from imdlib.twins.recipes import TWINS

    weights = REPO / "imdlib" / "twins" / "weights"
    twins = {*TWINS, *(f"sim-dolos-{path.stem}" for path in weights.glob("*.safetensors"))}
    return all(one in twins or re.split("[-:]", one)[0] in DATASETS for one in name.split("+"))


def known_attack(name: str) -> bool:
    """Whether `imdlib.data.attacks` has an attack of that name."""
    from imdlib.data.attacks import ATTACKS

    return name in ATTACKS


def known_camera(name: str) -> bool:
    """Whether the embedded benchmark has a camera of that name."""
    from imdlib.twins.camera import CAMERAS

    return name in {one.name for one in CAMERAS}


NAME = Rule("a name without '/' that does not begin with '.'", plain)
DATA_SET = Rule("a data set that docs/datasets.md lists, or an embedded twin such as sim-casia", known_set)
METHOD = Rule("a name that does not begin with '.'", lambda value: plain(value.replace("/", "-")))
RUN = Rule("'<study>/<run>', such as ncl/base_sim-casia_seed0", named)
ATTACK = Rule("none, or a name of imdlib.data.attacks.ATTACKS such as jpeg 50", known_attack)
CAMERA = Rule("a camera of imdlib.twins.camera.CAMERAS such as reflex", known_camera)
COUNT = at_least(0)
MANY = at_least(1)


COMMON = {
    "results": Rule("a folder that is written out, without ~", lambda value: not str(value).startswith("~")),
    "run": Rule(f"empty, or {NAME.says}", lambda value: not value or plain(value)),
    "train_set": DATA_SET,
    "test_sets": some(DATA_SET),
    "dataset": DATA_SET,
    "count": MANY,
    "size": at_least(16),
    "train_count": COUNT,
    "test_count": COUNT,
    "trial": at_least(-1),
    "epochs": MANY,
    "steps": MANY,
    "batch_size": MANY,
    "crop": at_least(8),
    "optimizer": one_of("sgd", "adamw"),
    "learning_rate": above(0),
    "weight_decay": at_least(0),
    "schedule": one_of("poly", "cosine", "constant"),
    "validations": MANY,
    "inputs": one_of("rgb", "rgb+residual"),
    "backbone": one_of("resnet18", "resnet34", "resnet50", "resnet101"),
    "stem_stride": one_of(1, 2, 4),
    "blocks": each(MANY, 0, 4),
    "width": above(0),
    "tau": above(0),
    "seed": between(0, 2**32 - 1),
    "devices": MANY,
    "precision": one_of("auto", "32-true", "bf16-mixed", "16-mixed"),
    "threads": MANY,
    "workers": COUNT,
    "examples": COUNT,
    "cost_repeats": MANY,
}


@cache
def of(notebook: str) -> dict:
    """{parameter: Rule} of a notebook by name ('ncl/run', 'data')."""
    study, _, name = notebook.rpartition("/")
    if not a_study(study):
        return COMMON | ALONE.get(notebook, {})
    own = importlib.import_module(f"imdlib.{study}.choices").CHOICES
    mine = {key.removeprefix(f"{name}."): rule for key, rule in own.items() if key.startswith(f"{name}.")}
    return COMMON | {key: rule for key, rule in own.items() if "." not in key} | mine


TEXT = Rule("text", lambda value: isinstance(value, str))
SPLIT = one_of("train", "val", "test", "all")
ALONE = {  # notebooks that belong to no study
    "score": {"run": RUN, "split": SPLIT, "attack": ATTACK, "count": COUNT, "size": COUNT, "threads": COUNT},
    "score_maps": {"split": one_of("", "train", "val", "test"), "missing": one_of("raise", "skip"), "method": METHOD},
    "lessons/1_numbers_that_lie": {"pull": between(0, 1)},
    "lessons/3_a_camera_in_a_page": {"host": CAMERA, "guest": CAMERA},
    "figures": {
        "study": Rule("the name of a study, such as ncl", a_study),
        "width": one_of("", "column", "page"),
        "style": one_of("ticks", "whitegrid", "white"),
        "into": Rule(f"{NAME.says}, and no study's", lambda value: plain(value) and not a_study(value)),
    },
    "try_it": {
        "run": TEXT,
        "runs": each(TEXT),
        "tile": at_least(64),
        "overlap": MANY,
        "show": COUNT,
        "device": Rule("cpu, cuda, or such as cuda:1", lambda value: bool(re.fullmatch(r"cpu|cuda(:\d+)?", value))),
    },
}
