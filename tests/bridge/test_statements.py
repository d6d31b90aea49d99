"""What Bridging states: each cut holds both sides, effects of known size, what is not tested, and the README's rows."""

import re
from dataclasses import replace

import numpy as np
import pytest

from imdlib.bridge import cuts
from imdlib.bridge.cuts import OURS
from imdlib.bridge.measures.ordering import METRICS
from imdlib.bridge.statements import STATEMENTS, TAR, WANG
from imdlib.pages import claims
from imdlib.places import REPO
from imdlib.protocol import verdicts
from tests.bridge.made_up import AWAY, HOME

NAMED = {one.name: one for one in STATEMENTS}
PROBED = "ours-probe"  # needs a tower, not runs


@pytest.mark.parametrize("name", sorted(set(NAMED) - {PROBED}))
def test_a_cut_holds_both_sides(name, all_runs):
    one = NAMED[name]
    found = one.cut(all_runs)
    assert {one.worse, one.better} <= set(found["method"]) and set(one.metrics) <= set(found)
    sides = [found[found["method"] == side] for side in (one.worse, one.better)]
    images = [set(side["image"]) for side in sides]
    assert images[0] == images[1] and not any(side.duplicated(cuts_keys(side)).any() for side in sides)


def cuts_keys(rows):
    """Columns that tell rows of one method apart."""
    return ["seed", "image", *(["dataset"] if "dataset" in rows else [])]


def test_cuts_take_the_images_that_they_name(all_runs):
    assert set(cuts.own_images(all_runs)["dataset"]) == set(cuts.own_maps(all_runs)["dataset"]) == {HOME}
    away = all_runs.every[(all_runs.every["run"] == all_runs.run_of("late")) & (all_runs.every["dataset"] == AWAY)]
    found = cuts.unseen_generators(all_runs)
    found = found[(found["method"] == OURS) & (found["seed"] == 0)].set_index("image")
    assert found["correct"].to_dict() == away.set_index("image")["correct"].to_dict()
    assert set(cuts.fully_fakes(all_runs)["image"]) == set(away.loc[away["kind"] == "generated", "image"])
    assert set(cuts.pairs_in_order(all_runs)["method"]) == {
        f"{who}: {says}" for who in ("chance", OURS) for says in METRICS
    }


def changed(rows, **values):
    """The same rows with columns of `every` set to functions of it."""
    every = rows.every.assign(**{name: make(rows.every) for name, make in values.items()})
    return replace(rows, every=every)


def right(rows, method, share):
    """Ones for every row, but for that share of a method's images that come first."""
    number = rows["image"].str[:3].astype(int)
    return np.where((rows["method"] == method) & (number < share * (number.max() + 1)), 0.0, 1.0)


def judged(rows, *names):
    found = claims.judge([NAMED[name] for name in names], rows, "bridge").set_index("id")
    return found["verdict"], found["effect"]


def test_a_known_effect_gets_its_verdict(all_runs):
    rows = changed(
        all_runs, correct=lambda every: right(every, WANG, 0.75), image_auc=lambda every: right(every, TAR, 0)
    )
    verdict, effect = judged(rows, "unseen-wang", "home-wang", "home-tar")
    assert effect["bridge-unseen-wang-correct"] == 0.75 and verdict["bridge-unseen-wang-correct"] == verdicts.SUPPORTED
    assert effect["bridge-home-wang-correct"] == -0.75 and verdict["bridge-home-wang-correct"] == verdicts.CONTRADICTED
    assert effect["bridge-home-tar-image_auc"] == 0 and verdict["bridge-home-tar-image_auc"] == verdicts.INCONCLUSIVE


def test_a_drop_is_what_unseen_generators_take(all_runs):
    def correct(every):
        return np.where((every["method"] == WANG) & (every["dataset"] == AWAY), 0.25, 1.0)

    verdict, effect = judged(changed(all_runs, correct=correct), "drop-wang", "drop-tar")
    assert effect["bridge-drop-wang-correct"] == 0.75 and verdict["bridge-drop-wang-correct"] == verdicts.SUPPORTED
    assert effect["bridge-drop-tar-correct"] == 0
    lost = cuts.lost_on_unseen(changed(all_runs, correct=correct))
    assert (lost.loc[lost["method"] == WANG, "correct"] == -0.75).all()


def test_distances_in_order_lie_half_above_chance(all_runs):
    def distance(which):
        return lambda every: (every["class"] == which).astype(float).where(every["d1"].notna())

    rows = changed(all_runs, d1=distance("fully fake"), d2=distance("partly fake"))
    verdict, effect = judged(rows, *(name for name in NAMED if name.startswith("order-")))
    assert effect.tolist() == [0.5] * 6 and set(verdict) == {verdicts.SUPPORTED}


def test_maps_with_attention_against_those_without(all_runs):
    rows = changed(all_runs, drawn_auc_shuffled=lambda every: every["plain_auc_shuffled"] + 0.25)
    verdict, effect = judged(rows, "attention", "attention-transcam")
    assert effect["bridge-attention-auc_shuffled"] == pytest.approx(0.25)
    assert verdict["bridge-attention-transcam-auc_shuffled"] == verdicts.SUPPORTED


def test_missing_runs_are_not_tested(two_runs):
    found = claims.judge(STATEMENTS, two_runs, "bridge").set_index("id")["verdict"]
    tested = set(found.index[found != verdicts.UNTESTED])
    judged = {
        f"bridge-{name}-{metric}" for name in ("home-wang", "ours-always", "wang-always") for metric in cuts.JUDGING
    }
    assert tested == judged | {"bridge-order-2-ordered", "bridge-order-5-ordered"}


def test_the_readme_shows_the_headlines():
    shown = re.findall(r"^\| `(bridge-\S+)` \| (.+?): (.+?) \|", (REPO / "README.md").read_text(), flags=re.M)
    known = {f"bridge-{one.name}-{one.decides}": (one.where, one.says) for one in STATEMENTS if one.headline}
    assert known == {name: (where, says) for name, where, says in shown}


def test_names_are_unique():
    assert len(NAMED) == len(STATEMENTS) == 37
