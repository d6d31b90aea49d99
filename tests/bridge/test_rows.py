"""Rows of Bridging's report: what is gathered and how it is labelled, the usual runs, what was turned, and what is absent."""

import pandas as pd
import pytest

from imdlib import runs
from imdlib.bridge.measures.labelled import completed, named
from imdlib.bridge.rows import Rows
from imdlib.bridge.space import ROWS
from imdlib.protocol.search import row_of
from tests.bridge.made_up import AWAY, HOME, images, write_runs, write_trivial

CELLS = {
    "late_0": dict(method="late", seed=0),
    "late_1": dict(method="late", seed=1),
    "late_all": dict(method="late", seed=0, train_set=f"{HOME}+{AWAY}"),
    "late_without": dict(method="late", seed=0, with_fully=False),
    "wang_0": dict(method="wang", seed=0),
}


@pytest.fixture
def results(tmp_path):
    """Folder of results with five runs on two sets, the one not trained on first."""
    write_runs(tmp_path, CELLS, {name: images(name) for name in (AWAY, HOME)}, train_set=HOME)
    return tmp_path


@pytest.fixture
def rows(results):
    return Rows.gather(results)


def test_runs_are_labelled(rows):
    found = rows.settings.set_index("run")
    assert found.loc["late_0", "method"] == "Ours" and found.loc["late_0", "variant"] == "late"
    assert found.loc["late_all", "train_set"] == "all" and not found["outdated"].any()
    seen = rows.every.groupby(["run", "dataset"])["seen"].first()
    assert seen["late_all"].all() and seen["late_0"].to_dict() == {HOME: True, AWAY: False}
    assert list(rows.every["dataset"].unique()) == [AWAY, HOME]
    assert len(rows.every) == 5 * 48 and rows.every["image_auc"].notna().all()
    kinds = rows.every.groupby("kind")["class"].first()
    assert kinds.to_dict() == dict(authentic="real", edit="partly fake", generated="fully fake")


def test_cuts_of_the_usual_runs(rows):
    assert rows.target == HOME and set(rows.main["run"]) == {"late_0", "late_1", "wang_0"}
    assert set(rows.scores["run"]) == {"late_0", "late_1", "wang_0", "late_all"}
    assert set(rows.seen["dataset"]) == {HOME}
    assert set(rows.usual_runs["run"]) == set(rows.main["run"])
    assert rows.first["run"] == "late_0" == rows.run_of("late") and rows.run_of("tar") is None
    assert set(rows.measured["method"]) == {"Ours"} and rows.masked == [AWAY, HOME]
    assert rows.groups == ("partly fake", "fully fake", "both") and len(rows.generators) == 2


def test_what_was_turned_is_named_for_it(rows):
    turned = rows.turned["with_fully"]
    assert set(turned["method"]) == {"Ours, without fully fake images"} and set(turned["run"]) == {"late_without"}
    assert rows.turned["order"].empty
    once = rows.main[rows.main["run"] == "wang_0"].assign(order="once")
    assert set(named(once, "order")["method"]) == {"Wang et al., order once"}


def test_only_what_is_named_counts(results, rows):
    some = Rows.gather(results, {"wang_0": "wang_0", "late_1": "another key"})
    assert set(some.every["run"]) == {"wang_0", "late_1"}
    assert some.settings.set_index("run")["outdated"].to_dict() == {"wang_0": False, "late_1": True}
    with pytest.raises(runs.RunError, match="absent_one"):
        Rows.gather(results, {"absent_one": "x"})


def test_the_order_in_which_runs_are_asked_for_changes_nothing(results, rows):
    other = Rows.gather(results, {name: name for name in reversed(CELLS)})
    pd.testing.assert_frame_equal(other.every, rows.every, check_like=True)


def test_maps_that_look_at_no_image_are_those_of_the_scored_images(results, rows):
    assert rows.trivial.empty and rows.data == {}
    write_trivial(results, {name: images(name, 40) for name in (HOME, AWAY)})  # more images than were scored
    found = Rows.gather(results, sets={HOME: HOME, AWAY: AWAY})
    assert set(found.trivial["method"]) == {"centre blob", "all-ones map"} and len(found.trivial) == 2 * 2 * 6
    assert set(zip(found.trivial["dataset"], found.trivial["image"])) == set(
        zip(found.maps["dataset"], found.maps["image"])
    )
    assert found.trivial["dataset"].unique().tolist() == found.masked
    assert set(Rows.gather(results, sets={AWAY: AWAY}).trivial["dataset"]) == {AWAY}


def test_a_probe_stands_beside_without_changing_the_rest(rows):
    probed = pd.DataFrame({"method": ["linear probe"]})
    assert rows.beside(probed).probed is probed and rows.probed is None and rows.beside(None).main.equals(rows.main)


def test_two_classes_without_masks(two_runs):
    assert two_runs.masked == [] and two_runs.maps.empty and two_runs.trivial.empty
    assert two_runs.groups == ("fully fake", "both") and all(rows.empty for rows in two_runs.turned.values())


def test_runs_of_the_search_are_in_no_table(searched_runs):
    assert set(searched_runs.every["run"]) == set(searched_runs.settings["run"]) == {"wang_0", "late_0"}
    assert len(searched_runs.trials) == 2 * len(ROWS) and set(searched_runs.trials["seed"]) == {100}
    first = searched_runs.trial(0)
    assert set(first.main["variant"]) == set(ROWS) and set(first.settings["trial"]) == {0}
    assert first.every["run"].str.contains("trial0").all() and first.trials.empty


def test_trials_keep_the_parameters_that_tell_their_rows(searched_runs):
    """Labels of tables stand in `searched`: a page that took these found no row for any trial, and drew an empty search."""
    found = [row_of(run, ROWS) for run in searched_runs.trials.to_dict("records")]
    assert sorted(found) == sorted([*ROWS] * 2)


def test_usual_is_what_is_commonest_in_a_row_of_its_own(tmp_path):
    tuned = {f"wang_{seed}": dict(method="wang", seed=seed, stem_stride=1) for seed in range(2)}
    cells = CELLS | tuned | {"late_rgb": dict(method="late", seed=0, inputs="rgb")}
    cells |= {"started": dict(method="wang", start="imagenet", inputs="rgb", precision="32-true", seed=0)}
    write_runs(tmp_path, cells, {HOME: images(HOME)}, train_set=HOME)
    found = Rows.gather(tmp_path).settings.set_index("run")["turned"]
    assert found["wang_0"] == found["wang_1"] == found["started"] == found["late_0"] == ""
    assert found["late_rgb"] == "inputs" and found["late_without"] == "with_fully"


def test_older_records_have_the_defaults_of_what_they_lack(tmp_path):
    write_runs(tmp_path, CELLS, {HOME: images(HOME)}, train_set=HOME)
    settings = Rows.gather(tmp_path).settings[["run", "method", "train_set", "test_sets", "with_fully"]]
    assert completed(settings)["crossfit"].eq(0).all() and completed(settings)["trial"].eq(-1).all()
