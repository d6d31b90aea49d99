"""Each attack is measured: noise added, tables encoded with, kernel blurred with, size left."""

import io

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from scipy.ndimage import correlate1d
from skimage.data import astronaut

from imdlib.data.attacks import ATTACKS, apply, jpeg_bytes, named
from imdlib.data.batches import ImageSet
from imdlib.scoring import evaluate

LUMINANCE = np.array(  # the table of Annex K of the JPEG standard
    [
        [16, 11, 10, 16, 24, 40, 51, 61],
        [12, 12, 14, 19, 26, 58, 60, 55],
        [14, 13, 16, 24, 40, 57, 69, 56],
        [14, 17, 22, 29, 51, 87, 80, 62],
        [18, 22, 37, 56, 68, 109, 103, 77],
        [24, 35, 55, 64, 81, 104, 113, 92],
        [49, 64, 78, 87, 103, 121, 120, 101],
        [72, 92, 95, 98, 112, 100, 103, 99],
    ]
)


@pytest.fixture(scope="module")
def photo():
    """A photograph (3,200,301) uint8 with odd sides."""
    return torch.from_numpy(astronaut()[40:240, 60:361]).permute(2, 0, 1).contiguous()


def flat(value, size=256):
    return torch.full((3, size, size), value, dtype=torch.uint8)


def test_the_names_are_the_rows_of_table_3():
    expected = "none, resize 0.78, resize 0.25, blur 3, blur 5, blur 15, noise 3, noise 5, noise 15, jpeg 100, jpeg 50"
    assert ", ".join(ATTACKS) == expected


@pytest.mark.parametrize("name", ATTACKS)
def test_same_input_same_output_and_the_input_is_left_alone(name, photo):
    before = photo.clone()
    first, second = apply(name, photo), apply(name, photo)
    assert torch.equal(first, second) and torch.equal(photo, before)
    assert first.dtype == torch.uint8 and first.is_contiguous()
    assert name == "none" or first.shape != photo.shape or not torch.equal(first, photo)


@pytest.mark.parametrize("name", ATTACKS)
@pytest.mark.parametrize("height, width", [(1, 1), (2, 9), (16, 16)])
def test_smallest_images(name, height, width):
    out = apply(name, torch.randint(0, 256, (3, height, width), dtype=torch.uint8))
    assert out.ndim == 3 and out.shape[0] == 3 and min(out.shape) >= 1


@pytest.mark.parametrize("name, size", [("resize 0.78", (156, 235)), ("resize 0.25", (50, 75))])
def test_size_after_resize(name, size, photo):
    out = apply(name, photo)
    assert out.shape[1:] == size
    assert abs(out.float().mean() - photo.float().mean()) < 1.5


def test_resize_averages_over_all_pixels_that_it_replaces():
    """Sixteen independent pixels at least share in each new one; picking four or one leaves twice the deviation or more."""
    coins = 255 * torch.randint(0, 2, (3, 400, 400), dtype=torch.uint8)
    assert apply("resize 0.25", coins).float().std() < 127.5 / 4


@pytest.mark.parametrize("name", [name for name in ATTACKS if "resize" not in name])
def test_every_other_attack_keeps_the_size(name, photo):
    assert apply(name, photo).shape == photo.shape


@pytest.mark.parametrize("sigma", [3, 5, 15])
def test_noise_has_the_stated_standard_deviation_and_no_bias(sigma):
    added = apply(f"noise {sigma}", flat(128)).float() - 128
    assert abs(added.std() - np.sqrt(sigma**2 + 1 / 12)) < 0.01 * sigma  # rounding adds a twelfth of variance
    assert abs(added.mean()) < 0.02 * sigma
    assert np.abs(np.corrcoef(added.reshape(3, -1).numpy()) - np.eye(3)).max() < 0.02  # channels are independent


def test_noise_differs_between_images_and_stays_in_range():
    assert not torch.equal(apply("noise 5", flat(100)).int() - 100, apply("noise 5", flat(101)).int() - 101)
    assert (
        apply("noise 15", flat(0)).max() < 100 and apply("noise 15", flat(255)).min() > 155
    )  # clipped, not wrapped around


@pytest.mark.parametrize("kernel", [3, 5, 15])
def test_blur_of_an_impulse_is_the_gaussian_kernel(kernel):
    """Oracle: OpenCV documents binomial kernels for 3 and 5 and sigma = 0.3((k-1)/2-1)+0.8 above 7."""
    impulse = flat(0, 41)
    impulse[:, 20, 20] = 255
    response = apply(f"blur {kernel}", impulse)[0].numpy() / 255
    x = np.arange(kernel) - kernel // 2
    gauss = np.exp(-(x**2) / (2 * (0.3 * ((kernel - 1) / 2 - 1) + 0.8) ** 2))
    line = {3: np.array([1, 2, 1]), 5: np.array([1, 4, 6, 4, 1])}.get(kernel, gauss)
    line = line / line.sum()
    window = slice(20 - kernel // 2, 21 + kernel // 2)
    assert np.abs(response[window, window] - np.outer(line, line)).max() <= 1 / 255
    assert response.sum() == pytest.approx(response[window, window].sum())  # nothing outside the window
    assert abs(response.sum() - 1) < kernel**2 * 0.5 / 255


@pytest.mark.parametrize("kernel", [3, 5])
def test_blur_of_a_photograph_equals_scipy(kernel, photo):
    line = {3: np.array([1, 2, 1]) / 4, 5: np.array([1, 4, 6, 4, 1]) / 16}[kernel]
    expected = correlate1d(correlate1d(photo.numpy().astype(float), line, 1, mode="mirror"), line, 2, mode="mirror")
    assert np.abs(apply(f"blur {kernel}", photo).numpy() - expected).max() <= 1


def test_blur_leaves_a_flat_image_flat():
    assert all(torch.equal(apply(f"blur {kernel}", flat(200, 32)), flat(200, 32)) for kernel in (3, 5, 15))


@pytest.mark.parametrize("quality", [100, 50])
def test_jpeg_is_encoded_with_the_table_of_its_quality(quality, photo):
    file = Image.open(io.BytesIO(jpeg_bytes(photo, quality=quality)))
    scale = 200 - 2 * quality if quality >= 50 else 5000 // quality
    expected = np.clip((LUMINANCE * scale + 50) // 100, 1, 255)
    assert np.array_equal(np.array(file.quantization[0]).reshape(8, 8), expected)
    assert file.layer[0][1:3] == (2, 2)  # of brightness; chroma at half resolution
    assert torch.equal(apply(f"jpeg {quality}", photo), torch.from_numpy(np.array(file)).permute(2, 0, 1))


def test_jpeg_50_harms_more_than_jpeg_100(photo):
    error = {q: (apply(f"jpeg {q}", photo).float() - photo).square().mean() for q in (100, 50)}
    assert 0 < error[100] < error[50] / 5


def test_unknown_name_is_answered_with_the_nearest():
    with pytest.raises(KeyError, match="'jpg 50'.*Did you mean 'jpeg 50'"):
        named("jpg 50")


@pytest.mark.parametrize(
    "image", [torch.rand(3, 8, 8), torch.zeros(8, 8, 3, dtype=torch.uint8), torch.zeros(1, 3, 8, 8, dtype=torch.uint8)]
)
def test_only_an_image_of_bytes_is_taken(image):
    with pytest.raises(ValueError, match="3,H,W"):
        apply("none", image)


def test_the_mask_is_untouched_and_the_map_returns_to_its_size(tmp_path, photo):
    mask = np.zeros(photo.shape[1:], np.uint8)
    mask[60:120, 80:200] = 255
    Image.fromarray(photo.permute(1, 2, 0).numpy()).save(tmp_path / "image.png")
    Image.fromarray(mask).save(tmp_path / "mask.png")
    row = {"image": str(tmp_path / "image.png"), "mask": str(tmp_path / "mask.png"), "label": 1}
    images, model = ImageSet(pd.DataFrame([row])), torch.nn.Conv2d(3, 1, 1)
    for name, attack in ATTACKS.items():
        found = evaluate.predict(model, images, probability=torch.sigmoid, attack=attack)
        maps = {index: prob for index, prob, _ in found}
        assert maps[0].shape == mask.shape, name
        assert np.array_equal(images[(0, 0)][1][0].numpy(), mask // 255), name
