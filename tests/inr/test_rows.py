"""Rows of the INR report: names of methods, and which runs each cut takes."""

import pandas as pd
import pytest

from imdlib.baselines.names import LOCALIZERS
from imdlib.inr import grid
from imdlib.inr.methods import method
from imdlib.inr.premise import INSIDE, OUTSIDE
from imdlib.inr.rows import BLURRED, REDRAWN
from imdlib.inr.space import ROWS, SPACE
from imdlib.inr.trained import whole_numbers
from tests.inr.made_up import ALL, SWEEPS, TARGET, TRIVIAL, study

TWO_SETS = dict(more_train_sets=["sim-columbia"], m_rules=["low"], crop_labels=True, contrast_everywhere=True)


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    return study(tmp_path_factory.mktemp("results"), **ALL, **SWEEPS, **TWO_SETS)


def test_names_of_methods():
    assert method(dict(mode="weak", row="", variant="nrr+scl")) == "Baseline+NRR+SCL"
    assert method(dict(mode="weak", row="rgb-base", variant="base")) == "RGB: Baseline"
    assert method(dict(mode="unsupervised", selection="all", deep=True, start="centred")).endswith("without selection")
    assert method(dict(mode="unsupervised", selection="agreement", deep=False, start="random")).endswith("as printed")


def test_whole_numbers_forgets_the_other_notebook_s_columns():
    both = pd.DataFrame([dict(run="a", width=8), dict(run="b", scale=0.5)])
    found = whole_numbers(both[both["run"] == "a"])
    assert list(found) == ["run", "width"] and found["width"].dtype == int


def test_the_order_of_runs_does_not_matter(rows):
    again = type(rows)(rows.results, rows.settings[::-1], rows.raw, rows.history, rows.blind)
    assert list(again.detectors["run"]) == list(rows.detectors["run"])
    assert list(again.pooled["method"].unique()) == ["average", "gem", "smooth", "adaptive", "max", "otsu"]
    assert set(again.contrast_pooled["method"]) == set(again.pooled["method"])
    assert list(again.nrr["run"]) == sorted(rows.nrr["run"])


def test_the_usual_runs_are_those_of_the_rows(rows):
    assert rows.target == TARGET
    assert rows.weak["run"].nunique() == 3 * (len(ROWS) - len(LOCALIZERS)) and set(rows.weak["train_set"]) == {TARGET}
    assert set(rows.two["method"]) == {"Baseline", "Baseline+NRR+SCL+AGAP"} and rows.two["run"].nunique() == 6
    assert set(rows.supervised["method"]) == {*LOCALIZERS.values()} and set(rows.rivals["method"]) == {"WSCL"}
    assert rows.unsupervised["method"].nunique() == 4  # whatever they turned
    assert set(rows.main["train_set"]) == {TARGET, "sim-columbia"}


def test_what_was_turned_is_named_for_it(rows):
    assert set(rows.pooled["method"]) == {"adaptive", "max", "average", "gem", "smooth", "otsu"}
    whole = "Baseline+NRR+SCL+AGAP"
    assert set(rows.changed["method"]) == {f"{whole}, m_rule low", f"{whole}, scl_all True", f"{whole}, labels crop"}
    assert not set(rows.changed["run"]) & set(rows.main["run"])


def test_a_row_with_settings_of_its_own_is_not_turned(tmp_path, monkeypatch):
    """Rows are tuned apart, in parameters none of which counts as turned."""
    assert not set(grid.TURNED) & set(SPACE)
    best = {"nrr+scl": dict(form="standard", learning_rate=0.001), "base": dict(learning_rate=0.01)}
    monkeypatch.setattr(grid, "of", lambda study: best)
    found = study(tmp_path, seeds=[0], tuned=True, m_rules=["low"], unsupervised=False)
    assert set(found.weak["row"]) == {"base", "nrr", "nrr+scl", "nrr+scl+agap"} and found.weak["run"].nunique() == 4
    assert list(found.changed["method"].unique()) == ["Baseline+NRR+SCL+AGAP, m_rule low"]


def test_trials_stand_apart_and_can_stand_in(tmp_path):
    found = study(tmp_path, seeds=[0], trials=2, unsupervised=False)
    assert len(found.trials) == 2 * 4 and set(found.trials["row"]) == {"base", "nrr", "nrr+scl", "nrr+scl+agap"}
    assert not found.detectors["run"].str.contains("trial").any() and set(found.weak["seed"]) == {0}
    one = found.trial(1)
    assert one.weak["run"].str.contains("trial1").all() and one.weak["run"].nunique() == 4 and one.trials.empty
    assert set(one.plain_nrr["seed"]) == {100} and set(found.plain_nrr["seed"]) == {0}
    assert (
        one.error.empty and one.decibels.empty and len(found.error)
    )  # of reconstructions alone no setting says anything
    assert found.trial(7).detectors.empty


def test_images_as_they_are_and_after_attacks(rows):
    assert set(rows.scores["attack"]) == {"none"} and set(rows.every["attack"]) == {"none", REDRAWN, BLURRED, "jpeg 75"}
    assert rows.redrawn.groupby(["run", "dataset", "image"]).size().eq(3).all()
    assert rows.masked == [TARGET, "sim-magicbrush", "sim-coverage"]


def test_what_stands_beside_is_of_the_same_images(rows):
    assert set(rows.error["run"]) == {f"nrr_{TARGET}_seed{k}" for k in range(3)}  # none that the sweep turned
    assert set(rows.decibels["method"]) == {INSIDE, OUTSIDE} and not set(rows.error["method"]) & {INSIDE, OUTSIDE}
    assert set(rows.free["method"]) == {"NRR error, Otsu", "random minority"}
    assert set(rows.trivial["method"]) == set(TRIVIAL) and list(rows.trivial["dataset"].unique()) == rows.masked
    assert set(rows.always["dataset"]) == {*rows.masked, "sim-iedit"} and (rows.always["score"] > 0.5).all()
    assert rows.always["f1"].notna().sum() == len(rows.trivial) / len(TRIVIAL)


def test_without_an_nrr_there_is_no_error_map(tmp_path):
    found = study(tmp_path, rows=("base",), unsupervised=False)
    alone = found.settings[~found.settings["run"].str.startswith("nrr_")].drop(columns=["frequencies"])
    raw = found.raw[found.raw["run"].isin(alone["run"])].drop(columns="predictor")
    found = type(found)(tmp_path, alone, raw, found.history, found.blind)
    assert found.error.empty and found.free.empty and found.plain_nrr.empty and len(found.weak)
