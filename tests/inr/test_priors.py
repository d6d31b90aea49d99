"""Priors: frozen, in float32, filters against OpenCV and loops, and the scale of their errors."""

import cv2
import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from imdlib.data.batches import ImageSet
from imdlib.inr.priors import SRM, FrozenNRR, Smooth, error_scale
from imdlib.inr.reconstruction import NRR, error_map
from imdlib.networks.srm import FILTERS as SRM_FILTERS

TINY = dict(width=4, stride=2, blocks=1, channels=6, hidden=(8, 8, 8))


def priors(**options):
    return [FrozenNRR(NRR(**TINY), **options), Smooth(**options), SRM(**options)]


@pytest.mark.parametrize("which", [0, 1, 2])
def test_forms(which):
    prior = priors()[which]
    image = torch.rand(2, 3, 33, 34)
    reconstruction, error = prior(image)
    assert reconstruction.shape == image.shape and error.shape == (2, prior.channels, 33, 34)
    assert error.min() >= 0 and error.max() > 0 and not error.requires_grad
    assert not any(p.requires_grad for p in prior.parameters())
    with torch.autocast("cpu", dtype=torch.bfloat16):
        again, same = prior(image)
    assert same.dtype == torch.float32 and torch.equal(same, error) and torch.equal(again, reconstruction)
    scaled = priors(scale=1e-3)[which]
    scaled.load_state_dict(prior.state_dict())
    torch.testing.assert_close(scaled(image)[1], (error / 1e-3).clamp(max=1))


@pytest.mark.parametrize("which", [1, 2])
def test_fixed_predictors_are_right_about_a_constant_image(which):
    image = torch.full((1, 3, 8, 8), 0.3)
    reconstruction, error = priors()[which](image)
    torch.testing.assert_close(reconstruction, image)
    assert error.max() < 1e-12


def test_nrr_error_of_each_channel():
    nrr = NRR(**TINY)
    image = torch.rand(1, 3, 16, 16)
    prior = FrozenNRR(nrr, channels="each")
    torch.testing.assert_close(prior(image)[1], error_map(image, nrr.reconstruct(image), channels="each"))
    assert prior.channels == 3


def test_a_reconstruction_is_kept_for_an_image_that_comes_again_and_no_more_than_there_is_room_for(monkeypatch):
    nrr = NRR(**TINY)
    calls, reconstruct = [], nrr.reconstruct
    monkeypatch.setattr(nrr, "reconstruct", lambda image: calls.append(len(image)) or reconstruct(image))
    image = torch.rand(5, 3, 16, 20).to(memory_format=torch.channels_last)
    plain, prior = FrozenNRR(nrr, scale=0.1), FrozenNRR(nrr, scale=0.1, memory=4 * 3 * 16 * 20 * 4)  # room for four
    expected = plain(image)
    calls.clear()
    for _ in range(2):
        for ours, theirs in zip(prior(image), expected):
            torch.testing.assert_close(ours, theirs)
    assert calls == [1] * 5 + [1] and len(prior.kept) == 4  # the fifth once more
    with torch.inference_mode():
        prior(image.flip(3))
    flipped, error = prior(image[:2].flip(3))
    assert torch.equal(error, plain(image[:2].flip(3))[1]) and not flipped.is_inference()
    assert set(prior.state_dict()) == set(plain.state_dict())


def test_srm_is_opencvs():
    image = np.random.default_rng(1).random((9, 11, 3), dtype=np.float32)
    filters = [np.array(taps, dtype=np.float32) / by for taps, by in SRM_FILTERS]
    residuals = [cv2.filter2D(image, -1, f, borderType=cv2.BORDER_REPLICATE) for f in filters]
    reconstruction, error = SRM()(torch.from_numpy(image).permute(2, 0, 1)[None])
    for k, residual in enumerate(residuals):
        np.testing.assert_allclose(error[0, k], (residual**2).mean(axis=2), atol=1e-5)
    np.testing.assert_allclose(reconstruction[0].permute(1, 2, 0), image + np.mean(residuals, axis=0), atol=1e-5)
    for f in filters:
        assert f[2, 2] == -1 and f.sum() == pytest.approx(0, abs=1e-6)


@pytest.fixture
def authentic(tmp_path):
    rng = np.random.default_rng(0)
    files = [tmp_path / f"{i}.png" for i in range(3)]
    for i, file in enumerate(files):
        Image.fromarray(rng.integers(0, 80 * (i + 1), (20 + 4 * i, 24, 3), dtype=np.uint8)).save(file)
    return ImageSet(pd.DataFrame({"image": list(map(str, files)), "mask": "", "label": 0}))


def test_error_scale(authentic):
    scale = error_scale(Smooth(), authentic, share=0.9)
    errors = [Smooth()(image[None].float() / 255)[1].numpy() for image, _ in authentic.samples()]
    per_image = np.concatenate([np.resize(np.sort(e.ravel()), 4000) for e in errors])
    assert scale == pytest.approx(np.quantile(per_image, 0.9), rel=0.1)
    first = error_scale(Smooth(), authentic, share=0.9, count=1)
    assert first == pytest.approx(np.quantile(errors[0], 0.9), rel=1e-3) and first < scale
    with pytest.raises(ValueError, match="already has scale"):
        error_scale(Smooth(scale=1.0), authentic)
    with pytest.raises(ValueError, match="every error is zero"):
        error_scale(copying_prior(), authentic)


def copying_prior():
    """A prior that copies its input."""
    prior = Smooth()
    prior.forward = lambda image: (image, torch.zeros_like(image[:, :1]))
    return prior
