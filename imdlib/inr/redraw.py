"""Test images redrawn: by an NRR, and, as its control, by a blur that is just as far from the image.

INR section 1, Figure 1: published detectors lose pixel F1 on images as an INR redraws them, which the paper reads as the INR's
failure at tampered pixels.

Differs from the paper: whatever smooths an image takes forensic traces away, so a loss of F1 alone says nothing about *which*
pixels were redrawn badly. The control is a Gaussian blur whose PSNR, image by image, is that of the NRR's reconstruction.
"""

from collections.abc import Callable

import numpy as np
import torch
from scipy.ndimage import gaussian_filter
from torch import Tensor

from imdlib.inr.reconstruction import NRR

SIGMAS = (0.1, 64.0)  # pixels between which the blur is looked for
HALVINGS = 24  # of that interval, on a logarithmic scale


def by_nrr(nrr: NRR) -> Callable[[Tensor], Tensor]:
    """change(image (3,H,W) uint8) -> the same image as an NRR redraws it, for the `attack` of `imdlib.scoring.evaluate.score`."""

    @torch.no_grad()
    def change(image):
        device = next(nrr.parameters()).device
        redrawn = nrr.reconstruct(image[None].to(device).float() / 255)[0]
        return (redrawn.clamp(0, 1) * 255).round().to(torch.uint8).cpu()

    return change


def by_blur(nrr: NRR) -> Callable[[Tensor], Tensor]:
    """change(image (3,H,W) uint8) -> the same image blurred until its PSNR is that of `by_nrr`."""
    redraw = by_nrr(nrr)
    return lambda image: blurred_to(image, decibels(image, redraw(image)))


def blurred_to(image: Tensor, psnr: float) -> Tensor:
    """image (3,H,W) uint8 and a PSNR in dB -> the image blurred until its PSNR is that, by bisection of the blur's sigma.

    Grey levels are whole numbers, so that the PSNR is met to a few hundredths of a decibel; the ends of SIGMAS are the most and
    the least that can be had.
    """
    low, high = np.log(SIGMAS)
    pixels = image.numpy().astype(np.float32)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        if decibels(image, blurred(pixels, np.exp(middle))) > psnr:
            low = middle
        else:
            high = middle
    return blurred(pixels, np.exp((low + high) / 2))


def blurred(pixels: np.ndarray, sigma: float) -> Tensor:
    """pixels (3,H,W) float in [0,255] -> (3,H,W) uint8, each channel blurred; borders reflected."""
    return torch.from_numpy(gaussian_filter(pixels, (0, sigma, sigma), mode="reflect").round().astype(np.uint8))


def decibels(image: Tensor, other: Tensor) -> float:
    """PSNR of two uint8 images in dB; infinite where they are equal."""
    error = ((image.float() - other.float()) ** 2).mean().item()
    return float("inf") if error == 0 else 10 * np.log10(255**2 / error)
