"""Names of INR's methods in tables: the variants of the weak mode, then the kinds of self-distillation."""

from typing import Any

from imdlib.inr.grid import MAIN, METHODS

WHOLE = METHODS[MAIN]
DISTILLED = "self-distillation"
UNSUPERVISED = {  # (selection, deep) -> name in tables
    ("agreement", True): DISTILLED,
    ("all", True): f"{DISTILLED}, without selection",
    ("agreement", False): f"{DISTILLED}, as printed",
}
ORDER = [*METHODS.values(), *UNSUPERVISED.values()]


def method(run: dict[str, Any]) -> str:
    """Name of a run's method: the variant, or the kind of self-distillation. run: {parameter: value}."""
    if run["mode"] == "weak":
        return METHODS[run["variant"]]
    return UNSUPERVISED.get((run["selection"], run["deep"]), f"{DISTILLED}, other")
