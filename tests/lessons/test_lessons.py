"""The lessons before the papers and the sixty seconds: what is said of them holds for three seeds and on one and two threads."""

import numpy as np
import pytest
import torch
from torch import nn

from imdlib.lessons import camera, chance, constants, films, numbers_that_lie, shapes, sixty_seconds, verdicts
from imdlib.lessons.bridge import discrepancy as plane
from imdlib.lessons.bridge import five_stages
from imdlib.lessons.bridge import generalizers_unseen as ring
from imdlib.lessons.inr import matching_and_clusters as cells
from imdlib.lessons.inr import pooling as pools
from imdlib.lessons.inr import self_distillation as teacher
from imdlib.lessons.ncl import the_contrast as circle
from imdlib.lessons.ncl import the_pivot as strip
from imdlib.scoring import metrics, trivial
from imdlib.twins.masks import random_mask

SEEDS = pytest.mark.parametrize("seed", [0, 1, 2])


@pytest.fixture(params=[1, 2])
def threads(request):
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def masks():
    rng = np.random.default_rng(0)
    return [random_mask(rng, 48) > 0 for _ in range(30)]


# ---- numbers that lie


def test_masks_are_moved_and_not_changed(masks):
    moved = numbers_that_lie.pulled(masks, 1.0)
    assert [one.sum() for one in moved] == [one.sum() for one in masks]
    assert all(abs(one.nonzero()[0].mean() - 23.5) < 8 for one in moved)
    assert all((a == b).all() for a, b in zip(numbers_that_lie.pulled(masks, 0), masks))


@SEEDS
def test_the_blob_gains_from_where_masks_lie_and_less_in_shuffled_auc(masks, seed):
    before, after = (
        numbers_that_lie.table(some, numbers_that_lie.maps(some, seed))
        for some in (masks, numbers_that_lie.pulled(masks, 0.7))
    )
    for name in ("centre blob", "average of the other masks"):
        gain = after.loc[name] - before.loc[name]
        assert gain["auc"] > 0.1 and gain["f1_best"] > 0.1 and gain["auc_shuffled"] < gain["auc"]
    assert before.loc["all-ones map", "f1"] > before.loc["random map", "f1"]
    assert (before["f1_best"] >= before["f1"] - 1e-9).all()


@SEEDS
def test_over_hundreds_of_the_twin_s_masks_the_blob_is_hardly_better_than_a_guess(seed):
    rng = np.random.default_rng(seed)
    masks = [random_mask(rng, 48) > 0 for _ in range(400)]
    found = np.mean([metrics.auc(trivial.centre_blob(48, 48), one) for one in masks])
    assert abs(found - 0.5) < 0.06


def test_the_heap_and_the_mean_are_two_numbers(masks):
    curve = numbers_that_lie.thresholds(masks, numbers_that_lie.maps(masks)["centre blob"], [0.2, 0.5])
    assert (curve["mean over images"] != curve["all pixels together"]).all()


# ---- verdicts


def test_images_alone_raise_false_alarms_and_seeds_take_them_away():
    alarms = verdicts.false_alarms([1, 3], studies=100).set_index(["seeds", "sampled"])["alarm"]
    assert alarms[3, "both, Student's t"] < 0.1 < alarms[3, "both, bootstrap"] < alarms[3, "images alone"]
    assert alarms[1, "both, Student's t"] == alarms[1, "images alone"] > 0.3


def test_of_twenty_studies_of_twenty_claims_about_one_has_a_false_alarm():
    found = [(verdicts.many(20, draw=draw)["holm"] < 0.05).any() for draw in range(60)]
    assert np.mean(found) < 0.12


@SEEDS
def test_words_of_known_truths(seed):
    clear = dict(effect=0.2, seeds=5, draw=seed)
    assert verdicts.verdict(verdicts.rows(**clear))["verdict"] == "supported"
    assert verdicts.verdict(verdicts.rows(**clear | dict(effect=-0.2)))["verdict"] == "contradicted"
    assert verdicts.verdict(verdicts.rows(**clear | dict(seeds=1)))["verdict"] == "not tested"
    assert verdicts.verdict(verdicts.rows(**clear, level=0.2))["verdict"] == "nothing learned here"
    assert verdicts.verdict(verdicts.rows(**clear), share=0.4, settings=10)["verdict"] == "depends on settings"
    table = verdicts.tuned_alone([1, 16], seed=seed)
    assert table.iloc[1, 1] > 0.03 and abs(table.iloc[1, 2]) < 0.01 and abs(table.iloc[0, 1]) < 0.01


def test_holm_is_never_below_p():
    table = verdicts.many(6)
    assert (table["holm"] >= table["p"] - 1e-9).all()


# ---- a camera


@SEEDS
def test_the_guest_s_noise_is_found_and_recompression_takes_it_away(seed):
    light = camera.light(96, seed)
    image, mask = camera.spliced(light, "reflex", "phone-old", seed=seed)
    assert image.dtype == np.uint8 and mask.shape == (96, 96) and 0.05 < mask.mean() < 0.3
    assert camera.trace_auc(image, mask) > 0.6
    table = camera.sweep([camera.light(96, seed + n) for n in range(4)], "reflex", ["phone-old"], [0, 50])
    assert table["auc"][0] > table["auc"][1]


def test_steps_are_those_of_the_camera():
    light = camera.light(64)
    found = camera.steps(light, "reflex")
    assert found["one colour a pixel"].shape == (64, 64) and found["JPEG"].dtype == np.uint8
    assert not np.array_equal(found["developed"], found["JPEG"])


# ---- sentences of the studies' lessons


@SEEDS
def test_layernorm_forgets_the_size_that_tells_real_pictures(threads, seed):
    end = five_stages.scales(seeds=[seed], steps=60).query("step == 60").set_index("scale")["accuracy"]
    assert end["log"] > end["layernorm"] and end["none"] > 1 / 3


def test_turns_of_the_rotation():
    table = five_stages.turns("epoch", epochs=3, teacher_epochs=1)
    assert table.sum(1).tolist() == [1, 3, 3, 3, 3] and table.shape[1] == 13
    assert five_stages.turns("once", epochs=2, teacher_epochs=1).shape[1] == 9


@SEEDS
def test_as_printed_the_pivots_settle_on_the_wrong_sides(threads, seed):
    start, patches = circle.start(seed=seed)
    good, bad = (circle.descend(start, patches, sign=sign)[-1] for sign in (1, -1))
    tampered, authentic = slice(0, 8), slice(8, 16)
    near = {
        n: (np.cos(x[-2] - x[tampered]).mean(), np.cos(x[-2] - x[authentic]).mean())
        for n, x in (("good", good), ("bad", bad))
    }
    assert near["good"][0] > 0.9 > 0 > near["good"][1] and near["bad"][1] > near["bad"][0]
    assert np.cos(bad[-1] - bad[tampered]).mean() > np.cos(bad[-1] - bad[authentic]).mean()
    apart = {sign: circle.separation(circle.descend(start, patches, sign=sign), patches)[-1] for sign in (1, -1)}
    assert apart[1] > 1.9 and apart[-1] < 1.3


@SEEDS
def test_the_pivot_learns_its_sides(threads, seed):
    table = strip.learn_pivot(*strip.planted_features(seed=seed), seed=seed)
    last = table[table["step"] == table["step"].max()].set_index(["branch", "direction"])["cosine"]
    assert last["se+", "tampered"] > last["se+", "authentic"] and last["se-", "authentic"] > last["se-", "tampered"]
    assert last.max() < 0.95


@SEEDS
def test_the_intersection_is_better_between_a_tenth_and_two_fifths_and_wrong_beyond_a_half(threads, seed):
    sweep = cells.share_sweep([0.1, 0.25, 0.4, 0.7, 0.8], seed=seed)
    plain = sweep[sweep["rule"] == "minority"].pivot(index="share", columns="source", values="precision")
    below, beyond = plain[plain.index < 0.5], plain[plain.index > 0.5]
    assert (below["both"] > below[["from F", "from M"]].max(axis=1)).all() and (beyond["both"] < 0.1).all()
    low = sweep[(sweep["rule"] == "low") & (sweep["source"] == "both")].set_index("share")["called"]
    assert (low[[0.7, 0.8]] < 0.1).all()


@SEEDS
def test_max_hears_the_mistake_and_otsu_the_forgery(threads, seed):
    logits, truth, selected = pools.response(0.12, seed=seed)
    table = pools.gradient_table(pools.gradients(logits.sigmoid(), selected), truth).set_index("pooling")
    assert table.loc["max", "cells"] == 1 and table.loc["max", "on_tampered"] == 0
    assert (
        table.loc["otsu", "on_tampered"] > 0.8 > table.loc["gem", "on_tampered"] > table.loc["average", "on_tampered"]
    )


@SEEDS
def test_a_head_that_listens_to_itself_is_surer_and_no_righter(threads, seed):
    table = teacher.summary(teacher.many_starts(1.0, steps=80, seed=seed), [0, 80])
    first, last = table.iloc[0], table.iloc[1]
    assert last["right"] < first["right"] and last["sure"] > first["sure"] + 0.2
    assert last["loss"] < 0.5 * first["loss"] and last["chosen"] > first["chosen"] and last["collapsed"] >= 9


@SEEDS
def test_after_labels_the_head_with_the_weak_trace_loses_more(threads, seed):
    weak, strong = (
        teacher.summary(teacher.many_starts(trace, labels=30, seeds=[0], seed=seed), [0, 29, 80])
        for trace in (1.0, 2.0)
    )
    last, left = ([one["right"].iloc[step] for one in (weak, strong)] for step in (1, 2))
    assert last[0] < last[1] and last[0] - left[0] > last[1] - left[1] > 0
    assert weak["collapsed"].iloc[0] == strong["collapsed"].iloc[0] == 0  # the labels are the pseudo-labels there


@SEEDS
def test_the_planes_of_the_discrepancy_and_its_missing_terms(seed):
    end = plane.medians(plane.story(steps=80, seed=seed)[0])
    assert end.loc["real"].max() < 1 and end.loc["partly fake", "d2"] > 4 and end.loc["fully fake", "d1"] > 3
    free = plane.medians(plane.story(steps=80, seed=seed, without=["Eq. 1"])[0])
    assert free.loc["real", "d2"] > 4
    idle = plane.medians(plane.story(steps=80, seed=seed, without=["Eq. 2 and 4"])[0])
    assert idle.loc["partly fake", "d2"] < 4 and idle.loc["fully fake", "d1"] < 4


@pytest.mark.slow
def test_real_pictures_pay_for_the_adversary():
    table, _, _ = ring.sweep((0, 3), (0,), steps=80)
    real = table.set_index("adversary")["real, larger d"]
    assert real[0] < 0.05 and real[3] > real[0]
    assert table["unseen, mean"].min() > 0.8


# ---- films


@SEEDS
@pytest.mark.parametrize("spread, n", [(0.001, 14), (0.6, 20), (3.2, 12)])
def test_ends_of_paths_do_not_cover_one_another(seed, spread, n):
    angles = 3.1 + spread * (2 * np.random.default_rng(seed).random(n) - 1)  # around where an angle starts anew
    shown = [("C0", "o", 4, "w")] * (n // 2) + [("C1", "x", 4, "C1")] * (n - n // 2) + [("C0", "*", 11, "k")]
    figure, axis = films.plt.subplots(subplot_kw={"projection": "polar"})
    films.ends(axis, np.append(angles, 0.5), shown)
    found = [(*np.ravel(line.get_data()), line.get_marker()) for line in axis.lines]
    films.plt.close(figure)
    assert found[-1] == (0.5, 0.93, "*") and len(found) == n + 1
    at = np.sort([angle % (2 * np.pi) for angle, _, _ in found[:-1]])
    assert np.diff(at, append=at[0] + 2 * np.pi).min() > 0.09 - 1e-6
    assert {round(one, 9) for one, radius, _ in found if radius == 1} <= {round(one, 9) for one in angles}


def test_an_end_that_stands_alone_is_where_its_path_ends():
    figure, axis = films.plt.subplots(subplot_kw={"projection": "polar"})
    films.ends(axis, np.array([0.0, 1.0, -2.0]), [("C0", "o", 4, "w")] * 3)
    assert sorted(tuple(np.ravel(line.get_data())) for line in axis.lines) == [(-2, 1), (0, 1), (1, 1)]
    films.plt.close(figure)


# ---- constants, layers, chance, sixty seconds


def test_constants_are_read_from_signatures():
    table = constants.table([("threshold", sixty_seconds.maps_figure, "count", "ten")])
    assert table.iloc[0].tolist() == ["threshold", "count", "6", "ten"]


def test_defaults_of_a_run_are_those_of_its_notebook():
    table = constants.of_run("ncl/run", ["omega", "rates"]).set_index("parameter")
    assert table.loc["rates", "default"] == "[2, 4, 6]"
    assert table.loc["omega", "what it is"] == "weight of the contrast, Eq. 9"
    with pytest.raises(KeyError):
        constants.of_run("ncl/run", ["omegas"])


def test_layers_are_listed_as_an_image_passes_them():
    with torch.device("meta"):
        model = nn.Sequential(nn.Conv2d(3, 5, 3, stride=2), nn.ReLU(), nn.Conv2d(5, 1, 1))
    assert shapes.layers(model, (9, 7))["output"].tolist() == [(1, 5, 4, 3), (1, 1, 4, 3)]
    assert shapes.layers(model, (9, 7), ["2"])["layer"].tolist() == ["2"]


def test_chance_is_what_guesses_do():
    rng = np.random.default_rng(0)
    truth = np.arange(64) < 24
    found = [metrics.auc(rng.random(64), truth) for _ in range(2000)]
    assert chance.of_auc(24, 40) == pytest.approx(2 * np.std(found), rel=0.06)
    assert chance.of_share(1 / 3, 150) == pytest.approx(2 * np.std(rng.binomial(150, 1 / 3, 5000) / 150), rel=0.06)


def test_a_result_says_what_it_does_not_know():
    mask = torch.zeros(6, 1, 16, 16, dtype=torch.uint8)
    for number in range(6):
        mask[number, 0, number : number + 6, 2 * number : 2 * number + 4] = 1
    maps = {"a": np.random.default_rng(0).random((6, 16, 16)), "b": mask[:, 0].numpy().astype(float)}
    table = sixty_seconds.pd.concat([sixty_seconds.rows(name, list(prob), mask, 0) for name, prob in maps.items()])
    said = sixty_seconds.result(table, "a", "b", "auc_shuffled")
    assert "beyond what other images would change" in said and "1 training a side" in said
    assert set(sixty_seconds.blind(mask, 0)["method"]) == {"all-ones map", "centre blob"}
    assert len(sixty_seconds.maps_figure(torch.rand(6, 3, 16, 16), mask, {"a": torch.rand(6, 16, 16)}).axes) == 12


@pytest.mark.slow
@pytest.mark.parametrize("name, options", [
    ("lessons/1_numbers_that_lie", {}), ("lessons/2_how_a_verdict_comes_about", dict(images=20, seeds=3)),
    ("lessons/3_a_camera_in_a_page", {}),
    ("ncl/5_sixty_seconds", dict(steps=4, count=60)), ("inr/6_sixty_seconds", dict(steps=3, count=60)),
    ("bridge/7_sixty_seconds", dict(teacher_steps=4, rounds=2, count=30)),
])  # fmt: skip
def test_a_notebook_runs(figures_of, name, options):
    assert list(figures_of(name, **options).glob("*.png"))
