"""INR's statements: what each compares, on made-up runs in which all of them hold, or none."""

import inspect
import re
from pathlib import Path

import pytest

from imdlib.inr import cuts
from imdlib.inr.statements import STATEMENTS
from imdlib.pages import claims
from imdlib.protocol import verdicts
from tests.inr.made_up import ALL, TARGET, study

README = Path(__file__).resolve().parents[2] / "README.md"


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
    elsewhere = {cuts.local_edits: {"sim-magicbrush"}, cuts.whole_edits: {"sim-iedit"}}
    elsewhere[cuts.other_sets] = {"sim-magicbrush", "sim-iedit"}
    assert sets == dict.fromkeys(sets, {TARGET}) | elsewhere


@pytest.mark.parametrize("turned, expected", [(False, verdicts.SUPPORTED), (True, verdicts.CONTRADICTED)])
def test_effects_are_found_in_the_direction_that_they_have(tmp_path, turned, expected):
    found = claims.judge(STATEMENTS, study(tmp_path, turned=turned, **ALL), "inr")
    wrong = found[found["verdict"] != expected]
    assert wrong.empty, wrong[["id", "effect", "low", "high"]].to_string()
    assert found["id"].is_unique
    assert found.set_index("id").loc["inr-nrr-f1", "effect"] == pytest.approx(-0.075 if turned else 0.075)


def test_what_was_not_run_is_not_tested(tmp_path):
    few = study(tmp_path, variants=("base", "nrr+scl+agap"), poolings=(), unsupervised=False)
    found = claims.judge(STATEMENTS, few, "inr")
    assert len(found) == sum(len(one.metrics) for one in STATEMENTS)
    tested = set(found.loc[found["verdict"] != verdicts.UNTESTED, "id"].str.split("-").str[1])
    assert tested == {"error", "whole", "magicbrush", "iedit", "redrawn", "base"}


def test_cuts_have_names_and_say_what_they_are():
    for one in STATEMENTS:
        assert getattr(cuts, one.cut.__name__) is one.cut and inspect.getdoc(one.cut)


def test_what_the_readme_shows_is_a_headline():
    shown = re.findall(r"^\| `inr-(\S+)` \|", README.read_text(encoding="utf-8"), flags=re.MULTILINE)
    known = {f"{one.name}-{metric}" for one in STATEMENTS if one.headline for metric in one.metrics}
    deciding = {f"{one.name}-{one.decides}" for one in STATEMENTS if one.headline}
    assert deciding <= set(shown) <= known
