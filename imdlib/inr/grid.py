"""Which runs INR's tables are made from: a configuration is trained once and shared by every table that needs it."""

from collections.abc import Sequence
from typing import Any

from imdlib.baselines.names import LOCALIZERS
from imdlib.inr.space import MAIN, PAPER, ROWS, SPACE
from imdlib.networks.named import LITE0_PRECISION
from imdlib.protocol import search
from imdlib.protocol.tuned import of
from imdlib.study import Cell

SWEPT = ("frequencies", "width", "stride")  # of the NRR
TURNED = (
    "pooling",
    "selection",
    "deep",
    "shallow",
    "start",
    "labels",
    "m_rule",
    "scl_all",
    "chosen_on",
)  # of the detector; none of them is searched
UNSUPERVISED = dict(
    mode="unsupervised", variant=MAIN, beta=0.3, keep="last", until_flat=False
)  # no label chooses anything


def configurations(
    *,
    seeds: Sequence[int],
    train_set: str,
    more_train_sets: Sequence[str] = (),
    sweep_frequencies: Sequence[int] = (),
    sweep_widths: Sequence[int] = (),
    sweep_strides: Sequence[int] = (),
    sweep_seeds: Sequence[int] = (),
    rows: Sequence[str] = PAPER,
    poolings: Sequence[str] = (),
    contrast_poolings: Sequence[str] = (),
    m_rules: Sequence[str] = (),
    crop_labels: bool = False,
    leaks: bool = False,
    contrast_everywhere: bool = False,
    unsupervised: bool = True,
    without_selection: bool = True,
    random_start: bool = False,
    literal: bool = False,
    unsupervised_steps: int = 0,
    unsupervised_rate: float = 0.0,
    lite0_steps: int = 0,
    trials: int = 0,
    trial_sets: Sequence[str] = (),
    tuned: bool = False,
    classic: Sequence[str] = (),
) -> dict[str, Cell]:
    """{name of a run: Cell} for notebooks/inr/nrr.ipynb, after these for notebooks/inr/run.ipynb, and for classic.ipynb.

    train_set: of all tables; more_train_sets: sets for the baseline and the whole method alone, weak.
    sweep_frequencies (L of Eq. 3), sweep_widths, sweep_strides: one value turned at a time, for the NRR alone, a run for
    each of sweep_seeds. rows: of `space.ROWS`; poolings: Table 6 without the contrast; contrast_poolings: the same in the whole
    method; m_rules, crop_labels, contrast_everywhere (in authentic images, too): the whole method with that changed;
    leaks: WSCL with labels of cropped masks, and with its epoch chosen on test images.
    unsupervised, without_selection (Table 5), random_start, literal: self-distillation, without its selection, from where it
    happens to start, and as it is printed, with steps and learning rate of their own (0: those of the other runs); lite0_steps:
    likewise of the rows on EfficientNet-lite0, whose steps take longer and lead further.
    trials: draws of settings for each row, scored on trial_sets; tuned: final runs have the settings that did best among them.
    classic: detectors that nobody trains (`imdlib.baselines.detectors`), for Table 1.
    """
    search.check_names("rows", rows, ROWS)
    sets = [train_set, *more_train_sets]
    nrr = [dict(train_set=one, seed=seed) for one in sets for seed in seeds]
    nrr += [dict(train_set=train_set, seed=search.TRIAL_SEED)] if trials else []
    for key, values in zip(SWEPT, (sweep_frequencies, sweep_widths, sweep_strides)):
        alone = {"train_set": train_set, "test_sets": [train_set], "fixed_filters": False}
        nrr += [alone | {key: value, "seed": seed} for value in values for seed in sweep_seeds]
    whole = [dict(pooling=pooling) for pooling in contrast_poolings] + [dict(m_rule=rule) for rule in m_rules]
    whole += [dict(labels="crop")] if crop_labels else []
    whole += [dict(scl_all=True)] if contrast_everywhere else []
    weak = [(row, dict(redrawn=True) if row in ("base", *LOCALIZERS) else {}) for row in rows]
    weak += [("wscl", dict(labels="crop")), ("wscl", dict(chosen_on="test"))] if leaks else []
    weak += [("nrr+agap", dict(pooling=pooling)) for pooling in poolings] + [(MAIN, turned) for turned in whole]
    best = of("inr") if tuned else {}
    cells = [dict(ROWS[row].fixed) | best.get(row, {}) | turned | dict(train_set=train_set) for row, turned in weak]
    for other in more_train_sets:
        cells += [dict(ROWS[row].fixed) | best.get(row, {}) | dict(train_set=other) for row in ("base", MAIN)]
    none = [dict()] if unsupervised else []
    none += [dict(selection="all")] if unsupervised and without_selection else []
    none += [dict(start="random")] if unsupervised and random_start else []
    none += [dict(deep=False, shallow="literal", start="random")] if unsupervised and literal else []
    own = dict(steps=unsupervised_steps) if unsupervised_steps else {}
    own |= dict(learning_rate=unsupervised_rate) if unsupervised_rate else {}
    cells += [UNSUPERVISED | own | turned | dict(train_set=train_set) for turned in none]
    cells = [cell | {"seed": seed} for cell in cells for seed in seeds]
    cells += tried(rows, trials, train_set=train_set, test_sets=trial_sets)
    pretrained = dict(precision=LITE0_PRECISION) | (dict(steps=lite0_steps) if lite0_steps else {})
    cells = [cell | (pretrained if "backbone" in cell else {}) for cell in cells]
    found = {nrr_name(cell): Cell(cell, "nrr") for cell in nrr}
    found |= {f"classic_{one}": Cell({"detector": one, "train_set": train_set}, "classic") for one in classic}
    return found | {name(cell): Cell(cell, uses={"nrr": nrr_name(cell)} if uses_nrr(cell) else {}) for cell in cells}


def tried(rows: Sequence[str], count: int, *, train_set: str, test_sets: Sequence[str]) -> list[dict[str, Any]]:
    """Parameters of `count` trials of each row, scored on test_sets (none: on those of all runs) and on no recompressed image."""
    scored = dict(recompressed=0) | (dict(test_sets=[*test_sets]) if test_sets else {})
    found = search.trials(SPACE, {row: ROWS[row] for row in rows}, count) if count else {}
    return [cell | scored | dict(train_set=train_set) for cell in found.values()]


def uses_nrr(cell: dict[str, Any]) -> bool:
    """Whether a detector's run needs a trained NRR: for its input, or to redraw test images (Figure 1)."""
    return cell["variant"].startswith("nrr") or cell.get("redrawn", False)


def nrr_name(cell: dict[str, Any]) -> str:
    """Folder of an NRR's run; of a detector's parameters, the NRR that it uses: training set, what was turned, seed."""
    turned = [f"{key}-{cell[key]}" for key in SWEPT if key in cell]
    return "_".join(["nrr", cell["train_set"], *turned, f"seed{cell['seed']}"])


def name(cell: dict[str, Any]) -> str:
    """Folder of a detector's run: mode and row, training set, what was turned or the number of the trial, seed."""
    row = "_".join([cell["mode"], cell.get("row", cell["variant"]).replace("+", "-")])
    turned = [f"{key}-{cell[key]}" for key in TURNED if key in cell]
    turned += [f"trial{cell['trial']}"] if "trial" in cell else []
    return "_".join([row, cell["train_set"], *turned, f"seed{cell['seed']}"])
