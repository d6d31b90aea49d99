"""A simulated camera: linear light in, a developed 8-bit photograph with real forensic traces out.

Every stage is one function, in the order in which light meets it: lens blur, Bayer mosaic, shot and read noise,
demosaic, white balance, tone curve, sharpening, JPEG. Arrays are (H, W, 3) RGB; `linear` is float32 scene light in
[0, 1], `raw` is (H, W).
"""

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from imdlib.twins.elementary import power
from imdlib.twins.filters import gaussian

BLACK = 2048  # pedestal of the 16-bit raw file: read noise around zero must not be clipped, or shadows turn brighter
WHITE = 60000  # raw value of a fully lit pixel; the room above is for its noise
# The channels of a 2x2 cell, row by row.
PHASES = {"RGGB": (0, 1, 1, 2), "GRBG": (1, 0, 2, 1), "GBRG": (1, 2, 0, 1), "BGGR": (2, 1, 1, 0)}

# OpenCV names a pattern by the 2x2 cell that starts at (1, 1), one row and one column later than everyone else.
DEMOSAIC = {
    ("bilinear", "RGGB"): cv2.COLOR_BayerBG2RGB,
    ("bilinear", "GRBG"): cv2.COLOR_BayerGB2RGB,
    ("bilinear", "GBRG"): cv2.COLOR_BayerGR2RGB,
    ("bilinear", "BGGR"): cv2.COLOR_BayerRG2RGB,
    ("edge-aware", "RGGB"): cv2.COLOR_BayerBG2RGB_EA,
    ("edge-aware", "GRBG"): cv2.COLOR_BayerGB2RGB_EA,
    ("edge-aware", "GBRG"): cv2.COLOR_BayerGR2RGB_EA,
    ("edge-aware", "BGGR"): cv2.COLOR_BayerRG2RGB_EA,
}


@dataclass(frozen=True)
class Camera:
    """What distinguishes one camera from another; noise variance in linear light is `shot * signal + read ** 2`."""

    name: str
    blur: float  # lens: standard deviation of a Gaussian, pixels
    phase: str  # Bayer pattern, a key of PHASES
    shot: float  # slope of the noise variance
    read: float  # standard deviation of the noise in the dark
    demosaic: str  # bilinear or edge-aware
    sensitivity: tuple  # of the sensor's red, green and blue pixels; white balance divides by it
    gamma: float  # tone curve: linear ** (1 / gamma)
    sharpen: float  # strength of an unsharp mask, 0 = none
    quality: int  # of the JPEG files it writes


CAMERAS = (
    Camera("reflex", 0.50, "RGGB", 2.0e-4, 0.002, "bilinear", (0.55, 1.0, 0.65), 2.2, 0.3, 97),
    Camera("mirrorless", 0.35, "GBRG", 2.5e-4, 0.002, "edge-aware", (0.60, 1.0, 0.70), 2.1, 0.0, 98),
    Camera("phone-new", 0.45, "BGGR", 3.0e-4, 0.003, "edge-aware", (0.65, 1.0, 0.60), 2.3, 0.5, 95),
    Camera("compact", 0.55, "GRBG", 2.4e-3, 0.008, "bilinear", (0.55, 1.0, 0.60), 2.2, 0.8, 93),
    Camera("action", 0.40, "GBRG", 3.0e-3, 0.009, "edge-aware", (0.65, 1.0, 0.55), 2.4, 0.6, 95),
    Camera("phone-old", 0.50, "BGGR", 4.0e-3, 0.010, "bilinear", (0.60, 1.0, 0.55), 2.2, 0.3, 92),
)


def lens_blur(linear: np.ndarray, sigma: float) -> np.ndarray:
    """Gaussian blur of the lens; sigma in pixels, 0 = a perfect lens."""
    return gaussian(linear, sigma) if sigma > 0 else linear


def mosaic(linear: np.ndarray, phase: str) -> np.ndarray:
    """Sample (H, W, 3) through a Bayer filter: (H, W), one channel a pixel, in the pattern `phase`."""
    raw = np.empty(linear.shape[:2], linear.dtype)
    for cell, channel in enumerate(PHASES[phase]):
        y, x = divmod(cell, 2)
        raw[y::2, x::2] = linear[y::2, x::2, channel]
    return raw


def sensor_noise(raw: np.ndarray, shot: float, read: float, rng: np.random.Generator) -> np.ndarray:
    """Add shot and read noise: a Gaussian of variance `shot * signal + read ** 2` in every pixel of (H, W)."""
    deviation = np.sqrt(shot * np.maximum(raw, 0) + read * read)
    return raw + deviation * rng.standard_normal(raw.shape, dtype=np.float32)


def demosaic(raw: np.ndarray, phase: str, method: str = "bilinear") -> np.ndarray:
    """Interpolate the two missing channels of every pixel: (H, W) -> (H, W, 3), linear, with 16-bit steps."""
    return light(interpolate(raw, phase, method))


def light(counts: np.ndarray) -> np.ndarray:
    """Linear light float32 of raw counts 0 .. 65535."""
    return (counts.astype(np.float32) - BLACK) / (WHITE - BLACK)


def interpolate(raw: np.ndarray, phase: str, method: str) -> np.ndarray:
    """`demosaic` in raw counts, uint16 (H, W, 3)."""
    counts = np.clip(raw * (WHITE - BLACK) + BLACK + 0.5, 0, 65535).astype(np.uint16)
    # Reflection without repeating the edge keeps the parity of rows and columns: the pattern goes on outside the frame.
    padded = cv2.copyMakeBorder(counts, 4, 4, 4, 4, cv2.BORDER_REFLECT_101)
    return cv2.cvtColor(padded, DEMOSAIC[method, phase])[4:-4, 4:-4]


def white_balance(linear: np.ndarray, sensitivity: tuple[float, float, float]) -> np.ndarray:
    """Divide each channel by the sensor's sensitivity to it, so that grey is grey again."""
    return linear / np.asarray(sensitivity, np.float32)


def tone(linear: np.ndarray, gamma: float) -> np.ndarray:
    """Gamma curve from linear light to display values, both in [0, 1], float32."""
    return power(np.clip(linear, 0, 1), np.float32(1 / gamma)).astype(np.float32)


@lru_cache(maxsize=64)  # 0.8 MB each
def curves(sensitivity: tuple[float, float, float], gamma: float) -> np.ndarray:
    """White balance and tone curve of every raw count at once: float32 (65536 * 3), count by count."""
    return tone(white_balance(light(np.arange(65536))[:, None], sensitivity), gamma).ravel()


def sharpen(display: np.ndarray, amount: float, sigma: float = 1.0) -> np.ndarray:
    """Unsharp mask: add `amount` times what a Gaussian of `sigma` pixels takes away."""
    return display + amount * (display - gaussian(display, sigma)) if amount > 0 else display


def to_8bit(display: np.ndarray) -> np.ndarray:
    """Display values in [0, 1] to uint8."""
    return np.clip(display * 255 + 0.5, 0, 255).astype(np.uint8)


def encode(image: np.ndarray, suffix: str, quality: int = 95) -> bytes:
    """Bytes of the uint8 RGB image (H, W, 3) or mask (H, W) as `.jpg` (at `quality`), `.png` or uncompressed `.tif`."""
    options = {
        ".jpg": [cv2.IMWRITE_JPEG_QUALITY, int(quality)],
        ".png": [cv2.IMWRITE_PNG_COMPRESSION, 3],
        ".tif": [cv2.IMWRITE_TIFF_COMPRESSION, 1],
    }
    bgr = image[..., ::-1] if image.ndim == 3 else image
    return cv2.imencode(suffix, np.ascontiguousarray(bgr), options[suffix])[1].tobytes()


def jpeg(image: np.ndarray, quality: int) -> np.ndarray:
    """What is left of the uint8 RGB image after saving it as JPEG and opening it again."""
    encoded = np.frombuffer(encode(image, ".jpg", quality), np.uint8)
    return np.ascontiguousarray(cv2.imdecode(encoded, cv2.IMREAD_COLOR)[..., ::-1])


def develop(linear: np.ndarray, camera: Camera, rng: np.random.Generator, compress: bool = True) -> np.ndarray:
    """Photograph the scene `linear` with `camera`: uint8 RGB; `compress` False leaves out the camera's own JPEG."""
    sensor = lens_blur(linear, camera.blur) * np.asarray(camera.sensitivity, np.float32)
    raw = sensor_noise(mosaic(sensor, camera.phase), camera.shot, camera.read, rng)
    counts = interpolate(raw, camera.phase, camera.demosaic)
    display = curves(camera.sensitivity, camera.gamma).take(3 * counts.astype(np.intp) + np.arange(3))
    image = to_8bit(sharpen(display, camera.sharpen))
    return jpeg(image, camera.quality) if compress else image
