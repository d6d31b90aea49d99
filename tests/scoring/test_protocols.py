"""Scoring protocols: naive loops, sklearn, the counting of TruFor's evaluation, the empty cases, and a folder of maps in the notebook."""

from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
from scipy import ndimage
from sklearn.metrics import f1_score, jaccard_score

from imdlib import data as datasets
from imdlib.pages import map_protocols
from imdlib.scoring import metrics, protocols, trivial
from tests.cells import execute


@pytest.fixture
def pair():
    """A map (H,W) of 32 levels in [0,1], thus with ties, and a mask with a region that touches the edge."""
    rng = np.random.default_rng(1)
    mask = np.zeros((40, 56), bool)
    mask[10:40, 5:33] = True
    smooth = cv2.GaussianBlur(rng.random(mask.shape), (0, 0), 2) * 3 - 1 + 0.25 * mask
    return (np.round(31 * smooth.clip(0, 1)) / 31).astype(np.float32), mask


def counts(called, mask):
    return (called & mask).sum(), (called & ~mask).sum(), (~called & mask).sum(), (~called & ~mask).sum()


def naive_best(prob, mask, inverted):
    best = 0
    for level in [-1.0, *np.unique(prob)]:
        called = prob > level
        best = max(best, f1_score(mask.ravel(), called.ravel()))
        if inverted:
            best = max(best, f1_score(mask.ravel(), ~called.ravel()))
    return best


def test_an_authentic_image_has_no_f1_under_any_protocol():
    mask = np.zeros((20, 30), bool)
    values = protocols.image(trivial.random_map(20, 30), mask)
    assert values and np.isnan(list(values.values())).all()
    assert np.isnan(protocols.best_threshold(trivial.random_map(20, 30), mask))
    rows, curves = protocols.score([mask], {"m": lambda i, m: trivial.random_map(20, 30)}, about(1, label=0))
    named = [name for name in protocols.PROTOCOLS if name in rows and name != "f1_zero"]
    assert rows[named].isna().all(axis=None) and rows["f1_zero"].tolist() == [0] and curves.empty


def about(n, label=1):
    return pd.DataFrame({"image": [f"{i}.png" for i in range(n)], "dataset": "set", "label": label})


def test_macro_and_polarity_are_sklearns(pair):
    prob, mask = pair
    called = prob > 0.5
    tp, fp, fn, tn = counts(called, mask)
    truth, answer = mask.ravel(), called.ravel()
    f1, iou = protocols.macro(tp, fp, fn, tn)
    assert f1 == pytest.approx(f1_score(truth, answer, average="macro"), abs=1e-12)
    assert iou == pytest.approx(jaccard_score(truth, answer, average="macro"), abs=1e-12)
    expected = max(f1_score(truth, answer), f1_score(truth, ~answer))
    assert protocols.either_polarity(tp, fp, fn, tn) == pytest.approx(expected, abs=1e-12)
    assert protocols.either_polarity(fn, tn, tp, fp) == pytest.approx(expected, abs=1e-12)
    assert protocols.iou(f1_score(truth, answer)) == pytest.approx(jaccard_score(truth, answer), abs=1e-12)


@pytest.mark.parametrize("called, mask", [(1, 1), (0, 1), (1, 0), (0, 0)])
def test_macro_of_one_class_is_sklearns(called, mask):
    truth, answer = np.full(50, mask), np.full(50, called)
    expected = f1_score(truth, answer, average="macro")
    assert protocols.macro(*counts(answer > 0, truth > 0))[0] == pytest.approx(expected)


@pytest.mark.parametrize("polarity", ["as_is", "best"])
@pytest.mark.parametrize("kind", ["smooth", "inverted", "constant", "binary"])
def test_best_threshold_tries_every_threshold(pair, polarity, kind):
    prob, mask = pair
    prob = {"smooth": prob, "inverted": 1 - prob, "constant": 0 * prob, "binary": (prob > 0.6) * 1.0}[kind]
    expected = naive_best(prob, mask, polarity == "best")
    assert protocols.best_threshold(prob, mask, polarity) == pytest.approx(expected, abs=1e-12)
    if polarity == "as_is":
        row = metrics.per_image(prob, mask)
        assert protocols.best_threshold(prob, mask) == pytest.approx(row["f1_best"][0], abs=1e-12)


def test_border_is_trufors_window(pair):
    mask = pair[1]
    inner, outer = ndimage.minimum_filter(mask, 15), ndimage.maximum_filter(mask, 11)
    np.testing.assert_array_equal(~protocols.border(mask), inner | ~outer)
    assert not protocols.border(np.ones((20, 20), bool)).any() and not protocols.border(np.zeros((20, 20), bool)).any()


def test_trufor_counts_both_polarities_away_from_the_border(pair):
    prob, mask = pair
    inner, outer = ndimage.minimum_filter(mask, 15), ndimage.maximum_filter(mask, 11)
    keep = inner | ~outer
    for one in (prob, 1 - prob):
        values = protocols.image(one, mask)
        assert values["f1_trufor_best"] == pytest.approx(naive_best(one[keep], mask[keep], True), abs=1e-12)
        tp, fp, fn, tn = counts((one > 0.5)[keep], mask[keep])
        assert values["f1_border"] == pytest.approx(2 * tp / (2 * tp + fp + fn), abs=1e-12)
        assert values["f1_trufor"] == pytest.approx(max(2 * tp / (2 * tp + fp + fn), 2 * fn / (2 * fn + tn + tp)))


def test_a_region_thinner_than_the_window_is_undefined_there():
    mask = np.zeros((40, 40), bool)
    mask[10:18, 10:30] = True
    values = protocols.image(mask.astype(np.float32), mask)
    assert np.isnan([values[name] for name in ("f1_border", "f1_trufor", "f1_trufor_best")]).all()
    assert values["f1_weighted"] == 1


def test_weighted_counts_probabilities(pair):
    prob, mask = pair
    tp, fp, fn = (prob * mask).sum(), (prob * ~mask).sum(), ((1 - prob) * mask).sum()
    assert protocols.weighted(prob, mask) == pytest.approx(2 * tp / (2 * tp + fp + fn), rel=1e-6)


def test_levels_count_what_is_above_each_threshold(pair):
    prob, mask = pair
    tp, fp = protocols.levels(prob, mask)
    for k in range(0, 1001, 7):
        called = prob.astype(float) > k / 1000
        assert (tp[k], fp[k]) == ((called & mask).sum(), (called & ~mask).sum())


def scored(pair, n=6):
    prob, mask = pair
    masks = [np.roll(mask, 4 * i, axis=1) for i in range(n)] + [np.zeros_like(mask)]
    probs = [np.roll(prob, 4 * i, axis=1) ** (1 + i / 4) for i in range(n)] + [prob]
    locations = metrics.mask_locations(masks[:-1])
    methods = {"mine": lambda i, m: probs[i]} | protocols.without_looking(n, locations)
    rows, curves = protocols.score(iter(masks), methods, about(n + 1, label=[1] * n + [0]), locations)
    return masks, probs, rows, curves


def test_one_threshold_for_the_set_is_the_best_of_a_loop(pair):
    masks, probs, rows, curves = scored(pair)
    means = []
    for k in range(1000):
        found = [counts(prob.astype(float) > k / 1000, mask)[:3] for prob, mask in zip(probs, masks[:-1])]
        means.append(np.mean([2 * tp / (2 * tp + fp + fn) for tp, fp, fn in found]))
    own = rows[(rows["method"] == "mine") & (rows["label"] == 1)]
    assert own["f1_set"].mean() == pytest.approx(max(means), abs=1e-6)
    assert own["threshold_set"].unique() == [np.argmax(means) / 1000]
    curve = curves[curves["method"] == "mine"]
    np.testing.assert_allclose(curve["f1"][:1000], means, atol=1e-6)


def test_rows_hold_the_plain_scores_and_keep_the_order(pair):
    masks, probs, rows, _ = scored(pair)
    expected = metrics.per_image(probs, masks, locations=metrics.mask_locations(masks[:-1]))
    pd.testing.assert_frame_equal(
        rows.iloc[: len(masks)][list(expected)].reset_index(drop=True), expected, check_dtype=False
    )
    assert rows["method"].unique().tolist()[:2] == ["mine", "all-ones map"]


def test_protocols_are_ordered_as_they_must_be(pair):
    rows = scored(pair)[2].query("label == 1")
    tiny = 1e-9
    assert (rows["f1"] <= rows["f1_best"] + tiny).all() and (rows["f1_set"] <= rows["f1_best"] + 1e-6).all()
    assert (rows["f1"] <= rows["f1_inverted"] + tiny).all() and (
        rows["f1_trufor"] <= rows["f1_trufor_best"] + tiny
    ).all()
    ones = rows[rows["method"] == "all-ones map"]
    share = (ones["tp"] / (ones["tp"] + ones["fp"])).to_numpy()
    for name in ("f1", "f1_best", "f1_set", "f1_inverted", "f1_weighted"):
        np.testing.assert_allclose(ones[name], 2 * share / (1 + share))
    zeros = rows[rows["method"] == "all-zeros map"]
    np.testing.assert_allclose(zeros["f1_macro"], (1 - share) / (2 - share))
    np.testing.assert_allclose(zeros["f1_inverted"], 2 * share / (1 + share))


def test_average_of_the_others_leaves_the_image_itself_out():
    masks = np.zeros((3, 32, 32), np.uint8)
    masks[0, :8], masks[1, 8:16], masks[2, 16:24] = 1, 1, 1
    predict = protocols.without_looking(3, metrics.mask_locations(masks, 32))["average of the other masks"]
    drawn = predict(0, masks[0])
    np.testing.assert_allclose(drawn, (masks[1] + masks[2]) / 2, atol=1e-6)
    np.testing.assert_allclose(
        predict(3, np.zeros((32, 32))), masks.mean(0), atol=1e-6
    )  # an authentic image has no share in it


def test_the_table_has_every_metric_under_every_protocol_and_its_warning_row(pair):
    rows = scored(pair)[2]
    table = map_protocols.table(rows)
    own = table[table["method"] == "mine"].set_index(["short", "protocol"])
    for short in ("F1", "IoU"):
        assert own.loc[short].index.tolist() == [name for name, _ in protocols.PROTOCOLS.values()]
    tampered = rows[(rows["method"] == "mine") & (rows["label"] == 1)]
    name = {column: text for column, (text, _) in protocols.PROTOCOLS.items()}
    assert own.loc[("F1", name["f1"]), "value"] == pytest.approx(tampered["f1"].mean())
    assert own.loc[("F1", name["f1_zero"]), "value"] == pytest.approx(tampered["f1"].sum() / (len(tampered) + 1))
    assert own.loc[("F1", name["f1_zero"]), "n"] == len(tampered) + 1
    tp, fp, fn = (tampered[c].sum() for c in ("tp", "fp", "fn"))
    assert own.loc[("IoU", name["pooled"]), "value"] == pytest.approx(tp / (tp + fp + fn))
    assert (own["low"] <= own["value"] + 1e-9).all() and (own["value"] <= own["high"] + 1e-9).all()
    text = map_protocols.why(table, "mine", 1)
    assert f"{tampered['f1'].mean():.3f}" in text and "nan" not in text and "1 authentic" in text
    drawn = map_protocols.plot(table[table["short"] == "F1"], "mine").axes[0]
    assert len(drawn.get_yticklabels()) == len(protocols.PROTOCOLS)
    assert "No authentic" in map_protocols.why(table, "mine", 0)


@pytest.fixture
def twin(tmp_path, monkeypatch):
    """A small twin: parameters of the notebook, and its manifest."""
    monkeypatch.setenv("IMDLIB_CACHE", str(tmp_path / "cache"))
    shape = dict(dataset="sim-casia", count=60, size=64)
    return shape, datasets.load("sim-casia", count=60, size=64)


@pytest.fixture
def casia(real_data, tmp_path):
    """Every sixteenth image of CASIA v1 with a mask, the one whose mask lies sideways, and some authentic ones."""
    masks, sideways = sorted((real_data / "CASIA1" / "Gt").iterdir()), "Sp_D_CNN_A_sec0012_ani0007_0275_gt"
    chosen = [path for i, path in enumerate(masks) if i % 16 == 0 or path.stem == sideways]
    images = [next((real_data / "CASIA1" / "Tp").glob(path.stem.removesuffix("_gt") + ".*")) for path in chosen]
    for path in [*chosen, *images, *sorted((real_data / "CASIA1" / "Au").iterdir())[::80]]:
        (tmp_path / "CASIA1" / path.parent.name).mkdir(parents=True, exist_ok=True)
        (tmp_path / "CASIA1" / path.parent.name / path.name).symlink_to(path)
    given = dict(dataset="casia1", data=str(tmp_path / "CASIA1"))
    return given, datasets.load("casia1", given["data"])


@pytest.mark.slow
@pytest.mark.parametrize("some", ["twin", "casia"])
def test_all_ones_maps_through_the_notebook_have_their_closed_forms(some, tmp_path, request):
    given, manifest = request.getfixturevalue(some)
    tampered = manifest[manifest["mask"] != ""]
    (tmp_path / "maps").mkdir()
    share = []
    for image, mask in zip(tampered["image"], tampered["mask"]):
        pixels = cv2.imread(image)
        cv2.imwrite(str(tmp_path / "maps" / f"{Path(image).stem}.png"), np.full(pixels.shape[:2], 255, np.uint8))
        share.append((cv2.imread(mask, cv2.IMREAD_GRAYSCALE) > 127).mean())
    share, folder = np.array(share), tmp_path / "maps" / "ones" / given["dataset"]
    with pytest.raises(Exception, match="method 'random map' is what a predictor that looks at no image is called"):
        execute("score_maps", results=str(tmp_path), maps=str(tmp_path / "maps"), method="random map", **given)
    execute("score_maps", results=str(tmp_path), maps=str(tmp_path / "maps"), method="ones", **given)
    table = pd.read_csv(folder / "tables" / "table_protocols.csv")
    value = table[table["method"] == "ones"].set_index("metric")["value"]
    assert value["F1, threshold 0.5"] == pytest.approx((2 * share / (1 + share)).mean(), abs=1e-5)
    assert value["IoU, threshold 0.5"] == pytest.approx(share.mean(), abs=1e-5)
    scores = pd.read_csv(folder / "scores.csv.gz")
    columns = ["method", "image", "dataset", "kind", "visibility", "attack", "seed", "label", "score"]
    assert scores.columns.tolist()[:9] == columns and len(scores) == len(tampered)
