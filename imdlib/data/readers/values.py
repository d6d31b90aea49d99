"""What the values of a mask file mean: which pixels are tampered, or the refusal that names the file.

A lossy look at a mask can make a tampered image authentic in silence, so values are read as they are stored. Taken without being told:
0 and 1; black and white; any two levels on both sides of the middle; levels near black and near white with a thin grey border (JPEG,
smoothed edges); one colour on black. Refused: class ids, 12 bits in 16, grey areas, several colours, marks in the alpha channel alone.
"""

import contextlib
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import NoReturn

import cv2
import numpy as np
from PIL import Image

from imdlib.data.images import ImageError, animated, decoded, opened, read_header

LOSSY = ("JPEG", "MPO", "WEBP", "JPEG2000", "AVIF")
COLOURED = 48  # of 255: channels of a grey mask differ by less, JPEG's noise included
GREY = 0.05  # share of pixels between a quarter and three quarters of white that a smoothed border may take
WINDOW = 5  # side in pixels of a square of one value: a border is thinner, a class is not
EXPECTED = "black and white, 255 = tampered"
ACTION = "save it so, or say which stored values are tampered (`mask_values` of the data set 'folder')"


def tampered(file: Path | str) -> np.ndarray:
    """uint8 (H, W) in {0, 1}, 1 = tampered, where that can be told from the file alone; ImageError where it cannot."""
    stored, lossy = stored_values(file)
    values = stored if stored.ndim == 2 else one_channel(stored, lossy, file)
    low, high = values.min(), values.max()
    if low < 0 or high > 65535 or not np.isfinite([low, high]).all():
        refuse(file, f"values from {low} to {high}")
    levels = np.flatnonzero(np.bincount(values.ravel())) if values.dtype.kind in "bui" else np.unique(values)
    if high <= 1 and np.isin(levels, (0, 1)).all() and not (lossy and high):
        region = values > 0
    else:
        white = 1 if values.dtype.kind == "f" and high <= 1 else 255 if high <= 255 else 65535
        region = values > white / 2
        two_sided(values / white, levels, region, lossy, file)
    if region.all() != region.any() or not varies(stored):
        return region.astype(np.uint8)
    refuse(file, f"values {listed(levels)}, all of which read as {'tampered' if region.all() else 'authentic'}")


def meant(file: Path | str, values: Collection[float]) -> np.ndarray:
    """uint8 (H, W) in {0, 1}, 1 where the stored value (palette: the number of the colour; alpha where only that varies) is in `values`."""
    return np.isin(named_values(file), list(values)).astype(np.uint8)


def unnamed(files: Iterable[Path], values: Collection[float]) -> tuple[list[float], Path | None]:
    """(those of `values` that no mask holds, a mask that is not all 0 and holds none of them or None); unreadable masks are passed by."""
    left, odd = set(values), None
    for file in files:
        if not left:
            break
        with contextlib.suppress(ImageError):
            stored = set(np.unique(named_values(file)).tolist())
            odd = file if odd is None and stored != {0} and not stored & set(values) else odd
            left -= stored
    return sorted(left), odd


def mask_size(file: Path | str) -> tuple[int, int]:
    """(height, width) of a mask in pixels, upright, without decoding it."""
    if Path(file).suffix.lower() == ".npy":
        return stored_array(file, "r").shape[:2]
    header = read_header(file)
    return header.height, header.width


def decided(region: np.ndarray, file: Path | str) -> np.ndarray:
    """A region that a reader's own rule gave, refused where it is all or nothing though the file's pixels differ."""
    if region.any() and not region.all() or not varies(stored_values(file, indices=True)[0]):
        return region
    refuse(file, f"different pixels, all of which read as {'tampered' if region.any() else 'authentic'}")


def named_values(file: Path | str) -> np.ndarray:
    """Values (H, W) that `meant` looks up; refused where single values cannot name them."""
    stored, _ = stored_values(file, indices=True)
    if stored.ndim == 2:
        return stored
    alone = stored.shape[2] == 4 and not varies(stored[..., :3])
    if not alone and (stored[..., :3].max(2) != stored[..., :3].min(2)).any():
        refuse(file, "colours, which single values cannot name")
    return stored[..., 3 if alone else 0]


# ---- steps ---------------------------------------------------------------------------------------------------------


def stored_values(file: Path | str, indices: bool = False) -> tuple[np.ndarray, bool]:
    """(values (H, W) of one channel or uint8 (H, W, 3 or 4) of colours, upright; whether the format changes values)."""
    if Path(file).suffix.lower() == ".npy":
        return np.asarray(stored_array(file)), False
    with opened(file) as image:
        if animated(image):
            raise ImageError(file, "several frames or pages", "save one mask in a file", "one picture")
        deep = any(";16" in str(tile) for tile in image.tile)  # of colours Pillow keeps the upper 8 bits
        lossy, picture = image.format in LOSSY, decoded(image, file)
    if picture.mode == "P":
        return np.asarray(picture) if indices else coloured(np.asarray(picture), picture, file), lossy
    if picture.mode == "1":
        return np.asarray(picture).astype(np.uint8), lossy
    if picture.mode in ("L", "F") or picture.mode.startswith("I"):
        return np.asarray(picture), lossy
    alpha = "A" in picture.getbands() or "a" in picture.getbands()
    shown = np.asarray(picture.convert("RGBA" if alpha else "RGB"))
    if deep and not varies(shown):
        refuse(file, "colours of 16 bits, which differ in the lower 8 if at all")
    return shown, lossy


def stored_array(file: Path | str, mode: str | None = None) -> np.ndarray:
    """The array of an npy file, numbers of shape (H, W)."""
    try:
        array = np.load(file, mmap_mode=mode, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise ImageError(file, f"no array can be read ({error})", "save it again with numpy.save") from error
    if array.ndim != 2 or array.size == 0 or array.dtype.kind not in "buif":
        refuse(file, f"an array {array.shape} of {array.dtype}")
    return array if array.dtype.kind != "b" or mode else array.astype(np.uint8)


def coloured(indices: np.ndarray, picture: Image.Image, file: Path | str) -> np.ndarray:
    """uint8 (H, W, 3): the colours of a palette; refused where different entries are shown alike and nothing else differs."""
    colours = np.asarray(picture.convert("RGB"))
    if varies(indices) and not varies(colours):
        refuse(file, f"palette entries {listed(np.unique(indices))}, all of one colour")
    return colours


def one_channel(colours: np.ndarray, lossy: bool, file: Path | str) -> np.ndarray:
    """Grey levels (H, W), 0 to 255, of a mask in colours: of a grey one its levels, of one colour on black that colour's strength."""
    shown = colours[..., :3]
    if colours.shape[2] == 4 and not varies(shown) and varies(colours[..., 3]):
        refuse(file, "one colour everywhere and marks in its alpha channel alone, of which either side may be tampered")
    strength = shown.max(2)
    if (strength - shown.min(2)).max(initial=0) < COLOURED:
        return np.asarray(Image.fromarray(np.ascontiguousarray(shown)).convert("L"))
    bright = strength > strength.max() / 2
    hues = shown[bright] * (255.0 / strength[bright][:, None])
    other = np.abs(hues - np.median(hues, axis=0)).max(1) > COLOURED
    if strength.min() > strength.max() / 8 or other.mean() > (GREY if lossy else 0):
        refuse(file, "several colours, or of one that is not on black")
    return np.rint(strength * (255.0 / strength.max())).astype(np.uint8)


def two_sided(shares: np.ndarray, levels: np.ndarray, region: np.ndarray, lossy: bool, file: Path | str) -> None:
    """Refuse values, here as shares of white, that are not black, white and a thin border between them."""
    if len(levels) == 1 and shares.flat[0] not in (0, 1):
        refuse(file, f"the value {levels[0]} everywhere")
    if len(levels) <= 2:
        return
    grey, exact = (shares > 0.25) & (shares < 0.75), shares.astype(np.float32)
    if grey.mean() > GREY:
        refuse(file, f"{100 * grey.mean():.0f}% of its pixels grey (values {listed(levels)})")
    square = np.ones((WINDOW, WINDOW), np.uint8)
    spread = cv2.dilate(exact, square) - cv2.erode(exact, square)  # within the window around each pixel
    if ((spread <= 4 / 255) & grey).any():
        refuse(file, f"a grey area (values {listed(levels)})")
    between = (exact > exact.min()) & (exact < exact.max()) & (spread == 0)
    if not lossy and between.mean() > (0 if len(levels) <= 8 else 0.001):
        refuse(file, f"areas of {len(levels)} values ({listed(levels)}), such as class ids")


def varies(values: np.ndarray) -> bool:
    """True where not all pixels are alike."""
    return bool((values != values[:1, :1]).any())


def listed(levels: np.ndarray) -> str:
    """`0, 1, 3`, or the two ends of a longer list."""
    return ", ".join(map(str, levels)) if len(levels) <= 6 else f"{levels[0]} to {levels[-1]}"


def refuse(file: Path | str, values: str) -> NoReturn:
    """The refusal of a mask whose values say nothing certain."""
    raise ImageError(file, f"a mask of {values}", ACTION, EXPECTED)
