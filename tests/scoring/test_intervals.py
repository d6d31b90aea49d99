"""Intervals against loops, closed forms, scipy's tests and known coverage."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from imdlib.scoring import intervals, metrics


def rows(values, seed=0, **columns):
    """Score rows of one run: image number, seed and `f1`."""
    return pd.DataFrame({"image": [f"{i}.png" for i in range(len(values))], "seed": seed, "f1": values, **columns})


def counted(n=60, seed=0):
    """Rows with pixel counts, image labels and the odd authentic image."""
    rng = np.random.default_rng(seed)
    masks = rng.random((n, 8, 8)) < rng.random((n, 1, 1)) * 0.6
    masks[::5] = False
    prob = 0.7 * rng.random((n, 8, 8)) + 0.3 * masks
    table = pd.concat([rows(np.zeros(n), seed).drop(columns="f1"), metrics.per_image(prob, masks)], axis=1)
    return table.assign(label=masks.any(axis=(1, 2)).astype(int), score=rng.random(n))


# ---- summarise


def test_empty_and_single():
    nothing = intervals.summarise(rows([]), ["f1"]).iloc[0]
    assert np.isnan(nothing.value) and nothing.n == 0 and np.isnan(nothing.low)
    assert len(intervals.summarise(rows([]), ["f1"], by=["seed"])) == 0
    single = intervals.summarise(rows([0.3]), ["f1"]).iloc[0]
    assert single.value == 0.3 and single.n == 1 and np.isnan(single.low) and np.isnan(single.high)


def test_undefined_is_counted_and_left_out():
    found = intervals.summarise(rows([0.2, np.nan, 0.6, np.nan]), ["f1"]).iloc[0]
    assert found.value == pytest.approx(0.4) and (found.n, found.n_undefined) == (2, 2)
    nowhere = intervals.summarise(rows([np.nan, np.nan]), ["f1"]).iloc[0]
    assert np.isnan(nowhere.value) and np.isnan(nowhere.low) and (nowhere.n, nowhere.n_undefined) == (0, 2)


def test_pooled_ratios_are_those_of_the_sums():
    table = counted()
    found = intervals.summarise(table, ["pooled_f1", "pooled_iou", "image_f1", "image_acc", "f1"]).set_index("metric")
    tp, fp, fn = table[["tp", "fp", "fn"]].sum()
    image = metrics.image_level(table["label"], table["score"])
    expected = {
        "pooled_f1": 2 * tp / (2 * tp + fp + fn),
        "pooled_iou": tp / (tp + fp + fn),
        "image_f1": image["f1"],
        "image_acc": image["acc"],
        "f1": table["f1"].mean(),
    }
    for name, value in expected.items():
        assert found.value[name] == pytest.approx(value, abs=1e-12)
        assert found.low[name] < value < found.high[name]
    assert found.n.to_dict() == {name: 48 if name == "f1" else 60 for name in expected}


def test_pooled_f1_without_a_tampered_pixel_is_undefined():
    authentic = counted().query("label == 0")
    assert authentic["fp"].sum() > 0
    found = intervals.summarise(authentic, ["pooled_f1", "pooled_iou", "image_f1"])
    assert found["value"].isna().all() and (found["n_undefined"] == len(authentic)).all()


def test_interval_equals_a_loop_over_resamples():
    """Same distribution of resampled means as a plain bootstrap, which draws rows one by one."""
    values = np.random.default_rng(0).random(50) ** 3
    found = intervals.summarise(rows(values), ["f1"], resamples=20000).iloc[0]
    rng = np.random.default_rng(1)
    means = [np.mean(rng.choice(values, 50)) for _ in range(20000)]
    assert found.low == pytest.approx(np.quantile(means, 0.025), abs=3e-3)
    assert found.high == pytest.approx(np.quantile(means, 0.975), abs=3e-3)


def test_covers_the_true_mean_as_often_as_it_says():
    rng = np.random.default_rng(0)
    runs = [rows(rng.normal(0.5, 0.1, 40)).assign(run=i) for i in range(400)]
    found = intervals.summarise(pd.concat(runs), ["f1"], by=["run"], resamples=500)
    covered = ((found["low"] < 0.5) & (found["high"] > 0.5)).mean()
    assert 0.90 < covered < 0.98


def test_same_seed_same_interval():
    table = counted()
    first, again = (intervals.summarise(table, ["f1", "pooled_f1"]) for _ in range(2))
    assert first.equals(again)
    assert not first.equals(intervals.summarise(table, ["f1", "pooled_f1"], seed=1))
    shuffled = intervals.summarise(table.sample(frac=1, random_state=0), ["f1"], resamples=20000).iloc[0]
    assert shuffled.low == pytest.approx(first.low[0], abs=0.01)


def test_blocks_of_resamples_give_what_one_block_gives(monkeypatch):
    sums = np.random.default_rng(0).random((30, 4))
    whole = intervals._resampled(sums, 100, 0)
    assert whole.shape == (100, 4)
    counts = intervals.drawn(30, 100, np.random.default_rng(0))
    assert (counts.sum(axis=1) == 30).all()
    np.testing.assert_allclose(whole, counts @ sums)
    monkeypatch.setattr(intervals, "BLOCK", 210)
    np.testing.assert_allclose(intervals._resampled(sums, 100, 0), whole)


def test_seeds_of_one_image_are_drawn_together():
    """Scores repeated under three seeds are no new information: the interval stays. As new images it narrows."""
    values = np.random.default_rng(0).random(100)
    width = {}
    once = rows(values)
    thrice = pd.concat([rows(values, seed) for seed in range(3)])
    as_new = pd.concat([rows(values).assign(image=lambda t, k=k: t["image"] + str(k)) for k in range(3)])
    for name, table in {"once": once, "thrice": thrice, "as_new": as_new}.items():
        found = intervals.summarise(table, ["f1"], resamples=4000).iloc[0]
        width[name] = found.high - found.low
        assert found.value == pytest.approx(values.mean())
    assert width["thrice"] == pytest.approx(width["once"], rel=1e-9)
    assert width["once"] / width["as_new"] == pytest.approx(np.sqrt(3), rel=0.1)


def test_spread_of_seeds_is_part_of_the_interval():
    values = np.random.default_rng(0).normal(0.5, 0.1, 200)
    apart = [rows(values + shift, seed) for seed, shift in enumerate((-0.1, 0.1, -0.1, 0.1))]
    one, four = (intervals.summarise(pd.concat(apart[:k]), ["f1"], resamples=20000).iloc[0] for k in (1, 4))
    assert (four.n, four.seeds, one.seeds) == (200, 4, 1)
    of_images, of_seeds = (one.high - one.low) / 3.92, 0.1 / np.sqrt(4)
    expected = 3.92 * np.hypot(
        of_images, of_seeds
    )  # of four draws of two values, so that quantiles are those of few values
    assert four.high - four.low == pytest.approx(expected, rel=0.2) and four.high - four.low > 5 * (one.high - one.low)


def test_images_and_seeds_are_drawn_as_a_loop_draws_them():
    rng = np.random.default_rng(3)
    values = rng.random((40, 1)) + rng.normal(0, 0.1, (1, 3)) + rng.normal(0, 0.1, (40, 3))
    found = intervals.summarise(pd.concat([rows(values[:, k], k) for k in range(3)]), ["f1"], resamples=20000).iloc[0]
    means = [values[rng.integers(40, size=40)][:, rng.integers(3, size=3)].mean() for _ in range(20000)]
    low, high = np.quantile(means, [0.025, 0.975])
    assert (found.low, found.high) == pytest.approx((low, high), abs=0.03 * (high - low))
    assert found.value == pytest.approx(values.mean())


def test_a_mean_over_seeds_leaves_out_those_that_were_not_drawn():
    values, weights = np.array([[1.0, np.nan], [2.0, 4.0], [np.nan, np.nan]]), np.array([[3, 0], [1, 3], [0, 0]])
    np.testing.assert_allclose(intervals.weighted_mean(values, weights), [1, 3.5, np.nan])


def test_groups_keep_their_order_and_names():
    table = pd.concat([rows([0.1, 0.2], method=m, dataset=d) for m in ("z", "a") for d in ("y", None)])
    found = intervals.summarise(table, ["f1"], by=["method", "dataset"])
    assert found["method"].tolist() == ["z", "z", "a", "a"] and (found["n"] == 2).all()
    assert list(found) == ["method", "dataset", "metric", "value", "low", "high", "n", "n_undefined", "seeds"]


def test_images_of_two_sets_may_share_a_name():
    table = pd.concat([rows([0.1, 0.2], dataset=d) for d in ("a", "b")])
    assert intervals.summarise(table, ["f1"]).n[0] == 4


@pytest.mark.parametrize(
    "table, names, message",
    [
        (rows([0.1]), ["iou"], r"iou.*lack.*'iou'"),
        (rows([0.1]), ["pooled_f1"], r"'tp', 'fp', 'fn'"),
        (rows([0.1]).drop(columns="seed"), ["f1"], "seed"),
        (pd.concat([rows([0.1], method="a"), rows([0.1], method="b")]), ["f1"], "repeat.*0.png.*methods"),
    ],
)
def test_refuses_rows_that_cannot_be_read(table, names, message):
    with pytest.raises(ValueError, match=message):
        intervals.summarise(table, names)


# ---- paired effect


def study(effect, images=80, seeds=(0, 1, 2), seed_noise=0.0, noise=0.02, generator=0):
    """Two methods on the same images: a shared difficulty per image, an effect, and noise of runs and of cells."""
    rng = np.random.default_rng(generator)
    hard = rng.normal(0.5, 0.2, images)
    sides = []
    for shift in (0, effect):
        runs = [hard + shift + rng.normal(0, seed_noise) + rng.normal(0, noise, images) for _ in seeds]
        sides.append(pd.concat([rows(run, seed) for run, seed in zip(runs, seeds)]))
    return sides


def test_effect_is_the_difference_of_means_and_pairs_images():
    a, b = study(0.03)
    found = intervals.paired_effect(a, b, "f1")
    assert found["effect"] == pytest.approx(b["f1"].mean() - a["f1"].mean(), abs=1e-12)
    assert set(found) == {"effect", "low", "high", "p", "n", "seeds", "a", "b"}
    assert (found["n"], found["seeds"]) == (80, 3) and found["b"] - found["a"] == pytest.approx(found["effect"])
    assert 0 < found["low"] < found["effect"] < found["high"]
    alone = [intervals.summarise(side, ["f1"]).iloc[0] for side in (a, b)]
    assert found["high"] - found["low"] < 0.2 * (alone[0].high - alone[0].low)
    back = intervals.paired_effect(b, a, "f1")
    assert back["effect"] == pytest.approx(-found["effect"])
    assert intervals.paired_effect(a, b.sample(frac=1, random_state=0), "f1") == found


def test_no_difference_is_exactly_zero():
    a, _ = study(0)
    found = intervals.paired_effect(a, a, "f1")
    assert (found["effect"], found["low"], found["high"]) == (0, 0, 0)


def test_a_difference_of_rounding_alone_is_none():
    a, b = (pd.concat([rows(np.full(7, one), seed) for seed in range(3)]) for one in (0.1 + 0.2, 0.3))
    found = intervals.paired_effect(a, b, "f1")
    assert a["f1"].iloc[0] != b["f1"].iloc[0]
    assert (found["effect"], found["low"], found["high"], found["p"]) == (0, 0, 0, 1)


def test_noise_of_seeds_widens_the_interval():
    steady, shaky = (intervals.paired_effect(*study(0.02, seed_noise=s), "f1") for s in (0, 0.1))
    assert shaky["high"] - shaky["low"] > 3 * (steady["high"] - steady["low"])
    a, b = study(0.02, seed_noise=0.1)
    single = intervals.paired_effect(a.query("seed == 0"), b.query("seed == 0"), "f1")
    assert single["seeds"] == 1 and single["high"] - single["low"] < 0.5 * (shaky["high"] - shaky["low"])


@pytest.mark.parametrize("seeds, seed_noise", [(1, 0.0), (3, 0.0), (3, 0.05), (5, 0.05)])
def test_false_alarms_are_as_rare_as_promised(seeds, seed_noise):
    alarms, given = 0, dict(images=40, seeds=range(seeds), noise=0.1, seed_noise=seed_noise)
    for generator in range(400):
        found = intervals.paired_effect(*study(0, generator=generator, **given), "f1")
        outside = not found["low"] < 0 < found["high"]
        assert outside == (found["p"] < 0.05)
        alarms += outside
    assert 0.02 < alarms / 400 < 0.08


def wide(side):
    return side.pivot(index="image", columns="seed", values="f1").to_numpy()


def test_the_test_is_that_of_dorfman_berbaum_and_metz_with_hillis_degrees_of_freedom():
    a, b = study(0.03, images=30, seeds=range(4), seed_noise=0.02, noise=0.05)
    values = np.stack([wide(a), wide(b)])  # (treatment, case, reader)
    treatments, cases, readers = values.shape
    grand, found = values.mean(), dict(tr=0.0, tc=0.0, trc=0.0)
    t, c, r = values.mean((1, 2)), values.mean((0, 2)), values.mean((0, 1))
    for i in range(treatments):
        for k in range(readers):
            found["tr"] += cases * (values[i, :, k].mean() - t[i] - r[k] + grand) ** 2
        for j in range(cases):
            found["tc"] += readers * (values[i, j].mean() - t[i] - c[j] + grand) ** 2
            for k in range(readers):
                both = values[i, j].mean() + values[i, :, k].mean() + values[:, j, k].mean()
                found["trc"] += (values[i, j, k] - both + t[i] + c[j] + r[k] - grand) ** 2
    ms_tr, ms_tc = found["tr"] / (readers - 1), found["tc"] / (cases - 1)
    ms_trc = found["trc"] / ((readers - 1) * (cases - 1))
    ms_t = cases * readers * ((t - grand) ** 2).sum()
    beyond = max(ms_tc - ms_trc, 0)
    error, df = intervals.standard_error([values[1] - values[0]])
    assert (values[1] - values[0]).mean() ** 2 / error**2 == pytest.approx(ms_t / (ms_tr + beyond))
    hillis = (ms_tr + beyond) ** 2 / (
        ms_tr**2 / (readers - 1) + beyond**2 / (cases - 1)
    )  # the images' share counted, too
    assert df == pytest.approx(hillis)
    p = intervals.paired_effect(a, b, "f1")["p"]
    assert p == pytest.approx(stats.f.sf(ms_t / (ms_tr + beyond), 1, df))


def test_with_one_kind_of_sample_it_is_the_usual_t_test():
    a, b = study(0.03, images=30, seeds=(0,), noise=0.1)
    found, usual = intervals.paired_effect(a, b, "f1"), stats.ttest_rel(b["f1"].to_numpy(), a["f1"].to_numpy())
    ends = usual.confidence_interval(0.95)
    assert (found["p"], found["low"], found["high"]) == pytest.approx((usual.pvalue, ends.low, ends.high))
    luck = np.array([0.03, -0.01, 0.05, 0.02])  # of seeds, on all images alike
    a, b = (pd.concat([rows(np.full(20, 0.5 + side * one), k) for k, one in enumerate(luck)]) for side in (0, 1))
    found, usual = intervals.paired_effect(a, b, "f1"), stats.ttest_1samp(luck, 0)
    ends = usual.confidence_interval(0.95)
    assert (found["p"], found["low"], found["high"]) == pytest.approx((usual.pvalue, ends.low, ends.high))


def test_seeds_that_are_not_the_same_on_both_sides_are_welchs():
    one, other = np.array([0.01, -0.02, 0.03]), np.array([0.05, 0.02, 0.09, 0.01])
    a = pd.concat([rows(np.full(20, 0.5 + luck), k) for k, luck in enumerate(one)])
    b = pd.concat([rows(np.full(20, 0.5 + luck), 10 + k) for k, luck in enumerate(other)])
    found, usual = intervals.paired_effect(a, b, "f1"), stats.ttest_ind(other, one, equal_var=False)
    assert found["p"] == pytest.approx(usual.pvalue) and found["seeds"] == 4


def test_a_pooled_ratio_spreads_as_its_bootstrap_does():
    a, b = counted(seed=0), counted(seed=1).assign(seed=0)
    found = intervals.paired_effect(a, b, "pooled_f1")
    rng, draws = np.random.default_rng(0), []
    sums = [side.sort_values("image")[["tp", "fp", "fn"]].to_numpy(float) for side in (a, b)]
    for _ in range(4000):
        picked = rng.integers(60, size=60)
        tp_fp_fn = [side[picked].sum(0) for side in sums]
        low, high = (2 * tp / (2 * tp + fp + fn) for tp, fp, fn in tp_fp_fn)
        draws.append(high - low)
    width = np.subtract(*np.quantile(draws, [0.975, 0.025]))
    assert found["high"] - found["low"] == pytest.approx(width, rel=0.12)


def test_one_side_without_seeds_of_its_own():
    a, b = study(0.05)
    found = intervals.paired_effect(a.query("seed == 0"), b, "f1")
    assert found["seeds"] == 3 and found["effect"] == pytest.approx(b["f1"].mean() - a.query("seed == 0")["f1"].mean())


def test_pooled_effect_and_undefined_images():
    a, b = counted(seed=0), counted(seed=1).assign(seed=0)
    found = intervals.paired_effect(a, b, "pooled_f1")
    values = [intervals.summarise(side, ["pooled_f1"]).value[0] for side in (a, b)]
    assert found["effect"] == pytest.approx(values[1] - values[0], abs=1e-12) and found["n"] == 60
    both = a["f1"].notna() & b["f1"].notna()
    found = intervals.paired_effect(a, b, "f1")
    assert found["n"] == both.sum()
    assert found["effect"] == pytest.approx(b["f1"][both].mean() - a["f1"][both].mean(), abs=1e-12)


def test_undefined_images_may_be_absent_on_one_side():
    a, b = counted(seed=0), counted(seed=0)
    assert intervals.paired_effect(a[a["label"] == 1], b, "f1")["n"] == 48


def test_nothing_defined_anywhere():
    found = intervals.paired_effect(rows([np.nan, np.nan]), rows([np.nan, np.nan]), "f1")
    assert np.isnan(found["effect"]) and np.isnan(found["low"]) and found["n"] == 0


def test_refuses_pairs_that_do_not_match():
    a, b = study(0)
    with pytest.raises(ValueError, match="79.png"):
        intervals.paired_effect(a, b[b["image"] != "79.png"], "f1")
    with pytest.raises(ValueError, match="side b.*every seed.*79"):
        intervals.paired_effect(a, b[(b["image"] != "79.png") | (b["seed"] > 0)], "f1")
    with pytest.raises(ValueError, match="side a.*repeat"):
        intervals.paired_effect(pd.concat([a, a]), b, "f1")
    with pytest.raises(ValueError, match="lack.*'auc'"):
        intervals.paired_effect(a, b, "auc")
