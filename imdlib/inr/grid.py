"""Which runs INR's tables are made from: a configuration is trained once and shared by every table that needs it."""

from collections.abc import Sequence
from typing import Any

from imdlib.study import Cell

METHODS = {
    "base": "Baseline",
    "nrr": "Baseline+NRR",
    "nrr+scl": "Baseline+NRR+SCL",
    "nrr+scl+agap": "Baseline+NRR+SCL+AGAP",
    "highpass+scl+agap": "Baseline+high pass+SCL+AGAP",
    "srm+scl+agap": "Baseline+SRM+SCL+AGAP",
}  # variant -> name in tables
MAIN = "nrr+scl+agap"  # the whole method
POOLINGS = ("max", "average", "gem", "smooth")  # Table 6, besides the adaptive one; Otsu's alone is the variant nrr+scl
SWEPT = ("frequencies", "width", "stride")  # of the NRR
TURNED = (
    "pooling",
    "contrast",
    "form",
    "selection",
    "deep",
    "shallow",
    "labels",
    "m_rule",
    "inputs",
)  # of the detector


def configurations(
    *,
    seeds: Sequence[int],
    train_set: str,
    more_train_sets: Sequence[str] = (),
    sweep_frequencies: Sequence[int] = (),
    sweep_widths: Sequence[int] = (),
    sweep_strides: Sequence[int] = (),
    sweep_seeds: Sequence[int] = (),
    variants: Sequence[str] = tuple(METHODS),
    poolings: Sequence[str] = POOLINGS,
    without_contrast: bool = False,
    forms: Sequence[str] = (),
    m_rules: Sequence[str] = (),
    crop_labels: bool = False,
    base_inputs: Sequence[str] = (),
    unsupervised: bool = True,
    without_selection: bool = True,
    literal: bool = False,
) -> dict[str, Cell]:
    """{name of a run: Cell} for notebooks/inr/nrr.ipynb, and after these for notebooks/inr/run.ipynb.

    train_set: of all tables; more_train_sets: sets for the baseline and the whole method alone, weak.
    sweep_frequencies (L of Eq. 3), sweep_widths, sweep_strides: one value turned at a time, for the NRR alone, a run for
    each of sweep_seeds. variants: rows of Table 4 and the fixed filters; poolings: Table 6, the whole method with another
    one; without_contrast, forms, m_rules, crop_labels: the whole method with that changed; base_inputs: the baseline.
    unsupervised, without_selection (Table 5), literal: self-distillation, without its selection, and as it is printed.
    """
    sets = [train_set, *more_train_sets]
    nrr = [dict(train_set=name, seed=seed) for name in sets for seed in seeds]
    for key, values in zip(SWEPT, (sweep_frequencies, sweep_widths, sweep_strides)):
        alone = {"train_set": train_set, "test_sets": [train_set], "fixed_filters": False}
        nrr += [alone | {key: value, "seed": seed} for value in values for seed in sweep_seeds]
    weak = [dict(variant=variant, redrawn=True) if variant == "base" else dict(variant=variant) for variant in variants]
    weak += [dict(variant=MAIN, pooling=pooling) for pooling in poolings]
    weak += [dict(variant=MAIN, contrast=False)] if without_contrast else []
    weak += [dict(variant=MAIN, form=form) for form in forms]
    weak += [dict(variant=MAIN, m_rule=rule) for rule in m_rules]
    weak += [dict(variant=MAIN, labels="crop")] if crop_labels else []
    weak += [dict(variant="base", inputs=inputs) for inputs in base_inputs]
    none = [dict()] if unsupervised else []
    none += [dict(selection="all")] if unsupervised and without_selection else []
    none += [dict(deep=False, shallow="literal")] if unsupervised and literal else []
    cells = [dict(mode="weak", train_set=train_set) | cell for cell in weak]
    cells += [dict(mode="unsupervised", variant=MAIN, train_set=train_set) | cell for cell in none]
    for other in more_train_sets:
        cells += [dict(mode="weak", variant=variant, train_set=other) for variant in ("base", MAIN)]
    cells = [cell | {"seed": seed} for cell in cells for seed in seeds]
    found = {nrr_name(cell): Cell(cell, "nrr") for cell in nrr}
    return found | {name(cell): Cell(cell, uses={"nrr": nrr_name(cell)} if uses_nrr(cell) else {}) for cell in cells}


def uses_nrr(cell: dict[str, Any]) -> bool:
    """Whether a detector's run needs a trained NRR: for its input, or to redraw test images (Figure 1)."""
    return cell["variant"].startswith("nrr") or cell.get("redrawn", False)


def nrr_name(cell: dict[str, Any]) -> str:
    """Folder of an NRR's run; of a detector's parameters, the NRR that it uses: training set, what was turned, seed."""
    turned = [f"{key}-{cell[key]}" for key in SWEPT if key in cell]
    return "_".join(["nrr", cell["train_set"], *turned, f"seed{cell['seed']}"])


def name(cell: dict[str, Any]) -> str:
    """Folder of a detector's run: mode, variant, training set, what was turned, seed."""
    turned = [f"{key}-{cell[key]}" for key in TURNED if key in cell]
    variant = cell["variant"].replace("+", "-")
    return "_".join([cell["mode"], variant, cell["train_set"], *turned, f"seed{cell['seed']}"])
