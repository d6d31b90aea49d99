"""Error level analysis: how much each pixel changes when the image is saved as JPEG once more.

Krawetz, "A Picture's Worth... Digital Image Analysis and Forensics" (Black Hat 2007): a region with another compression history may
change more, or less, than the rest. NCL's Table 1 lists it as ELA. Edges, texture and bright colours change most in any photograph, and
a picture that was never a JPEG shows nothing but them: it is a hint to the eye, not a verdict.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache

import cv2
import numpy as np
import torch
from torch import Tensor, nn

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
        pixels, maps = image.float().cpu(), np.empty((len(image), *image.shape[2:]), np.float32)

        def fill(index: int) -> None:
            maps[index] = between_ends(error_levels(as_bytes(pixels[index]), self.quality, HALF))

        on_all_threads(fill, len(image))
        return {"map": torch.from_numpy(maps)[:, None].to(image.device)}


def on_all_threads(work: Callable[[int], None], count: int) -> None:
    """work(0) to work(count - 1) on as many threads as PyTorch has, this one among them; OpenCV lets go of Python's lock."""
    threads = torch.get_num_threads()

    def share(first: int) -> None:
        for index in range(first, count, threads):
            work(index)

    others = [helpers().submit(share, first) for first in range(1, min(threads, count))]
    share(0)
    for one in others:
        one.result()


@cache
def helpers() -> ThreadPoolExecutor:
    """Threads that stay from batch to batch, since new ones have to ask for all of their memory again."""
    return ThreadPoolExecutor()


def as_bytes(image: Tensor) -> np.ndarray:
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


def between_ends(levels: np.ndarray) -> np.ndarray:
    """What `cells.stretched` makes of levels (H,W) uint8: the smallest at 0, the largest at 1, float32; by a table of all levels."""
    low, high = np.float32(levels.min()), np.float32(levels.max())
    table = (np.arange(256, dtype=np.float32) - low) / (high - low) if high > low else np.zeros(256, np.float32)
    return cv2.LUT(levels, table)


def stretched(levels: np.ndarray, share: float = 0.995) -> np.ndarray:
    """Error levels (H,W) as they are shown: (H,W) float32 in [0,1], the `share` quantile and all above it at 1."""
    top = max(1.0, float(np.quantile(levels, share)))
    return (levels / np.float32(top)).clip(0, 1)
