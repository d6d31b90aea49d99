"""The grid: which runs there are, that no two share a name, and that the notebook has every parameter."""

import pytest

from imdlib import parameters
from imdlib.bridge import grid
from imdlib.bridge.methods import METHODS, NAMES, parts
from imdlib.bridge.space import ROWS, SPACE, kind_of

ALL = dict(
    seeds=[0, 1],
    train_sets=["sim-dolos-nearest", "sim-dolos-haar"],
    without_fully=["wang", "late"],
    orders=["once"],
    diverging=[False],
    compared=["feature"],
    transcam_inputs=["rgb"],
    with_equal_passes=["wang"],
)


def test_every_cell_is_a_run_of_its_own():
    found = grid.configurations(**ALL)
    cells = len(METHODS) + 4 + 2 + 3 + 1 + 1
    assert len(found) == 2 * cells
    assert len({str(sorted(cell.parameters.items())) for cell in found.values()}) == len(found)


def test_the_notebook_has_every_parameter_and_takes_the_values():
    known = parameters.declared("bridge/run")
    for cell in grid.configurations(**ALL | dict(methods=[*NAMES], trials=2, trial_sets=["sim-dolos-haar"])).values():
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
    with pytest.raises(ValueError, match="methods: expected some of wang.*got lat$"):
        grid.configurations(seeds=[0], train_sets=["a"], methods=["lat"])
    with pytest.raises(ValueError, match="method='lat'"):
        parts("lat")


def test_every_row_of_the_search_has_as_many_trials_and_shares_their_draws():
    found = grid.configurations(seeds=[], train_sets=["a"], trials=4, trial_sets=["a", "b"])
    assert len(found) == 4 * len(ROWS) and "wang-imagenet_a_trial3_seed100" in found
    given = {name: cell.parameters for name, cell in found.items()}
    late, wang = given["late_a_trial2_seed100"], given["wang_a_trial2_seed100"]
    assert late["learning_rate"] == wang["learning_rate"] and "margin" not in wang and late["test_sets"] == ["a", "b"]
    assert {cell["train_set"] for cell in given.values()} == {"a"} and late["seed"] == 100 and late["trial"] == 2
    assert all(
        "test_sets" not in cell.parameters
        for cell in grid.configurations(seeds=[], train_sets=["a"], trials=1).values()
    )


def test_tuned_settings_go_to_all_that_belongs_to_a_row(monkeypatch):
    tuned = {
        "late": dict(learning_rate=0.002, margin=2.0),
        "wang": dict(perturbed=0.1),
        "late-features": dict(margin=9.0),
    }
    monkeypatch.setattr(grid.kept, "of", lambda study: tuned)
    options = dict(
        methods=["late", "token", "disc", "teacher-features"], without_fully=["late", "wang"], more_methods=["late"]
    )
    found = grid.configurations(seeds=[0], train_sets=["a", "b"], tuned=True, **options)
    given = {name: cell.parameters for name, cell in found.items()}
    assert given["late_a_with_fully-False_seed0"]["margin"] == given["token_a_seed0"]["margin"] == 2.0
    assert given["late_b_seed0"]["learning_rate"] == 0.002 and given["teacher-features_a_seed0"]["margin"] == 9.0
    assert given["wang_a_with_fully-False_seed0"]["perturbed"] == 0.1 and "margin" not in given["disc_a_seed0"]
    plain = grid.configurations(seeds=[0], train_sets=["a"], **options)
    assert "margin" not in plain["late_a_seed0"].parameters


def test_what_is_turned_is_not_tuned():
    assert not set(grid.TURNED) & set(SPACE)


def test_a_run_belongs_to_the_row_that_names_most_of_it():
    assert kind_of(dict(method="late", crossfit=2, extractor="stand-in")) == "late-crossfit"
    assert (
        kind_of(dict(method="late", crossfit=0, extractor="vit")) == "late" and kind_of(dict(method="token")) == "token"
    )
