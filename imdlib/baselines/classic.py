"""Error level analysis: how much each pixel changes when the image is saved as JPEG once more.

Krawetz, "A Picture's Worth... Digital Image Analysis and Forensics" (Black Hat 2007): a region with another compression history may
change more, or less, than the rest. NCL's Table 1 lists it as ELA. Edges, texture and bright colours change most in any photograph, and
a picture that was never a JPEG shows nothing but them: it is a hint to the eye, not a verdict.
"""

import io

import numpy as np
from PIL import Image, ImageChops


def error_levels(image: np.ndarray, quality: int = 90) -> np.ndarray:
    """image (H,W,3) uint8 -> mean over channels of the absolute change, (H,W) uint8 in 0..255.

    quality: of the JPEG, 1..100, with chroma at full resolution so that subsampling adds no error of its own.
    """
    before = Image.fromarray(image)
    file = io.BytesIO()
    before.save(file, "JPEG", quality=quality, subsampling=0)
    with Image.open(file) as after:
        change = np.asarray(ImageChops.difference(before, after))
    return ((change.sum(axis=2, dtype=np.uint16) + 1) // 3).astype(np.uint8)


def stretched(levels: np.ndarray, share: float = 0.995) -> np.ndarray:
    """Error levels (H,W) as they are shown: (H,W) float32 in [0,1], the `share` quantile and all above it at 1."""
    top = max(1.0, float(np.quantile(levels, share)))
    return (levels / np.float32(top)).clip(0, 1)
