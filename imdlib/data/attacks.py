"""Attacks: what happens to an image between the forger and the detector, on the image alone; the mask stays as it is.

NCL (ICCV 2023), section 4.2 and Table 3.

Every attack maps an image (3,H,W) uint8 in 0..255 to an image (3,h,w) uint8; only a resize changes the size. All are
deterministic: the noise is seeded by the image's own bytes, the same in every run and different from image to image.

Differs from the paper:
- Table 3 does not name its built-in functions. Here: resize is bilinear with antialiasing; blur is `GaussianBlur` of
  OpenCV with the sigma that it derives from the kernel size; noise is independent in each channel; JPEG is really
  encoded (chroma at half resolution) and decoded.
- Blur 15 and noise 15 are added: the rows printed as 5 carry, for the baselines, values believed to belong to 15.
- `jpeg 100` is quality 100, the mild one. Table 3 seems to exchange the two labels: its row "50" is the better one.
"""

import difflib
import io
import zlib
from collections.abc import Callable
from functools import partial

import cv2
import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torchvision.transforms.v2 import functional as F


def unchanged(image: Tensor) -> Tensor:
    """The image itself."""
    return image


def resize(image: Tensor, *, scale: float) -> Tensor:
    """Both sides times `scale`, to the nearest pixel: (3,H,W) -> (3,round(scale*H),round(scale*W)), no side below 1."""
    size = [max(1, round(scale * side)) for side in image.shape[1:]]
    return F.resize(image, size, antialias=True)


def blur(image: Tensor, *, kernel: int) -> Tensor:
    """Gaussian blur with a `kernel` x `kernel` window, mirrored at the border."""
    return to_tensor(cv2.GaussianBlur(to_array(image), (kernel, kernel), 0))


def noise(image: Tensor, *, sigma: float) -> Tensor:
    """Gaussian noise of standard deviation `sigma` on the scale 0..255, clipped; seeded by the image's bytes."""
    pixels = image.numpy()
    normal = np.random.default_rng(zlib.crc32(pixels.tobytes())).standard_normal(pixels.shape, dtype=np.float32)
    return torch.from_numpy(np.clip(np.rint(pixels + sigma * normal), 0, 255).astype(np.uint8))


def jpeg(image: Tensor, *, quality: int) -> Tensor:
    """Encoded as JPEG and decoded again."""
    return to_tensor(np.array(Image.open(io.BytesIO(jpeg_bytes(image, quality=quality)))))


def jpeg_bytes(image: Tensor, *, quality: int) -> bytes:
    """The JPEG file of an image (3,H,W): the standard tables at `quality` (1..100), chroma at half resolution."""
    file = io.BytesIO()
    Image.fromarray(to_array(image)).save(file, "JPEG", quality=quality, subsampling="4:2:0")
    return file.getvalue()


ATTACKS = {
    "none": unchanged,
    **{f"resize {scale}": partial(resize, scale=scale) for scale in (0.78, 0.25)},
    **{f"blur {kernel}": partial(blur, kernel=kernel) for kernel in (3, 5, 15)},
    **{f"noise {sigma}": partial(noise, sigma=sigma) for sigma in (3, 5, 15)},
    **{f"jpeg {quality}": partial(jpeg, quality=quality) for quality in (100, 50)},
}


def apply(name: str, image: Tensor) -> Tensor:
    """The attack called `name` on an image (3,H,W) uint8."""
    if image.dtype != torch.uint8 or image.ndim != 3 or len(image) != 3:
        raise ValueError(f"an attack takes an image (3,H,W) uint8 in 0..255, got {tuple(image.shape)} {image.dtype}")
    return named(name)(image)


def named(name: str) -> Callable[[Tensor], Tensor]:
    """The function of an attack, or a KeyError that names the nearest one."""
    if name not in ATTACKS:
        near = difflib.get_close_matches(name, ATTACKS, n=1, cutoff=0)[0]
        raise KeyError(f"there is no attack '{name}'. Did you mean '{near}'? There are: {', '.join(ATTACKS)}")
    return ATTACKS[name]


def to_array(image: Tensor) -> np.ndarray:
    """(3,H,W) tensor -> (H,W,3) array, contiguous as OpenCV and Pillow want it."""
    return np.ascontiguousarray(image.permute(1, 2, 0).numpy())


def to_tensor(pixels: np.ndarray) -> Tensor:
    """(H,W,3) array -> (3,H,W) tensor, contiguous."""
    return torch.from_numpy(pixels).permute(2, 0, 1).contiguous()
