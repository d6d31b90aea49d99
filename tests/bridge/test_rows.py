"""Rows of Bridging's report: labels of runs, the usual ones, blind predictors, maps, means over sets and what is lost."""

import json

import numpy as np
import pandas as pd
import pytest
import yaml
from sklearn.metrics import accuracy_score, roc_auc_score

from imdlib.bridge import rows as cut
from imdlib.bridge.labels import CLASSES

KINDS = ["authentic", "edit", "authentic", "generated"]
PLAIN = dict(with_fully=True, order="epoch", diverge_on_raw_too=False, disc_on="logits", inputs="rgb+residual")
PLAIN |= dict(
    stem_stride=4, train_count=0, train_set="here", test_sets=["there", "here"], epochs=8, extractor="stand-in"
)


def images(dataset="here", *, n=12, seed=0):
    """Score rows of a run on one data set, as run.ipynb leaves them."""
    rng = np.random.default_rng(seed)
    p, kind = rng.dirichlet(np.ones(3), n), np.array(KINDS)[np.arange(n) % 4]
    table = pd.DataFrame(dict(image=[f"{i}.jpg" for i in range(n)], dataset=dataset, kind=kind, score=1 - p[:, 0]))
    table["label"] = (table["kind"] != "authentic").astype(int)
    return table.assign(p_real=p[:, 0], p_partly=p[:, 1], predicted=np.array(CLASSES)[p.argmax(1)])


@pytest.fixture
def results(tmp_path):
    """Folder of results with five runs."""
    runs = {
        "late_0": dict(method="late", seed=0),
        "late_1": dict(method="late", seed=1),
        "late_all": dict(method="late", seed=0, train_set="here+there"),
        "late_without": dict(method="late", seed=0, with_fully=False),
        "wang_0": dict(method="wang", seed=0),
    }
    for name, params in runs.items():
        folder = tmp_path / "bridge" / "runs" / name
        folder.mkdir(parents=True)
        (folder / "params.yaml").write_text(yaml.safe_dump(PLAIN | params))
        tower = "" if params["method"] == "wang" else "stand-in tokens centre 128 0123"
        (folder / "stamp.json").write_text(json.dumps(dict(seconds=1.0, seed=params["seed"], tower=tower)))
        both = pd.concat([images(seed=params["seed"]), images("there", seed=7)])
        both.to_csv(folder / "scores.csv.gz", index=False)
    return tmp_path


def test_runs_are_labelled(results):
    settings, rows = cut.gather(results)
    named = settings.set_index("run")
    assert named.loc["late_0", "method"] == "Ours" and named.loc["late_0", "key"] == "late"
    assert named.loc["late_all", "train_set"] == "all"
    seen = rows.groupby(["run", "dataset"])["seen"].first()
    assert seen["late_all"].all() and seen["late_0"].to_dict() == {"here": True, "there": False}
    assert list(rows["dataset"].unique()) == ["there", "here"]
    assert len(rows) == 5 * 24 and rows["image_auc"].notna().all()
    assert rows.groupby("kind")["class"].first().to_dict() == dict(
        authentic="real", edit="partly fake", generated="fully fake"
    )


def test_usual_and_varied_runs(results):
    _, rows = cut.gather(results)
    rows = rows[rows["train_set"] == "here"]
    assert set(cut.usual(rows)["run"]) == {"late_0", "late_1", "wang_0"}
    assert set(cut.usual(rows, "with_fully")["run"]) == {"late_0", "late_1", "wang_0", "late_without"}
    turned = cut.varied(rows, "with_fully")
    assert set(turned["method"]) == {"Ours, without fully fake images"} and set(turned["run"]) == {"late_without"}
    assert len(cut.varied(rows, "order")) == 0 and len(cut.usual(rows.head(0))) == 0
    other = pd.concat([rows, rows[rows["run"] == "late_0"].assign(run="x", order="once")])
    assert set(cut.varied(other, "order")["method"]) == {"Ours, order once"}


def test_judged_means_are_accuracy_and_auc():
    table = cut.judged(
        pd.concat([images(n=40).assign(run="a"), images(n=40, seed=1).assign(run="b")], ignore_index=True)
    )
    for _, one in table.groupby("run"):
        auc = roc_auc_score(one["label"], one["score"])
        for label in (0, 1):
            assert one.loc[one["label"] == label, "image_auc"].mean() == pytest.approx(auc)
        assert one["correct"].mean() == accuracy_score(one["label"], one["score"] > 0.5)


def test_blind_predictors_look_at_no_image(results):
    _, rows = cut.gather(results)
    found = cut.blind(rows)
    assert found.groupby("method").size().to_dict() == dict.fromkeys(["always fake", "always real", "random class"], 24)
    each = dict(list(found.groupby("method")))
    assert each["always fake"]["correct"].mean() == 0.5 and (each["always fake"]["image_auc"] == 0.5).all()
    assert each["always fake"]["p_partly"].isna().all() and (each["always real"]["score"] == 0).all()
    random = each["random class"]
    assert ((random["score"] >= 0.5) == (random["predicted"] != "real")).all() and random["score"].between(0, 1).all()
    many = cut.blind(pd.concat([images(n=3000)]).assign(seen=True, **{"class": "real"}))
    share = many.loc[many["method"] == "random class", "predicted"].value_counts(normalize=True)
    assert share.tolist() == pytest.approx([1 / 3] * 3, abs=0.04)


def test_maps_of_each_prefix():
    table = images().assign(method="Ours")
    masked = table["kind"] == "edit"
    for k, prefix in enumerate(("", "drawn_", "plain_")):
        for name in ("f1", "iou", "auc", "auc_shuffled", "f1_best"):
            table[prefix + name] = np.where(masked, k / 10, np.nan)
    found = cut.maps(table)
    value = found.groupby("method", sort=False)["f1"].first()
    assert value.to_dict() == {"Ours": 0, "Ours, whatever the class": 0.1, "Ours, without attention": 0.2}
    assert len(found) == 3 * 3 and found.columns.is_unique and set(found["kind"]) == {"edit"}
    assert len(cut.maps(images().assign(method="Wang et al."))) == 0
    assert set(cut.maps(table, ["drawn_"])["auc"]) == {0.1}


def test_means_over_sets_and_what_is_lost():
    table = pd.DataFrame(
        [("m", 0, "i", "a", True, 1.0), ("m", 0, "i", "b", False, 0.0), ("m", 0, "i", "c", False, 1.0),
         ("m", 0, "j", "a", True, 0.0), ("m", 0, "k", "b", False, 1.0)],
        columns=["method", "seed", "image", "dataset", "seen", "correct"],
    )  # fmt: skip
    assert cut.averaged(table[~table["seen"]], ["correct"]).set_index("image")["correct"].to_dict() == {
        "i": 0.5,
        "k": 1,
    }
    assert cut.lost(table, ["correct"]).set_index("image")["correct"].to_dict() == {"i": -0.5}
    assert len(cut.lost(table[table["seen"]], ["correct"])) == 0


def test_counts_are_written_as_whole_numbers(tmp_path):
    manifest = images(n=8).assign(split=["train"] * 4 + ["test"] * 4)
    found = cut.counts({"here": manifest})
    value = found.set_index(["method", "metric"])["value"]
    assert value["all", "real"] == 4 and value["train", "partly fake"] == 1 and value.sum() == 16
    paper = pd.DataFrame(dict(method="all", test_set="Dolos (paper)", metric=["real"], value=[20700.0]))
    cut.save_counts(pd.concat([found, paper]), tmp_path, "table1", "Sizes")
    text = (tmp_path / "tables" / "table1.md").read_text()
    assert "20,700" in text and "–" in text and "4.0" not in text
    kept = pd.read_csv(tmp_path / "tables" / "table1.csv")
    assert kept["value"].tolist() == [*found["value"], 20700] and (tmp_path / "tables" / "table1.tex").exists()
