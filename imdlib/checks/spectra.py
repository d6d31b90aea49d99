"""Spectra: the fingerprint that a generator's upsampling leaves in the fine detail of all its images.

The residual is what is left of the brightness after its 3x3 mean is taken away; an average over images keeps what they
have in common. Zhang, Karaman, Chang, "Detecting and Simulating Artifacts in GAN Fake Images" (WIFS 2019).
"""

import cv2
import numpy as np
import pandas as pd

from imdlib.data.images import load_image

REAL = "real"


def log_power(image: np.ndarray, side: int) -> np.ndarray:
    """log10 power spectrum of the residual of the image's central side x side pixels, frequency 0 in the middle.

    image uint8 RGB (H,W,3) -> float64 (side,side), in 8-bit steps squared, under a Hann window. side: even, at most H and W.
    """
    height, width = image.shape[:2]
    if side < 4 or side % 2 or side > min(height, width):
        raise ValueError(f"side={side}: expected an even number of pixels, 4 to {min(height, width)}, as the image has")
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float64)
    top, left = (height - side) // 2, (width - side) // 2
    residual = (grey - cv2.blur(grey, (3, 3)))[top : top + side, left : left + side]
    window = np.hanning(side + 1)[:-1]
    window = np.outer(window, window)
    power = np.abs(np.fft.fft2(residual * window)) ** 2 / np.square(window).sum()
    return np.fft.fftshift(np.log10(power + 1e-3))


def spectra(manifest: pd.DataFrame, side: int = 128) -> dict[str, np.ndarray]:
    """{'real': mean log10 power spectrum of the authentic images, <generator>: that of its wholly generated ones}.

    manifest: of `imdlib.data.load`, of one or several data sets with a column `generator`; partly fake images, in which
    both are mixed, are left out. Arrays as of `log_power`; a difference of two of them, times 10, is in dB.
    """
    kind = manifest["kind"]
    source = manifest["generator"].mask(kind == "authentic", REAL).mask(~kind.isin(["authentic", "generated"]), "")
    return {
        name: np.mean([log_power(load_image(file), side) for file in files], axis=0)
        for name, files in manifest.groupby(source, sort=False)["image"]
        if name
    }
