"""Build the embedded benchmark: real files on disk, an exact mask for each tampered image, and a manifest.

The recipes are in `recipes.py` and `dolos.py`, the physics in `camera.py`; same data set, size and seed give the
same bytes, and a shorter set is the beginning of a longer one.
"""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType

import pandas as pd
from tqdm.auto import tqdm

from imdlib.places import cache_folder
from imdlib.progress import interactive
from imdlib.twins import camera, folders, recipes
from imdlib.twins.identity import recipe_digest


def recipe(dataset: str) -> ModuleType:
    """The module that makes the images of a twin: its `make_image` and `final_quality`. An unknown name is refused."""
    if dataset.startswith("sim-dolos"):
        from imdlib.twins import dolos  # only these twins need torch

        dolos.generator_of(dataset)
        return dolos
    recipes.twin(dataset)
    return recipes


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
    in pixels. workers: threads, which change nothing but the time. The folder is one of `folders.built`, known by
    `recipe_digest`: images/, masks/, manifest.csv (relative paths) and fingerprint.txt.
    """
    recipe(dataset)
    if count < 1 or size < 32 or workers < 1:
        raise ValueError(f"build needs count >= 1, size >= 32 and workers >= 1, got {count=}, {size=}, {workers=}")
    root = Path(root) if root is not None else cache_folder("synthetic")

    def write(folder):
        rows = write_all(folder, dataset, count, size, seed, workers, progress)
        pd.DataFrame(rows).to_csv(folder / "manifest.csv", index=False, lineterminator="\n")

    target = root / f"{dataset}-{count}x{size}-seed{seed}"
    return folders.built(target, recipe_digest(dataset), write, count, size)
