"""Build the embedded benchmark: real files on disk, an exact mask for each tampered image, and a manifest.

The recipes are in `recipes.py` and `dolos.py`, the physics in `camera.py`; same data set, size and seed give the
same bytes, and a shorter set is the beginning of a longer one.
"""

import errno
import hashlib
import os
import shutil
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType

import pandas as pd
from tqdm.auto import tqdm

from imdlib.freshness.contents import digests
from imdlib.places import cache_folder
from imdlib.progress import interactive
from imdlib.twins import camera, recipes
from imdlib.twins.identity import recipe_digest

ABANDONED = 3600  # seconds without a new file after which a half-built folder is known to be a dead build's


def recipe(dataset: str) -> ModuleType:
    """The module that makes the images of a twin: its `make_image` and `final_quality`. An unknown name is refused."""
    if dataset.startswith("sim-dolos"):
        from imdlib.twins import dolos  # only these twins need torch

        dolos.generator_of(dataset)
        return dolos
    recipes.twin(dataset)
    return recipes


def contents(folder: Path) -> str:
    """Sixteen characters that stand for the names and bytes of a twin's manifest, images and masks."""
    files = [file for name in ("images", "masks") for file in sorted((folder / name).iterdir())]
    files = [folder / "manifest.csv", *files]
    lines = (f"{file.relative_to(folder).as_posix()} {found}\n" for file, found in zip(files, digests(files)))
    return hashlib.sha256("".join(lines).encode()).hexdigest()[:16]


def write_one(folder: Path, dataset: str, seed: int, index: int, size: int) -> dict[str, str | int]:
    """Make image number `index`, write it and its mask under `folder`; returns its manifest row (relative paths)."""
    maker = recipe(dataset)
    image, mask, row = maker.make_image(dataset, seed, index, size)
    quality = maker.final_quality(dataset, seed, index)
    (folder / row["image"]).write_bytes(camera.encode(image, Path(row["image"]).suffix, quality))
    if mask is not None:
        (folder / row["mask"]).write_bytes(camera.encode(mask, ".png"))
    return row


def write_all(
    folder: Path, dataset: str, count: int, size: int, seed: int, workers: int, progress: bool
) -> list[dict[str, str | int]]:
    """Write images 0 .. count - 1 with `workers` threads (OpenCV releases Python's lock); returns rows in order."""
    for name in ("images", "masks"):
        (folder / name).mkdir()
    began = time.perf_counter()
    with ThreadPoolExecutor(workers) as pool:
        scenes_of = [range(i, min(i + recipes.PER_SCENE, count)) for i in range(0, count, recipes.PER_SCENE)]

        def write_scene(indices):
            return [write_one(folder, dataset, seed, index, size) for index in indices]

        jobs = pool.map(write_scene, scenes_of)
        bar = tqdm(jobs, f"building {dataset}", len(scenes_of), unit="scene", disable=not (progress and interactive()))
        try:
            rows = [row for some in bar for row in some]
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)  # nobody may write into a folder that is about to go
            raise
    if progress and not interactive():
        print(f"built {dataset}: {count} images of {size}x{size} in {time.perf_counter() - began:.1f} s", flush=True)
    return rows


def build(
    dataset: str,
    root: Path | str | None = None,
    count: int = 1000,
    size: int = 128,
    seed: int = 0,
    workers: int = 2,
    progress: bool = True,
) -> Path:
    """Build an embedded data set, or find it built; returns its folder `<root>/<dataset>-<count>x<size>-seed<seed>`.

    dataset: a key of `recipes.TWINS`, or of `dolos.DATASETS`. root: parent folder, None = the cache. size: height and width
    in pixels. workers: threads, which change nothing but the time. The folder holds images/, masks/, manifest.csv (relative
    paths) and fingerprint.txt: `recipe_digest`, and `contents` at the time of building, a line each. It appears under its
    name only when everything in it is complete, so a build killed at any point leaves nothing that looks finished.
    """
    recipe(dataset)
    if count < 1 or size < 32 or workers < 1:
        raise ValueError(f"build needs count >= 1, size >= 32 and workers >= 1, got {count=}, {size=}, {workers=}")
    root = Path(root) if root is not None else cache_folder("synthetic")
    root.mkdir(parents=True, exist_ok=True)
    target = root / f"{dataset}-{count}x{size}-seed{seed}"
    if finished(target, dataset):
        return unchanged(target)
    sweep(root, target.name)
    partial = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=root))
    try:
        rows = write_all(partial, dataset, count, size, seed, workers, progress)
        pd.DataFrame(rows).to_csv(partial / "manifest.csv", index=False, lineterminator="\n")
        (partial / "fingerprint.txt").write_text(f"{recipe_digest(dataset)}\n{contents(partial)}\n")
        publish(partial, target, dataset)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        need = max(1, count * size**2 * 4 // 2**20)
        raise OSError(
            error.errno,
            f"the disk is full while building {dataset}: {count} images of {size}x{size} need up to {need} MB; "
            "free some space, or set IMDLIB_CACHE to a folder on another disk",
            str(root),
        ) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return target


def finished(folder: Path, dataset: str) -> bool:
    """True when `folder` holds the complete data set, made by the present code."""
    return (folder / "manifest.csv").is_file() and noted(folder)[0] == recipe_digest(dataset)


def noted(folder: Path) -> list[str]:
    """The two lines of a twin's fingerprint.txt, '' for those that cannot be read."""
    try:
        lines = (folder / "fingerprint.txt").read_text(encoding="utf-8").split("\n")
    except (OSError, ValueError):
        lines = []
    return [*lines, "", ""][:2]


def unchanged(folder: Path) -> Path:
    """The folder of a built twin, whose files have to be what was built; ValueError where one was edited or damaged since."""
    if noted(folder)[1] != contents(folder):
        raise ValueError(
            f"{folder}: its files are not those that were built; delete this folder, it is built again in seconds"
        )
    return folder


def publish(partial: Path, target: Path, dataset: str) -> None:
    """Give the complete folder `partial` its name, replacing an outdated one; of two builders the first stays."""
    os.chmod(partial, 0o755)
    if target.exists() and not finished(target, dataset):
        old = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
        target.rename(old / "outdated")
        shutil.rmtree(old, ignore_errors=True)
    try:
        partial.rename(target)
    except OSError:
        if not finished(target, dataset):
            raise


def sweep(root: Path, name: str) -> None:
    """Remove what killed builds of `name` left under `root`: hidden folders where nothing was written for an hour."""
    for folder in root.glob(f".{name}.*"):
        newest = max((p.stat().st_mtime for p in (folder, folder / "images") if p.exists()), default=0)
        if time.time() - newest > ABANDONED:
            shutil.rmtree(folder, ignore_errors=True)
