"""Prediction maps of any method from a folder: matched to images by name, checked all at once, read one at a time.

png, tif, bmp, jpg, webp, npy and npz, of 1, 8 or 16 bits or floating-point. Of an npz, the array `map` is taken (TruFor's
name), or the only two-dimensional one; its number `score`, when there is one, is the image's score.
"""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NoReturn

import cv2
import numpy as np
import pandas as pd

from imdlib.data.images import ImageError, animated, decoded, image_size, load_mask, opened, read_header
from imdlib.data.readers.common import files_in
from imdlib.data.readers.named import composed

PICTURES = (".png", ".tif", ".tiff", ".bmp", ".jpg", ".jpeg", ".webp")
FORMATS = (*PICTURES, ".npy", ".npz")


class MapError(ValueError):
    """Maps that cannot be scored: every file, what is wrong with it, and what to do."""


def match(
    manifest: pd.DataFrame, folder: Path | str, suffixes: Sequence[str] = (), on_missing: str = "raise"
) -> pd.DataFrame:
    """The manifest's rows that have a map, with its path in the column `map`.

    A map is called like its image, with or without the image's own suffix, and perhaps with one of `suffixes` after it: for `a b.jpg`,
    `a b.png`, `a b.jpg.npy` or `a b_pred.tif`. Where several images share a name, the folders that map and image lie in decide, the
    innermost first.
    Authentic images may be without maps, all of them; a tampered image may not, unless on_missing is "skip".
    """
    given, folder = str(folder), Path(folder).expanduser()
    if not given or not folder.is_dir():
        raise MapError(
            f"maps: expected a folder of prediction maps, got '{given}'; give its path as the parameter `maps`"
        )
    files = [path for path in files_in(folder) if path.suffix.lower() in FORMATS]
    images = [Path(name) for name in manifest["image"]]
    stems = pd.Series([composed(path.stem) for path in images]).value_counts()
    named = {}
    for path in files:
        stem = composed(path.stem)
        for name in {stem, *(stem.removesuffix(s) for s in suffixes if s and stem not in stems.index)}:
            named.setdefault(name, []).append(path)
    found = [candidates(image, named, stems[composed(image.stem)] > 1) for image in images]
    doubled = [f"{image.name}: {', '.join(map(str, maps))}" for image, maps in zip(images, found) if len(maps) > 1]
    if doubled:
        refuse("several maps for one image", doubled, "keep one of them, or name the suffix that tells them apart")
    rows = manifest.assign(map=[str(maps[0]) if maps else "" for maps in found])
    if not any(found):
        raise MapError(
            f"no map in {folder} is named like an image: {len(files)} maps such as {[p.name for p in files[:3]]}, {len(images)} "
            f"images such as {[p.name for p in images[:3]]}; rename the maps, give their ending as `suffixes`, or check "
            "`dataset` and `split`"
        )
    shared = rows["map"][rows["map"] != ""].duplicated(keep=False)
    if shared.any():
        pairs = [
            f"{m}: {Path(i).parent.name}/{Path(i).name}"
            for i, m in rows.loc[shared[shared].index, ["image", "map"]].to_numpy()
        ]
        refuse("one map for several images", pairs, "put maps in folders named like those of the images")
    return present(rows, on_missing)


def candidates(image: Path, named: dict[str, list[Path]], ambiguous: bool) -> list[Path]:
    """Maps named like an image; of several, or where images share the name, those whose folders are called like the image's."""
    maps = list(dict.fromkeys([*named.get(composed(image.name), []), *named.get(composed(image.stem), [])]))
    if len(maps) < 2 and not ambiguous:
        return maps
    shared = [in_common(path.parent.parts, image.parent.parts) for path in maps]
    best = max(shared, default=0)
    return [path for path, count in zip(maps, shared) if count == best] if best else maps


def in_common(one: tuple[str, ...], other: tuple[str, ...]) -> int:
    """How many folders two paths end alike in."""
    pairs = zip(reversed(one), reversed(other))
    return next((k for k, (a, b) in enumerate(pairs) if composed(a) != composed(b)), min(len(one), len(other)))


def present(rows: pd.DataFrame, on_missing: str) -> pd.DataFrame:
    """Rows with a map; `attrs["unmatched"]` lists the images left out."""
    absent = rows["map"] == ""
    optional = (rows["label"] == 0) & absent.groupby(rows["label"]).transform("all")  # no authentic image has one
    missing = [Path(name).name for name in rows.loc[absent & ~optional, "image"]]
    if missing and on_missing != "skip":
        refuse(f"{len(missing)} of {len(rows)} images have no map", missing, 'make them, or pass missing = "skip"')
    kept = rows[~absent].reset_index(drop=True)
    kept.attrs["unmatched"] = [Path(name).name for name in rows.loc[absent, "image"]]
    return kept


def check(rows: pd.DataFrame) -> pd.DataFrame:
    """Look at every matched map before anything is scored: rows with `scale`, `resized`, `own_score` and `doubt`; a MapError lists all
    that is wrong.

    scale: what its values are divided by: 255 or 65535 for integers, 1 for floating-point. Of a folder whose integers are all 0 or 1
    these are labels, scale 1; where none of 16 bits exceeds 255 they hold 8. resized: "" or the map's size, where it is another than the
    image's at the same aspect; it is read bilinearly resized. own_score: of the file, in [0,1], NaN where no file has one. doubt: what
    should be looked at, in words.
    """
    problems, facts = [], []
    for image, path in rows[["image", "map"]].itertuples(index=False):
        try:
            facts.append(facts_of(path, image))
        except (MapError, ImageError) as error:
            problems.append(str(error))
    if problems:
        refuse(f"{len(problems)} of {len(rows)} maps cannot be scored", problems, "then run again", separator="\n  ")
    facts = pd.DataFrame(facts, columns=["scale", "top", "resized", "own_score", "turned"], index=rows.index)
    scored = facts["own_score"].notna()
    if scored.any() and not scored.all():
        without = rows.loc[~scored, "map"].tolist()
        refuse(
            f"{len(without)} of {len(rows)} maps hold no score of their image", without, "give all of them one, or none"
        )
    integers, deep = facts["scale"] > 1, facts["scale"] > 255
    if deep.any() and facts.loc[deep, "top"].max() <= 255:
        facts.loc[deep, "scale"] = 255.0
    if integers.any() and facts.loc[integers, "top"].max() <= 1:
        facts.loc[integers, "scale"] = 1.0
    dark = (facts["scale"] > 1) & (facts["top"] == 1)
    doubt = facts["turned"].where(
        ~dark, "holds 0 and 1 alone, others more: read as nearly black; if these are labels, multiply by 255"
    )
    return rows.assign(doubt=doubt, **facts[["scale", "resized", "own_score"]])


def facts_of(path: Path | str, image: Path | str) -> tuple[float, float, str, float, str]:
    """(scale, largest value, size if another than the image's, the file's own image score or NaN, what an EXIF tag leaves open) of one
    map, or a MapError.
    """
    values, score = read(path)
    scale = float(np.iinfo(values.dtype).max) if values.dtype.kind == "u" else 1.0
    low, high = float(values.min()), float(values.max())
    if not (low >= -1e-6 and high <= scale * (1 + 1e-6)):
        way = (
            "it holds NaN or infinity: look for the step that made them" if not np.isfinite([low, high]).all()
            else "divide it by 255" if low >= 0 and 1.5 < high <= 255 and (values == values.round()).all()
            else "divide it by the largest value that the method can give" if low >= 0
            else "these look like logits: apply a sigmoid (a softmax for two classes), then save again"
        )  # fmt: skip
        raise MapError(
            f"{path}: expected probabilities in [0,1], or 8 or 16 bits, got values from {low:g} to {high:g}; {way}"
        )
    head, (h, w) = read_header(image), values.shape
    height, width = head.height, head.width
    if (h, w) != (height, width) and abs(h * width - w * height) > max(width, height):
        hint = (
            "it looks turned by 90 degrees"
            if (w, h) == (height, width)
            else "bring it back to the image's size as its method does"
        )
        raise MapError(
            f"{path}: expected {width}x{height} pixels like {image}, or the same aspect, got {w}x{h}; {hint}"
        )
    said = f"its image has EXIF orientation {head.orientation}: the map is taken to be of the picture as it is shown"
    turned = said if head.orientation > 1 else ""
    return scale, high, "" if (h, w) == (height, width) else f"{w}x{h}", score, turned


def masks(rows: pd.DataFrame) -> Iterator[np.ndarray]:
    """The masks of rows as `check` returns them, uint8 (H,W) in {0,1}, read one at a time; zeros for authentic images."""
    for image, mask in rows[["image", "mask"]].itertuples(index=False):
        yield load_mask(mask) if mask else np.zeros(image_size(image), np.uint8)


def load(path: Path | str, size: tuple[int, int], scale: float) -> np.ndarray:
    """A checked map as float32 (H,W) in [0,1]; size: (height, width) of its image, scale: of `check`."""
    values = (read(path)[0] / np.float32(scale)).astype(np.float32)
    if values.shape != tuple(size):
        values = cv2.resize(values, (size[1], size[0]), interpolation=cv2.INTER_LINEAR)
    return values.clip(0, 1)


def read(path: Path | str) -> tuple[np.ndarray, float]:
    """(values (h,w) as the file holds them: unsigned integers, or float32, or float64; the file's own image score or NaN)."""
    path, score = Path(path), np.nan
    if path.suffix.lower() in PICTURES:
        values = picture(path)
    else:
        try:
            values = np.load(path)  # pickles are refused: they could run anything
            if path.suffix.lower() == ".npz":
                values, score = unpacked(values, path)
        except MapError:
            raise
        except PermissionError as error:
            raise MapError(f"{path}: the file may not be read; check its permissions") from error
        except (ValueError, OSError, EOFError) as error:
            raise MapError(
                f"{path}: expected an array of numbers, could not read it ({error}); save it again with numpy.save"
            ) from error
    values = values.reshape([n for n in values.shape if n != 1] if values.ndim > 2 else values.shape)
    if values.ndim != 2 or not values.size:
        raise MapError(
            f"{path}: expected one map (height, width), got an array of shape {values.shape}; save the tampered class alone"
        )
    if values.dtype == bool or (values.dtype.kind == "i" and values.min() >= 0 and values.max() <= 255):
        return values.astype(np.uint8 if values.dtype.kind == "i" else np.float32), score
    if values.dtype not in (np.uint8, np.uint16, np.float16, np.float32, np.float64):
        raise MapError(
            f"{path}: expected floating-point, or 8 or 16 bits without sign, got {values.dtype}; save probabilities as float32"
        )
    return values.astype(np.float32) if values.dtype == np.float16 else values, score


def unpacked(arrays: np.lib.npyio.NpzFile, path: Path) -> tuple[np.ndarray, float]:
    """(map, score in [0,1], or NaN where there is none) of an npz."""
    flat = [name for name in arrays.files if arrays[name].squeeze().ndim == 2]
    if "map" not in arrays.files and len(flat) != 1:
        raise MapError(f"{path}: expected one array, or one called 'map', got {arrays.files}; save the map alone")
    score = float(arrays["score"].item()) if "score" in arrays.files and arrays["score"].size == 1 else np.nan
    if "score" in arrays.files and not 0 <= score <= 1:
        came = f"{score:g}" if arrays["score"].size == 1 else f"an array of shape {arrays['score'].shape}"
        raise MapError(
            f"{path}: expected `score` to be one number in [0,1], got {came}; save a probability, or no score"
        )
    return arrays["map" if "map" in arrays.files else flat[0]], score


def picture(path: Path | str) -> np.ndarray:
    """Values of a grey picture of 1, 8 or 16 bits or floating-point; a coloured one is refused."""
    with opened(path) as image:
        if animated(image):
            raise MapError(f"{path}: expected one map, got several frames or pages; save one map in a file")
        image = decoded(image, path)
        if image.has_transparency_data and np.ptp(np.asarray(image.convert("RGBA"))[..., 3]) > 0:
            raise MapError(
                f"{path}: expected grey values, got an alpha channel that varies; save the probabilities without one"
            )
        if image.mode in ("RGB", "RGBA", "P", "LA", "PA"):
            bands = np.asarray(image.convert("RGB"))
            if (bands != bands[..., :1]).any():
                raise MapError(
                    f"{path}: expected grey values, got a coloured picture; save the probabilities before they are coloured"
                )
            return bands[..., 0]
        if image.mode == "1":
            return np.asarray(image).astype(np.uint8) * np.uint8(255)
        values = np.asarray(image)
    sixteen = values.dtype.kind == "i" and values.min() >= 0 and values.max() <= 65535  # Pillow opens some as 32 bits
    return values.astype(np.uint16) if sixteen else values


def refuse(what: str, items: Iterable[str], action: str, separator: str = "; ") -> NoReturn:
    """Raise a MapError that lists everything."""
    raise MapError(
        f"{what}: {separator.join(['', *items]) if separator != '; ' else separator.join(items)}. To do: {action}."
    )
