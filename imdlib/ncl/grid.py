"""Which runs NCL's tables are made from: a configuration is trained once and shared by every table that needs it."""

from collections.abc import Sequence
from typing import Any

from imdlib.baselines.names import LOCALIZERS
from imdlib.ncl.space import ROWS, SPACE
from imdlib.networks.named import LITE0, LITE0_PRECISION
from imdlib.protocol import search
from imdlib.protocol import tuned as best
from imdlib.study import Cell

OWN = {
    "base": "Base",
    "base-balanced": "Base, classes balanced",
    "base+aux": "Base+Aux",
    "contrast": "Base+Contrast",
    "pivot": "Base+Pivot",
    "pc": "Base+PC",
    "pivot+pc": "Base+Pivot+PC",
}  # variant of the paper's network -> name in tables
METHODS = OWN | LOCALIZERS  # all variants, those that it is compared with too
STEPS = ("base", "contrast", "pivot", "pivot+pc")  # Table 5, and the row that its argument needs
BOTH = ("base", "pivot+pc")  # the paper's Base and the whole method
KIND = ("backbone", "pretrained", "inputs")  # what makes another network, beside which nothing is turned
TURNED = (
    "stem_stride", "optimizer", "train_count", "hook", "contour_grid", "aux_aspp", "omega", "mu", "tau", "steps",
)  # fmt: skip
TESTED_ON = {"casia2": "casia1"}  # training set -> the set that its runs are tested on, where that is another: Table 1
PAPERS_OPTIMIZER = {"optimizer": "sgd", "learning_rate": 0.007, "weight_decay": 0.0005}  # section 4


def configurations(
    *,
    seeds: Sequence[int],
    trials: int = 0,
    trial_sets: Sequence[str] = (),
    tuned: bool = False,
    rows: Sequence[str] = (),
    ablation_sets: Sequence[str] = (),
    benchmark_sets: Sequence[str] = (),
    apart_sets: Sequence[str] = (),
    together: bool = False,
    detail_set: str = "",
    hooks: Sequence[str] = (),
    contour_grids: Sequence[int] = (),
    own_contours: Sequence[str] = (),
    omegas: Sequence[float] = (),
    mus: Sequence[float] = (),
    taus: Sequence[float] = (),
    train_counts: Sequence[int] = (),
    backbones: Sequence[str] = (),
    base_stems: Sequence[int] = (),
    long_steps: Sequence[int] = (),
    controls: bool = False,
    lite0_steps: int = 0,
    attacked_sets: Sequence[str] = (),
    rivals: Sequence[str] = (),
    classic: Sequence[str] = (),
) -> dict[str, Cell]:
    """{name of a run: Cell} for notebooks/ncl/run.ipynb, and, of `classic` detectors, for notebooks/ncl/classic.ipynb.

    trials: draws of settings that every row of `space.ROWS` is trained with on `detail_set`, scored on it and on trial_sets;
    tuned: other runs get their row's settings of profiles/tuned/ncl.yaml. rows: those trained on `detail_set`;
    rivals: rows of other networks, for Tables 1 and 2, of which these alone have trials.
    ablation_sets: sets on which the variants of Table 5 are trained; benchmark_sets: sets for Base and the whole method alone
    (Tables 1 and 2); together: train these two on all of those sets at once (Table 2); apart_sets: for these two as well, and
    in no union; attacked_sets: training sets whose runs also score attacked test images (Table 3). The others turn one
    parameter on `detail_set`: backbones (Table 4) and train_counts (section 1) for Base and the whole method, hooks (Table 6)
    with and without Eq. 8, own_contours: hooks whose own grid is the contour's, contour_grids, omegas, mus, taus (section 4.3)
    for the whole method, base_stems for Base, long_steps for both; controls: the auxiliary head without Eq. 8, a second head,
    and the paper's optimizer for both. lite0_steps: steps of the rows on EfficientNet-lite0, whose steps take four times as
    long; 0 for those of all.
    """
    search.check_names("rows", rows, ROWS)
    search.check_names("rivals", rivals, ROWS)
    wanted = [(row, place, {}) for place in ablation_sets for row in STEPS]
    wanted += [(row, place, {}) for place in [*benchmark_sets, *apart_sets] for row in BOTH]
    wanted += [(row, "+".join([*ablation_sets, *benchmark_sets]), {}) for row in BOTH if together]
    wanted += [(row, place, {}) for place in [*ablation_sets, *benchmark_sets] for row in rivals]
    wanted += [(row, detail_set, {}) for row in rows]
    for parameter, values, some in (
        ("backbone", backbones, BOTH),
        ("train_count", train_counts, BOTH),
        ("steps", long_steps, BOTH),
        ("hook", hooks, ("pivot", "pivot+pc")),
        ("contour_grid", contour_grids, ("pivot+pc",)),
        ("omega", omegas, ("pivot+pc",)),
        ("mu", mus, ("pivot+pc",)),
        ("tau", taus, ("pivot+pc",)),
        ("stem_stride", base_stems, ("base",)),
    ):
        wanted += [(row, detail_set, {parameter: value}) for value in values for row in some]
    wanted += [("pivot+pc", detail_set, {"hook": hook, "contour_grid": 0}) for hook in own_contours]
    if controls:
        wanted += [("base", detail_set, {"variant": "base+aux"}), ("pivot+pc", detail_set, {"aux_aspp": True})]
        wanted += [(row, detail_set, PAPERS_OPTIMIZER) for row in BOTH]
    settings = best.of("ncl") if tuned else {}
    own = {"precision": LITE0_PRECISION} | ({"steps": lite0_steps} if lite0_steps else {})
    fixed = {row: one.fixed | (own if one.fixed.get("backbone") == LITE0 else {}) for row, one in ROWS.items()}
    found = {}
    for row, train_set, turned in wanted:
        cell = {"train_set": train_set, **fixed[row], **settings.get(row, {}), **turned}
        cell |= {"test_sets": [TESTED_ON.get(train_set, train_set)]} if turned else {}
        cell |= {"attacked": True} if train_set in attacked_sets and row in STEPS and not turned else {}
        found |= {name(row, train_set, turned, seed): Cell(cell | {"seed": seed}) for seed in seeds}
    sets = {"train_set": detail_set, "test_sets": [TESTED_ON.get(detail_set, detail_set), *trial_sets]}
    tried = {row: one for row, one in ROWS.items() if row not in LOCALIZERS or row in rivals}
    for (row, number), cell in search.trials(SPACE, tried, trials).items():
        found[name(row, detail_set, {}, search.TRIAL_SEED, f"trial{number}")] = Cell(fixed[row] | cell | sets)
    for detector in classic:
        place = next(iter([*ablation_sets, *benchmark_sets, detail_set]))
        found[f"classic_{detector}"] = Cell({"detector": detector, "train_set": place}, "classic")
    return found


def name(row: str, train_set: str, turned: dict[str, Any], seed: int, *more: str) -> str:
    """Folder of a run: row, training set, what was turned, whatever more, seed."""
    words = [f"{key}-{value}" for key, value in turned.items()]
    place = "all" if "+" in train_set else train_set
    return "_".join([row, place, *words, *more, f"seed{seed}"]).replace("+", "-")
