"""Ranks against a count of pairs, sklearn, and copies of the rows; what is undefined is NaN."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from imdlib.scoring.ranks import beaten, drawn_auc


def scored(n=40):
    rng = np.random.default_rng(0)
    return rng.integers(0, 8, n) / 7, rng.random(n) < 0.4  # with ties


def test_beaten_is_a_count_of_pairs():
    score, others = np.array([0.5, 0.1, 0.9]), np.array([0.5, 0.2, 0.9, 0.5])
    expected = [np.mean([(a > b) + 0.5 * (a == b) for b in others]) for a in score]
    assert beaten(score, others).tolist() == expected
    assert np.isnan(beaten(score, others[:0])).all() and len(beaten(score[:0], others)) == 0


def test_mean_of_beaten_is_the_auc():
    score, positive = scored()
    assert beaten(score[positive], score[~positive]).mean() == pytest.approx(roc_auc_score(positive, score))


def test_drawn_once_each_is_the_auc():
    score, positive = scored()
    assert drawn_auc(score, positive, np.ones((1, 40)))[0] == pytest.approx(roc_auc_score(positive, score))


def test_draws_are_those_of_copied_rows():
    score, positive = scored(15)
    times = np.random.default_rng(1).integers(0, 3, (20, 15)).astype(float)
    times[:, [positive.argmax(), (~positive).argmax()]] += 1
    found = drawn_auc(score, positive, times)
    for row, auc in zip(times.astype(int), found):
        assert auc == pytest.approx(roc_auc_score(np.repeat(positive, row), np.repeat(score, row)))


def test_a_class_that_is_not_drawn_is_undefined():
    score, positive = scored(10)
    assert np.isnan(drawn_auc(score, positive, np.array([positive, ~positive], float))).all()
    assert np.isnan(drawn_auc(score, positive & False, np.ones((2, 10)))).all()
