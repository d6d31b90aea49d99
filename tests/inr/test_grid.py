"""Runs of the INR study: which there are, that each detector uses an NRR that is trained, and that names are unique."""

import inspect

import pandas as pd

from imdlib import parameters
from imdlib.inr import grid
from imdlib.inr.grid import configurations
from imdlib.inr.methods import METHODS
from imdlib.inr.space import MAIN, PAPER, ROWS, SPACE
from imdlib.inr.variants import VARIANTS
from imdlib.protocol import search

SMALL = dict(seeds=[0, 1], train_set="sim-a")


def of(notebook, **more):
    """{name: Cell} of the runs of one notebook."""
    return {name: cell for name, cell in configurations(**SMALL | more).items() if cell.notebook == notebook}


def test_the_paper_s_rows_and_nothing_else_by_default():
    detectors = of("run")
    assert list(of("nrr")) == ["nrr_sim-a_seed0", "nrr_sim-a_seed1"]
    assert len(detectors) == 2 * (len(PAPER) + 2)  # self-distillation with and without selection
    assert sum(cell.parameters["mode"] == "unsupervised" for cell in detectors.values()) == 4


def test_nrrs_come_first():
    notebooks = [cell.notebook for cell in configurations(**SMALL, more_train_sets=["sim-b"]).values()]
    assert notebooks == sorted(notebooks) and set(notebooks) == {"nrr", "run"}


def test_every_detector_that_needs_an_nrr_uses_one_that_is_trained():
    more = dict(more_train_sets=["sim-b"], rows=[*ROWS], trials=1)
    nrr, detectors = of("nrr", **more), of("run", **more)
    assert {name for name in nrr if "sim-b" in name} == {"nrr_sim-b_seed0", "nrr_sim-b_seed1"}
    assert f"nrr_sim-a_seed{search.TRIAL_SEED}" in nrr
    for cell in detectors.values():
        given = cell.parameters
        needed = given["variant"].startswith("nrr") or given.get("redrawn")
        assert cell.uses == ({"nrr": f"nrr_{given['train_set']}_seed{given['seed']}"} if needed else {})
        assert set(cell.uses.values()) <= set(nrr)
    assert detectors["weak_base_sim-a_seed0"].parameters["redrawn"]  # Figure 1
    assert "redrawn" not in detectors["weak_rgb-base_sim-a_seed0"].parameters


def test_sweeps_turn_one_value_and_score_their_own_set_alone():
    nrr = of("nrr", sweep_frequencies=[0, 12], sweep_widths=[8], sweep_strides=[4], sweep_seeds=[0])
    swept = {name: cell.parameters for name, cell in nrr.items() if "-" in name.removeprefix("nrr_sim-a")}
    assert list(swept) == [
        f"nrr_sim-a_{what}_seed0" for what in ("frequencies-0", "frequencies-12", "width-8", "stride-4")
    ]
    assert all(given["test_sets"] == ["sim-a"] and given["fixed_filters"] is False for given in swept.values())


def test_variations_of_the_whole_method():
    more = dict(m_rules=["low"], crop_labels=True, contrast_everywhere=True, random_start=True, literal=True)
    added = {name: cell for name, cell in of("run", **more).items() if name not in of("run")}
    assert len(added) == 2 * 5 and all(cell.parameters["variant"] == MAIN for cell in added.values())


def test_poolings_without_the_contrast_and_beside_it():
    found = of("run", poolings=["average", "gem"], contrast_poolings=["max", "average", "gem"])
    pooled = [cell.parameters["row"] for cell in found.values() if "pooling" in cell.parameters]
    assert sorted(pooled) == sorted(2 * (["nrr+agap"] * 2 + [MAIN] * 3))


def test_rows_are_named_and_are_what_they_say():
    assert set(ROWS) == set(METHODS) and {row.fixed["variant"] for row in ROWS.values()} <= set(VARIANTS)
    assert all(name == row.fixed["row"] for name, row in ROWS.items())
    for row in ROWS.values():
        contrast = VARIANTS[row.fixed["variant"]][1]
        assert set(row.searched) == set(SPACE) - set(row.fixed) - (
            set() if contrast else {"beta", "tau", "contrast_from", "form"}
        )


def test_every_row_is_tried_as_often_and_alike():
    found = of("run", seeds=[], rows=[*ROWS], trials=3, trial_sets=["sim-a", "sim-b"], unsupervised=False)
    assert len(found) == 3 * len(ROWS) and "weak_nrr-scl_sim-a_trial2_seed100" in found
    given = pd.DataFrame([cell.parameters for cell in found.values()])
    assert (given["test_sets"].str.len() == 2).all() and set(given["seed"]) == {search.TRIAL_SEED}
    shared = [name for name in ("learning_rate", "beta", "tau", "contrast_from")]
    assert (given.groupby("trial")[shared].nunique() == 1).all(
        axis=None
    )  # rows share the draws of what they have in common


def test_final_runs_have_the_settings_that_were_found(monkeypatch):
    best = {
        "base": {"learning_rate": 0.001},
        "nrr+agap": {"learning_rate": 0.002},
        MAIN: {"beta": 0.01, "form": "standard"},
    }
    monkeypatch.setattr(grid, "of", lambda study: best)
    found = of("run", tuned=True, poolings=["gem"], m_rules=["low"], more_train_sets=["sim-b"])
    given = {name: cell.parameters for name, cell in found.items()}
    assert given["weak_base_sim-a_seed0"]["learning_rate"] == given["weak_base_sim-b_seed0"]["learning_rate"] == 0.001
    assert (
        given["weak_nrr-agap_sim-a_pooling-gem_seed1"]["learning_rate"] == 0.002
    )  # what is turned leaves the others tuned
    assert given["weak_nrr-scl-agap_sim-a_m_rule-low_seed0"]["beta"] == 0.01
    assert "learning_rate" not in given["weak_nrr_sim-a_seed0"]  # a row that was not tuned keeps the profile's


def test_rows_on_the_larger_backbone_have_steps_of_their_own():
    found = of("run", rows=["base", "lite0-base"], trials=1, lite0_steps=5, unsupervised=False)
    given = [cell.parameters for cell in found.values()]
    assert {one["row"] for one in given if one.get("steps") == 5} == {"lite0-base"}
    assert sum("steps" in one for one in given) == 2 + 1  # seeds and the trial


def test_without_labels_nothing_is_chosen_by_them():
    found = of("run", unsupervised_steps=7, unsupervised_rate=0.0001, literal=True).values()
    taught = [cell.parameters for cell in found if cell.parameters["mode"] == "unsupervised"]
    assert len(taught) == 6 and {(one["keep"], one["until_flat"], one["steps"]) for one in taught} == {
        ("last", False, 7)
    }


def test_every_key_is_a_parameter_of_its_notebook():
    more = dict(
        sweep_frequencies=[0],
        sweep_seeds=[0],
        rows=[*ROWS],
        contrast_everywhere=True,
        literal=True,
        random_start=True,
        trials=1,
    )
    for cell in configurations(**SMALL, **more).values():
        assert {*cell.parameters, *cell.uses} <= set(parameters.declared(f"inr/{cell.notebook}"))


def test_no_key_of_a_profile_is_also_a_parameter_that_a_run_would_take_for_its_own():
    """`inr.sweep_widths` says which runs there are; a key of the same name as a parameter would be handed to every run."""
    keys = set(inspect.signature(configurations).parameters) - {"train_set"}  # every run is given its own train_set
    assert not keys & {
        *parameters.declared("inr/nrr"),
        *parameters.declared("inr/run"),
        *parameters.declared("inr/report"),
    }


def test_leaks_are_wscl_with_one_thing_turned_and_supervised_runs_are_redrawn():
    found = configurations(seeds=[0], train_set="a", rows=["fcn"], leaks=True, unsupervised=False, classic=["noi"])
    assert found["weak_wscl_a_labels-crop_seed0"].parameters["labels"] == "crop"
    assert found["weak_wscl_a_chosen_on-test_seed0"].parameters["chosen_on"] == "test"
    assert found["supervised_fcn_a_seed0"].parameters["redrawn"] and found["supervised_fcn_a_seed0"].uses
    assert found["classic_noi"].notebook == "classic"
