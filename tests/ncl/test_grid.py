"""Which runs there are: no name twice, every table's cells there, and the usual run found among the turned ones."""

import pandas as pd
import pytest

from imdlib import runs
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
    assert found["contrast_b_seed1"] == dict(train_set="b", variant="contrast", seed=1)
    assert found["pivot-pc_all_seed0"] == dict(train_set="a+b+c", variant="pivot+pc", seed=0)
    assert found["pivot-pc_c_hook-layer4_seed0"]["hook"] == "layer4"
    assert {run for run, cell in found.items() if cell.get("attacked")} == {run for run in found if "_a_" in run}


def test_every_parameter_of_a_run_is_one_of_the_notebook():
    known = runs.declared("ncl/run")
    for cell in grid.configurations(**EVERYTHING).values():
        assert set(cell) <= set(known)
        assert all(type(value) is type(known[key]) for key, value in cell.items())
    assert set(grid.TURNED) <= set(known)


def test_names_can_be_folders():
    names = list(grid.configurations(**EVERYTHING | {"base_inputs": ["rgb+residual"]}))
    assert all(set(name) <= set("abcdefghijklmnopqrstuvwxyzABC0123456789_-.") for name in names)


def settings_of(**asked):
    """A row per run, with the usual values where a run does not turn a parameter."""
    usual = dict(backbone="resnet18", stem_stride=4, inputs="rgb+residual", train_count=0, hook="layer1")
    usual |= dict(omega=0.01, mu=0.9, tau=0.1, steps=9)
    return pd.DataFrame([usual | cell | {"run": run} for run, cell in grid.configurations(**asked).items()])


def test_varied_keeps_the_usual_runs_and_those_that_differ_in_the_named_parameter_alone():
    settings = settings_of(**EVERYTHING)
    usual = grid.varied(settings)
    assert set(usual["run"]) == {run for run in settings["run"] if run.count("_") == 2}
    hooked = grid.varied(settings, "hook").query("variant == 'pivot+pc' and train_set == 'c'")
    assert sorted(hooked["hook"].unique()) == ["layer1", "layer4", "stem"]
    assert grid.varied(settings, "mu")["omega"].nunique() == 1


@pytest.mark.parametrize("cell, expected", [
    (dict(train_set="x+y", variant="pivot+pc"), "pivot-pc_all_seed3"),
    (dict(train_set="x", variant="base", stem_stride=2, inputs="rgb+residual"), "base_x_stem_stride-2_inputs-rgb-residual_seed3"),
])  # fmt: skip
def test_name(cell, expected):
    assert grid.name(cell, 3) == expected
