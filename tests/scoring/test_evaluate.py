"""Evaluation: known maps get known scores, in the order of the manifest, at the size of the image."""

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from torch import nn

from imdlib.data.batches import ImageSet
from imdlib.scoring import evaluate, metrics

SIZES = [(16, 24), (24, 16), (16, 24), (20, 20), (16, 24), (24, 16)]
KINDS = ["splicing", "authentic", "copy-move", "removal", "authentic", "splicing"]


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    """Images whose red channel is their mask, of several sizes, two of them authentic."""
    folder, rows = tmp_path_factory.mktemp("set"), []
    for i, ((height, width), kind) in enumerate(zip(SIZES, KINDS)):
        mask = np.zeros((height, width), np.uint8)
        if kind != "authentic":
            mask[2 * i : 2 * i + 6, 4:12] = 255
            Image.fromarray(mask).save(folder / f"{i}_mask.png")
        Image.fromarray(np.stack([mask, mask // 2, mask * 0], axis=2)).save(folder / f"image{i}.png")
        rows.append((str(folder / f"image{i}.png"), str(folder / f"{i}_mask.png") if kind != "authentic" else "", kind))
    manifest = pd.DataFrame(rows, columns=["image", "mask", "kind"])
    manifest = manifest.assign(label=(manifest["kind"] != "authentic").astype(int), dataset="toy", visibility="")
    return ImageSet(manifest)


class Channel(nn.Module):
    """The first channel of the image as a map, times a factor, plus an offset."""

    def __init__(self, factor=1.0, offset=0.0):
        super().__init__()
        self.factor, self.offset = nn.Parameter(torch.tensor(factor)), offset
        self.seen = []

    def forward(self, image):
        self.seen.append((tuple(image.shape), self.training, float(image.max())))
        return image[:, :1] * self.factor + self.offset


def same(outputs):
    return outputs


def test_a_map_equal_to_the_mask_is_perfect(images):
    scores, pictures = evaluate.score(Channel(), images, probability=same)
    tampered = scores[scores["label"] == 1]
    assert (tampered[["f1", "iou", "auc", "f1_best", "score"]] == 1).all(axis=None)
    assert (tampered["tp"] == 48).all() and (scores[["fp", "fn"]] == 0).all(axis=None)
    assert pictures == {}


def test_the_all_ones_map_has_the_scores_of_counting(images):
    scores, _ = evaluate.score(Channel(0.0, 1.0), images, probability=same)
    tampered = scores[scores["label"] == 1]
    share = np.array([48 / (h * w) for (h, w), kind in zip(SIZES, KINDS) if kind != "authentic"])
    assert tampered["f1"].to_numpy() == pytest.approx(2 * share / (1 + share))
    assert tampered["iou"].to_numpy() == pytest.approx(share)
    assert (tampered["auc"] == 0.5).all()


def test_authentic_images_are_undefined_not_zero(images):
    scores, _ = evaluate.score(Channel(), images, probability=same)
    authentic = scores[scores["label"] == 0]
    assert len(authentic) == 2
    assert authentic[["f1", "iou", "auc", "f1_best"]].isna().all(axis=None)
    assert (authentic["score"] == 0).all() and (authentic["tn"] == [24 * 16, 16 * 24]).all()


def test_rows_keep_the_order_and_the_facts_of_the_manifest(images):
    scores, _ = evaluate.score(Channel(), images, probability=same)
    assert scores["image"].tolist() == [f"image{i}.png" for i in range(6)]
    assert scores["kind"].tolist() == KINDS
    assert (scores[["tp", "fp", "fn", "tn"]].sum(axis=1) == [h * w for h, w in SIZES]).all()
    assert scores.columns[:6].tolist() == ["image", "dataset", "kind", "visibility", "label", "score"]


def test_the_model_is_asked_in_evaluation_mode_for_images_between_0_and_1(images):
    model = Channel().train()
    evaluate.score(model, images, probability=same)
    assert not any(training for _, training, _ in model.seen)
    assert max(top for *_, top in model.seen) == 1
    assert sum(shape[0] for shape, *_ in model.seen) == 6


@pytest.mark.parametrize("factor", [2, 0.5])
def test_the_map_of_a_resized_image_is_brought_back(images, factor):
    def resize(image):
        size = [int(side * factor) for side in image.shape[1:]]
        return nn.functional.interpolate(image[None].float(), size, mode="nearest")[0].to(torch.uint8)

    model = Channel()
    maps = {index: prob for index, prob, _ in evaluate.predict(model, images, probability=same, attack=resize)}
    assert {shape[2:] for shape, *_ in model.seen} == {(int(h * factor), int(w * factor)) for h, w in SIZES}
    assert [maps[i].shape for i in range(6)] == SIZES
    scores, _ = evaluate.score(model, images, probability=same, attack=resize)
    assert scores["f1"].min() > 0.75 and scores["auc"].min() > 0.95


def test_shuffled_auc_is_there_where_locations_are(images):
    locations = metrics.mask_locations([mask[0].numpy() for _, mask in images.samples()])
    scores, _ = evaluate.score(Channel(), images, probability=same, locations=locations)
    assert scores.loc[scores["label"] == 1, "auc_shuffled"].to_numpy() == pytest.approx(1)
    assert scores.loc[scores["label"] == 0, "auc_shuffled"].isna().all()


def test_a_broken_map_names_its_file(images):
    with pytest.raises(ValueError, match=r"image\d\.png: its map cannot be scored"):
        evaluate.score(Channel(float("nan")), images, probability=same)


def test_examples_are_tampered_the_same_for_all_and_whole(images):
    first, second = (evaluate.score(Channel(f), images, probability=same, examples=2)[1] for f in (1.0, 0.3))
    assert first.keys() == second.keys() and len(first) == 6
    names = {key.rsplit("/", 1)[0] for key in first}
    assert names < {f"toy/image{i}.png" for i in (0, 2, 3, 5)}
    for name in names:
        assert np.array_equal(first[f"{name}/map"] > 0.5, first[f"{name}/mask"])
        assert np.array_equal(first[f"{name}/image"][..., 0] > 127, first[f"{name}/mask"])


def test_chosen_goes_by_file_name_alone(images):
    manifest = images.manifest
    found = evaluate.chosen(manifest, 3)
    assert len(set(found)) == 3 and (manifest["label"][found] == 1).all()
    assert evaluate.chosen(manifest, 2) == found[:2]
    moved = manifest.assign(image="/elsewhere/" + manifest["image"].str.rsplit("/", n=1).str[-1])
    assert evaluate.chosen(moved, 3) == found
    turned = manifest.iloc[::-1].reset_index(drop=True)
    assert list(turned["image"][evaluate.chosen(turned, 3)]) == list(manifest["image"][found])
    assert len(evaluate.chosen(manifest, 99)) == 4 and evaluate.chosen(manifest, 0) == []


def test_validation_is_the_mean_over_tampered_images(images):
    found = evaluate.validation(Channel(0.0, 1.0), images, probability=same)
    scores, _ = evaluate.score(Channel(0.0, 1.0), images, probability=same)
    assert found == {"val_auc": 0.5, "val_f1": pytest.approx(np.nanmean(scores["f1"]))}
    places = metrics.mask_locations(mask[0].numpy() for _, mask in images.samples())
    blind = evaluate.validation(Channel(0.0, 1.0), images, probability=same, locations=places)
    assert blind == found | {"val_auc_shuffled": 0.5}
    seeing = evaluate.validation(Channel(1.0), images, probability=same, locations=places)
    scores, _ = evaluate.score(Channel(1.0), images, probability=same, locations=places)
    assert seeing["val_auc_shuffled"] == pytest.approx(np.nanmean(scores["auc_shuffled"]))


def test_the_image_score_is_the_largest_value_or_what_is_asked_for(images):
    largest, _ = evaluate.score(Channel(0.5), images, probability=same)
    mean, _ = evaluate.score(
        Channel(0.5), images, probability=same, image_score=lambda outputs: outputs.mean((1, 2, 3))
    )
    assert largest["score"].tolist() == pytest.approx([0.5, 0, 0.5, 0.5, 0, 0.5])
    area = [48 / (height * width) * (kind != "authentic") for (height, width), kind in zip(SIZES, KINDS)]
    assert mean["score"].tolist() == pytest.approx([0.5 * share for share in area], abs=1e-6)
    assert (mean["f1"].fillna(-1) == largest["f1"].fillna(-1)).all()


def test_a_tampered_image_whose_mask_nobody_has_counts_no_pixel(images):
    hidden = images.manifest.assign(mask="")
    scores, _ = evaluate.score(Channel(), ImageSet(hidden), probability=same)
    tampered = scores["label"] == 1
    assert tampered.any() and scores.loc[tampered, ["tp", "fp", "fn", "tn", "f1", "auc"]].isna().all(axis=None)
    assert scores.loc[~tampered, ["tp", "fp", "fn", "tn"]].notna().all(axis=None) and scores["score"].notna().all()


def test_names_are_the_files_own_and_never_two_alike():
    manifest = pd.DataFrame({"image": ["/a/REAL/1.png", "/a/FAKE/1.png", "C:\\a\\FAKE\\2.png"]})
    assert evaluate.short_names(manifest) == ["REAL/1.png", "FAKE/1.png", "2.png"]
