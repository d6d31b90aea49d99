"""Splices of real photographs by many cameras, made from a folder of them on first use and kept in the cache."""

import os
from pathlib import Path

import numpy as np
import pandas as pd

from imdlib.data.images import ImageError, load_image
from imdlib.data.readers.common import CatalogError, Found, Problem, files_in, folder_with, homes, images_in, refuse
from imdlib.data.readers.joins import account
from imdlib.data.readers.twin import twin
from imdlib.data.splits import SHARES
from imdlib.freshness import contents
from imdlib.freshness.sources import digest, of_library
from imdlib.places import cache_folder
from imdlib.twins import folders
from imdlib.twins.cameras import FORMS, PAIR, PART, SIDE, SMALLEST, Photo, deal, part, write_all

LIST, COLUMNS = "cameras.csv", ("photo", "make", "model")
SETS = {"cameras": "", "cameras-png": ".png", "cameras-jpeg": ".jpg"}  # {data set: suffix of its files, "" for either}
TREE = f"photos/ and {LIST}, a line for each photograph: {', '.join(COLUMNS)}"
WRITES = ("imdlib.data.readers.cameras.write", "imdlib.data.readers.twin.twin")  # what the pictures are made by
LEFT_OUT = "problems.csv"  # in a built folder: photographs that could not be used


def cameras(
    root: Path, dataset: str = "cameras", on_error: str = "raise", split: str = "camera", seed: int = 0
) -> pd.DataFrame:
    """The manifest of splices made of photographs as their cameras wrote them (see `imdlib.twins.cameras`):

        CAMERAS/  (any name, or the folder above)
            photos/*.jpg    untouched files, or windows of them cut without decoding; at least 272 pixels a side
            cameras.csv     one line per photograph: photo, make, model (and anything else)

    Pictures of 256x256, half of them with a region of another camera's photograph, each written as PNG and as JPEG.
    dataset: "cameras-png" and "cameras-jpeg" hold all pictures in one form, "cameras" each once, in a form drawn by lot.
    split: "camera", about 60/10/30 by camera, both cameras of a splice on one side; "test", all of them, for cameras that
    no run has seen. seed: of every draw. A file that is there twice is used once. scene: the camera. Further columns: donor
    (the region's camera), grid ("aligned" where the region lies on the JPEG grid of its surroundings, else "unaligned") and
    quality (of a JPEG file, else 0).

    Other files beside them are left out by name. A CatalogError names what is wrong: no list, photographs that are missing,
    damaged, too small or of no known camera (on_error="skip" leaves these out, and `catalog.problems` lists them), and too few cameras.
    """
    if split not in ("camera", "test"):
        raise ValueError(f"split must be 'camera' (60/10/30 by camera) or 'test' (all of them), got {split!r}")
    home = folder_with(root, LIST) or homes(root, r"cameras.*", "photos")[0]
    found = Found(files_in(home))
    cameras_of = once(listed(home, found), found)
    found.used += [home / LIST, *cameras_of]
    known = digest(
        [[file.name, camera] for file, camera in cameras_of.items()] + contents.digests(cameras_of) + [split, seed]
    )
    target, most = cache_folder("cameras") / f"cameras-{known}", len(FORMS) * (PART // SIDE) ** 2 * len(cameras_of)
    made = digest(of_library(*WRITES))
    folder = folders.built(target, made, lambda draft: write(draft, home, cameras_of, found, split, seed), most, SIDE)
    for name, *said in pd.read_csv(folder / LEFT_OUT, keep_default_na=False).itertuples(index=False):
        found.problem(home / name, *said)
    if found.problems and on_error == "raise":
        raise CatalogError(found.problems, dataset, "read(..., on_error='skip') leaves these files out and lists them")
    manifest = twin(folder, "cameras").assign(dataset=dataset)
    chosen = manifest["image"].str.endswith(SETS[dataset]) if SETS[dataset] else manifest["drawn"] == 1
    manifest = manifest[chosen].drop(columns="drawn").reset_index(drop=True)
    account(found)
    problems, excluded = [vars(one) for one in found.problems], [list(pair) for pair in found.excluded]
    manifest.attrs = {"root": str(root), "problems": problems, "excluded": excluded}
    return manifest


def listed(home: Path, found: Found) -> dict[Path, str]:
    """{photograph: its camera} from the list, in the order of names; a camera is a model, whatever its maker."""
    if not (home / "photos").is_dir():
        raise refuse(home, "cameras", TREE)
    there = {file.relative_to(home / "photos").as_posix(): file for file in images_in(home / "photos")}
    lines, files = lines_of(home / LIST), {}
    for line in lines.itertuples():
        file, camera = there.get(line.photo), (line.model.strip() or line.make.strip()).lower()
        if file is None or not os.access(file, os.R_OK):
            found.problem(home / "photos" / line.photo, "missing, or not to be read", f"as {LIST} says", "get it again")
        elif not camera:
            found.problem(file, f"no model in {LIST}", "the camera", "fill it in, or take the line out")
        elif file.stem in {one.stem for one in files}:
            found.problem(file, f"a second {file.stem} in {LIST}", "each name once", "rename it, or take the line out")
        else:
            files[file] = camera
    for name in sorted({*there} - {*lines["photo"]}):
        found.problem(there[name], f"no line in {LIST}", "its camera", "add its line, or take the file out")
    return dict(sorted(files.items()))


def once(files: dict[Path, str], found: Found) -> dict[Path, str]:
    """The photographs without those that are there twice, byte for byte."""
    first = {}
    for file, known in zip(files, contents.digests(files)):
        if first.setdefault(known, file) != file:
            found.exclude(file, f"the same file as {first[known].name}")
    return {file: files[file] for file in first.values()}


def lines_of(file: Path) -> pd.DataFrame:
    """The list of photographs, all of it text; CatalogError where it is missing or no such list."""
    try:
        lines = pd.read_csv(file, dtype=str, keep_default_na=False, encoding="utf-8-sig")
        came = f"the columns {', '.join(lines.columns)}"
    except FileNotFoundError:
        lines, came = pd.DataFrame(), "is missing"
    except (OSError, ValueError) as error:
        lines, came = pd.DataFrame(), f"cannot be read ({error})"
    if not {*COLUMNS} <= {*lines.columns}:
        action = "get it with the photographs, or write it: which camera took which"
        raise CatalogError([Problem(str(file), came, f"a table with {', '.join(COLUMNS)}", action)], "cameras")
    return lines


def write(folder: Path, home: Path, files: dict[Path, str], found: Found, split: str, seed: int) -> None:
    """Fill a folder with the pictures made of the photographs {file: camera}, and with what is wrong with those left out."""
    photos, wrong = [], Found()
    for file, camera in files.items():
        try:
            photos.append(Photo(file.stem, camera, usable(file)))
        except ImageError as error:
            wrong.problem(file.relative_to(home), error.problem, error.expected, error.action)
    names, least = {photo.camera for photo in photos}, PAIR if split == "test" else PAIR * len(SHARES)
    if len(names) < least:
        came, action = f"{len(names)} cameras with photographs that can be used", "add photographs by other cameras"
        wrong.problem(home / LIST, came, f"at least {least}, {PAIR} for each split", action)
        raise CatalogError([*found.problems, *wrong.problems], "cameras")
    splits = dict.fromkeys(names, "test") if split == "test" else deal(names)
    rows = write_all(folder, photos, splits, seed)
    pd.DataFrame(rows).to_csv(folder / "manifest.csv", index=False, lineterminator="\n")
    left_out = pd.DataFrame(map(vars, wrong.problems), columns=["file", "problem", "expected", "action"])
    left_out.to_csv(folder / LEFT_OUT, index=False, lineterminator="\n")


def usable(file: Path) -> np.ndarray:
    """The part of a photograph that pictures are cut from, uint8 RGB (H, W, 3); ImageError where it is damaged or too small."""
    pixels = part(load_image(file))
    height, width = pixels.shape[:2]
    if min(height, width) < SMALLEST:
        raise ImageError(file, f"{width}x{height} pixels", "take it out", f"at least {SMALLEST} pixels a side")
    return pixels
