"""Runs of the INR study: which there are, that each detector uses an NRR that is trained, and that names are unique."""

import inspect

from imdlib import parameters
from imdlib.inr.grid import MAIN, METHODS, POOLINGS, configurations

SMALL = dict(seeds=[0, 1], train_set="sim-a")


def of(notebook, **more):
    """{name: Cell} of the runs of one notebook."""
    return {name: cell for name, cell in configurations(**SMALL | more).items() if cell.notebook == notebook}


def test_the_paper_s_rows_and_nothing_else_by_default():
    detectors = of("run")
    assert list(of("nrr")) == ["nrr_sim-a_seed0", "nrr_sim-a_seed1"]
    assert len(detectors) == 2 * (len(METHODS) + len(POOLINGS) + 2)  # self-distillation with and without selection
    assert sum(cell.parameters["mode"] == "unsupervised" for cell in detectors.values()) == 4


def test_nrrs_come_first():
    notebooks = [cell.notebook for cell in configurations(**SMALL, more_train_sets=["sim-b"]).values()]
    assert notebooks == sorted(notebooks) and set(notebooks) == {"nrr", "run"}


def test_every_detector_that_needs_an_nrr_uses_one_that_is_trained():
    more = dict(more_train_sets=["sim-b"], base_inputs=["rgb"])
    nrr, detectors = of("nrr", **more), of("run", **more)
    assert {name for name in nrr if "sim-b" in name} == {"nrr_sim-b_seed0", "nrr_sim-b_seed1"}
    for cell in detectors.values():
        given = cell.parameters
        needed = given["variant"].startswith("nrr") or given.get("redrawn")
        assert cell.uses == ({"nrr": f"nrr_{given['train_set']}_seed{given['seed']}"} if needed else {})
        assert set(cell.uses.values()) <= set(nrr)
    assert detectors["weak_base_sim-a_seed0"].parameters["redrawn"]  # Figure 1
    assert "redrawn" not in detectors["weak_base_sim-a_inputs-rgb_seed0"].parameters


def test_sweeps_turn_one_value_and_score_their_own_set_alone():
    nrr = of("nrr", sweep_frequencies=[0, 12], sweep_widths=[8], sweep_strides=[4], sweep_seeds=[0])
    swept = {name: cell.parameters for name, cell in nrr.items() if "-" in name.removeprefix("nrr_sim-a")}
    assert list(swept) == [
        f"nrr_sim-a_{what}_seed0" for what in ("frequencies-0", "frequencies-12", "width-8", "stride-4")
    ]
    assert all(given["test_sets"] == ["sim-a"] and given["fixed_filters"] is False for given in swept.values())


def test_variations_of_the_whole_method():
    more = dict(without_contrast=True, forms=["standard"], m_rules=["low"], crop_labels=True, literal=True)
    added = {name: cell for name, cell in of("run", **more).items() if name not in of("run")}
    assert len(added) == 2 * 5 and all(cell.parameters["variant"] == MAIN for cell in added.values())


def test_every_key_is_a_parameter_of_its_notebook():
    more = dict(sweep_frequencies=[0], sweep_seeds=[0], without_contrast=True, forms=["standard"], literal=True)
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
