"""Test images redrawn by an NRR, and its control: a blur as far from the image, image by image."""

import pytest
import torch

from imdlib.inr import redraw
from imdlib.inr.reconstruction import NRR


@pytest.fixture
def nrr():
    torch.manual_seed(0)
    return NRR(width=4, stride=1, blocks=1, channels=4, hidden=(8,)).eval()


@pytest.fixture
def image():
    """Smooth below and noisy above, so that a blur changes it gradually."""
    noise = torch.randint(-40, 40, (3, 48, 56), generator=torch.Generator().manual_seed(0))
    noise[:, 24:] //= 4
    return (torch.linspace(60, 190, 56).expand(3, 48, 56) + noise).clamp(0, 255).to(torch.uint8)


def test_redrawn_images_are_the_nrr_s(nrr, image):
    redrawn = redraw.by_nrr(nrr)(image)
    expected = nrr.reconstruct(image[None].float() / 255)[0].clamp(0, 1) * 255
    assert redrawn.dtype == torch.uint8 and redrawn.shape == image.shape
    assert (redrawn.float() - expected).abs().max() <= 0.5


@pytest.mark.parametrize("psnr", [21.0, 25.0, 32.0])
def test_a_blur_has_the_psnr_that_is_asked_for(image, psnr):
    blurred = redraw.blurred_to(image, psnr)
    assert blurred.dtype == torch.uint8 and blurred.shape == image.shape
    assert redraw.decibels(image, blurred) == pytest.approx(psnr, abs=0.1)


def test_what_no_blur_can_do_ends_at_its_most_and_least(image):
    flat = redraw.blurred_to(image, 1.0)  # darker than any blur is from the image
    assert redraw.decibels(image, flat) < 20 and flat.float().std() < image.float().std()
    assert torch.equal(redraw.blurred_to(image, float("inf")), image)


def test_the_blur_is_as_far_from_the_image_as_the_reconstruction(image, monkeypatch):
    half = lambda nrr: lambda one: (one.float() * 0.9).to(torch.uint8)  # noqa: E731
    monkeypatch.setattr(redraw, "by_nrr", half)
    found = redraw.decibels(image, redraw.by_blur(None)(image))
    assert found == pytest.approx(redraw.decibels(image, half(None)(image)), abs=0.1)
