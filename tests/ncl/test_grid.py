"""Which runs there are: no name twice, and every table's cells there."""

import pytest

from imdlib import parameters
from imdlib.ncl import grid

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
    base_inputs=["rgb"],
    base_stems=[2],
    long_steps=[99],
    attacked_sets=["a"],
)


def test_nothing_asked_for_gives_nothing():
    assert grid.configurations(seeds=[0]) == {}


def test_cells_of_every_table():
    found = grid.configurations(**EVERYTHING)
    assert len(found) == 2 * (2 * 4 + 2 + 2 + 2 + 1 + 1 + 1 + 2 + 2 + 1 + 1 + 2)
    assert found["contrast_b_seed1"].parameters == dict(train_set="b", variant="contrast", seed=1)
    assert found["pivot-pc_all_seed0"].parameters == dict(train_set="a+b+c", variant="pivot+pc", seed=0)
    assert found["pivot-pc_c_hook-layer4_seed0"].parameters["hook"] == "layer4"
    assert {run for run, cell in found.items() if cell.parameters.get("attacked")} == {
        run for run in found if "_a_" in run
    }


def test_every_parameter_of_a_run_is_one_of_the_notebook():
    known = parameters.declared("ncl/run")
    for cell in grid.configurations(**EVERYTHING).values():
        assert set(cell.parameters) <= set(known)
        assert all(type(value) is type(known[key]) for key, value in cell.parameters.items())
    assert set(grid.TURNED) <= set(known)


def test_names_can_be_folders():
    names = list(grid.configurations(**EVERYTHING | {"base_inputs": ["rgb+residual"]}))
    assert all(set(name) <= set("abcdefghijklmnopqrstuvwxyzABC0123456789_-.") for name in names)


@pytest.mark.parametrize("cell, expected", [
    (dict(train_set="x+y", variant="pivot+pc"), "pivot-pc_all_seed3"),
    (dict(train_set="x", variant="base", stem_stride=2, inputs="rgb+residual"), "base_x_stem_stride-2_inputs-rgb-residual_seed3"),
])  # fmt: skip
def test_name(cell, expected):
    assert grid.name(cell, 3) == expected
