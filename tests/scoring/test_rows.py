"""Score rows: values of each image's label whose means are accuracy and AUC, the usual runs, the same images."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import accuracy_score, roc_auc_score

from imdlib.scoring.rows import averaged, judged, usual, varied, within


def rows(score, label, run="a", dataset="d"):
    return pd.DataFrame(
        dict(run=run, dataset=dataset, attack="none", image=range(len(score)), score=score, label=label)
    )


def test_of_nothing_nothing_is_within():
    some, none = rows([0.1], [0]), pd.DataFrame(columns=["dataset", "image"], dtype=float)
    assert within(some, none).empty and within(none, some).empty and list(within(some, none)) == list(some)


# ---- judged


def test_the_mean_of_a_label_s_images_is_the_auc():
    rng = np.random.default_rng(0)
    score, label = rng.integers(0, 8, 60) / 7, rng.integers(0, 2, 60)  # with ties
    found, auc = judged(rows(score, label)), roc_auc_score(label, score)
    assert found["image_auc"].mean() == pytest.approx(auc)
    for one in (0, 1):
        assert found.loc[found["label"] == one, "image_auc"].mean() == pytest.approx(auc)
    assert found["correct"].mean() == accuracy_score(label, score > 0.5)


def test_is_a_naive_count_of_pairs():
    score, label = [0.2, 0.9, 0.9, 0.4], [0, 1, 0, 1]
    shares, auc = (
        np.array([1.0, 0.75, 0.25, 0.5]),
        0.625,
    )  # of the other label's images; two images of four have each label
    assert judged(rows(score, label))["image_auc"].tolist() == pytest.approx((auc + (shares - auc) * 4 / 2).tolist())


def test_runs_and_sets_are_ranked_apart():
    both = pd.concat([rows([0.1, 0.2], [0, 1]), rows([0.9, 0.8], [0, 1], run="b")], ignore_index=True)
    assert judged(both)["image_auc"].tolist() == [1, 1, 0, 0]


def test_one_label_alone_is_undefined():
    found = judged(rows([0.1, 0.7], [1, 1]))
    assert found["image_auc"].isna().all() and found["correct"].tolist() == [0.0, 1.0]


# ---- usual, varied

RUNS = pd.DataFrame(dict(run=list("abcdef"), p=[1, 1, 1, 2, 1, 2], q=["x", "x", "x", "x", "y", "y"]))
SCORES = RUNS.loc[RUNS.index.repeat([1, 1, 1, 9, 1, 9])]  # runs of many images count once


def test_usual_leaves_what_was_turned():
    assert list(usual(SCORES, ("p", "q"))["run"]) == ["a", "b", "c"]
    assert set(usual(SCORES, ("p", "q"), "p")["run"]) == set("abcd")
    assert set(usual(SCORES, ("p", "q"), "p", "q")["run"]) == set("abcdef")


def test_usual_can_be_that_of_other_rows():
    assert set(usual(SCORES, ("p",), among=RUNS[RUNS["q"] == "y"].tail(1))["run"]) == {"d", "f"}


def test_varied_turns_one_parameter_alone():
    assert set(varied(SCORES, ("p", "q"), "p")["run"]) == {"d"}
    assert set(varied(SCORES, ("p", "q"), "q")["run"]) == {"e"}


def test_without_rows_nothing_is_usual():
    assert usual(SCORES.head(0), ("p", "q")).empty


# ---- averaged, within


def test_averaged_is_one_row_per_method_seed_and_image():
    table = pd.DataFrame(dict(method="m", seed=0, dataset="d", image=[0, 0, 1], f1=[0.2, 0.4, 1.0]))
    assert averaged(table, ["f1"])["f1"].tolist() == pytest.approx([0.3, 1.0])


def test_within_keeps_the_images_of_the_others():
    trivial = pd.DataFrame(dict(dataset="d", image=[0, 1, 2, 3], f1=[0.1, 0.2, 0.3, 0.4]))
    assert within(trivial, rows([0.1, 0.2], [0, 1]))["image"].tolist() == [0, 1]
