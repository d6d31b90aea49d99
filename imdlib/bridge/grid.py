"""Which runs Bridging's tables are made from: a configuration is trained once and shared by every table that needs it."""

from collections.abc import Sequence
from typing import Any

from imdlib.bridge.methods import METHODS, NAMES
from imdlib.bridge.space import KINDS, ROWS, SPACE, settings_of
from imdlib.protocol import search
from imdlib.protocol import tuned as kept
from imdlib.study import Cell

MAIN, DETAIL = "late", "disc"  # the whole method; the discrepancies alone, on which what concerns them is turned
TURNED = (
    "with_fully",
    "order",
    "diverge_on_raw_too",
    "disc_on",
    "inputs",
    "stem_stride",
    "equal_passes",
    "train_count",
)


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
    with_equal_passes: Sequence[str] = (),
    embedded: Sequence[str] = ("transcam", MAIN),
    trials: int = 0,
    trial_sets: Sequence[str] = (),
    tuned: bool = False,
) -> dict[str, Cell]:
    """{name of a run: Cell} for notebooks/bridge/run.ipynb.

    methods: of METHODS and of their variants. train_sets: `methods` are trained on the first, `more_methods` on the others; the
    rest is on the first alone. without_fully: methods that are also trained without fully fake images (section 4.2.1). orders
    (of the stages), diverging (values of diverge_on_raw_too) and compared (of disc_on): the discrepancies alone with that
    turned. transcam_inputs: TransCAM on other inputs. with_equal_passes: methods of one stage that are also given as many passes as
    the whole method has. embedded: methods whose first seed leaves the points of Figure 4. trials: draws of settings for every
    row of `space.ROWS`, scored on trial_sets alone (none: as all runs are); tuned: settings of `profiles/tuned/bridge.yaml` for
    what belongs to a row and does not turn them itself.
    """
    first, *others = train_sets
    search.check_names("methods", [*methods, *more_methods, *without_fully, *with_equal_passes], NAMES)
    cells = [dict(train_set=first, kind=kind) for kind in methods]
    cells += [dict(train_set=other, kind=kind) for other in others for kind in more_methods]
    cells += [dict(train_set=first, kind=kind, with_fully=False) for kind in without_fully]
    cells += [dict(train_set=first, kind=kind, equal_passes=True) for kind in with_equal_passes]
    turned = {"order": orders, "diverge_on_raw_too": diverging, "disc_on": compared}
    cells += [dict(train_set=first, kind=DETAIL) | {key: value} for key, values in turned.items() for value in values]
    cells += [dict(train_set=first, kind="transcam", inputs=inputs) for inputs in transcam_inputs]
    shown = {name(dict(train_set=first, kind=kind), seeds[0]) for kind in embedded} if seeds else set()
    found = kept.of("bridge") if tuned else {}
    named = {name(cell, seed): parameters_of(cell, found) | {"seed": seed} for cell in cells for seed in seeds}
    named |= trial_cells(first, trials, trial_sets)
    return {run: Cell(cell | ({"embed": True} if run in shown else {})) for run, cell in named.items()}


def parameters_of(cell: dict[str, Any], tuned: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Parameters of a cell: what makes its method or variant, tuned settings, and what the cell itself turns."""
    fixed = KINDS[cell["kind"]].fixed
    found = settings_of(fixed, tuned) | fixed | {key: value for key, value in cell.items() if key != "kind"}
    if cell.get("equal_passes"):  # as many as the whole method makes as it was tuned
        whole = settings_of(KINDS[MAIN].fixed, tuned)
        found |= {key: value for key, value in whole.items() if key == "teacher_passes"}
    return found


def trial_cells(train_set: str, count: int, test_sets: Sequence[str]) -> dict[str, dict[str, Any]]:
    """{name of a run: parameters} of the search, no maps kept."""
    more = dict(train_set=train_set, examples=0) | (dict(test_sets=[*test_sets]) if test_sets else {})
    found = search.trials(SPACE, ROWS, count).items() if count else ()
    place = "all" if "+" in train_set else train_set
    return {f"{row}_{place}_trial{k}_seed{search.TRIAL_SEED}": given | more for (row, k), given in found}


def name(cell: dict[str, Any], seed: int) -> str:
    """Folder of a run: method or variant, training set, what was turned, seed."""
    train_set = "all" if "+" in cell["train_set"] else cell["train_set"]
    turned = [f"{key}-{cell[key]}" for key in TURNED if key in cell]
    return "_".join([cell["kind"], train_set, *turned, f"seed{seed}"]).replace("rgb+", "rgb-")
