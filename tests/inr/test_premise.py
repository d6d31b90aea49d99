"""The hypothesis as numbers: PSNR inside and outside of masks by hand, the error map as a detector that keeps its order."""

import cv2
import numpy as np
import pandas as pd
import pytest
import torch
from skimage.filters import threshold_otsu
from torch import nn

from imdlib.data.batches import ImageSet
from imdlib.inr.premise import INSIDE, OUTSIDE, ErrorDetector, psnr_rows, psnr_split
from imdlib.scoring import evaluate


@pytest.fixture
def images(tmp_path):
    """Three images of two sizes: one authentic, two tampered in a square."""
    rng, rows = np.random.default_rng(0), []
    for i, (height, width) in enumerate([(40, 48), (40, 48), (32, 32)]):
        cv2.imwrite(str(tmp_path / f"{i}.png"), rng.integers(0, 256, (height, width, 3)).astype(np.uint8))
        mask = np.zeros((height, width), np.uint8)
        mask[8:20, 10:30] = 255
        cv2.imwrite(str(tmp_path / f"{i}_mask.png"), mask)
        rows.append((str(tmp_path / f"{i}.png"), str(tmp_path / f"{i}_mask.png") if i else "", int(i > 0)))
    manifest = pd.DataFrame(rows, columns=["image", "mask", "label"])
    return ImageSet(manifest.assign(kind="x", scene="s", split="test", dataset="toy", visibility=""))


class Darker(nn.Module):
    """A reconstruction that is wrong by `inside` in a fixed square and by `outside` elsewhere."""

    def __init__(self, inside, outside):
        super().__init__()
        self.values = nn.Parameter(torch.tensor([inside, outside]))

    def forward(self, image):
        error = self.values[1].expand(1, 1, *image.shape[-2:]).clone()
        error[..., 8:20, 10:30] = self.values[0]
        return {"reconstruction": image - error}


def test_psnr_inside_and_outside_by_hand(images):
    found = psnr_split(Darker(0.1, 0.01), images)
    assert found["psnr_tampered"] == pytest.approx(20, abs=1e-3)  # -20 log10 of 0.1
    assert found["psnr_outside"] == pytest.approx(40, abs=1e-3)
    assert found["psnr_gap"] == pytest.approx(20, abs=1e-3)
    share = 12 * 20 / (40 * 48)
    mean = share * 0.1**2 + (1 - share) * 0.01**2
    assert found["psnr_authentic"] == pytest.approx(-10 * np.log10(mean), abs=1e-3)


def test_psnr_without_tampered_images_is_not_a_number(images):
    authentic = ImageSet(images.manifest[images.manifest["label"] == 0])
    found = psnr_split(Darker(0.1, 0.1), authentic)
    assert found["psnr_authentic"] == pytest.approx(20, abs=1e-3)
    assert np.isnan(found["psnr_tampered"]) and np.isnan(found["psnr_gap"])


class Given(nn.Module):
    """A prior whose error is the image's own first two channels."""

    scale = None

    def forward(self, image):
        return image, image[:, :2]


def test_the_detector_keeps_the_order_of_errors_and_puts_the_scale_at_a_half():
    image = torch.rand(2, 3, 20, 20)
    prob = ErrorDetector(Given(), scale=0.3)(image)
    error = image[:, :2].mean(1, keepdim=True)
    assert prob.shape == (2, 1, 20, 20) and prob.min() >= 0 and prob.max() <= 1
    assert (prob.flatten(1).argsort(1) == error.flatten(1).argsort(1)).all()
    assert ((prob > 0.5) == (error > 0.3)).all()


def test_a_box_averages_errors_as_opencv_does():
    image = torch.rand(1, 3, 30, 30)
    prob = ErrorDetector(Given(), scale=1.0, box=5)(image)[0, 0]
    error = image[0, :2].mean(0).numpy()
    expected = cv2.blur(error, (5, 5), borderType=cv2.BORDER_REFLECT_101)
    np.testing.assert_allclose(prob, expected / (expected + 1), atol=1e-5)


def test_the_binary_answer_is_otsus():
    image = torch.rand(1, 3, 32, 32)
    image[..., :10, :10] *= 0.1
    error = image[0, :2].mean(0).numpy()
    found = ErrorDetector(Given(), scale=1.0, binary=True)(image)[0, 0].numpy()
    assert set(np.unique(found)) == {0, 1}
    assert np.mean(found != (error > threshold_otsu(error, nbins=4096))) < 0.01


def test_it_is_scored_like_any_model(images):
    scores, _ = evaluate.score(ErrorDetector(Given(), scale=0.5), images, probability=lambda prob: prob)
    assert scores["auc"].notna().sum() == 2 and scores["score"].between(0, 1).all()


@pytest.mark.parametrize("wrong", [dict(box=4), dict(scale=0.0)])
def test_wrong_settings_are_refused(wrong):
    with pytest.raises(ValueError, match="odd box and a scale above 0"):
        ErrorDetector(Given(), **{"scale": 1.0} | wrong)


def test_psnr_of_each_image_is_a_row_of_either_side(images):
    found = psnr_rows(Darker(0.1, 0.01), images)
    assert set(found["predictor"]) == {INSIDE, OUTSIDE} and len(found) == 2 * len(images.manifest)
    means = found[found["label"] == 1].groupby("predictor")["psnr"].mean()
    split = psnr_split(Darker(0.1, 0.01), images)
    assert means[INSIDE] == pytest.approx(split["psnr_tampered"]) and means[OUTSIDE] == pytest.approx(
        split["psnr_outside"]
    )
    assert split["fidelity"] == pytest.approx(split["psnr_authentic"] / 100)
