"""Which runs there are: no name twice, and every table's cells there."""

import re

import pytest

from imdlib import parameters
from imdlib.baselines.names import LOCALIZERS
from imdlib.ncl import grid
from imdlib.ncl.space import ROWS, SPACE
from imdlib.protocol import tuned as best

EVERYTHING = dict(
    seeds=[0, 1],
    ablation_sets=["a", "b"],
    benchmark_sets=["c"],
    together=True,
    detail_set="c",
    hooks=["stem", "layer4"],
    omegas=[0.0],
    mus=[0.5],
    taus=[0.5],
    train_counts=[60],
    backbones=["vit"],
    rows=["pc", "pretrained-base"],
    own_contours=["layer4"],
    contour_grids=[8],
    controls=True,
    base_stems=[2],
    long_steps=[99],
    attacked_sets=["a"],
)


def test_nothing_asked_for_gives_nothing():
    assert grid.configurations(seeds=[0]) == {}


def test_cells_of_every_table():
    found = grid.configurations(**EVERYTHING)
    turned = 2 + 2 + 2 + 4 + 6 + 4  # backbone, train_count and steps; hooks; one parameter of one variant; controls
    assert len(found) == 2 * (2 * 4 + 2 + 2 + 2 + turned)
    assert found["contrast_b_seed1"].parameters == dict(train_set="b", variant="contrast", seed=1)
    assert found["pivot-pc_all_seed0"].parameters == dict(train_set="a+b+c", variant="pivot+pc", seed=0)
    assert found["pivot-pc_c_hook-layer4_seed0"].parameters["hook"] == "layer4"
    assert found["pivot-pc_c_hook-layer4_seed0"].parameters["test_sets"] == ["c"]
    assert found["pivot_c_hook-layer4_seed0"].parameters["variant"] == "pivot"
    assert found["pivot-pc_c_hook-layer4_contour_grid-0_seed0"].parameters["contour_grid"] == 0
    assert found["base_c_variant-base-aux_seed0"].parameters["variant"] == "base+aux"
    assert found["pretrained-base_c_seed1"].parameters | dict(seed=1) == dict(
        train_set="c",
        variant="base",
        backbone="efficientnet_lite0",
        inputs="rgb",
        pretrained=True,
        seed=1,
        precision="32-true",
    )
    assert {run for run, cell in found.items() if cell.parameters.get("attacked")} == {
        run for run in found if "_a_" in run
    }


def test_every_row_has_the_same_trials_and_final_runs_its_tuned_settings(monkeypatch):
    asked = dict(seeds=[0], detail_set="c", rows=["base", "pivot"], trials=3, trial_sets=["b"], lite0_steps=7)
    assert {run.split("_")[0] for run in grid.configurations(**asked, rivals=["rru"])} - {"rru"} == {
        run.split("_")[0] for run in grid.configurations(**asked)
    }
    found = grid.configurations(**asked)
    trials = {run: cell.parameters for run, cell in found.items() if "trial" in run}
    assert len(trials) == 3 * len(set(ROWS) - {*LOCALIZERS}) and len(found) == len(trials) + 2
    assert all(cell["seed"] == 100 and cell["test_sets"] == ["c", "b"] for cell in trials.values())
    one, other = trials["base_c_trial1_seed100"], trials["pretrained-pivot-pc_c_trial1_seed100"]
    assert one["learning_rate"] == other["learning_rate"] and "omega" not in one and other["steps"] == 7
    monkeypatch.setattr(best, "of", lambda study: {"pivot": {"omega": 0.5}})
    before, after = (grid.configurations(**asked, tuned=tuned)["pivot_c_seed0"].parameters for tuned in (False, True))
    assert "omega" not in before and after == before | {"omega": 0.5}


def test_runs_of_casia_v2_are_tested_on_v1_and_sets_apart_join_no_union():
    asked = dict(
        seeds=[0],
        detail_set="casia2",
        omegas=[0.5],
        ablation_sets=["casia2", "x"],
        apart_sets=["nist16"],
        together=True,
    )
    found = grid.configurations(**asked)
    assert found["pivot-pc_casia2_omega-0.5_seed0"].parameters["test_sets"] == ["casia1"]
    assert found["base_all_seed0"].parameters["train_set"] == "casia2+x" and "base_nist16_seed0" in found


def test_every_parameter_of_a_run_is_one_of_the_notebook():
    known = parameters.declared("ncl/run")
    for cell in grid.configurations(**EVERYTHING, trials=2).values():
        assert set(cell.parameters) <= set(known)
        assert all(type(value) is type(known[key]) for key, value in cell.parameters.items())
    assert {*grid.KIND, *grid.TURNED, *SPACE} <= set(known)


def test_names_can_be_folders():
    names = list(grid.configurations(**EVERYTHING, trials=1))
    assert all(re.fullmatch(r"[\w.-]+", name, flags=re.A) for name in names)


@pytest.mark.parametrize("row, place, turned, expected", [
    ("pivot+pc", "x+y", {}, "pivot-pc_all_seed3"),
    ("base", "x", {"stem_stride": 2, "variant": "base+aux"}, "base_x_stem_stride-2_variant-base-aux_seed3"),
])  # fmt: skip
def test_name(row, place, turned, expected):
    assert grid.name(row, place, turned, 3) == expected
