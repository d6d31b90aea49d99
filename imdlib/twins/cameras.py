"""Splices of real photographs: a region of one camera's picture in another's, with an exact mask, split by camera.

After no paper: the masks and the blending of the embedded benchmark, on photographs as cameras wrote them, so that mosaic, noise
and JPEG history are real. A photograph is cut in tiles on its JPEG grid, and each is used once, as it is or as a background.

Which traces stay: in PNG files every decoded pixel outside the mask, and inside it the donor's, which is neither scaled nor turned.
What is destroyed: `matched` scales the donor's contrast, noise included, by 0.6 to 1.4 and fades in over two pixels; a JPEG file
is compressed a second time, authentic ones alike, which weakens mosaic and noise and overlays the first compression.
"""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from tqdm.auto import tqdm

from imdlib.data.splits import SHARES, by_count
from imdlib.progress import interactive
from imdlib.twins import manipulate
from imdlib.twins.camera import encode
from imdlib.twins.masks import random_mask
from imdlib.twins.recipes import generator

SIDE = 256  # of an image, pixels
PART = 3 * SIDE  # at most so much of a photograph is used, from its middle
GRID = 16  # of the coding units of JPEG files with halved chroma; those of others, 8, fit into it
SMALLEST = SIDE + GRID  # side of a photograph that has room for a window off the grid
PAIR = 2  # cameras that a split needs, for a splice
QUALITIES = (75, 85, 90, 95)  # of the JPEG form, drawn without regard to the label
FORMS = (".png", ".jpg")  # every picture is written in both
LEVELS = ("obvious", "matched")
CANDIDATES = 24  # windows of which a matched splice takes the one that looks most like what it covers


@dataclass(frozen=True, eq=False)
class Photo:
    """One photograph; name: of its file, unique; camera: who made it; pixels: uint8 RGB (H, W, 3), of `part`."""

    name: str
    camera: str
    pixels: np.ndarray


def part(pixels: np.ndarray) -> np.ndarray:
    """The middle of a photograph, at most PART pixels a side, cut on its JPEG grid."""
    top, left = (max(0, side - PART) // 2 // GRID * GRID for side in pixels.shape[:2])
    return np.ascontiguousarray(pixels[top : top + PART, left : left + PART])


def deal(cameras: Iterable[str]) -> dict[str, str]:
    """{camera: split}, about 60/10/30, and PAIR cameras at least for validation and test; ValueError for too few of them."""
    names = sorted(set(cameras))
    val, test = (max(PAIR, round(SHARES[split] * len(names))) for split in ("val", "test"))
    if len(names) < PAIR + val + test:
        raise ValueError(f"expected at least {3 * PAIR} cameras, {PAIR} for each split, got {len(names)}")
    return by_count(names, "cameras", {"train": len(names) - val - test, "val": val, "test": test})


def tiles(photo: Photo) -> list[tuple[int, int]]:
    """(top, left) of the SIDE x SIDE tiles of a photograph, none of which overlaps another."""
    height, width = photo.pixels.shape[:2]
    return [(y, x) for y in range(0, height - SIDE + 1, SIDE) for x in range(0, width - SIDE + 1, SIDE)]


def window(photo: Photo, top: int, left: int) -> np.ndarray:
    """SIDE x SIDE pixels of a photograph."""
    return photo.pixels[top : top + SIDE, left : left + SIDE]


def corner(photo: Photo, off: tuple[int, int], rng: np.random.Generator) -> tuple[int, int]:
    """(top, left) of a random window of a photograph, `off` pixels (0 .. GRID - 1 each) from its JPEG grid."""
    return tuple(
        GRID * int(rng.integers((side - SIDE - shift) // GRID + 1)) + shift
        for side, shift in zip(photo.pixels.shape[:2], off)
    )


def look(image: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Mean and spread of each colour inside the mask, (2, 3), after a blur: what is seen, without the traces."""
    x, y, width, height = cv2.boundingRect(mask)
    here = slice(y, y + height), slice(x, x + width)
    inside = cv2.GaussianBlur(image[here], (0, 0), 4)[mask[here] > 0].astype(np.float32)  # (N, 3)
    return np.stack([inside.mean(0), inside.std(0)])


def splice(
    tile: np.ndarray, donors: list[Photo], rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, dict[str, str]]:
    """A tile (SIDE, SIDE, 3) with a region of one of `donors`: image, mask uint8 {0, 255}, and columns of its row.

    One donor in two lies on the tile's own JPEG grid ("aligned"), the others anywhere but there.
    """
    mask, visibility = random_mask(rng, SIDE), str(rng.choice(LEVELS))
    off = (0, 0) if rng.random() < 0.5 else divmod(int(rng.integers(1, 64)), 8)
    places, covered = [], look(tile, mask)
    for _ in range(CANDIDATES if visibility == "matched" else 1):
        photo = donors[rng.integers(len(donors))]
        places.append((photo, *corner(photo, off, rng)))
    chosen = min(places, key=lambda place: np.square(look(window(*place), mask) - covered).sum())
    image = manipulate.splice(tile, window(*chosen), mask, visibility)
    grid = "aligned" if off == (0, 0) else "unaligned"
    return image, mask, {"visibility": visibility, "donor": chosen[0].camera, "grid": grid}


def pictures(
    photo: Photo, donors: list[Photo], seed: int
) -> Iterator[tuple[str, np.ndarray, np.ndarray | None, dict[str, str | int]]]:
    """(name, image, mask or None, columns of its rows) of each tile of a photograph; every other one is spliced.

    donors: photographs of other cameras of the same split. Same photographs, names and seed: same bytes.
    """
    places, order = tiles(photo), generator(seed, "cameras", f"{photo.name}/order", 0)
    spliced = (order.permutation(len(places)) + order.integers(2)) % 2
    for number, (place, tampered) in enumerate(zip(places, spliced)):
        rng = generator(seed, "cameras", photo.name, number)
        facts = {"quality": int(rng.choice(QUALITIES)), "drawn": FORMS[rng.integers(len(FORMS))]}
        image, mask, more = np.ascontiguousarray(window(photo, *place)), None, {}
        if tampered:
            image, mask, more = splice(image, donors, rng)
        yield f"{photo.name}-{number}", image, mask, facts | more


def write_photo(
    folder: Path, photo: Photo, photos: list[Photo], splits: dict[str, str], seed: int
) -> list[dict[str, str | int]]:
    """Write every picture of a photograph, in both forms, and its masks below `folder`; returns the manifest's rows."""
    split, rows = splits[photo.camera], []
    donors = [one for one in photos if one.camera != photo.camera and splits[one.camera] == split]
    for name, image, mask, facts in pictures(photo, donors, seed):
        if mask is not None:
            (folder / f"masks/{name}.png").write_bytes(encode(mask, ".png"))
        for form in FORMS:
            (folder / f"images/{name}{form}").write_bytes(encode(image, form, facts["quality"]))
            rows.append(row_of(name, form, photo.camera, split, facts))
    return rows


def row_of(name: str, form: str, camera: str, split: str, facts: dict[str, str | int]) -> dict[str, str | int]:
    """The manifest's row of a picture in one form, a dict; `drawn`: 1 in the form that stands for it where each counts once."""
    donor = facts.get("donor", "")
    return {
        "image": f"images/{name}{form}",
        "mask": f"masks/{name}.png" if donor else "",
        "label": int(bool(donor)),
        "kind": "splicing" if donor else "authentic",
        "scene": camera,
        "split": split,
        "dataset": "cameras",
        "visibility": facts.get("visibility", ""),
        "note": "",
        "donor": donor,
        "grid": facts.get("grid", ""),
        "quality": facts["quality"] if form == ".jpg" else 0,
        "drawn": int(facts["drawn"] == form),
    }


def write_all(
    folder: Path, photos: list[Photo], splits: dict[str, str], seed: int, workers: int = 2
) -> list[dict[str, str | int]]:
    """Write the pictures of all photographs below `folder`; returns the manifest's rows, in the order of the photographs.

    splits: {camera: split}, as of `deal`. workers: threads, which change nothing but the time.
    """
    with ThreadPoolExecutor(workers) as pool:
        jobs = pool.map(lambda photo: write_photo(folder, photo, photos, splits, seed), photos)
        bar = tqdm(jobs, "splicing", len(photos), unit="photo", leave=False, disable=not interactive())
        return [row for rows in bar for row in rows]
