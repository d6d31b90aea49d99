"""Names of INR's methods in tables: the rows of the weak mode, then the kinds of self-distillation."""

from typing import Any

from imdlib.baselines.names import LOCALIZERS, WEAK
from imdlib.inr.space import MAIN

METHODS = (
    {
        "base": "Baseline",
        "nrr": "Baseline+NRR",
        "nrr+otsu": "Baseline+NRR, Otsu",
        "nrr+agap": "Baseline+NRR+AGAP",
        "nrr+scl": "Baseline+NRR+SCL",
        MAIN: "Baseline+NRR+SCL+AGAP",
        "literal": "Baseline+NRR+SCL+AGAP, Eq. 5",
        "standard": "Baseline+NRR+SCL+AGAP, InfoNCE",
        "counter": "Baseline+NRR+SCL+AGAP, counter samples",
        "highpass+scl+agap": "Baseline+high pass+SCL+AGAP",
        "srm+scl+agap": "Baseline+SRM+SCL+AGAP",
        "rgb-base": "RGB: Baseline",
        "rgb-nrr": "RGB: Baseline+NRR",
        "rgb-highpass": "RGB: Baseline+high pass",
        "rgb-srm": "RGB: Baseline+SRM",
        "rgb-whole": "RGB: Baseline+NRR+SCL+AGAP",
        "lite0-base": "ImageNet: Baseline",
        "lite0-whole": "ImageNet: Baseline+NRR+SCL+AGAP",
    }
    | WEAK
    | LOCALIZERS
)  # row -> name in tables
WHOLE = METHODS[MAIN]
DISTILLED = "self-distillation"
UNSUPERVISED = {  # (selection, deep, start) -> name in tables
    ("agreement", True, "centred"): DISTILLED,
    ("all", True, "centred"): f"{DISTILLED}, without selection",
    ("agreement", True, "random"): f"{DISTILLED}, random start",
    ("agreement", False, "random"): f"{DISTILLED}, as printed",
}
ORDER = [*METHODS.values(), *UNSUPERVISED.values()]


def row_of(run: dict[str, Any]) -> str:
    """Row of a run, within which its parameters are compared; a run by hand that names none is of its variant's.

    run: {parameter: value}; self-distillation is a row of its own.
    """
    return DISTILLED if run["mode"] == "unsupervised" else run["row"] or run["variant"]


def method(run: dict[str, Any]) -> str:
    """Name of a run's method: its row's, or the kind of self-distillation. run: {parameter: value}."""
    if run["mode"] != "unsupervised":
        return METHODS.get(row_of(run), row_of(run))
    kind = run["selection"], run["deep"], run["start"]
    return UNSUPERVISED.get(kind, f"{DISTILLED}, other")
