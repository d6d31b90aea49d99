"""What Bridging states: each cut holds both sides, effects of known size, and what is not tested."""

from dataclasses import replace

import numpy as np
import pytest

from imdlib.bridge import cuts, gates
from imdlib.bridge.cuts import OURS
from imdlib.bridge.labels import CLASSES
from imdlib.bridge.measures import labelled
from imdlib.bridge.measures.detection import balanced
from imdlib.bridge.measures.ordering import METRICS
from imdlib.bridge.statements import STATEMENTS, WANG
from imdlib.pages import claims
from imdlib.protocol import verdicts
from tests.bridge.made_up import AWAY, HOME

NAMED = {one.name: one for one in STATEMENTS}
PROBED = {"ours-probe", "ours-probe-unseen"}  # need a tower, not runs


@pytest.mark.parametrize("name", sorted(set(NAMED) - PROBED))
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
    fully = cuts.fully_fakes(all_runs)
    assert set(fully.loc[fully["correct"].notna(), "image"]) == set(away.loc[away["kind"] == "generated", "image"])
    assert fully["image_auc"].notna().all()  # real images too: they are what the fakes are ranked against
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
    rows = changed(all_runs, image_auc=lambda every: right(every, WANG, 0.75))
    verdict, effect = judged(rows, "unseen-wang", "home-wang", "home-tar")
    assert effect["bridge-unseen-wang-image_auc"] == 0.75
    assert effect["bridge-home-wang-image_auc"] == -0.75 and effect["bridge-home-tar-image_auc"] == 0
    assert verdict.tolist() == [verdicts.SUPPORTED, verdicts.CONTRADICTED, verdicts.INCONCLUSIVE]


def test_a_drop_is_what_unseen_generators_take(all_runs):
    def ranked(every):
        return np.where((every["method"] == WANG) & (every["dataset"] == AWAY), 0.25, 1.0)

    verdict, effect = judged(changed(all_runs, image_auc=ranked), "drop-wang", "drop-tar")
    assert effect.tolist() == [0.75, 0] and verdict.iloc[0] == verdicts.SUPPORTED
    lost = cuts.lost_on_unseen(changed(all_runs, image_auc=ranked))
    assert (lost.loc[lost["method"] == WANG, "image_auc"] == -0.75).all()


def test_a_detector_at_chance_has_nothing_to_lose(all_runs):
    def ours_at_chance(every):
        return np.where(every["method"] == OURS, 0.5, np.where(every["dataset"] == AWAY, 0.25, 1.0))

    verdict, effect = judged(changed(all_runs, image_auc=ours_at_chance), "drop-wang", "drop-tar", "equal-drop-wang")
    assert effect.tolist() == [0.75] * 3 and set(verdict) == {verdicts.UNLEARNED}


def test_the_mean_of_recall_is_the_mean_recall(all_runs):
    rows = changed(all_runs, predicted=lambda every: every["class"].where(every["class"] != "partly fake", "real"))
    found = balanced(rows.every)
    found = found[found["variant"] == "late"].groupby("run")["recall"].mean()
    assert found.to_numpy() == pytest.approx(2 / 3)
    assert balanced(rows.every).loc[lambda one: one["variant"] == "wang", "recall"].isna().all()
    always = balanced(all_runs.blind).groupby("method")["recall"].mean()
    assert always["always real"] == pytest.approx(1 / 3) and np.isnan(always["always fake"])


def test_what_lies_at_chance_on_both_sides_has_learned_nothing(all_runs):
    low = changed(all_runs, image_auc=lambda every: np.where(every["method"] == WANG, 0.2, 0.45))
    verdict, effect = judged(low, "unseen-wang")
    assert effect.iloc[0] == pytest.approx(0.25) and verdict.iloc[0] == verdicts.UNLEARNED
    one = NAMED["attention"]
    flat = changed(
        all_runs, plain_auc_shuffled=lambda e: 0.1 + 0 * e["f1"], drawn_auc_shuffled=lambda e: 0.25 + 0 * e["f1"]
    )
    assert claims.learned(one, one.gate(flat)).word == "failed" and claims.learned(one, one.gate(flat)).beside in (
        "all-ones map",
        "centre blob",
    )


def test_beating_a_rival_that_learned_nothing_is_no_support(all_runs):
    """Wang et al. without fully fake images: every score is the same, and ours are right."""
    less = all_runs.every["turned"] == "with_fully"
    wang = less & (all_runs.every["variant"] == "wang")
    score = all_runs.every["label"].where(~wang, 0.4).astype(float)
    rows = replace(all_runs, every=labelled.judged(all_runs.every.assign(score=score), ("run", "dataset")))
    verdict, effect = judged(rows, "whole-wang", "fully-ours")
    assert effect.iloc[0] == pytest.approx(0.5) and verdict.iloc[0] == verdicts.UNLEARNED
    assert set(gates.rival_learned(rows).loc[lambda one: ~one["blind"], "class"]) == {"real", "partly fake"}


def test_distances_in_order_lie_half_above_chance(all_runs):
    def distance(which):
        return lambda every: (every["class"] == which).astype(float).where(every["d1"].notna())

    rows = changed(all_runs, d1=distance("fully fake"), d2=distance("partly fake"))
    verdict, effect = judged(rows, *(name for name in NAMED if name.startswith("order-")))
    assert effect.tolist() == [0.5] * 6 and set(verdict) == {verdicts.SUPPORTED}


def test_real_images_near_zero(all_runs):
    def far(which):  # the margin is 4: below 1 is near
        return lambda every: which + 0 * every["d1"]

    near = changed(all_runs, d1=far(0.5), d2=far(0.9), d1_fresh=far(2.0), d2_fresh=far(0.1))
    verdict, effect = judged(near, "real-near", "real-nearer")
    assert effect.tolist() == [0.5, 0] and verdict.tolist() == [verdicts.SUPPORTED, verdicts.INCONCLUSIVE]
    assert judged(changed(all_runs, d1=far(1.1)), "real-near")[1].iloc[0] == -0.5


def test_spaces_are_compared_by_neighbours_of_other_scenes(all_runs):
    rows = changed(
        all_runs, knn_final=lambda every: 0.0 * every["label"] + 0.25, knn_extractor=lambda e: 0.0 * e["label"] + 1
    )
    verdict, effect = judged(rows, "space-tower", "space-transcam")
    assert effect.tolist() == [-0.75, 0] and verdict.iloc[0] == verdicts.CONTRADICTED


def test_maps_with_attention_against_those_without(all_runs):
    rows = changed(all_runs, drawn_auc_shuffled=lambda every: every["plain_auc_shuffled"] + 0.25)
    effect = judged(rows, "attention", "attention-transcam")[1]
    assert effect.to_numpy() == pytest.approx(0.25)


def test_maps_of_unseen_generators_have_headlines_of_their_own(all_runs):
    away = changed(all_runs, drawn_auc_shuffled=lambda every: np.where(every["dataset"] == AWAY, 1.0, 0.0))
    effect = judged(away, "map-blob", "map-blob-unseen")[1]
    assert effect.iloc[0] < 0 < effect.iloc[1]


def test_space_transcam_is_about_real_and_partly_fake_images(all_runs):
    rows = changed(all_runs, knn_final=lambda every: (every["class"] == "fully fake").astype(float))
    ours = OURS + cuts.SPACES["knn_final"]
    some, every = (cut(rows).set_index("method").loc[ours, "knn"] for cut in (cuts.spaces_of_partly, cuts.spaces))
    assert set(some) == {0.0} and every.max() > 0
    pair = rows.every[rows.every["class"] != "partly fake"]
    assert cuts.spaces_of_partly(replace(rows, every=pair)).empty


def test_what_is_called_of_two_classes_is_no_test_of_three(all_runs):
    pair = replace(all_runs, every=all_runs.every[all_runs.every["class"] != "partly fake"])
    for end in ("", "-unseen"):
        assert len(NAMED[f"three-teacher{end}"].cut(all_runs)) and NAMED[f"three-teacher{end}"].cut(pair).empty
        assert len(NAMED[f"teacher{end}"].cut(pair))  # real against fake can be told from two


@pytest.mark.parametrize("cut, classes", [(cuts.spaces_of_partly, CLASSES[:2]), (cuts.spaces, CLASSES)])
def test_the_gate_of_a_space_looks_at_the_images_of_its_claim(all_runs, cut, classes):
    rows = changed(all_runs, knn_final=lambda every: 1.0 + 0 * every["label"])
    found = gates.spaces_learned(rows, cut=cut)
    images = rows.main[rows.main["class"].isin(classes)].drop_duplicates("image")
    blind = found[found["blind"]]
    assert set(blind["image"]) == set(images["image"])
    assert blind["knn"].mean() == pytest.approx(images["class"].value_counts(normalize=True).max())


def test_missing_runs_are_not_tested(two_runs):
    found = claims.judge(STATEMENTS, two_runs, "bridge").set_index("id")
    judged = {f"bridge-{name}-image_auc" for name in ("home-wang", "ours-always", "wang-always")}
    judged |= {"bridge-order-2-ordered", "bridge-order-5-ordered", "bridge-real-near-near", "bridge-real-nearer-nearer"}
    assert set(found.index[found["n"] > 0]) == judged | {"bridge-space-tower-knn"}
    assert set(found["verdict"]) == {verdicts.UNTESTED}  # one seed says nothing


def test_every_statement_can_be_judged_in_a_draw_of_settings(searched_runs):
    found = claims.in_settings(STATEMENTS, {k: searched_runs.trial(k) for k in (0, 1)})
    tried = found.dropna(subset=["raw"]).groupby("name").size()
    assert {
        "unseen-wang",
        "drop-tar",
        "three-teacher-unseen",
        "order-0",
        "attention",
        "real-near",
        "space-tower",
    } <= set(tried.index)
    assert set(tried) == {2} and "whole-wang" not in tried and "equal-wang-unseen" not in tried


def test_headlines_say_what_would_overturn_them():
    assert all(one.overturned for one in STATEMENTS if one.headline)


def test_names_are_unique():
    assert len(NAMED) == len(STATEMENTS) == 65
