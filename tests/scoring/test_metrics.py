"""Metrics against naive loops, closed forms and scikit-learn; empty cases first."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn import metrics as sk

from imdlib.scoring import metrics

SIZE = (6, 9)
MASKS = arrays(bool, SIZE)
KINDS = {
    "random": lambda x: x,
    "tied": lambda x: np.round(x * 4) / 4,
    "saturated": lambda x: (1 / (1 + np.exp(-60 * (x - 0.5)))).astype(np.float16),
    "binary": lambda x: np.round(x),
    "constant": lambda x: np.full_like(x, 0.3),
}
MAPS = st.tuples(arrays(np.float64, SIZE, elements=st.floats(0, 1)), st.sampled_from(sorted(KINDS))).map(
    lambda pair: KINDS[pair[1]](pair[0])
)


def one(prob, mask, **options):
    return metrics.per_image(prob, mask, **options).iloc[0]


def mixed_mask():
    mask = np.zeros(SIZE, dtype=np.uint8)
    mask[1:4, 2:6] = 1
    return mask


# ---- empty cases


def test_authentic_image_has_counts_but_no_ratio():
    row = one(np.linspace(0, 1, 54).reshape(SIZE), np.zeros(SIZE), locations=np.ones((8, 8)))
    assert (row.tp, row.fn, row.fp, row.tn) == (0, 0, 27, 27)
    assert row[["f1", "iou", "auc", "f1_best", "auc_shuffled"]].isna().all()


def test_wholly_tampered_image_has_f1_but_no_auc():
    row = one(np.full(SIZE, 0.7), np.ones(SIZE), locations=np.ones((8, 8)))
    assert (row.f1, row.iou, row.f1_best) == (1, 1, 1)
    assert np.isnan(row.auc) and np.isnan(row.auc_shuffled)


def test_nothing_found_is_zero_and_not_undefined():
    row = one(np.zeros(SIZE), mixed_mask())
    assert (row.f1, row.iou, row.auc) == (0, 0, 0.5)


@pytest.mark.parametrize("value", [0.0, 0.3, 1.0])
def test_constant_map_is_at_chance(value):
    row = one(np.full(SIZE, value, dtype=np.float32), mixed_mask(), locations=np.full((4, 4), 3.0))
    assert row.auc == 0.5 and row.auc_shuffled == pytest.approx(0.5, abs=1e-12)
    share = mixed_mask().mean()
    assert row.f1_best == pytest.approx(2 * share / (1 + share))


def test_no_image_gives_an_empty_table():
    table = metrics.per_image([], [])
    assert len(table) == 0 and list(table) == ["tp", "fp", "fn", "tn", "f1", "iou", "auc", "f1_best"]


# ---- against scikit-learn and naive loops


@settings(deadline=None, max_examples=150)
@given(MAPS, MASKS)
def test_equals_scikit_learn(prob, mask):
    row, flat, called = one(prob, mask), mask.ravel(), (prob > 0.5).ravel()
    tn, fp, fn, tp = sk.confusion_matrix(flat, called, labels=[False, True]).ravel()
    assert (row.tp, row.fp, row.fn, row.tn) == (tp, fp, fn, tn)
    if not flat.any():
        assert row[["f1", "iou", "auc", "f1_best"]].isna().all()
        return
    assert row.f1 == pytest.approx(sk.f1_score(flat, called, zero_division=0), abs=1e-12)
    assert row.iou == pytest.approx(sk.jaccard_score(flat, called, zero_division=0), abs=1e-12)
    every = max(sk.f1_score(flat, prob.ravel() >= v) for v in np.unique(prob))
    assert row.f1_best == pytest.approx(every, abs=1e-12)
    assert row.f1_best >= row.f1
    if flat.all():
        assert np.isnan(row.auc)
    else:
        assert row.auc == pytest.approx(sk.roc_auc_score(flat, prob.ravel()), abs=1e-12)


@settings(deadline=None, max_examples=60)
@given(MAPS, MASKS, arrays(np.float64, (5, 5), elements=st.floats(0, 9)))
def test_shuffled_auc_equals_weighted_scikit_learn(prob, mask, others):
    own = metrics.mask_locations([mask], grid=5)
    row = one(prob, mask, locations=others + own)
    rows, columns = (np.array([int((i + 0.5) / n * 5) for i in range(n)]) for n in SIZE)
    weight = np.where(mask, 1.0, np.where(others < 1e-9, 0, others)[rows[:, None], columns])
    if mask.all() or not mask.any() or weight[~mask].sum() == 0:
        assert np.isnan(row.auc_shuffled)
    elif weight[~mask].max() > 1e-6:
        expected = sk.roc_auc_score(mask.ravel(), prob.ravel(), sample_weight=weight.ravel())
        assert row.auc_shuffled == pytest.approx(expected, abs=1e-6)


def test_auc_equals_a_loop_over_pairs():
    rng = np.random.default_rng(0)
    score, positive = rng.integers(0, 5, 40) / 4, rng.random(40) < 0.3
    wins = [(p > n) + 0.5 * (p == n) for p in score[positive] for n in score[~positive]]
    assert metrics.auc(score, positive) == pytest.approx(np.mean(wins), abs=1e-12)


@settings(deadline=None, max_examples=50)
@given(MAPS, MASKS)
def test_auc_knows_order_only(prob, mask):
    prob = np.round(prob.astype(np.float64) * 64) / 64  # exactly representable, so that 1 - p and p^2 keep the ties
    auc = one(prob, mask).auc
    assert one(1 - prob, mask).auc == pytest.approx(1 - auc, abs=1e-12, nan_ok=True)
    assert one(prob**2, mask).auc == pytest.approx(auc, abs=1e-12, nan_ok=True)


@pytest.mark.parametrize("height", [1, 2, 5, 10])
def test_all_ones_map_has_the_closed_form(height):
    mask = np.zeros((10, 10))
    mask[:height] = 1
    a, row = height / 10, one(np.ones((10, 10)), mask)
    assert (row.f1, row.iou) == (pytest.approx(2 * a / (1 + a)), pytest.approx(a))


def test_threshold_is_strict_and_best_threshold_is_not():
    mask = np.zeros(SIZE)
    mask[0] = 1
    row = one(mask * 0.5, mask)
    assert row.tp == 0 and row.f1 == 0 and row.f1_best == 1
    assert one(mask * 0.5, mask, threshold=0.4).f1 == 1


# ---- shuffled AUC


def test_locations_are_summed_shares_of_cells():
    left, top = np.zeros((8, 8)), np.zeros((4, 6))
    left[:, :4], top[:1] = 1, 255
    total = metrics.mask_locations([left, top], grid=2)
    np.testing.assert_allclose(total, [[1.5, 0.5], [1, 0]], atol=1e-12)


@pytest.mark.parametrize("shape", [(3, 5), (64, 100), (130, 97)])
def test_pooling_keeps_the_tampered_share_at_any_size(shape):
    mask = np.random.default_rng(0).random(shape) < 0.3
    assert metrics.mask_locations([mask], grid=16).mean() == pytest.approx(mask.mean(), abs=1e-6)


def test_shuffled_auc_takes_out_a_common_location():
    """All masks lie in one row: a map that marks the row is excellent by AUC and at chance within the row."""
    masks = np.zeros((12, 24, 24))
    for i in range(12):
        masks[i, 8:10, 2 * i : 2 * i + 2] = 1
    prior = np.zeros((24, 24))
    prior[8:10] = 1
    table = metrics.per_image([prior] * 12, masks, locations=metrics.mask_locations(masks, grid=12))
    assert table["auc"].min() > 0.9
    np.testing.assert_allclose(table["auc_shuffled"], 0.5, atol=1e-12)
    perfect = metrics.per_image(masks, masks, locations=metrics.mask_locations(masks, grid=12))
    np.testing.assert_allclose(perfect["auc_shuffled"], 1)


@pytest.mark.parametrize("shape", [(50, 70), (64, 64), (33, 129)])
def test_shuffled_auc_of_a_single_image_is_undefined(shape):
    mask = np.random.default_rng(1).random(shape) < 0.3
    assert np.isnan(
        one(np.random.default_rng(2).random(shape), mask, locations=metrics.mask_locations([mask])).auc_shuffled
    )


def test_no_place_weighs_less_than_nothing():
    """Locations that leave this image out: its own cell counts nothing, the others as they are."""
    mask, prob = np.zeros((4, 4)), np.arange(16).reshape(4, 4) / 16
    mask[0, :2], prob[0, :2] = 1, 0.55
    weight = np.ones((4, 4))
    weight[1, :2] = 0
    row = one(prob, mask, locations=np.array([[0, 1], [1, 1]]))
    assert row.auc_shuffled == pytest.approx(sk.roc_auc_score(mask.ravel(), prob.ravel(), sample_weight=weight.ravel()))


# ---- what comes in


def test_batches_lists_and_types_agree():
    rng = np.random.default_rng(0)
    prob, mask = rng.random((3, *SIZE)).astype(np.float32), rng.random((3, *SIZE)) < 0.4
    expected = metrics.per_image(prob, mask)
    assert len(expected) == 3
    for p, m in [
        (prob[:, None], mask[:, None]),
        (torch.from_numpy(prob)[:, None].requires_grad_(), torch.from_numpy(mask)[:, None]),
        (list(prob), [255 * one.astype(np.uint8) for one in mask]),
        ((one for one in prob), list(torch.from_numpy(mask).float())),
        (prob.astype(np.float64), mask.astype(int)),
    ]:
        assert metrics.per_image(p, m).equals(expected)
    for i in range(3):
        assert (one(prob[i], mask[i]) == expected.iloc[i]).all()
    half = metrics.per_image(torch.from_numpy(prob).bfloat16(), mask)
    assert half.equals(metrics.per_image(torch.from_numpy(prob).bfloat16().float().numpy(), mask))


def test_images_of_different_sizes():
    prob, mask = [np.ones((2, 3)), np.ones((5, 4))], [np.eye(2, 3), np.eye(5, 4)]
    assert metrics.per_image(prob, mask)["fp"].tolist() == [4, 16]


@pytest.mark.parametrize(
    "prob, mask, message",
    [
        ([np.ones(SIZE), np.ones((3, 3))], [np.eye(6, 9), np.eye(3, 4)], r"image 1.*\(3, 3\).*\(3, 4\).*resize"),
        ([np.ones(SIZE), np.ones(SIZE)], [np.eye(6, 9)], "image 1 has no mask"),
        ([np.ones(SIZE)], [np.eye(6, 9)] * 2, "image 1 has no map"),
        (np.ones((2, 3, *SIZE)), np.ones((2, *SIZE)), r"\(B,1,H,W\).*\(2, 3, 6, 9\)"),
        (np.ones(SIZE[0]), np.ones(SIZE[0]), r"\(H,W\)"),
        (np.ones((0, 4)), np.ones((0, 4)), "pixels"),
        ([[1, 0]], [[1, 0]], r"prob\[0\]"),
        (np.full((1, *SIZE), 1.5), np.eye(6, 9), "image 0.*sigmoid"),
        ([np.ones(SIZE), -np.ones(SIZE)], [np.eye(6, 9)] * 2, "image 1.*sigmoid"),
        (np.where(np.eye(6, 9), np.nan, 0), np.eye(6, 9), "image 0.*nan"),
        (np.full(SIZE, np.inf), np.eye(6, 9), "image 0.*inf"),
        (np.ones(SIZE), np.eye(6, 9) * 2, "mask of image 0.*binarise"),
        (np.ones(SIZE), np.eye(6, 9) * 0.5, "mask of image 0.*binarise"),
        (np.ones(SIZE), np.where(np.eye(6, 9), np.nan, 0), "mask of image 0"),
        (np.ones(SIZE), np.diag([0, 1, 255, 0, 0, 0])[:, [0, 1, 2, 3, 4, 5, 0, 0, 0]], "mask of image 0.*ignored"),
        (np.ones(SIZE), -np.eye(6, 9), "mask of image 0"),
    ],
)
def test_refuses_by_name(prob, mask, message):
    with pytest.raises(ValueError, match=message):
        metrics.per_image(prob, mask)


def test_refuses_bad_threshold_and_locations():
    with pytest.raises(ValueError, match="threshold"):
        metrics.per_image(np.ones(SIZE), np.eye(6, 9), threshold=127)
    with pytest.raises(ValueError, match="locations"):
        metrics.per_image(np.ones(SIZE), np.eye(6, 9), locations=np.ones(64))


# ---- image labels


@settings(deadline=None, max_examples=100)
@given(st.lists(st.tuples(st.booleans(), st.sampled_from([0, 0.2, 0.5, 0.7, 1])), min_size=1, max_size=20))
def test_image_level_equals_scikit_learn(pairs):
    label, score = (np.array(x) for x in zip(*pairs))
    label, called, found = label.astype(int), score > 0.5, metrics.image_level(label, score)
    assert found["n"] == len(label) and found["n_tampered"] == label.sum()
    assert found["acc"] == pytest.approx(sk.accuracy_score(label, called))
    if label.any():
        assert found["f1"] == pytest.approx(sk.f1_score(label, called, zero_division=0))
        assert found["sen"] == pytest.approx(sk.recall_score(label, called))
    else:
        assert np.isnan(found["f1"]) and np.isnan(found["sen"])
    if label.all():
        assert np.isnan(found["spe"])
    if label.any() and not label.all():
        assert found["auc"] == pytest.approx(sk.roc_auc_score(label, score))
        both = [found["sen"], found["spe"]]
        assert found["f1_hmean"] == pytest.approx(0 if 0 in both else 2 / (1 / both[0] + 1 / both[1]))
    else:
        assert np.isnan(found["auc"]) and np.isnan(found["f1_hmean"])


@pytest.mark.parametrize(
    "tampered, authentic, f1, acc", [(920, 800, 0.697, 0.535), (180, 183, 0.663, 0.496), (100, 100, 0.667, 0.5)]
)
def test_always_tampered_closed_form(tampered, authentic, f1, acc):
    found = metrics.image_level([1] * tampered + [0] * authentic, np.ones(tampered + authentic))
    assert (round(found["f1"], 3), round(found["acc"], 3)) == (f1, acc)
    assert (found["auc"], found["sen"], found["spe"], found["f1_hmean"]) == (0.5, 1, 0, 0)


def test_image_level_empty_and_refusals():
    assert np.isnan(metrics.image_level([], [])["acc"])
    with pytest.raises(ValueError, match="2 scores and 1 labels"):
        metrics.image_level([1], [0.1, 0.2])
    with pytest.raises(ValueError, match="labels must be"):
        metrics.image_level([2], [0.1])
    with pytest.raises(ValueError, match="score 1 is not finite"):
        metrics.image_level([0, 1], [0.1, np.nan])


def test_combined_f1():
    assert metrics.combined_f1(0.199, 0.703) == pytest.approx(0.310, abs=5e-4)
    assert metrics.combined_f1(0, 0) == 0 and metrics.combined_f1(0, 0.5) == 0
    assert np.isnan(metrics.combined_f1(np.nan, 0.5))


def test_image_scores_that_are_logits_are_refused_with_what_helps():
    for score in ([-3.0, 0.2], [0.1, 1.5]):
        with pytest.raises(ValueError, match=r"image_level: scores must lie in \[0,1\].*sigmoid"):
            metrics.image_level([0, 1], score)
    assert metrics.image_level([0, 1], [0.0, 1 + 1e-9])["acc"] == 1  # rounding
