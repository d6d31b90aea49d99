"""Rows of the INR report: image-level columns whose means are accuracy and AUC, the usual runs, names of methods."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import accuracy_score, roc_auc_score

from imdlib.inr.rows import beaten, judged, method, usual, within


def rows(score, label, run="a", dataset="d"):
    return pd.DataFrame(
        dict(run=run, dataset=dataset, attack="none", image=range(len(score)), score=score, label=label)
    )


def test_means_over_either_label_are_the_auc():
    rng = np.random.default_rng(0)
    score, label = rng.integers(0, 8, 60) / 7, rng.integers(0, 2, 60)  # with ties
    found = judged(rows(score, label))
    auc = roc_auc_score(label, score)
    for one in (0, 1):
        assert found.loc[found["label"] == one, "image_auc"].mean() == pytest.approx(auc)
    assert found["correct"].mean() == accuracy_score(label, score > 0.5)


def test_is_a_naive_count_of_pairs():
    score, label = [0.2, 0.9, 0.9, 0.4], [0, 1, 0, 1]
    assert judged(rows(score, label))["image_auc"].tolist() == [1.0, 0.75, 0.25, 0.5]


def test_runs_and_sets_are_ranked_apart():
    both = pd.concat([rows([0.1, 0.2], [0, 1]), rows([0.9, 0.8], [0, 1], run="b")], ignore_index=True)
    assert judged(both)["image_auc"].tolist() == [1, 1, 0, 0]


def test_one_label_alone_is_undefined():
    found = judged(rows([0.1, 0.7], [1, 1]))
    assert found["image_auc"].isna().all() and found["correct"].tolist() == [0.0, 1.0]
    assert np.isnan(beaten(np.array([0.5]), np.array([]))).all()


def test_usual_leaves_what_was_turned():
    base = dict(
        contrast=True,
        form="literal",
        selection="agreement",
        deep=True,
        shallow="norm",
        labels="image",
        m_rule="minority",
    )
    runs = pd.DataFrame(
        [
            dict(variant=variant, mode=mode, pooling=pooling, inputs=inputs) | base
            for variant, mode, pooling, inputs in (
                ("nrr+scl+agap", "weak", "", "rgb+residual"),
                ("nrr+scl+agap", "weak", "", "rgb+residual"),
                ("nrr+scl+agap", "weak", "max", "rgb+residual"),
                ("base", "weak", "", "rgb+residual"),
                ("base", "weak", "", "rgb"),
                ("nrr+scl+agap", "unsupervised", "", "rgb+residual"),
            )
        ]
    )
    assert usual(runs).index.tolist() == [0, 1, 3, 5]
    assert usual(runs, "pooling").index.tolist() == [0, 1, 2, 3, 5]
    assert usual(runs, "inputs").index.tolist() == [0, 1, 3, 4, 5]


def test_names_of_methods():
    assert method(dict(mode="weak", variant="nrr+scl", selection="agreement", deep=True)) == "Baseline+NRR+SCL"
    assert method(dict(mode="unsupervised", variant="nrr+scl+agap", selection="all", deep=True)).endswith(
        "without selection"
    )
    assert method(dict(mode="unsupervised", variant="nrr+scl+agap", selection="agreement", deep=False)).endswith(
        "as printed"
    )


def test_trivial_rows_are_those_of_the_same_images():
    trivial = pd.DataFrame(dict(dataset="d", image=[0, 1, 2, 3], f1=[0.1, 0.2, 0.3, 0.4]))
    assert within(trivial, rows([0.1, 0.2], [0, 1]))["image"].tolist() == [0, 1]
