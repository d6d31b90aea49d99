"""Batches: image and mask stay together, and the same sample comes back whoever asks for it."""

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from imdlib.data import batches
from imdlib.data.batches import ImageSet, augment, evaluation_batches, generator_for, training_batches
from imdlib.scoring import metrics


def write_set(folder, sizes):
    """Images of random pixels whose red channel holds the mask: an even value = authentic, an odd one = tampered."""
    rng, rows = np.random.default_rng(0), []
    for i, (height, width) in enumerate(sizes):
        mask = rng.random((height, width)) < 0.3 if i % 3 else np.zeros((height, width), bool)
        image = rng.integers(1, 120, (height, width, 3)) * 2
        image[..., 0] += mask
        image_path, mask_path = folder / f"{i}.png", folder / f"{i}_mask.png"
        Image.fromarray(image.astype(np.uint8)).save(image_path)
        if i % 3:
            Image.fromarray(mask.astype(np.uint8) * 255).save(mask_path)
        rows.append({"image": str(image_path), "mask": str(mask_path) if i % 3 else "", "label": int(i % 3 > 0)})
    return pd.DataFrame(rows)


SIZES = [(20, 30), (30, 20), (24, 24), (10, 40), (9, 8), (20, 30), (24, 24), (20, 30), (24, 24), (20, 30), (30, 20)]


@pytest.fixture(scope="module")
def manifest(tmp_path_factory):
    return write_set(tmp_path_factory.mktemp("set"), SIZES)


def test_an_item_is_the_file(manifest):
    images = ImageSet(manifest)
    for i, (height, width) in enumerate(SIZES):
        image, mask, index = images[0, i]
        assert index == i and image.shape == (3, height, width) and mask.shape == (1, height, width)
        assert image.dtype == mask.dtype == torch.uint8
        assert torch.equal(mask, image[:1] % 2)
        assert np.array_equal(image.permute(1, 2, 0).numpy(), np.array(Image.open(manifest["image"][i])))
    assert images[0, 0][1].sum() == 0  # authentic: no mask file
    assert [mask.sum() for _, mask in images.samples()] == [images[0, i][1].sum() for i in range(len(SIZES))]


def test_crop_and_flips_fall_on_image_and_mask_together(manifest):
    images = ImageSet(manifest, crop=16, flips=True)
    for epoch in range(8):
        for i in range(len(SIZES)):
            image, mask, _ = images[epoch, i]
            assert image.shape == (3, 16, 16) and mask.shape == (1, 16, 16)
            inside = mask != batches.IGNORE
            assert torch.equal(mask[inside], (image[:1] % 2)[inside])
            assert set(mask.unique().tolist()) <= {0, 1, 255}


def test_nothing_of_a_tampered_image_without_a_mask_is_learned_or_scored_as_authentic(manifest):
    fully = manifest.assign(mask="")  # every third image is authentic
    images = ImageSet(fully, crop=16, flips=True)
    for i, label in enumerate(fully["label"]):
        assert (images[0, i][1] == batches.IGNORE).all() == bool(label) or SIZES[i][0] < 16
    whole = ImageSet(fully)
    assert [whole[0, i][1].unique().tolist() for i in range(3)] == [[0], [255], [255]]
    assert not any(mask.any() for _, mask in whole.samples())
    scores = metrics.per_image(torch.rand(20, 30), whole.decode(5)[1][0])
    assert scores[["f1", "iou", "auc", "f1_best"]].isna().all(axis=None)


def test_padding_is_black_and_ignored():
    image, mask = torch.full((3, 5, 7), 9, dtype=torch.uint8), torch.ones(1, 5, 7, dtype=torch.uint8)
    for number in range(20):
        found, label = augment(image, mask, crop=12, flips=False, generator=generator_for(number))
        assert found.shape == (3, 12, 12)
        assert (found[:, :5, :7] == 9).all() and (label[:, :5, :7] == 1).all()
        assert (found == 9).sum() == 3 * 35 and (found == 0).sum() == 3 * (144 - 35)
        assert (label == 255).sum() == 144 - 35


def test_crops_reach_every_place_and_flips_every_side():
    image = torch.arange(36, dtype=torch.uint8).view(1, 6, 6)
    corners = [
        augment(image, image, crop=4, flips=False, generator=generator_for(k))[0][0, 0, 0].item() for k in range(200)
    ]
    assert set(corners) == {6 * y + x for y in range(3) for x in range(3)}
    whole = [
        augment(image, image, crop=None, flips=True, generator=generator_for(k))[0][0, 0, 0].item() for k in range(400)
    ]
    counts = [whole.count(corner) for corner in (0, 5, 30, 35)]
    assert sum(counts) == 400 and min(counts) > 60


def test_same_seed_epoch_and_index_give_the_same_sample(manifest):
    one, two = (ImageSet(manifest, crop=16, flips=True, seed=5) for _ in range(2))
    _ = [two[7, i] for i in range(3)]  # what was asked for before does not matter
    assert all(torch.equal(one[1, i][k], two[1, i][k]) for i in range(len(one)) for k in (0, 1))
    assert not all(torch.equal(one[1, i][0], one[2, i][0]) for i in range(len(one)))
    other = ImageSet(manifest, crop=16, flips=True, seed=6)
    assert not all(torch.equal(one[1, i][0], other[1, i][0]) for i in range(len(one)))


def epoch_of(images, **options):
    return list(training_batches(images, batch_size=4, **options))


def test_batches_do_not_depend_on_workers(manifest):
    images = ImageSet(manifest, crop=16, flips=True)
    alone, helped = epoch_of(images, epoch=3), epoch_of(images, epoch=3, workers=2)
    assert len(alone) == len(helped) == 2
    assert all(torch.equal(a, b) for one, two in zip(alone, helped) for a, b in zip(one, two))


def test_epochs_are_shuffled_anew_and_images_come_once(manifest):
    images = ImageSet(manifest, crop=16)
    orders = [torch.cat([index for *_, index in epoch_of(images, epoch=epoch)]).tolist() for epoch in range(4)]
    assert all(len(set(order)) == 8 for order in orders)  # 11 images: the incomplete batch of 3 is left out
    assert len({tuple(order) for order in orders}) == 4
    assert set(sum(orders, [])) == set(range(11))


def test_two_devices_share_the_batch_of_one(manifest):
    images = ImageSet(manifest, crop=16, flips=True)
    whole = epoch_of(images, epoch=1)
    ranks = [epoch_of(images, epoch=1, rank=rank, world=2) for rank in (0, 1)]
    assert len(whole) == len(ranks[0]) == len(ranks[1])
    for (image, mask, index), *parts in zip(whole, *ranks):
        assert [len(part[2]) for part in parts] == [2, 2]
        joined = torch.cat([part[2] for part in parts])
        assert sorted(joined.tolist()) == sorted(index.tolist())
        at = [index.tolist().index(i) for i in joined.tolist()]
        assert torch.equal(torch.cat([part[0] for part in parts]), image[at])
        assert torch.equal(torch.cat([part[1] for part in parts]), mask[at])


def test_impossible_batches_are_refused(manifest):
    images = ImageSet(manifest, crop=16)
    with pytest.raises(ValueError, match="batch_size=12 but the training set holds 11 images: lower batch_size"):
        training_batches(images, epoch=0, batch_size=12)
    with pytest.raises(ValueError, match=r"batch_size=3 must be a multiple of the number of devices \(2\)"):
        training_batches(images, epoch=0, batch_size=3, world=2)


@pytest.mark.parametrize("batch_size, pixels", [(16, 2**21), (2, 2**21), (16, 1200), (16, 1)])
def test_evaluation_covers_each_image_once_in_batches_of_one_size(manifest, batch_size, pixels):
    images, seen = ImageSet(manifest), []
    for image, mask, index in evaluation_batches(images, batch_size=batch_size, pixels=pixels):
        assert len(image) <= batch_size and (len(image) == 1 or image[:, 0].numel() <= pixels)
        assert {SIZES[i] for i in index.tolist()} == {tuple(image.shape[2:])} == {tuple(mask.shape[2:])}
        seen += index.tolist()
    assert sorted(seen) == list(range(len(SIZES)))
    assert len(list(evaluation_batches(images))) == len(set(SIZES))


def test_what_does_not_fit_into_memory_is_decoded_when_asked_for(manifest, monkeypatch):
    need = sum(4 * h * w for h, w in SIZES)
    kept, lazy = (ImageSet(manifest, crop=16, flips=True, memory=memory) for memory in (need, need - 1))
    assert kept.decoded is not None and lazy.decoded is None
    for i in range(len(SIZES)):
        assert all(torch.equal(a, b) for a, b in zip(kept[2, i][:2], lazy[2, i][:2]))
    assert all(torch.equal(a[k], b[k]) for a, b in zip(kept.samples(), lazy.samples()) for k in (0, 1))
    monkeypatch.setattr(batches, "load_image", lambda file: 1 / 0)
    assert len(kept[0, 0]) == 3  # from memory
    with pytest.raises(ZeroDivisionError):
        lazy[0, 0]


def test_mask_of_another_size_names_the_file(manifest):
    wrong = manifest.iloc[[1]].assign(mask=manifest["mask"][2])
    with pytest.raises(ValueError, match=r"2_mask\.png: expected a mask of \(30, 20\) pixels like its image .*1\.png"):
        ImageSet(wrong)


def test_an_empty_manifest_is_refused(manifest):
    with pytest.raises(ValueError, match="the manifest holds no image"):
        ImageSet(manifest.iloc[:0])


def test_rows_of_a_manifest_may_have_any_index(manifest):
    cut = ImageSet(manifest.iloc[[7, 2]])
    assert cut.files == [manifest["image"][7], manifest["image"][2]]
    assert cut[0, 1][0].shape == (3, 24, 24)
