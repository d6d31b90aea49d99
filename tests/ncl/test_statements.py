"""Statements: each cut holds the two sides that it names, effects of known size come out, and what is not tested."""

from dataclasses import replace

import pytest

from imdlib.ncl.statements import STATEMENTS
from imdlib.pages import claims
from imdlib.protocol import verdicts
from tests.ncl import made_up

EFFECTS = {
    "pivot": 0.06,
    "pc": 0.1,
    "ncl": 0.16,
    "ncl-unseen": 0.16,
    "contour": 0.04,
    "pivot-unseen": 0.06,
    "pc-unseen": 0.1,
    "together": 0.08,
    "rival-fcn": 0.16 + 0.02,
    "rival-rru": 0.16 + 0.03,
    "rival-mvss": 0.16 - 0.03,
    "rival-vit": 0.16 + 0.04,
    "rival-classic": 0.16 + 0.2,
    "rival-fcn-unseen": 0.16 + 0.02,
    "rival-rru-unseen": 0.16 + 0.03,
    "rival-mvss-unseen": 0.16 - 0.03,
    "rival-vit-unseen": 0.16 + 0.04,
    "contrast-whole": 0.16 - 0.12,
    "aux": 0.01,
    "band": 0.12 - 0.01,
    "balanced": 0.16 - 0.05,
    "balanced-rank": 0.16 - 0.05,
    "balanced-unseen": 0.16 - 0.05,
    "balance": 0.05,
    "rgb": 0.16,
    "residual": 0.07,
    "residual-ncl": 0.07,
    "free": 0.16 - 0.07,
    "free-own": 0.16 + 0.07 - 0.05 - 0.07,
    "pretrained": 0.07,
    "pretrained-ncl": 0.16,
    "scratch-ncl": 0.16,
    "vit": 0.16,
    "attacked": 0.16 + 0.1 - 0.07,
    "attack-loss": 0.1 - 0.07,
    "early": 0.03 + 0.05,
    "early-alone": 0.03 + 0.05,
    "early-printed": 0.03 + 0.05,
    "early-layer1": 0.05,
    "first": 0.03,
    "omega-some": 0.02,
    "omega-one": 0.005,
    "omega-paper": 0.01,
    "omega-low": 0.005,
    "mu-high": 0.03,
    "mu-zero": 0.04,
    "second-head": 0.02,
    "sgd": 0.16,
    "few": 0.16,
    "enough": 0.16 - 0.1,
    "base-blob": 0.3,
    "ncl-blob": 0.3 + 0.16,
}  # of `made_up`, where every metric has the same value
OF_STEPS = {"pivot", "pc", "ncl", "contour", "pivot-unseen", "pc-unseen", "ncl-unseen", "base-blob", "ncl-blob"}
NOT_IN_TRIALS = {
    "together",
    "attacked",
    "attack-loss",
    "vit",
    "aux",
    "band",
    "few",
    "enough",
    "sgd",
    "second-head",
}
NOT_IN_TRIALS |= {name for name in EFFECTS if name.startswith(("early", "first", "omega", "mu-"))}


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
    assert (found["together"]["seeds"], found["together"]["n"]) == (3, 12)


def test_effects_against_a_statement_contradict_it():
    found = judged(made_up.study(gains={variant: -gain for variant, gain in made_up.GAIN.items()}))
    for name in (
        "pivot",
        "pc",
        "ncl",
        "contour",
        "pivot-unseen",
        "pc-unseen",
        "ncl-unseen",
        "vit",
        "few",
        "rgb",
    ):
        assert found[name]["verdict"] == verdicts.CONTRADICTED, name
        assert found[name]["effect"] == pytest.approx(-EFFECTS[name])


def test_statements_without_runs_are_not_tested():
    found = judged(made_up.study(seeds=[0, 1, 2], ablation_sets=made_up.SETS))
    assert {name for name, row in found.items() if row["verdict"] != verdicts.UNTESTED} == OF_STEPS
    only = dict(seeds=[0, 1, 2], ablation_sets=["sim-casia"])
    alone = judged(made_up.study(**only, keep=lambda run: run["variant"] == "base"))
    assert [name for name, row in alone.items() if row["verdict"] != verdicts.UNTESTED] == ["base-blob"]


def test_a_gate_holds_both_sides_on_their_own_images_beside_what_looks_at_nothing(study):
    for one in [one for one in STATEMENTS if one.gate]:
        found = one.gate(study)
        assert {one.worse, one.better, "centre blob"} <= set(found["method"]), one.name
        assert (found["blind"] == (found["method"] == "centre blob")).all()
        own = found[~found["blind"]]
        assert (own["train_set"].isin(["all", *own["dataset"]]) & (own["dataset"].isin(made_up.SETS))).all()


def test_nothing_is_said_where_the_better_side_lies_below_what_looks_at_nothing(monkeypatch):
    monkeypatch.setattr(made_up, "BLOB", 0.3)
    found = judged(made_up.study())
    gated = {one.name for one in STATEMENTS if one.gate}
    assert {name for name, row in found.items() if row["verdict"] == verdicts.UNLEARNED} == gated


def test_statements_are_looked_at_in_every_setting_of_the_search(study):
    tried = claims.in_settings(STATEMENTS, {k: study.trial(k) for k in (0, 1)}).set_index("name")
    known = tried["raw"].dropna().groupby("name").mean()
    assert set(known.index) == set(EFFECTS) - NOT_IN_TRIALS
    assert known["ncl"] == pytest.approx(0.16) and known["balanced-unseen"] == pytest.approx(0.11)
    assert known["free"] == pytest.approx(0.16)  # where nothing is gained by pre-training


def test_every_statement_says_what_would_overturn_it():
    assert all(one.overturned for one in STATEMENTS)


@pytest.mark.parametrize("seeds", [{0, 1, 2}, {1, 2}])
def test_runs_that_are_still_to_come_mix_no_training_sets(seeds):
    """NCL on one of two sets, or some of its seeds there, is to come: no mean is over other sets on one side."""
    rows = made_up.study(
        seeds=[0, 1, 2],
        ablation_sets=made_up.SETS,
        keep=lambda run: run["variant"] != "pivot+pc" or run["train_set"] == "sim-casia" or run["seed"] not in seeds,
    )
    found = judged(rows)
    assert [found[name]["effect"] for name in ("ncl", "ncl-unseen")] == pytest.approx([0.16, 0.16])
    assert found["ncl"]["seeds"] == (3 if len(seeds) == 3 else 1) and found["ncl-unseen"]["seeds"] == 3
