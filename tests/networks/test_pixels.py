"""What networks see: the normalisation and the high-pass residual against a naive loop, OpenCV and real images."""

import cv2
import numpy as np
import pytest
import torch
import torchvision

from imdlib.networks.pixels import RESIDUAL_GAIN, Pixels, residual


def test_residual_is_the_image_minus_its_local_mean():
    image = torch.rand(1, 3, 40, 50)
    padded = torch.nn.functional.pad(image, (1, 1, 1, 1), mode="replicate")
    mean = sum(padded[:, :, i : i + 40, j : j + 50] for i in range(3) for j in range(3)) / 9
    torch.testing.assert_close(residual(image), image - mean)


def test_residual_is_opencvs():
    image = np.random.default_rng(0).random((9, 11, 3), dtype=np.float32)
    expected = image - cv2.blur(image, (3, 3), borderType=cv2.BORDER_REPLICATE)
    found = residual(torch.from_numpy(image).permute(2, 0, 1)[None])[0].permute(1, 2, 0)
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_residual_is_blind_to_brightness():
    flat = torch.full((1, 3, 40, 40), 0.3)
    torch.testing.assert_close(residual(flat), torch.zeros_like(flat))


@pytest.mark.parametrize("inputs, channels", [("rgb", 3), ("rgb+residual", 6)])
def test_channels_in_their_order(inputs, channels):
    pixels, image = Pixels(inputs), torch.rand(2, 3, 8, 9)
    rgb = torchvision.transforms.functional.normalize(image, [0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
    expected = torch.cat([rgb, RESIDUAL_GAIN * residual(image)], 1)[:, :channels]
    torch.testing.assert_close(pixels(image), expected)
    assert pixels.channels == channels and not pixels.state_dict()


def test_other_inputs_are_refused():
    with pytest.raises(ValueError, match=r"inputs='hsv': expected one of rgb, rgb\+residual"):
        Pixels("hsv")


def test_residual_has_about_unit_variance_on_real_images(real_data):
    files = sorted((real_data / "CASIA1").rglob("*.jpg"))[::40]
    spread = [
        RESIDUAL_GAIN * residual(torchvision.io.decode_image(str(f), "RGB")[None].float() / 255).std() for f in files
    ]
    assert 0.7 < torch.stack(spread).median() < 1.4
