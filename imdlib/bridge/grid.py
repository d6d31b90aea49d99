"""Which runs Bridging's tables are made from: a configuration is trained once and shared by every table that needs it."""

from collections.abc import Sequence
from typing import Any

from imdlib.bridge.methods import METHODS
from imdlib.study import Cell

MAIN, DETAIL = "late", "disc"  # the whole method; the discrepancies alone, on which what concerns them is turned
TURNED = ("with_fully", "order", "diverge_on_raw_too", "disc_on", "inputs", "stem_stride", "train_count")


def configurations(
    *,
    seeds: Sequence[int],
    train_sets: Sequence[str],
    methods: Sequence[str] = tuple(METHODS),
    more_methods: Sequence[str] = ("wang", "tar", "transcam", MAIN),
    without_fully: Sequence[str] = (),
    orders: Sequence[str] = (),
    diverging: Sequence[bool] = (),
    compared: Sequence[str] = (),
    transcam_inputs: Sequence[str] = (),
    embedded: Sequence[str] = ("transcam", MAIN),
) -> dict[str, Cell]:
    """{name of a run: Cell} for notebooks/bridge/run.ipynb.

    train_sets: `methods` are trained on the first, `more_methods` on the others. The rest is on the first alone.
    without_fully: methods that are also trained without fully fake images (section 4.2.1). orders (of the stages),
    diverging (values of diverge_on_raw_too) and compared (of disc_on): the discrepancies alone with that turned.
    transcam_inputs: TransCAM on other inputs. embedded: methods whose first seed leaves the points of Figure 4.
    """
    first, *others = train_sets
    unknown = {*methods, *more_methods, *without_fully} - set(METHODS)
    if unknown:
        raise ValueError(f"methods: expected some of {', '.join(METHODS)}, found {', '.join(sorted(unknown))}")
    cells = [dict(train_set=first, method=method) for method in methods]
    cells += [dict(train_set=name, method=method) for name in others for method in more_methods]
    cells += [dict(train_set=first, method=method, with_fully=False) for method in without_fully]
    turned = {"order": orders, "diverge_on_raw_too": diverging, "disc_on": compared}
    cells += [dict(train_set=first, method=DETAIL) | {key: value} for key, values in turned.items() for value in values]
    cells += [dict(train_set=first, method="transcam", inputs=inputs) for inputs in transcam_inputs]
    shown = {name(dict(train_set=first, method=method), seeds[0]) for method in embedded} if seeds else set()
    named = {name(cell, seed): cell | {"seed": seed} for cell in cells for seed in seeds}
    return {run: Cell(cell | ({"embed": True} if run in shown else {})) for run, cell in named.items()}


def name(cell: dict[str, Any], seed: int) -> str:
    """Folder of a run: method, training set, what was turned, seed."""
    train_set = "all" if "+" in cell["train_set"] else cell["train_set"]
    turned = [f"{key}-{cell[key]}" for key in TURNED if key in cell]
    return "_".join([cell["method"], train_set, *turned, f"seed{seed}"]).replace("rgb+", "rgb-")
