"""Tuned settings: the trial that is chosen, and the file that final runs read."""

import numpy as np
import pandas as pd
import pytest

from imdlib import parameters
from imdlib.protocol import tuned
from imdlib.protocol.search import Row, row_of, trials
from imdlib.study import STUDIES, load

ROWS = {
    "base": Row({"variant": "base"}, ["learning_rate"]),
    "whole": Row({"variant": "whole"}, ["learning_rate", "form"]),
}


@pytest.fixture
def tried():
    """Two trials of two rows; of the second row's first trial the middle epoch was the best of all."""
    runs = [("base", 0, 0.1), ("base", 1, 0.2), ("whole", 0, 0.1), ("whole", 1, 0.2), ("base", -1, 0.3)]
    settings = pd.DataFrame(
        [dict(variant=r, trial=k, learning_rate=rate, form="literal", keep="val", run=f"{r}{k}") for r, k, rate in runs]
    )
    values = {
        "base0": [0.6, 0.7],
        "base1": [0.8, 0.8],
        "whole0": [0.5, 0.9, 0.4],
        "whole1": [0.6, np.nan],
        "base-1": [0.99],
    }
    history = pd.DataFrame([dict(run=run, val=value) for run, some in values.items() for value in some])
    return tuned.best(settings, history, ROWS)


def test_the_best_epoch_of_a_trial_is_its_score_and_the_best_trial_is_chosen(tried):
    assert list(tried["score"]) == [0.7, 0.8, 0.9, 0.6]
    assert list(tried["chosen"]) == [False, True, True, False]


def test_of_equal_trials_the_first_is_chosen():
    lines = [dict(variant="base", trial=k, learning_rate=0.1, keep="val", run=f"{k}") for k in (0, 1)]
    found = tuned.best(pd.DataFrame(lines), pd.DataFrame([dict(run=f"{k}", val=0.7) for k in (0, 1)]), ROWS)
    assert list(found["chosen"]) == [True, False]


def test_final_runs_are_no_trials(tried):
    assert "base-1" not in set(tried["run"])


def test_nothing_tried_is_an_empty_table():
    found = tuned.best(pd.DataFrame(columns=["trial", "run", "keep"]), pd.DataFrame(columns=["run", "val"]), ROWS)
    assert found.empty and "chosen" in found


def test_what_was_chosen_is_read_again_by_name(tried, tmp_path, monkeypatch):
    monkeypatch.setattr(tuned, "REPO", tmp_path)
    assert tuned.of("ncl") == {}
    path = tuned.write("ncl", tried, ROWS)
    assert path.read_text().startswith("# Settings of ncl's rows, each the best of 2 trials")
    assert tuned.of("ncl") == {"base": {"learning_rate": 0.2}, "whole": {"learning_rate": 0.1, "form": "literal"}}


def test_an_integer_stays_one_where_another_row_lacks_it(tmp_path, monkeypatch):
    """Bridging's rivals have no teacher, whose passes are a whole number that a run refuses as a float."""
    monkeypatch.setattr(tuned, "REPO", tmp_path)
    rows = {"wang": Row(dict(method="wang"), ("learning_rate",)), "late": Row(dict(method="late"), ("teacher_passes",))}
    lines = [dict(method=name, trial=0, run=name, keep="val", learning_rate=0.1, teacher_passes=8) for name in rows]
    found = tuned.best(pd.DataFrame(lines), pd.DataFrame([dict(run=name, val=0.5) for name in rows]), rows)
    assert "teacher_passes: 8\n" in tuned.write("bridge", found, rows).read_text()


@pytest.mark.parametrize("name", STUDIES)
def test_every_trial_of_every_study_is_known_for_the_row_that_it_tries(name):
    """By its parameters alone, as they stand in its stamp."""
    study = load(name)
    usual = parameters.declared(f"{name}/run")
    for (row, _), tried in trials(study.space, study.rows, 3).items():
        assert row_of(usual | tried, study.rows) == row


@pytest.mark.parametrize("name", STUDIES)
def test_settings_that_are_searched_are_parameters_of_the_run(name):
    usual = parameters.declared(f"{name}/run")
    for row in load(name).rows.values():
        assert set(row.searched) <= set(usual) and set(row.fixed) <= set(usual)


def test_studies_without_runs_are_passed_over(tmp_path, capsys):
    tuned.main(str(tmp_path))
    assert capsys.readouterr().out == ""
