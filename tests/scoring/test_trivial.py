"""Predictors that look at no image: closed forms, and the values measured on real masks."""

from functools import lru_cache

import cv2
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from imdlib.scoring import intervals, metrics, trivial


@lru_cache(maxsize=2)
def real_masks(folder, side=None):
    """Masks of a real data set, bool, scaled to `side` pixels on the long side if given."""
    masks = [np.asarray(Image.open(path).convert("L")) > 127 for path in sorted((folder / "Gt").iterdir())]
    if side is None:
        return masks
    sizes = [tuple(max(1, round(n * side / max(mask.shape))) for n in mask.shape[::-1]) for mask in masks]
    return [
        cv2.resize(mask.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST) for mask, size in zip(masks, sizes)
    ]


def some_masks(n=6, shape=(20, 30)):
    masks = np.zeros((n, *shape), dtype=np.uint8)
    for i in range(n):
        masks[i, 2 + i : 8 + i, 3 * i : 3 * i + 7] = 255
    return masks


def test_centre_blob_is_its_formula():
    blob = trivial.centre_blob(4, 6)
    for y in range(4):
        for x in range(6):
            dy, dx = (y + 0.5) / 4 - 0.5, (x + 0.5) / 6 - 0.5
            assert blob[y, x] == pytest.approx(np.exp(-(dx**2 + dy**2) / (2 * 0.25**2)), rel=1e-5)
    np.testing.assert_allclose(blob, blob[::-1, ::-1], rtol=1e-6)
    assert trivial.centre_blob(5, 7)[2, 3] == 1


def test_random_map_is_uniform_and_seeded():
    first = trivial.random_map(100, 90, 3)
    assert first.shape == (100, 90) and first.min() >= 0 and first.max() < 1 and abs(first.mean() - 0.5) < 0.02
    assert (first == trivial.random_map(100, 90, 3)).all() and (first != trivial.random_map(100, 90, 4)).any()


def test_average_mask_is_the_mean_and_keeps_place():
    masks = some_masks()
    average = trivial.average_mask(masks, grid=10)
    np.testing.assert_allclose(average, (masks > 0).reshape(6, 10, 2, 10, 3).mean(axis=(0, 2, 4)), atol=1e-6)
    drawn = trivial.render(average, 20, 30)
    assert drawn.shape == (20, 30) and drawn.min() >= 0 and drawn.max() <= 1
    np.testing.assert_allclose(drawn, cv2.blur((masks > 0).mean(0), (3, 3)), atol=0.2)
    with pytest.raises(ValueError, match="training mask"):
        trivial.average_mask([])


def test_rows_look_like_any_method():
    masks = [*some_masks(3), np.zeros((8, 9))]
    locations = metrics.mask_locations(masks)
    table = trivial.scores(masks, some_masks(), locations, seed=2)
    assert table["method"].unique().tolist() == ["all-ones map", "random map", "centre blob", "average training mask"]
    assert len(table) == 16 and (table["seed"] == 2).all() and table["image"].tolist() == [0, 1, 2, 3] * 4
    assert table["label"].tolist() == [1, 1, 1, 0] * 4
    ones = table[table["method"] == "all-ones map"]
    share = np.array([mask.astype(bool).mean() for mask in masks[:3]])
    np.testing.assert_allclose(ones["f1"][:3], 2 * share / (1 + share))
    assert (ones["score"] == trivial.always_tampered(4)).all() and np.isnan(ones["f1"].iloc[3])
    found = intervals.summarise(table, ["f1", "auc_shuffled"], by=["method"])
    assert (found["n"] == 3).all() and (found["n_undefined"] == 1).all()
    blob = table[table["method"] == "centre blob"].iloc[1]
    alone = metrics.per_image(trivial.centre_blob(20, 30), masks[1], locations=locations).iloc[0]
    assert (blob[alone.index].astype(float) == alone).all()


def test_each_seed_has_random_maps_of_its_own():
    one, other = (trivial.scores(some_masks(2), seed=seed).set_index("method")["auc"] for seed in (0, 1))
    assert (one["random map"] != other["random map"]).all() and one["centre blob"].equals(other["centre blob"])


def test_rows_without_training_masks_and_with_columns_of_the_manifest():
    about = pd.DataFrame({"image": ["a", "b"], "dataset": "x", "label": [1, 0], "score": 9.0}, index=[7, 3])
    table = trivial.scores(some_masks(2), about=about)
    assert "average training mask" not in set(table["method"]) and "auc_shuffled" not in table
    assert table["image"].tolist() == ["a", "b"] * 3 and table["label"].tolist() == [1, 0] * 3
    assert (table["score"] <= 1).all() and (table["dataset"] == "x").all()
    assert trivial.scores(some_masks(2), label=[0, 0])["label"].sum() == 0
    with pytest.raises(ValueError, match="one label"):
        trivial.scores(some_masks(3), about=about)


def test_predictors_are_at_chance_on_shuffled_auc_when_masks_cluster():
    rng = np.random.default_rng(0)
    masks = np.zeros((150, 32, 32))
    for mask in masks:
        y, x = np.clip(rng.normal(14, 4, 2), 0, 26).astype(int)
        mask[y : y + 5, x : x + 5] = 1
    table = trivial.scores(masks, masks, metrics.mask_locations(masks))
    means = table.groupby("method")[["auc", "auc_shuffled"]].mean()
    assert means.loc["centre blob", "auc"] > 0.75
    assert abs(means.loc["centre blob", "auc_shuffled"] - 0.5) < 0.08
    np.testing.assert_allclose(means.loc["all-ones map"], 0.5)


def test_real_casia(real_data):
    masks = real_masks(real_data / "CASIA1")
    assert len(masks) == 582
    ones = metrics.per_image((trivial.all_ones(*mask.shape) for mask in masks), masks)
    assert ones["f1"].mean() == pytest.approx(0.1532, abs=5e-5)
    assert ones["iou"].mean() == pytest.approx(0.0877, abs=5e-5)
    blobs = (trivial.centre_blob(*mask.shape) for mask in masks)
    blob = metrics.per_image(blobs, masks, locations=metrics.mask_locations(masks)).mean()
    assert blob["auc"] == pytest.approx(0.665, abs=0.01)
    assert blob["f1"] == pytest.approx(0.198, abs=0.01) and blob["iou"] == pytest.approx(0.123, abs=0.01)
    assert blob["f1_best"] == pytest.approx(0.279, abs=0.01)
    assert blob["auc_shuffled"] == pytest.approx(0.523, abs=0.01)


def test_real_nist(real_data):
    masks = real_masks(real_data / "NIST16_1024", side=256)
    assert len(masks) == 383
    blobs = (trivial.centre_blob(*mask.shape) for mask in masks)
    blob = metrics.per_image(blobs, masks, locations=metrics.mask_locations(masks)).mean()
    assert blob["auc"] == pytest.approx(0.711, abs=0.02)
    assert blob["f1"] == pytest.approx(0.168, abs=0.02) and blob["f1_best"] == pytest.approx(0.244, abs=0.02)
    assert blob["auc_shuffled"] == pytest.approx(0.582, abs=0.02)


def test_average_mask_of_one_half_of_casia_on_the_other(real_data):
    masks = real_masks(real_data / "CASIA1")
    average = trivial.average_mask(masks[::2])
    other = masks[1::2]
    found = metrics.per_image((trivial.render(average, *mask.shape) for mask in other), other)
    assert found["auc"].mean() == pytest.approx(0.688, abs=0.02)
