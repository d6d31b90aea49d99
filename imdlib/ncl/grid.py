"""Which runs NCL's tables are made from: a configuration is trained once and shared by every table that needs it."""

from collections.abc import Sequence
from typing import Any

from imdlib.study import Cell

METHODS = {
    "base": "Base",
    "contrast": "Base+Contrast",
    "pivot": "Base+Pivot",
    "pivot+pc": "Base+Pivot+PC",
}  # variant -> name in tables
BOTH = ("base", "pivot+pc")  # the paper's Base and the whole method
TURNED = ("backbone", "stem_stride", "inputs", "train_count", "hook", "omega", "mu", "tau", "steps")


def configurations(
    *,
    seeds: Sequence[int],
    ablation_sets: Sequence[str] = (),
    benchmark_sets: Sequence[str] = (),
    together: bool = False,
    detail_set: str = "",
    hooks: Sequence[str] = (),
    omegas: Sequence[float] = (),
    mus: Sequence[float] = (),
    taus: Sequence[float] = (),
    train_counts: Sequence[int] = (),
    backbones: Sequence[str] = (),
    base_inputs: Sequence[str] = (),
    base_stems: Sequence[int] = (),
    long_steps: Sequence[int] = (),
    attacked_sets: Sequence[str] = (),
) -> dict[str, Cell]:
    """{name of a run: Cell} for notebooks/ncl/run.ipynb.

    ablation_sets: sets on which all four variants are trained (Table 5); benchmark_sets: sets for Base and the whole
    method alone (Tables 1 and 2); together: train these two on all of those sets at once (Table 2); attacked_sets:
    training sets whose runs also score attacked test images (Table 3). The others turn one parameter on `detail_set`:
    backbones (Table 4) and train_counts (section 1) for Base and the whole method, hooks (Table 6), omegas, mus, taus
    (section 4.3) for the whole method, base_inputs and base_stems for Base, long_steps for both.
    """
    cells = [dict(train_set=name, variant=variant) for name in ablation_sets for variant in METHODS]
    cells += [dict(train_set=name, variant=variant) for name in benchmark_sets for variant in BOTH]
    if together:
        cells += [dict(train_set="+".join([*ablation_sets, *benchmark_sets]), variant=variant) for variant in BOTH]
    for parameter, values, variants in (
        ("backbone", backbones, BOTH),
        ("train_count", train_counts, BOTH),
        ("steps", long_steps, BOTH),
        ("hook", hooks, ["pivot+pc"]),
        ("omega", omegas, ["pivot+pc"]),
        ("mu", mus, ["pivot+pc"]),
        ("tau", taus, ["pivot+pc"]),
        ("inputs", base_inputs, ["base"]),
        ("stem_stride", base_stems, ["base"]),
    ):
        cells += [{"train_set": detail_set, "variant": v, parameter: value} for value in values for v in variants]
    cells = [cell | ({"attacked": True} if cell["train_set"] in attacked_sets else {}) for cell in cells]
    return {name(cell, seed): Cell(cell | {"seed": seed}) for cell in cells for seed in seeds}


def name(cell: dict[str, Any], seed: int) -> str:
    """Folder of a run: variant, training set, what was turned, seed."""
    train_set = "all" if "+" in cell["train_set"] else cell["train_set"]
    turned = [f"{key}-{cell[key]}" for key in TURNED if key in cell]
    return "_".join([cell["variant"].replace("+", "-"), train_set, *turned, f"seed{seed}"]).replace("rgb+", "rgb-")
