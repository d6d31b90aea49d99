"""Statements: each cut holds the two sides that it names, effects of known size come out, and the README quotes headlines."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from imdlib.ncl.statements import STATEMENTS
from imdlib.pages import claims
from imdlib.protocol import verdicts
from tests.ncl import made_up

README = Path(__file__).resolve().parents[2] / "README.md"
EFFECTS = {
    "pivot": 0.06,
    "pc": 0.1,
    "ncl": 0.16,
    "contour": 0.04,
    "pivot-unseen": 0.06,
    "pc-unseen": 0.1,
    "ncl-unseen": 0.16,
    "together": 0.08,
    "attacked": 0.16 + 0.1 - 0.07,
    "attack-loss": 0.1 - 0.07,
    "vit": 0.16,
    "early": 0.03 + 0.05,
    "early-layer1": 0.05,
    "first": 0.03,
    "omega-low": 0.02,
    "omega-zero": 0.01,
    "mu-high": 0.03,
    "mu-zero": 0.04,
    "few": 0.16,
    "enough": 0.16 - 0.1,
    "long": 0.16,
    "base-blob": 0.3,
    "ncl-blob": 0.3 + 0.16,
}  # of `made_up`, where every metric has the same value
TURNED = {
    "vit",
    "early",
    "early-layer1",
    "first",
    "omega-low",
    "omega-zero",
    "mu-high",
    "mu-zero",
    "few",
    "enough",
    "long",
}


@pytest.fixture(scope="module")
def study():
    return made_up.study()


def judged(rows):
    """{name of a statement: its row of claims.csv for the metric that decides}."""
    deciding = [replace(one, metrics=(one.decides,)) for one in STATEMENTS]
    found = claims.judge(deciding, rows, "ncl").to_dict("records")
    return {one.name: row for one, row in zip(deciding, found)}


@pytest.mark.parametrize("one", STATEMENTS, ids=[one.name for one in STATEMENTS])
def test_a_cut_holds_both_sides_on_the_same_images(one, study):
    found = one.cut(study)
    sides = [found[found["method"] == name] for name in (one.worse, one.better)]
    low, high = (set(side[["dataset", "image"]].itertuples(index=False, name=None)) for side in sides)
    assert low and low == high
    assert one.cut.__doc__ and one.cut.__name__ != "<lambda>"


def test_effects_of_known_size_are_found_and_supported(study):
    found = judged(study)
    assert {name: row["effect"] for name, row in found.items()} == pytest.approx(EFFECTS)
    assert {row["verdict"] for row in found.values()} == {verdicts.SUPPORTED}
    assert (found["together"]["seeds"], found["together"]["n"]) == (2, 12)


def test_effects_against_a_statement_contradict_it():
    found = judged(made_up.study(gains={variant: -gain for variant, gain in made_up.GAIN.items()}))
    for name in ("pivot", "pc", "ncl", "contour", "pivot-unseen", "pc-unseen", "ncl-unseen", "vit", "few", "long"):
        assert found[name]["verdict"] == verdicts.CONTRADICTED, name
        assert found[name]["effect"] == pytest.approx(-EFFECTS[name])


def test_statements_without_runs_are_not_tested():
    found = judged(made_up.study(seeds=[0], ablation_sets=made_up.SETS))
    untested = {name for name, row in found.items() if row["verdict"] == verdicts.UNTESTED}
    assert untested == {*TURNED, "together", "attacked", "attack-loss"}
    alone = judged(made_up.study(seeds=[0], ablation_sets=["sim-casia"], keep=lambda run: run["variant"] == "base"))
    assert [name for name, row in alone.items() if row["verdict"] != verdicts.UNTESTED] == ["base-blob"]


def test_names_are_unique():
    assert len({one.name for one in STATEMENTS}) == len(STATEMENTS)


def test_the_readme_quotes_headlines_and_all_of_them():
    quoted = set(re.findall(r"^\| `ncl-(\S+)` \|", README.read_text(encoding="utf-8"), re.M))
    headlines = [one for one in STATEMENTS if one.headline]
    assert quoted <= {f"{one.name}-{metric}" for one in headlines for metric in one.metrics}
    assert {f"{one.name}-{one.decides}" for one in headlines} <= quoted
