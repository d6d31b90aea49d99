"""Rows of the INR report: names of methods, and which runs each cut takes."""

import pandas as pd
import pytest

from imdlib.inr.methods import method
from imdlib.inr.trained import whole_numbers
from tests.inr.made_up import ALL, SWEEPS, TARGET, TRIVIAL, study

TWO_SETS = dict(more_train_sets=["sim-columbia"])


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    return study(tmp_path_factory.mktemp("results"), **ALL, **SWEEPS, **TWO_SETS)


def test_names_of_methods():
    assert method(dict(mode="weak", variant="nrr+scl", selection="agreement", deep=True)) == "Baseline+NRR+SCL"
    assert method(dict(mode="unsupervised", selection="all", deep=True)).endswith("without selection")
    assert method(dict(mode="unsupervised", selection="agreement", deep=False)).endswith("as printed")


def test_whole_numbers_forgets_the_other_notebook_s_columns():
    both = pd.DataFrame([dict(run="a", width=8), dict(run="b", scale=0.5)])
    found = whole_numbers(both[both["run"] == "a"])
    assert list(found) == ["run", "width"] and found["width"].dtype == int


def test_the_order_of_runs_does_not_matter(rows):
    again = type(rows)(rows.results, rows.settings[::-1], rows.raw, rows.history, rows.blind)
    assert list(again.detectors["run"]) == list(rows.detectors["run"])
    assert list(again.pooled["method"].unique()) == ["average", "gem", "max", "smooth", "adaptive", "otsu"]
    assert list(again.nrr["run"]) == sorted(rows.nrr["run"])


def test_the_usual_runs_are_those_of_table_4(rows):
    assert rows.target == TARGET
    assert rows.weak["run"].nunique() == 2 * 6 and set(rows.weak["train_set"]) == {TARGET}
    assert set(rows.two["method"]) == {"Baseline", "Baseline+NRR+SCL+AGAP"} and rows.two["run"].nunique() == 4
    assert rows.unsupervised["method"].nunique() == 3  # whatever they turned
    assert set(rows.main["train_set"]) == {TARGET, "sim-columbia"}


def test_what_was_turned_is_named_for_it(rows):
    assert set(rows.pooled["method"]) == {"adaptive", "max", "average", "gem", "smooth", "otsu"}
    whole = "Baseline+NRR+SCL+AGAP"
    assert set(rows.changed["method"]) == {
        f"{whole}, contrast False",
        f"{whole}, form standard",
        "Baseline, inputs rgb",
    }
    assert not set(rows.changed["run"]) & set(rows.main["run"])


def test_images_as_they_are_and_after_attacks(rows):
    assert set(rows.scores["attack"]) == {"none"} and set(rows.every["attack"]) == {"none", "redrawn by NRR", "jpeg 75"}
    assert rows.redrawn.groupby(["run", "dataset", "image"]).size().eq(2).all()
    assert rows.masked == [TARGET, "sim-magicbrush"]


def test_what_stands_beside_is_of_the_same_images(rows):
    assert set(rows.error["run"]) == {f"nrr_{TARGET}_seed0", f"nrr_{TARGET}_seed1"}  # none that the sweep turned
    assert set(rows.free["method"]) == {"NRR error, Otsu", "random minority"}
    assert set(rows.trivial["method"]) == set(TRIVIAL) and list(rows.trivial["dataset"].unique()) == rows.masked
    assert set(rows.always["dataset"]) == {*rows.masked, "sim-iedit"} and (rows.always["score"] > 0.5).all()
    assert rows.always["f1"].notna().sum() == len(rows.trivial) / len(TRIVIAL)


def test_without_an_nrr_there_is_no_error_map(tmp_path):
    found = study(tmp_path, variants=("base",), poolings=(), unsupervised=False)
    alone = found.settings[~found.settings["run"].str.startswith("nrr_")].drop(columns=["frequencies"])
    raw = found.raw[found.raw["run"].isin(alone["run"])].drop(columns="predictor")
    found = type(found)(tmp_path, alone, raw, found.history, found.blind)
    assert found.error.empty and found.free.empty and found.plain_nrr.empty and len(found.weak)
