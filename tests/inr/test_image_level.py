"""Image-level rows: values of metrics, resamples against a loop, sklearn and the intervals' own, undefined as NaN."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import f1_score, recall_score, roc_auc_score

from imdlib.inr import image_level as exhibits
from imdlib.inr.image_level import NAMES, always_tampered, image_rows
from imdlib.pages import tables
from imdlib.scoring import intervals, metrics


def rows(label, score, *, seed=0, f1=0.4, **columns):
    """Score rows of one run; f1 of tampered images alone."""
    label = np.asarray(label)
    table = pd.DataFrame({"image": [f"{i}.png" for i in range(len(label))], "label": label, "score": score})
    return table.assign(
        method="m", train_set="t", dataset="d", seed=seed, f1=np.where(label == 1, f1, np.nan), **columns
    )


def scored(n=40, seeds=3, decimals=1):
    """Rows of several seeds on the same images, scores of few values, so that many are level; in any order."""
    rng = np.random.default_rng(1)
    label = (rng.random(n) < 0.6).astype(int)
    runs = [(0.25 * label + 0.75 * rng.random(n)).round(decimals) for _ in range(seeds)]
    table = pd.concat([rows(label, score, seed=s, f1=rng.random(n)) for s, score in enumerate(runs)])
    return table.sample(frac=1, random_state=0, ignore_index=True)


def values(table, column="value"):
    """Column of an image-level table by metric."""
    return table.set_index("metric")[column]


# ---- empty, one class


def test_nothing_and_one_image():
    assert image_rows(rows([], [])).columns.tolist() == tables.COLUMNS
    one = image_rows(rows([1], [0.7]))
    assert len(one) == len(NAMES) and values(one)["image F1"] == 1 and one[["low", "high"]].isna().all(axis=None)


def test_without_authentic_images():
    table = image_rows(rows([1, 1, 1, 1], [0.2, 0.6, 0.7, 0.8]))
    value = values(table)
    assert value["image F1"] == pytest.approx(6 / 7) and value["sensitivity"] == value["image accuracy"] == 0.75
    undefined = ["image AUC", "image F1 (sen, spe)", "specificity", "combined F1 (sen, spe)"]
    assert set(value.index[value.isna()]) == set(undefined)
    gone = table[table["metric"].isin(undefined)]
    assert gone[["low", "high"]].isna().all(axis=None) and (gone["n"] == 0).all()
    assert (gone["note"] == "undefined: no authentic images").all()


def test_without_tampered_images():
    value = values(image_rows(rows([0, 0, 0], [0.2, 0.3, 0.8])))
    assert value["specificity"] == pytest.approx(2 / 3) and value["image accuracy"] == pytest.approx(2 / 3)
    assert set(value.index[value.notna()]) == {"specificity", "image accuracy"}


def test_without_masks():
    table = image_rows(rows([1, 0, 1], [0.7, 0.2, 0.1], f1=np.nan))
    undefined = table[table["value"].isna()]
    assert set(undefined["metric"]) == {"combined F1", "combined F1 (sen, spe)"}
    assert (undefined["note"] == "undefined: no pixel F1").all()


# ---- values


def test_values_are_those_of_metrics():
    table = scored()
    value, image = values(image_rows(table, resamples=10)), metrics.image_level(table["label"], table["score"])
    for name in ("acc", "f1", "f1_hmean", "sen", "spe"):
        assert value[NAMES[name]] == image[name]
    pixel = table["f1"].mean()
    assert value["combined F1"] == metrics.combined_f1(pixel, image["f1"])
    assert value["combined F1 (sen, spe)"] == metrics.combined_f1(pixel, image["f1_hmean"])
    each = [metrics.image_level(one["label"], one["score"])["auc"] for _, one in table.groupby("seed")]
    assert value["image AUC"] == pytest.approx(np.mean(each))
    single = table[table["seed"] == 1]
    assert values(image_rows(single, resamples=10))["image AUC"] == each[1]


def test_against_sklearn():
    table = scored(seeds=1)
    value, label, called = values(image_rows(table, resamples=10)), table["label"], table["score"] > 0.5
    assert value["image AUC"] == pytest.approx(roc_auc_score(label, table["score"]))
    assert value["image F1"] == pytest.approx(f1_score(label, called))
    assert value["specificity"] == pytest.approx(recall_score(label, called, pos_label=0))


def test_a_seed_on_another_scale_does_not_touch_the_auc():
    label = [0, 0, 1, 1]
    both = pd.concat([rows(label, [0.1, 0.2, 0.3, 0.4]), rows(label, [0.6, 0.7, 0.8, 0.9], seed=1)])
    assert values(image_rows(both))["image AUC"] == 1
    assert metrics.auc(both["score"], both["label"] == 1) == 0.75  # of all rows together


# ---- resamples


def test_drawn_once_each_is_the_value():
    table = scored()
    image, names = pd.factorize(table["image"])
    once = np.ones((1, len(names))), np.ones((1, table["seed"].nunique()))
    found, point = exhibits.drawn_metrics(table, image, *once), exhibits.point(table)
    assert {name: draw[0] for name, draw in found.items()} == pytest.approx(point, abs=1e-12)


def test_resamples_against_a_loop():
    table = scored(n=12)
    image, names = pd.factorize(table["image"])
    times = intervals.drawn(len(names), 30, np.random.default_rng(0))
    times[0], times[1] = 0, 0
    label = table.drop_duplicates("image")["label"].to_numpy()
    times[[0, 1], [label.argmax(), label.argmin()]] = 12  # one class alone
    seeds = table["seed"].unique()
    turns = intervals.drawn(len(seeds), 30, np.random.default_rng(1))
    assert (turns == 0).any() and (turns > 1).any()
    found = exhibits.drawn_metrics(table, image, times, turns)
    for r, row in enumerate(times):
        copies = pd.concat([table[image == i] for i, count in enumerate(row) for _ in range(int(count))])
        several = [(one, k) for one, count in zip(seeds, turns[r]) for k in range(int(count))]
        copies = pd.concat([copies[copies["seed"] == one].assign(seed=f"{one} {k}") for one, k in several])
        expected = exhibits.point(copies)
        assert {name: draw[r] for name, draw in found.items()} == pytest.approx(expected, abs=1e-12, nan_ok=True)


def test_harmonic_means_are_those_of_metrics():
    pairs = np.array([(0, 0), (0, 0.4), (0.2, 0.6), (np.nan, 0), (0.3, np.nan)])
    expected = [metrics.harmonic_mean(*pair) for pair in pairs]
    np.testing.assert_allclose(exhibits.harmonic_means(*pairs.T), expected)


def test_intervals_are_those_of_the_shared_room():
    table = scored()
    found = image_rows(table, resamples=500, seed=3).set_index("metric")
    shared = intervals.summarise(table, ["image_f1", "image_acc"], resamples=500, seed=3).set_index("metric")
    for ours, theirs in (("image F1", "image_f1"), ("image accuracy", "image_acc")):
        for column in ("value", "low", "high", "n", "seeds"):
            assert found.loc[ours, column] == pytest.approx(shared.loc[theirs, column])
    assert (found["low"] < found["value"]).all() and (found["value"] < found["high"]).all()
    tampered = table[table["seed"] == 0]["label"].sum()
    assert found.loc["sensitivity", "n"] == tampered and found.loc["specificity", "n"] == 40 - tampered


def test_blocks_of_draws_change_nothing(monkeypatch):
    table, drawn, sizes = scored(n=10), intervals.drawn, []
    whole = exhibits.resampled(table, 50, 0)
    monkeypatch.setattr(intervals, "BLOCK", 70)
    monkeypatch.setattr(intervals, "drawn", lambda n, size, rng: sizes.append(size) or drawn(n, size, rng))
    parts = exhibits.resampled(table, 50, 0)
    assert sizes == [50] + [7] * 7 + [1]  # of seeds, then of images
    for name in NAMES:
        np.testing.assert_allclose(
            whole[name], parts[name], rtol=1e-13
        )  # a product of other shapes may round otherwise


# ---- rows


def test_always_tampered_has_its_closed_form():
    table = scored(n=30, seeds=2)
    found = always_tampered(table)
    assert len(found) == 30 and not found.duplicated(["dataset", "image"]).any()
    share = found["label"].mean()
    value = values(image_rows(found))
    assert value["image F1"] == pytest.approx(2 * share / (1 + share)) and value["image accuracy"] == share
    assert value["image AUC"] == 0.5 and value["sensitivity"] == 1 and value["specificity"] == 0
    assert value["image F1 (sen, spe)"] == 0 and np.isnan(value["combined F1"])


def test_groups_stand_apart_and_repeats_are_refused():
    table = scored(n=10, seeds=1)
    both = pd.concat([table, table.assign(dataset="e", score=1.0), table.assign(method="k")])
    found = image_rows(both, resamples=20)
    assert found.groupby(["method", "test_set"], sort=False).size().to_dict() == {
        ("m", "d"): 8, ("m", "e"): 8, ("k", "d"): 8
    }  # fmt: skip
    pd.testing.assert_frame_equal(found[found["method"] == "m"].head(8), image_rows(table, resamples=20))
    with pytest.raises(ValueError, match="one row per image and seed"):
        image_rows(pd.concat([table, table]))
    with pytest.raises(ValueError, match=r"lack the columns \['label'\]"):
        image_rows(table.drop(columns="label"))


def test_published_values_stand_beside():
    paper = pd.DataFrame(
        [("m", "t", "d", "image F1", 0.7, "said so")],
        columns=["method", "train_set", "test_set", "metric", "value", "note"],
    )
    found = image_rows(scored(), published=paper, resamples=10).set_index("metric")
    assert found.loc["image F1", "published"] == 0.7 and found.loc["image F1", "note"] == "said so"
    assert found["published"].count() == 1
