"""Ranks against a count of pairs, sklearn, and copies of the rows; what is undefined is NaN."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from imdlib.scoring import intervals
from imdlib.scoring.ranks import beaten, drawn_auc, parts_of_auc


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


@pytest.mark.parametrize("share", [0.5, 0.2])
def test_parts_spread_over_resamples_as_the_auc_does(share):
    """Against the exact AUC of the same resamples; the mean of plain shares spreads half as much where classes are alike."""
    rng = np.random.default_rng(1)
    positive = rng.random(300) < share
    score = rng.normal(size=300) + positive
    times = intervals.drawn(300, 3000, rng)
    exact, parts = drawn_auc(score, positive, times), times @ parts_of_auc(score, positive) / 300
    assert parts.std() == pytest.approx(exact.std(), rel=0.03)
    assert np.corrcoef(parts, exact)[0, 1] > 0.99
    shares = np.where(positive, beaten(score, score[~positive]), 1 - beaten(score, score[positive]))
    plain = (times @ shares / 300).std() / exact.std()
    assert plain < 0.75 and (share != 0.5 or plain == pytest.approx(0.5, abs=0.05))


def test_an_interval_of_parts_holds_the_truth_as_often_as_it_says():
    """Images of two normal classes a standard deviation apart: AUC Phi(1 / sqrt 2) = 0.760, in 95% of the intervals."""
    rng, inside = np.random.default_rng(2), 0
    for _ in range(200):
        positive = np.arange(60) % 2 == 0
        parts = parts_of_auc(rng.normal(size=60) + positive, positive)
        low, high = np.quantile(intervals.drawn(60, 400, rng) @ parts / 60, [0.025, 0.975])
        inside += low <= 0.7602 <= high
    assert 180 <= inside <= 198


def test_parts_of_one_class_are_undefined():
    assert np.isnan(parts_of_auc(np.array([0.1, 0.2]), np.array([True, True]))).all()
