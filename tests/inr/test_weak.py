"""Weak mode: labels that never come from a crop, Eq. 6 and 7 by hand, empty cases, gradients, a run through `fit`."""

import math
from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from imdlib.data.batches import ImageSet, training_batches
from imdlib.inr.contrast import select, selective_contrast
from imdlib.inr.labels import LabelledImages, image_label, reflected
from imdlib.inr.pooling import POOLINGS, pool
from imdlib.inr.reconstruction import NRR, nrr_loss
from imdlib.inr.variants import VARIANTS, loss_of, model_of, pooling_of
from imdlib.inr.weak import bce, classification_loss, score_images, weak_loss
from imdlib.train import fit
from imdlib.training.settings import Settings

SMALL = dict(backbone="resnet18", width=0.25, blocks=(1, 1, 1, 1), stem_stride=1, proj=(16, 8))


@pytest.fixture
def manifest(tmp_path):
    """Eight images of 40x56, every second one tampered in its top left corner."""
    rng, rows = np.random.default_rng(0), []
    for i in range(8):
        pixels = rng.integers(0, 120, (40, 56, 3), dtype=np.uint8)
        mask = np.zeros((40, 56), dtype=np.uint8)
        if i % 2:
            mask[:6, :6], pixels[:6, :6] = 255, 230
            Image.fromarray(mask).save(tmp_path / f"m{i}.png")
        Image.fromarray(pixels).save(tmp_path / f"i{i}.png")
        rows.append((str(tmp_path / f"i{i}.png"), str(tmp_path / f"m{i}.png") if i % 2 else "", i % 2))
    return pd.DataFrame(rows, columns=["image", "mask", "label"])


def outputs(batch=4, seed=0, dtype=torch.float32):
    """Outputs of a model on a 6x6 grid, the first two rows apart in features and scores."""
    g = torch.Generator().manual_seed(seed)
    feat = torch.randn(batch, 5, 6, 6, generator=g, dtype=dtype)
    feat[:, 0] += 6
    feat[:, :, :2] *= -1
    matching = 0.7 + 0.01 * torch.randn(batch, 6, 6, generator=g, dtype=dtype)
    matching[:, :2] -= 0.2
    out = {"logits": torch.randn(batch, 1, 6, 6, generator=g, dtype=dtype), "feat": feat, "matching": matching}
    out["proj"] = torch.randn(batch, 3, 6, 6, generator=g, dtype=dtype)
    return {k: v.requires_grad_() if k != "matching" else v for k, v in out.items()}


def labels(*values):
    """A mask as LabelledImages gives it."""
    return torch.tensor(values, dtype=torch.uint8).view(-1, 1, 1, 1).expand(-1, 1, 12, 12)


# ---- labels


def test_a_crop_does_not_change_the_label(manifest):
    images = LabelledImages(manifest, crop=16, flips=True)
    pixels = ImageSet(manifest, crop=16, flips=True)
    missed = 0
    for epoch in range(5):
        for i in range(len(images)):
            image, mask, index = images[epoch, i]
            same_image, pixel_mask, _ = pixels[epoch, i]
            assert torch.equal(image, same_image) and index == i
            assert mask.shape == (1, 16, 16) and mask.dtype == torch.uint8 and (mask == manifest["label"][i]).all()
            missed += manifest["label"][i] == 1 and not pixel_mask.any()
    assert missed > 5  # crops of tampered images that hold no tampered pixel: where a label from the crop would leak


def test_labels_from_the_crop_leak(manifest):
    leaky, pixels = LabelledImages(manifest, crop=16, labels="crop"), ImageSet(manifest, crop=16)
    found = [(leaky[e, i][1].unique().tolist(), [int(pixels[e, i][1].any())]) for e in range(5) for i in range(8)]
    assert all(a == b for a, b in found)
    assert any(a == [0] and manifest["label"][k % 8] == 1 for k, (a, _) in enumerate(found))


def test_batches_carry_the_manifests_labels(manifest):
    images = LabelledImages(manifest, crop=32)
    for _, mask, index in training_batches(images, epoch=3, batch_size=4):
        assert image_label(mask).tolist() == manifest["label"][index.numpy()].tolist()
    assert all(m.shape == (1, 40, 56) for _, m, _ in (LabelledImages(manifest)[0, i] for i in range(2)))
    decoded = list(images.samples())
    assert decoded[1][1].sum() == 36  # whole images keep their masks, for evaluation


def test_small_images_are_reflected_not_padded(manifest):
    image, mask, _ = LabelledImages(manifest, crop=100)[0, 1]
    assert image.shape == (3, 100, 100) and (mask == 1).all()
    decoded = LabelledImages(manifest).decode(1)[0]
    mirrored = torch.cat([decoded, decoded.flip(1), decoded], dim=1)[:, :100]
    mirrored = torch.cat([mirrored, mirrored.flip(2)], dim=2)[:, :, :100]
    assert torch.equal(image, mirrored)
    assert torch.equal(reflected(decoded, 20), decoded)


def test_pixel_masks_are_refused(manifest):
    _, mask, _ = ImageSet(manifest)[0, 1]
    with pytest.raises(ValueError, match="must not see pixel masks"):
        image_label(mask[None])
    with pytest.raises(ValueError, match="255 is padding"):
        image_label(torch.tensor([[[[1, 255]]]]))
    with pytest.raises(ValueError, match="'image' or 'crop'"):
        LabelledImages(manifest, labels="mask")
    with pytest.raises(ValueError, match="labels must be 0 or 1"):
        LabelledImages(manifest.assign(label=2))


# ---- losses


def test_bce_is_equation_six():
    g, p = torch.tensor([0.0, 1.0, 1.0, 0.0]), torch.tensor([0.2, 0.7, 1.0, 1.0])
    expected = [-math.log(0.8), -math.log(0.7), 0.0, 100.0]
    assert bce(g, p).tolist() == pytest.approx(expected)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert bce(g, p.bfloat16()).dtype == torch.float32
    other = torch.tensor([0.5, 0.5, 0.5, 0.5])
    assert classification_loss(g, (p, other)).item() == pytest.approx(sum(expected) / 4 + math.log(2))


def test_weak_loss_is_equation_seven():
    out, label = outputs(), torch.tensor([1.0, 0, 1, 0])
    parts = weak_loss(out, labels(1, 0, 1, 0), alpha=2.0, beta=0.3, tau=0.2)
    tampered, authentic, low = select(out["feat"], out["matching"])
    assert tampered.any() and low.all()
    prob = out["logits"].sigmoid()
    cls = classification_loss(label, pool(prob, "adaptive", tampered))
    rows = [
        selective_contrast(out["proj"][b : b + 1], tampered[b : b + 1], authentic[b : b + 1], tau=0.2) for b in (0, 2)
    ]
    torch.testing.assert_close(parts["cls"], cls)
    torch.testing.assert_close(parts["scl"], sum(rows) / 2)
    torch.testing.assert_close(parts["loss"], 2 * cls + 0.3 * sum(rows) / 2)
    score = score_images(out)
    assert parts["share1"] == 0.5 and parts["low"] == 1
    assert parts["score1"].item() == pytest.approx((score[0] + score[2]).item() / 4)
    assert parts["score0"].item() == pytest.approx((score[1] + score[3]).item() / 4)
    assert all(value.ndim == 0 for value in parts.values())


def test_authentic_batch_has_no_contrast_unless_asked_for():
    out = outputs()
    none, every = weak_loss(out, labels(0, 0, 0, 0)), weak_loss(out, labels(0, 0, 0, 0), scl_all=True)
    assert none["scl"] == 0 and every["scl"] != 0
    none["loss"].backward()
    assert out["logits"].grad.any() and out["proj"].grad is not None and not out["proj"].grad.any()


def test_on_features_the_projection_learns_nothing():
    out = outputs()
    weak_loss(out, labels(1, 1, 1, 0))["scl"].backward()
    assert out["proj"].grad.any() and out["feat"].grad is None
    out = outputs()
    weak_loss(out, labels(1, 1, 1, 0), scl_on="feat")["loss"].backward()
    assert out["proj"].grad is None and out["feat"].grad.any()


@pytest.mark.parametrize("pooling", POOLINGS)
def test_every_pooling_trains_the_map(pooling):
    out = outputs()
    parts = weak_loss(out, labels(1, 0, 1, 0), pooling=pooling, beta=0.0)
    parts["loss"].backward()
    assert out["logits"].grad.any() and "scl" not in parts and out["proj"].grad is None
    assert score_images(out, pooling=pooling).shape == (4,)


def test_without_matching_scores():
    out = {k: v for k, v in outputs().items() if k in ("logits", "feat")}
    assert weak_loss(out, labels(1, 0, 1, 0), pooling="max", beta=0.0)["loss"] > 0
    for options in (dict(pooling="max"), dict(beta=0.0)):
        with pytest.raises(ValueError, match="no matching scores"):
            weak_loss(out, labels(1, 0, 1, 0), **options)


def test_float32_in_autocast():
    out = outputs()
    plain = weak_loss(out, labels(1, 0, 1, 0))
    half = {k: v.bfloat16() if k in ("proj", "logits") else v for k, v in out.items()}
    with torch.autocast("cpu", dtype=torch.bfloat16):
        inside = weak_loss(half, labels(1, 0, 1, 0))
    assert all(v.dtype == torch.float32 for v in inside.values())
    torch.testing.assert_close(inside["loss"], plain["loss"], rtol=0.02, atol=0.02)


def test_the_contrast_waits_for_its_start():
    label, waits = labels(1, 0, 1, 0), dict(contrast_after=3, beta=0.3)
    early, late = (outputs() | {"seen": torch.tensor(seen)} for seen in (3, 4))
    assert weak_loss(early, label, **waits)["loss"] == weak_loss(early, label, beta=0.3)["cls"]
    torch.testing.assert_close(weak_loss(late, label, **waits)["loss"], weak_loss(late, label, beta=0.3)["loss"])


@pytest.mark.parametrize("scl_on", ["proj", "feat"])
def test_counter_samples_are_keys_and_both_branches_learn(scl_on):
    out = outputs()
    out[f"{scl_on}_r"] = torch.randn(out[scl_on].shape, requires_grad=True)
    found = weak_loss(out, labels(1, 1, 1, 0), scl_on=scl_on)["scl"]
    found.backward()
    assert out[scl_on].grad.any() and out[f"{scl_on}_r"].grad.any()
    assert found != weak_loss(outputs(), labels(1, 1, 1, 0), scl_on=scl_on)["scl"]


# ---- variants, and a run


def test_variants():
    for variant, (kind, contrast, pooling) in VARIANTS.items():
        nrr = NRR(width=4, stride=2, blocks=1, channels=4, hidden=(8, 8, 8))
        model = model_of(variant, nrr=nrr, scale=0.01, **SMALL)
        parts = loss_of(variant)(model(torch.rand(2, 3, 32, 32)), labels(1, 0))
        assert ("scl" in parts) == contrast and ("error" in model(torch.rand(2, 3, 32, 32))) == (kind is not None)
        assert pooling_of(variant) == pooling
        parts["loss"].backward()
        silent = [n for n, p in model.named_parameters() if p.grad is None and not n.startswith("prior.")]
        assert not [n for n in silent if not n.startswith("project.")]
        assert not silent or not contrast  # P is trained by the contrast and by nothing else
    with pytest.raises(ValueError, match="needs nrr"):
        model_of("nrr")
    with pytest.raises(ValueError, match="expected one of base"):
        loss_of("best")


def test_a_run_from_reconstruction_to_detection(manifest, tmp_path):
    settings = Settings(epochs=2, batch_size=4, learning_rate=1e-2, precision="32-true", accelerator="cpu")
    nrr = NRR(width=4, stride=2, blocks=1, channels=4, hidden=(8, 8, 8))
    authentic = manifest[manifest["label"] == 0]
    first = fit(nrr, nrr_loss, ImageSet(authentic, crop=48), tmp_path / "nrr", settings, optimizer="adamw")
    assert first["loss"].iloc[-1] < first["loss"].iloc[0]
    model = model_of("nrr+scl+agap", nrr=nrr, scale=0.1, **SMALL)
    before = [p.clone() for p in nrr.parameters()]
    images = LabelledImages(manifest, crop=32, flips=True)
    settings = replace(settings, learning_rate=1e-3)
    history = fit(model, loss_of("nrr+scl+agap"), images, tmp_path / "weak", settings, optimizer="adamw")
    assert np.isfinite(history).all(axis=None) and {"cls", "scl", "agree"} <= set(history)
    assert all(torch.equal(a, b) for a, b in zip(before, model.prior.nrr.parameters()))
    assert history["share1"].tolist() == [0.5, 0.5]


def test_a_run_on_pixel_masks_stops(manifest, tmp_path):
    settings = Settings(epochs=1, batch_size=8, learning_rate=1e-3, precision="32-true", accelerator="cpu")
    model = model_of("base", **SMALL)
    with pytest.raises(ValueError, match="LabelledImages"):
        fit(model, partial(weak_loss, beta=0.0, pooling="max"), ImageSet(manifest), tmp_path, settings)
