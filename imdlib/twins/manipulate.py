"""Manipulations with exact masks: splicing, copy-move, removal, edits and repainting, at three levels of visibility.

Images are uint8 RGB (H, W, 3), masks uint8 (H, W) in {0, 255}; no pixel outside the mask changes. What `visibility`
means (`obvious` has a hard edge, the others fade in over two pixels inside the mask):

| kind      | obvious                 | matched                           | trace                                 |
|-----------|-------------------------|-----------------------------------|---------------------------------------|
| splicing  | another scene           | another scene, colours matched    | the same scene, from another camera   |
| copy-move | from anywhere           | colours matched to what it covers | matched, from the likest place        |
| removal   | smear of the inpainting | the smear with grain on it        | only fine detail inpainted, and grain |
| edit      | strong change of colour | a mild one                        | colour kept, sharpened or softened    |
| repaint   | new hue, surface, style | half as much of it                | decoded from a smaller copy: no more  |
"""

import cv2
import numpy as np

from imdlib.twins.camera import to_8bit
from imdlib.twins.elementary import exp, log, power, rotation, turned
from imdlib.twins.filters import gaussian
from imdlib.twins.masks import feather

EDGE = {"obvious": 1, "matched": 2, "trace": 2}  # width of the fade, pixels


def blend(image: np.ndarray, patch: np.ndarray, mask: np.ndarray, visibility: str) -> np.ndarray:
    """Lay `patch` (H, W, 3) over `image` inside the mask, with the edge of the visibility level; exact copy outside."""
    opacity = feather(mask, EDGE[visibility])[..., None]
    mixed = to_8bit((image + opacity * (patch.astype(np.float32) - image)) / 255)
    return np.where(mask[..., None] > 0, mixed, image)


def match_colours(patch: np.ndarray, image: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Give the patch, inside the mask, the mean colour of what it covers and, within limits, its contrast."""
    inside = mask > 0
    own, covered = patch[inside].astype(np.float32), image[inside].astype(np.float32)  # (N, 3)
    ratio = covered.std(0) / np.maximum(own.std(0), 1)
    contrast = np.clip(ratio, 0.6, 1.4).mean()  # one for all channels: hues stay plausible
    return (patch - own.mean(0)) * contrast + covered.mean(0)


def splice(image: np.ndarray, donor: np.ndarray, mask: np.ndarray, visibility: str) -> np.ndarray:
    """Paste the donor photograph into the image; at `trace` it shows the same scene and keeps its colours."""
    patch = match_colours(donor, image, mask) if visibility == "matched" else donor
    return blend(image, patch, mask, visibility)


def fit_in(donor: np.ndarray, visibility: str, rng: np.random.Generator) -> np.ndarray:
    """The donor photograph (H, W, 3) brought into place, which costs one interpolation, as nearly always in practice.

    A pasted piece is scaled (1.1 to 1.6) and turned; at `trace`, where the donor shows the same scene, registering it
    moves it by a fraction of a pixel. Either way the noise inside is smoother than that of an untouched photograph: a
    trace that does not depend on the other camera.
    """
    height, width = donor.shape[:2]
    centre = np.array([width / 2, height / 2])
    if visibility == "trace":
        return resample(donor, np.column_stack([np.eye(2), rng.uniform(0.3, 0.7, 2)]))
    scale, angle = exp(rng.uniform(log(1.1), log(1.6))), rng.uniform(-0.5, 0.5)
    linear = rotation(angle) / scale
    return resample(donor, np.column_stack([linear, centre - (linear * centre).sum(1)]))


def source_to_target(mask: np.ndarray, centre: np.ndarray, scale: float, angle: float) -> np.ndarray:
    """Affine map (2, 3) from target to source pixels (x, y), turned and scaled; the mask's middle goes to `centre`."""
    x, y, width, height = cv2.boundingRect(mask)
    middle = np.array([x + width / 2, y + height / 2])
    linear = rotation(angle) / scale
    shift = centre - (linear * middle).sum(1)
    if scale == 1 and angle == 0:
        shift = np.round(shift)  # a plain copy lands on whole pixels
    return np.column_stack([linear, shift])


def random_transform(rng: np.random.Generator) -> tuple[float, float]:
    """Scale and angle of a copy: one in ten is a plain copy, the others are scaled, turned, or both."""
    scale, angle = float(exp(rng.uniform(log(1.2), log(2.0)))), float(rng.uniform(-0.7, 0.7))
    return [(1.0, 0.0), (scale, 0.0), (1.0, angle), (scale, angle)][rng.choice(4, p=[0.1, 0.45, 0.2, 0.25])]


def copy_move(
    image: np.ndarray, mask: np.ndarray, visibility: str, rng: np.random.Generator, candidates: int = 24
) -> np.ndarray:
    """Cover the masked region with another part of the same image, scaled or turned.

    Of `candidates` random places, those inside the frame that overlap the target least are kept; `trace` takes of them
    the one that looks most like what it covers. The mask marks the target, as in CASIA and COVERAGE.
    """
    size = mask.shape[::-1]
    scale, angle = random_transform(rng)
    cost, moves = [], []
    for _ in range(candidates):
        move = source_to_target(mask, rng.uniform(0, size), scale, angle)
        warp = {"M": move, "dsize": size, "flags": cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP}
        valid = cv2.warpAffine(np.full_like(mask, 255), **warp)
        overlap = cv2.warpAffine(mask, **warp) & mask
        cost.append(4 * np.count_nonzero(mask & ~valid) + np.count_nonzero(overlap))
        moves.append(move)
    order = np.argsort(cost, kind="stable")
    chosen = moves[order[0]]
    if visibility == "trace":
        good = [i for i in order[:8] if cost[i] <= cost[order[0]] + 0.1 * np.count_nonzero(mask)]
        chosen = min((moves[i] for i in good), key=lambda move: unlikeness(image, resample(image, move), mask))
    patch = resample(image, chosen)
    return blend(image, patch if visibility == "obvious" else match_colours(patch, image, mask), mask, visibility)


def resample(image: np.ndarray, move: np.ndarray) -> np.ndarray:
    """The whole image under the affine map `move` (from target to source), bilinear, mirrored at the frame."""
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(image, move, image.shape[1::-1], flags=flags, borderMode=cv2.BORDER_REFLECT_101)


def unlikeness(image: np.ndarray, patch: np.ndarray, mask: np.ndarray) -> float:
    """Mean squared colour difference of two images inside the mask, after a blur that leaves only the coarse look."""
    difference = cv2.GaussianBlur(image, (0, 0), 4).astype(np.float32) - cv2.GaussianBlur(patch, (0, 0), 4)
    return float(np.square(difference[mask > 0]).mean())


def grain(image: np.ndarray, mask: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Random fine detail (H, W, 3), as strong as the image's own in the median outside the mask."""
    detail = image.astype(np.float32) - cv2.blur(image, (3, 3))
    outside = np.abs(detail[mask == 0])
    strength = 1.48 * np.median(outside, axis=0) if len(outside) else 1.0
    return gaussian(rng.standard_normal(image.shape, dtype=np.float32), 0.6) * 2 * strength


def remove(image: np.ndarray, mask: np.ndarray, visibility: str, rng: np.random.Generator) -> np.ndarray:
    """Remove what is under the mask: fill it from its border by OpenCV's inpainting (Telea 2004), detail by level."""
    filled = cv2.inpaint(image, mask, 3, cv2.INPAINT_TELEA).astype(np.float32)
    if visibility == "trace":
        coarse = cv2.GaussianBlur(image, (0, 0), 2.0).astype(np.float32)
        filled = coarse + filled - gaussian(filled, 2.0)
    return blend(image, filled if visibility == "obvious" else filled + grain(image, mask, rng), mask, visibility)


def edit(image: np.ndarray, mask: np.ndarray, visibility: str, rng: np.random.Generator) -> np.ndarray:
    """Change brightness and colour locally (obvious, matched) or only the detail: sharpened or softened (trace)."""
    if visibility == "trace":
        smooth = cv2.GaussianBlur(image, (0, 0), 1.0).astype(np.float32)
        detail = image - smooth
        patch = smooth + detail * (2.2 if rng.random() < 0.5 else 0.2)
    else:
        strength = 1.0 if visibility == "obvious" else 0.35
        gain = exp(rng.choice([-1, 1]) * strength * rng.uniform(0.25, 0.5) + strength * rng.uniform(-0.15, 0.15, 3))
        curve = power(np.arange(256) / 255, exp(strength * rng.uniform(-0.3, 0.3)))  # of each 8-bit value
        patch = 255 * np.clip(curve[image] * gain, 0, 1)
    return blend(image, patch, mask, visibility)


def repaint(image: np.ndarray, mask: np.ndarray, visibility: str, rng: np.random.Generator) -> np.ndarray:
    """Make the region anew, as an editor that is told what to do: another hue, another surface, or a painted style.

    Whatever such an editor does, it decodes the region from a smaller representation: here from a copy of half the
    size, which at `trace` is all that happens.
    """
    height, width = image.shape[:2]
    small = cv2.resize(image, (width // 2, height // 2), interpolation=cv2.INTER_AREA)
    decoded = cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC).astype(np.float32)
    if visibility == "trace":
        return blend(image, decoded, mask, visibility)
    style = (new_hue, new_surface, painted)[rng.integers(3)](decoded, rng)
    strength = 1.0 if visibility == "obvious" else 0.5
    return blend(image, decoded + strength * (style - decoded), mask, visibility)


def new_hue(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Colours turned around the grey axis by 60 to 300 degrees and lifted where there was hardly any."""
    cosine, sine = turned(np.deg2rad(rng.uniform(60, 300)))
    lab = cv2.cvtColor(np.clip(image / 255, 0, 1).astype(np.float32), cv2.COLOR_RGB2LAB)
    a, b = lab[..., 1] + 12, lab[..., 2] + 12
    lab[..., 1], lab[..., 2] = a * cosine - b * sine, a * sine + b * cosine
    return 255 * np.clip(cv2.cvtColor(lab, cv2.COLOR_LAB2RGB), 0, 1)


def new_surface(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The image's mean colour under a pattern of random grain size: cloth, sand or cloud."""
    noise = rng.standard_normal(image.shape[:2], dtype=np.float32)
    noise = gaussian(noise, rng.uniform(0.8, 4))
    shade = 25 * noise[..., None] / noise.std()
    return np.clip(image.mean((0, 1)) + rng.uniform(-40, 40, 3) + shade, 0, 255)


def painted(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Few colours and no detail: smoothed along edges and rounded to 4 or 5 levels."""
    smooth = cv2.bilateralFilter(np.clip(image, 0, 255).astype(np.uint8), 7, 60, 4).astype(np.float32)
    step = 255 / rng.integers(4, 6)
    return np.clip(np.round(smooth / step) * step, 0, 255)
