"""Tables of labels: values against sklearn, draws against copies, sets drawn together, drops, and what is undefined."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import balanced_accuracy_score, f1_score, recall_score, roc_auc_score

from imdlib.bridge.labels import CLASSES
from imdlib.bridge.measures import detection, draws
from imdlib.bridge.measures.detection import SEEN, UNSEEN
from imdlib.pages import tables
from imdlib.scoring import intervals

HOME, AWAY, FAR = "sim-dolos-nearest", "sim-dolos-haar", "sim-dolos-shuffle"
NAMED = np.array(CLASSES)


def rows(dataset=HOME, *, n=40, seed=0, noise=0.6, classes=3, **columns):
    """Score rows of one run, two real images, a partly and a fully fake one in turns, right up to some noise."""
    rng = np.random.default_rng([seed, len(dataset)])
    truth = np.array([0, 1, 0, 2])[np.arange(n) % 4] % classes
    p = np.eye(3)[truth] * (1 - noise) + noise * rng.dirichlet(np.ones(3), n).round(1)
    table = pd.DataFrame(dict(image=[f"{i}.jpg" for i in range(n)], score=1 - p[:, 0], p_partly=p[:, 1]))
    named = {"class": NAMED[truth], "predicted": NAMED[p.argmax(1)], "seen": dataset == HOME}
    return table.assign(method="Ours", train_set=HOME, dataset=dataset, seed=seed, **(named | columns))


def several(datasets=(HOME,), seeds=(0, 1)):
    """Rows of several seeds and sets in any order."""
    table = pd.concat([rows(dataset, seed=seed) for dataset in datasets for seed in seeds])
    return table.sample(frac=1, random_state=0, ignore_index=True)


def once(table):
    """Values on the rows as they are, {(group, name): float}."""
    return {key: value[0] for key, value in detection.measure(table, np.ones((1, len(table)))).items()}


def test_values_are_those_of_sklearn():
    table = rows()
    found, truth, fake = once(table), table["class"], table["class"] != "real"
    called = table["score"] > 0.5
    assert found["both", "f1"] == pytest.approx(f1_score(fake, called))
    assert found["both", "auc"] == pytest.approx(roc_auc_score(fake, table["score"]))
    assert found["both", "accuracy"] == pytest.approx(balanced_accuracy_score(fake, called))
    assert found["both", "macro_f1"] == pytest.approx(f1_score(truth, table["predicted"], average="macro"))
    assert found["both", "mean_recall"] == pytest.approx(balanced_accuracy_score(truth, table["predicted"]))
    recall = recall_score(truth, table["predicted"], labels=CLASSES, average=None)
    assert [found["both", name] for name in CLASSES] == pytest.approx(recall.tolist())


def test_a_group_is_real_images_and_one_kind_of_fakes():
    table = rows()
    for group, n in (("partly fake", 30), ("fully fake", 30), ("both", 40)):
        some = table[table["class"].isin(["real", group])] if group != "both" else table
        fake, found = some["class"] != "real", once(table)
        assert found[group, "f1"] == pytest.approx(f1_score(fake, some["score"] > 0.5))
        assert found[group, "auc"] == pytest.approx(roc_auc_score(fake, some["score"]))
        assert found[group, "n"] == n


def test_seeds_pool_counts_and_average_aucs():
    table = several()
    found, fake = once(table), table["class"] != "real"
    assert found["both", "f1"] == pytest.approx(f1_score(fake, table["score"] > 0.5))
    each = [roc_auc_score(one["class"] != "real", one["score"]) for _, one in table.groupby("seed")]
    assert found["both", "auc"] == pytest.approx(np.mean(each))


def test_draws_are_those_of_copied_rows():
    table = several()
    number, names = pd.factorize(table["image"])
    times = intervals.drawn(len(names), 12, np.random.default_rng(0))
    times[0] = 0
    times[0, number[table["class"] == "real"]] = 1  # one class alone
    found = detection.measure(table, times[:, number])
    for r, row in enumerate(times):
        copies = table.loc[np.repeat(np.arange(len(table)), row[number].astype(int))]
        expected = once(copies)
        for key, value in found.items():
            if key[1] in ("macro_f1", "mean_recall") and copies["class"].nunique() < 3:
                assert np.isnan(value[r])  # the mean is over the classes that the set has
            else:
                assert value[r] == pytest.approx(expected[key], abs=1e-12, nan_ok=True), key


def test_no_third_class_and_no_partly_fake_images():
    binary = once(rows(p_partly=np.nan))
    assert np.isnan([binary["both", name] for name in detection.THREE.values()]).all()
    assert binary["both", "f1"] == once(rows())["both", "f1"]
    table = rows(classes=2)
    table["class"] = table["class"].replace("partly fake", "fully fake")  # as in a set without partly fake images
    found = once(table)
    assert found["partly fake", "n"] == 0 and np.isnan(found["partly fake", "f1"])
    assert np.isnan(found["both", "partly fake"]) and found["both", "mean_recall"] == pytest.approx(
        np.mean([found["both", "real"], found["both", "fully fake"]])
    )


def test_always_fake_has_its_closed_form():
    found = once(rows(score=1.0))
    assert found["both", "f1"] == pytest.approx(2 / 3) and found["partly fake", "f1"] == pytest.approx(0.5)
    assert found["both", "accuracy"] == 0.5 and found["both", "auc"] == 0.5


def test_the_value_of_an_image_spreads_over_resamples_as_the_mean_recall_does():
    rng = np.random.default_rng(0)
    truth = rng.choice(CLASSES, 400, p=[0.5, 0.3, 0.2])
    called = np.where(rng.random(400) < 0.7, truth, rng.choice(CLASSES, 400))
    table = pd.DataFrame({"class": truth, "predicted": called, "run": "a", "dataset": "d", "p_partly": 0.0})
    value, times = detection.balanced(table)["recall"].to_numpy(), intervals.drawn(400, 2000, rng)
    right = times * (truth == called)
    exact = np.mean([right[:, truth == one].sum(1) / times[:, truth == one].sum(1) for one in CLASSES], axis=0)
    assert value.mean() == pytest.approx(balanced_accuracy_score(truth, called))
    assert (times @ value / 400).std() == pytest.approx(exact.std(), rel=0.03)


# ---- tables over several sets


def test_intervals_of_one_set_are_those_of_the_shared_room():
    table = several().assign(label=lambda t: (t["class"] != "real").astype(int))
    scopes = {"all": ("both", {HOME: 1})}
    found = draws.table(table, detection.measure, scopes, {"F1": "f1"}, resamples=500, seed=3).iloc[0]
    shared = intervals.summarise(table, ["image_f1"], resamples=500, seed=3).iloc[0]
    for name in ("value", "low", "high", "n", "seeds"):
        assert found[name] == pytest.approx(shared[name]), name


def test_means_and_drops_are_of_the_same_draws():
    table = several((HOME, AWAY, FAR))
    one = draws.drawn(table, detection.measure, resamples=50)
    found = draws.table(table, detection.measure, detection.scopes(table), {"F1": "f1"}, resamples=50)
    lost = draws.table(table, detection.measure, detection.drops(table), {"F1": "f1"}, resamples=50)
    home, away, far = (one[name, ("both", "f1")] for name in (HOME, AWAY, FAR))
    value = found.set_index("test_set").loc[f"both: {UNSEEN}"]
    assert value["value"] == pytest.approx((away[0] + far[0]) / 2) and value["n"] == 80 and value["seeds"] == 2
    assert value["low"] == pytest.approx(np.quantile((away + far)[1:] / 2, 0.025))
    fall = lost.set_index("test_set").loc["both"]
    assert fall["value"] == pytest.approx(home[0] - (away[0] + far[0]) / 2)
    assert fall["high"] == pytest.approx(np.quantile(home[1:] - (away + far)[1:] / 2, 0.975))


def test_the_same_rows_under_two_names_of_sets_drop_nothing():
    table = pd.concat([rows(), rows().assign(dataset=AWAY, seen=False)])
    lost = draws.table(table, detection.measure, detection.drops(table), {"F1": "f1", "AUC": "auc"}, resamples=50)
    assert (lost[["value", "low", "high"]].abs() < 1e-12).all(axis=None)  # an image is drawn in both sets at once


def test_scopes_and_what_they_lack():
    table = several((HOME, AWAY))
    names = [SEEN, "haar", UNSEEN]
    assert list(detection.scopes(table, ("both",))) == [f"both: {name}" for name in names]
    twice = table.assign(seen=True)
    assert set(detection.scopes(twice, ("both",))) == {f"both: {SEEN}", "both: nearest", "both: haar"}
    assert detection.drops(twice) == {} and detection.drops(table[table["seen"]]) == {}
    partly = table[table["class"] != "fully fake"]
    found = draws.table(partly, detection.measure, detection.scopes(partly), {"F1": "f1"}, resamples=5)
    assert not found["test_set"].str.startswith("fully fake").any() and len(found) == 6
    whole_alone = table.assign(
        **{"class": table["class"].mask((table["dataset"] == AWAY) & (table["class"] == "partly fake"), "real")}
    )
    assert f"partly fake: {UNSEEN}" not in detection.scopes(whole_alone) and f"both: {UNSEEN}" in detection.scopes(
        whole_alone
    )
    elsewhere = {"x": ("both", {HOME: 1, FAR: -1})}
    assert draws.table(table, detection.measure, elsewhere, {"F1": "f1"}).columns.tolist() == tables.COLUMNS


def test_blocks_of_draws_change_nothing(monkeypatch):
    table = several()
    whole = draws.drawn(table, detection.measure, resamples=30)
    monkeypatch.setattr(intervals, "BLOCK", 7 * 40)
    parts = draws.drawn(table, detection.measure, resamples=30)
    assert all(np.array_equal(whole[key], parts[key], equal_nan=True) for key in whole)
    assert all(len(values) == 31 for values in whole.values())


def test_repeats_are_refused_and_methods_stand_apart():
    table = several()
    with pytest.raises(ValueError, match="one row per image and seed"):
        draws.drawn(pd.concat([table, table]), detection.measure)
    both = pd.concat([table, table.assign(method="k", score=1.0)])
    found = draws.table(both, detection.measure, {"x": ("both", {HOME: 1})}, {"F1": "f1"}, resamples=5)
    assert found["method"].tolist() == ["Ours", "k"] and found["value"].iloc[1] == pytest.approx(2 / 3)


def test_published_values_stand_beside():
    paper = pd.DataFrame(
        [("Ours", "x", "F1", 0.7, "said so")], columns=["method", "test_set", "metric", "value", "note"]
    )
    scopes = {"x": ("both", {HOME: 1})}
    found = draws.table(several(), detection.measure, scopes, {"F1": "f1", "AUC": "auc"}, published=paper, resamples=5)
    assert found["published"].tolist()[0] == 0.7 and found["published"].count() == 1 and found["note"][0] == "said so"
