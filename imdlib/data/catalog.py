"""The catalog: a data set by name, from its folder as published to a manifest with one row per image.

`read` pairs and checks files by their heads and repairs what is known; `verify` decodes everything.
"""

import difflib
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pandas as pd
from tqdm.auto import tqdm

from imdlib.data.images import ImageError, load_image, load_mask
from imdlib.data.readers.artifact import artifact
from imdlib.data.readers.build import COLUMNS, build
from imdlib.data.readers.cameras import SETS, cameras
from imdlib.data.readers.casia1 import casia1
from imdlib.data.readers.casia2 import casia2
from imdlib.data.readers.cifake import cifake
from imdlib.data.readers.columbia import columbia
from imdlib.data.readers.common import CatalogError, Problem, check_root
from imdlib.data.readers.coverage import coverage
from imdlib.data.readers.defacto import defacto
from imdlib.data.readers.dolos import dolos
from imdlib.data.readers.folder import folder
from imdlib.data.readers.gier import gier
from imdlib.data.readers.imd2020 import imd2020
from imdlib.data.readers.magicbrush import magicbrush
from imdlib.data.readers.nist16 import nist16
from imdlib.data.readers.twin import twin
from imdlib.progress import interactive

__all__ = ["COLUMNS", "DATASETS", "CatalogError", "left_out", "problems", "read", "verify"]

READERS = (
    casia1,
    casia2,
    columbia,
    coverage,
    nist16,
    defacto,
    imd2020,
    gier,
    magicbrush,
    dolos,
    artifact,
    cifake,
    cameras,
    folder,
)
DATASETS = {reader.__name__: reader for reader in READERS}  # and 'sim-*', the embedded twins
NAMED = {"nist16-random": ("nist16", {"split": "random"})}  # a reader with an option, as a data set of its own
MOSTLY = 0.9  # a larger tampered fraction than this looks like a mask of the wrong polarity


def read(dataset: str, root: Path | str | None = None, *, on_error: str = "raise", **options: Any) -> pd.DataFrame:
    """The manifest of a data set, a DataFrame with the columns COLUMNS (and `generator` where images have one).

    dataset: a key of DATASETS; such a key, '-' and a generator ('dolos-lama'), for the authentic images and those of this
    generator alone; 'cameras-png' or 'cameras-jpeg', one form of the files of 'cameras'; 'folder:' and a name, for the plain
    folder of that name in `root`; or the name of an embedded twin
    ('sim-casia'), which is built when `root` is None.
    root: the data set's own folder, or one that holds it; its tree is in help(DATASETS[dataset]).
    on_error: "raise" a CatalogError that lists everything that is wrong, or "skip" what is wrong and list it in
    `problems(manifest)`. options: of the reader, such as split="random" for nist16; twins have none. Every file that the reader looked at
    ends in a row, in `problems(manifest)` or in `left_out(manifest)`.

    image and mask are absolute paths; mask is "" where there is none, else a single-channel file of {0, 255}, 255 =
    tampered, of the image's upright size. label: 1 = tampered. kind: splicing, copy-move, removal, edit (a region
    changed or made anew), generated (the whole image), tampered (not known how) or authentic. note: what was repaired.
    """
    if on_error not in ("raise", "skip"):
        raise ValueError(f"on_error must be 'raise' or 'skip', got {on_error!r}")
    if dataset.startswith("sim-"):
        if options:
            raise ValueError(
                f"data set '{dataset}': a twin is read whole and takes no options, got {', '.join(options)}"
            )
        return read_twin(dataset, root)
    if dataset.startswith("folder:"):
        return read_folder(dataset.removeprefix("folder:"), root, on_error, **options)
    if dataset in SETS:
        return cameras(check_root(root, dataset), dataset, on_error, **options)
    if dataset in NAMED:
        name, chosen = NAMED[dataset]
        return read(name, root, on_error=on_error, **chosen | options).assign(dataset=dataset)
    whole, _, generator = dataset.partition("-")
    if generator and whole in DATASETS:
        return of_generator(read(whole, root, on_error=on_error, **options), generator, dataset)
    if dataset not in DATASETS:
        near = difflib.get_close_matches(dataset, DATASETS, n=1)
        hint = f" Did you mean '{near[0]}'?" if near else ""
        raise CatalogError(f"no data set is called '{dataset}'.{hint} There are: {', '.join(DATASETS)}, and sim-*")
    path = check_root(root, dataset)
    return build(dataset, path, DATASETS[dataset](path, **options), on_error)


def read_folder(name: str, root: Path | str | None, on_error: str, **options: Any) -> pd.DataFrame:
    """The manifest of the plain folder `name` in `root`, as the data set 'folder:<name>'."""
    dataset = f"folder:{name}"
    path = check_root(root, dataset)
    if not (path / name / "images").is_dir() or len(Path(name).parts) != 1:
        inner = [p.name for p in sorted(path.iterdir()) if (p / "images").is_dir() and "+" not in p.name]
        there = ", ".join(f"folder:{p}" for p in inner) or "none"
        action = f"name one of those with images/ in them: {there}"
        raise CatalogError(
            [Problem(str(path / name), "is no plain folder", "images/ and masks/ in it", action)], dataset
        )
    return build(dataset, path / name, folder(path / name, **options), on_error)


def of_generator(manifest: pd.DataFrame, generator: str, dataset: str) -> pd.DataFrame:
    """The authentic images of a manifest and those of one generator, as a data set of its own."""
    made_by = manifest["generator"] if "generator" in manifest else pd.Series("", index=manifest.index)
    if generator not in set(made_by):
        known = ", ".join(sorted(set(made_by) - {""})) or "none"
        came = f"no image is of the generator '{generator}'. Found: {known}"
        raise CatalogError(f"data set '{dataset}': {manifest.attrs['root']}: {came}")
    return manifest[made_by.isin(["", generator])].assign(dataset=dataset).reset_index(drop=True)


def read_twin(dataset: str, root: Path | str | None) -> pd.DataFrame:
    """The manifest of an embedded twin, built with its defaults when `root` is None."""
    from imdlib.twins import build

    return twin(check_root(build.build(dataset) if root is None else root, dataset), dataset)


def problems(manifest: pd.DataFrame) -> pd.DataFrame:
    """What `read(..., on_error="skip")` left out: DataFrame with the columns file, problem, expected, action."""
    return pd.DataFrame(manifest.attrs.get("problems", []), columns=["file", "problem", "expected", "action"])


def left_out(manifest: pd.DataFrame) -> pd.DataFrame:
    """Files that were looked at and not used, on purpose or because nothing says what they are: DataFrame `file, why`.

    A folder, with "/" at its end, stands for the files in it.
    """
    return pd.DataFrame(manifest.attrs.get("excluded", []), columns=["file", "why"])


def verify(manifest: pd.DataFrame, progress: bool = True) -> pd.DataFrame:
    """Decode every image and mask: DataFrame with the columns file, problem, expected, action; empty if all is well.

    Finds what the heads of files do not say: truncated data, a mask that does not fit, is empty though its image is
    tampered, or covers more than nine tenths of it (which looks like the wrong polarity).
    """
    rows = manifest[["image", "mask"]].itertuples(index=False)
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        jobs = pool.map(check_pair, *zip(*rows)) if len(manifest) else []
        bar = tqdm(jobs, "decoding", len(manifest), unit="image", disable=not (progress and interactive()), leave=False)
        found = [vars(problem) for some in bar for problem in some]
    return pd.DataFrame(found, columns=["file", "problem", "expected", "action"])


def check_pair(image: str, mask: str) -> list[Problem]:
    """Problems of one image and its mask, decoded."""
    try:
        size = load_image(image).shape[:2]
        pixels = load_mask(mask) if mask else None
    except ImageError as error:
        return [Problem(error.file, error.problem, error.expected, error.action)]
    if pixels is None:
        return []
    if pixels.shape != size:
        found, wanted = "x".join(map(str, pixels.shape[::-1])), "x".join(map(str, size[::-1]))
        return [Problem(mask, f"a mask of {found} pixels", f"{wanted} like {image}", "read the set again")]
    if not pixels.any():
        return [Problem(mask, "an empty mask", f"tampered pixels, since {image} is tampered", "leave the image out")]
    if pixels.mean() > MOSTLY:
        text = f"{100 * pixels.mean():.0f}% of the image is tampered"
        return [Problem(mask, text, f"at most {100 * MOSTLY:.0f}%", "look at it: its polarity may be inverted")]
    return []
