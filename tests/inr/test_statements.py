"""INR's statements: what each compares, on made-up runs in which all of them hold, or none."""

import inspect

import numpy as np
import pytest

from imdlib.inr import cuts
from imdlib.inr.statements import STATEMENTS
from imdlib.pages import claims
from imdlib.protocol import verdicts
from tests.inr.made_up import ALL, SETS, TARGET, study


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    return study(tmp_path_factory.mktemp("results"), **ALL)


@pytest.mark.parametrize("one", STATEMENTS, ids=lambda one: one.name)
def test_a_cut_holds_both_sides_on_the_same_images(rows, one):
    found = one.cut(rows)
    worse, better = (found[found["method"] == name] for name in (one.worse, one.better))
    assert len(worse) and set(worse["image"]) == set(better["image"])
    assert set(worse["dataset"]) == set(better["dataset"])


def test_cuts_are_of_the_images_that_they_say(rows):
    sets = {one.cut: set(one.cut(rows)["dataset"]) for one in STATEMENTS}
    elsewhere = {
        cuts.local_edits: {"sim-magicbrush"},
        cuts.whole_edits: {"sim-iedit"},
        cuts.same_source: {"sim-coverage"},
        cuts.other_sets: {*SETS} - {TARGET},
        **dict.fromkeys((cuts.decibels, cuts.error_maps, cuts.unlabelled), {*SETS} - {"sim-iedit"}),
    }
    assert sets == dict.fromkeys(sets, {TARGET}) | elsewhere


@pytest.mark.parametrize("turned", [False, True])
def test_effects_are_found_in_the_direction_that_they_have(tmp_path, turned):
    """Where all is turned, networks lie below what looks at no image: their claims say that nothing was learned."""
    found = claims.judge(STATEMENTS, study(tmp_path, turned=turned, **ALL), "inr")
    expected = np.where(
        found["gate"] == "failed", verdicts.UNLEARNED, verdicts.CONTRADICTED if turned else verdicts.SUPPORTED
    )
    wrong = found[(found["verdict"] != expected) | ((found["effect"] >= 0) if turned else (found["low"] <= 0))]
    assert wrong.empty, wrong[["id", "effect", "low", "high", "gate", "verdict"]].to_string()
    gated = {f"inr-{one.name}-{one.decides}" for one in STATEMENTS if one.gate}
    assert set(found.loc[found["gate"] != "none", "id"]) == gated
    assert set(found.loc[found["gate"] == "failed", "id"]) == (gated if turned else set())
    expected = -0.225 if turned else 0.225  # of LEVELS
    assert found.set_index("id").loc["inr-whole-away-auc_shuffled", "effect"] == pytest.approx(expected)


def test_what_was_not_run_is_not_tested(tmp_path):
    few = study(tmp_path, rows=("base", "nrr+scl+agap"), unsupervised=False)
    found = claims.judge(STATEMENTS, few, "inr")
    assert len(found) == len(STATEMENTS)
    tested = set(found.loc[found["verdict"] != verdicts.UNTESTED, "id"].str.split("-").str[1])
    assert tested == {"gap", "error", "whole", "magicbrush", "iedit", "base"}


def test_cuts_and_gates_have_names_and_say_what_they_are():
    for cut in {cut for one in STATEMENTS for cut in (one.cut, one.gate) if cut}:
        assert getattr(cuts, cut.__name__) is cut and inspect.getdoc(cut)


@pytest.mark.parametrize("one", [one for one in STATEMENTS if one.gate], ids=lambda one: one.name)
def test_a_gate_holds_both_sides_and_what_is_blind_on_own_images(rows, one):
    found, metric = one.gate(rows), one.gate_metric or one.decides
    assert set(found["dataset"]) == {TARGET} and {one.worse, one.better} <= set(found["method"])
    assert (
        found.loc[found["blind"], metric].notna().any() and not found.loc[found["method"] == one.better, "blind"].any()
    )


def test_headlines_say_what_would_overturn_them():
    assert all(bool(one.overturned) == one.headline for one in STATEMENTS)


def test_every_setting_of_the_search_is_asked(tmp_path):
    found = study(tmp_path, seeds=[0], trials=2, **ALL)
    tried = claims.in_settings(STATEMENTS, {k: found.trial(k) for k in range(2)})
    judged = claims.judge(STATEMENTS, found, "inr", tried).set_index("id")
    assert judged.loc["inr-whole-f1", ["settings", "share"]].tolist() == [2, 1]
    assert judged.loc["inr-selection-f1", "settings"] == 0  # self-distillation is not searched
