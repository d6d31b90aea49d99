"""Error level analysis: how much each pixel changes when the image is saved as JPEG once more.

Krawetz, "A Picture's Worth... Digital Image Analysis and Forensics" (Black Hat 2007): a region with another compression history may
change more, or less, than the rest. NCL's Table 1 lists it as ELA. Edges, texture and bright colours change most in any photograph, and
a picture that was never a JPEG shows nothing but them: it is a hint to the eye, not a verdict.
"""

from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import torch
from torch import Tensor, nn

from imdlib.baselines.cells import stretched as stretched_maps

FULL, HALF = cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420


class ELA(nn.Module):
    """error_levels of every image of a batch, as a map; quality: of the JPEG, 1..100, with chroma at half resolution as most
    programs write it: so measured on CASIA v1, AUC and best F1 are those that NCL's Table 1 prints, at full resolution less.
    """

    def __init__(self, quality: int = 90) -> None:
        super().__init__()
        self.quality = quality

    def forward(self, image: Tensor) -> dict[str, Tensor]:
        """image (B,3,H,W) float in [0,1] -> dict of map (B,1,H,W) in [0,1]: error levels, each image's largest at 1."""
        pixels = image.float().cpu()
        with ThreadPoolExecutor(torch.get_num_threads()) as pool:  # OpenCV lets go of Python's lock
            levels = np.stack([*pool.map(lambda one: error_levels(eight_bit(one), self.quality, HALF), pixels)])
        return {"map": stretched_maps(torch.from_numpy(levels)[:, None].float()).to(image.device)}


def eight_bit(image: Tensor) -> np.ndarray:
    """image (3,H,W) float32 in [0,1] -> (H,W,3) uint8, rounded; plane by plane in OpenCV, as the codec wants it."""
    return cv2.merge([cv2.convertScaleAbs(np.ascontiguousarray(plane.numpy()), alpha=255) for plane in image])


def error_levels(image: np.ndarray, quality: int = 90, chroma: int = FULL) -> np.ndarray:
    """image (H,W,3) uint8 -> mean over channels of the absolute change, (H,W) uint8 in 0..255.

    quality: of the JPEG, 1..100; chroma: FULL so that subsampling adds no error of its own, or HALF.
    """
    before = cv2.cvtColor(np.ascontiguousarray(image), cv2.COLOR_RGB2BGR)
    file = cv2.imencode(".jpg", before, [cv2.IMWRITE_JPEG_QUALITY, quality, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, chroma])[
        1
    ]
    change = cv2.absdiff(before, cv2.imdecode(file, cv2.IMREAD_COLOR))
    return cv2.transform(change, np.full((1, 3), 1 / 3, np.float32))


def stretched(levels: np.ndarray, share: float = 0.995) -> np.ndarray:
    """Error levels (H,W) as they are shown: (H,W) float32 in [0,1], the `share` quantile and all above it at 1."""
    top = max(1.0, float(np.quantile(levels, share)))
    return (levels / np.float32(top)).clip(0, 1)
