"""The grid: which runs there are, that no two share a name, and that the notebook has every parameter."""

import pytest

from imdlib import parameters
from imdlib.bridge import grid
from imdlib.bridge.methods import METHODS, parts

ALL = dict(
    seeds=[0, 1],
    train_sets=["sim-dolos-nearest", "sim-dolos-haar"],
    without_fully=["wang", "late"],
    orders=["once"],
    diverging=[False],
    compared=["feature"],
    transcam_inputs=["rgb"],
)


def test_every_cell_is_a_run_of_its_own():
    found = grid.configurations(**ALL)
    cells = len(METHODS) + 4 + 2 + 3 + 1
    assert len(found) == 2 * cells
    assert len({str(sorted(cell.parameters.items())) for cell in found.values()}) == len(found)


def test_the_notebook_has_every_parameter_and_takes_the_values():
    known = parameters.declared("bridge/run")
    for cell in grid.configurations(**ALL).values():
        for name, value in cell.parameters.items():
            assert parameters.typed("bridge/run", name, value, known[name]) == value


def test_names_are_folders_and_tell_what_was_turned():
    found = grid.configurations(**ALL)
    assert {"late_sim-dolos-nearest_seed0", "disc_sim-dolos-nearest_order-once_seed1"} <= set(found)
    assert found["late_sim-dolos-nearest_with_fully-False_seed0"].parameters["with_fully"] is False
    assert not any(set(name) & set("+/ ") for name in found)


def test_other_sets_have_fewer_methods():
    found = grid.configurations(seeds=[0], train_sets=["a", "b", "c"], methods=["late"], more_methods=["wang"])
    assert set(found) == {"late_a_seed0", "wang_b_seed0", "wang_c_seed0"}
    assert set(grid.configurations(seeds=[3], train_sets=["a+b"], methods=["disc"])) == {"disc_all_seed3"}


def test_points_of_the_plane_come_from_the_first_seed_of_the_first_set():
    found = grid.configurations(**ALL)
    assert {name for name, cell in found.items() if cell.parameters.get("embed")} == {
        "transcam_sim-dolos-nearest_seed0",
        "late_sim-dolos-nearest_seed0",
    }


def test_no_seed_no_run():
    assert grid.configurations(seeds=[], train_sets=["a"]) == {}


def test_an_unknown_method_is_refused():
    with pytest.raises(ValueError, match="methods: expected some of wang.*found lat$"):
        grid.configurations(seeds=[0], train_sets=["a"], methods=["lat"])
    with pytest.raises(ValueError, match="method='lat'"):
        parts("lat")
