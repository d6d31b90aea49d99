"""Every image of a manifest and its mask, decoded once: what the checks of a data set are made from."""

import hashlib
import os
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image
from tqdm.auto import tqdm

from imdlib.checks.polarity import frame_share
from imdlib.data.images import ImageError, decoded, header_of, load_mask, opened, to_rgb
from imdlib.progress import interactive

GRID = 64  # side of the small copies; a mean over a cell hides JPEG's noise and keeps what a manipulation changed
WORKERS = min(8, os.cpu_count() or 1)
SAMPLING = {(1, 1): "4:4:4", (2, 1): "4:2:2", (2, 2): "4:2:0", (1, 2): "4:4:0", (4, 1): "4:1:1"}
COLUMNS = {
    "height": 0,
    "width": 0,
    "format": "",
    "mode": "",
    "tables": "",
    "sampling": "",
    "bytes": 0,
    "fraction": np.nan,
    "frame": np.nan,
    "mask_height": 0,
    "mask_width": 0,
    "file": "",
    "problem": "",
    "expected": "",
    "action": "",
    "picture": None,
    "region": None,
}


def measure(manifest: pd.DataFrame, progress: bool = True) -> pd.DataFrame:
    """One row per image of the manifest, with its index, decoded by a pool of threads: DataFrame with the columns

    height width    of the upright picture, pixels; 0 where it cannot be decoded
    format mode     of the file: "JPEG", "PNG", ...; "RGB", "L", ...
    tables sampling of a JPEG: six characters that stand for its quantization tables, chroma sampling; else ""
    bytes           size of the file
    fraction frame  tampered share of the mask, and of its outermost pixels; NaN where there is none
    mask_height mask_width      0 where there is none
    file problem expected action    of what cannot be decoded, "" where all is well
    picture region  uint8 (GRID, GRID, 3), mean colours, and (GRID, GRID), tampered share times 255; None where absent
    """
    names, started, rows = list(zip(manifest["image"], manifest["mask"])), time.perf_counter(), []
    with ThreadPoolExecutor(WORKERS) as pool:
        moving = progress and interactive()
        bar = tqdm(pool.map(measure_one, names), "decoding", len(names), unit="image", leave=False, disable=not moving)
        for row in bar:
            rows.append(row)
            if progress and not moving and (len(rows) % 1000 == 0 or len(rows) == len(names)):
                print(f"decoded {len(rows)} of {len(names)} images, {time.perf_counter() - started:.0f} s", flush=True)
    return pd.DataFrame(rows, columns=list(COLUMNS), index=manifest.index)


def measure_one(names: tuple[str, str]) -> dict[str, Any]:
    """The facts of one (image, mask) as a dict; mask is "" where there is none."""
    image, mask = names
    row = dict(COLUMNS)
    try:
        row |= picture_facts(image)
        row |= mask_facts(mask) if mask else {}
    except ImageError as error:
        row |= {"file": error.file, "problem": error.problem, "expected": error.expected, "action": error.action}
    return row


def picture_facts(file: str) -> dict[str, Any]:
    """Facts of an image file, from one decoding."""
    with opened(file) as image:
        header, tables, sampling = header_of(image), "", ""
        if header.format in ("JPEG", "MPO"):
            tables = hashlib.sha256(repr(sorted(image.quantization.items())).encode()).hexdigest()[:6]
            first = image.layer[0][1:3] if image.layer else (0, 0)  # factors of the brightness
            sampling = SAMPLING.get(tuple(first), "other") if len(image.layer) == 3 else "grey"
        picture = to_rgb(decoded(image, file), file)
    return {
        "height": picture.height,
        "width": picture.width,
        "format": header.format,
        "mode": header.mode,
        "tables": tables,
        "sampling": sampling,
        "bytes": os.path.getsize(file),
        "picture": np.asarray(picture.resize((GRID, GRID), Image.Resampling.BOX)),
    }


def mask_facts(file: str) -> dict[str, Any]:
    """Facts of a mask file of the manifest."""
    mask = load_mask(file)
    region = Image.fromarray(mask * np.uint8(255)).resize((GRID, GRID), Image.Resampling.BOX)
    return {
        "fraction": float(mask.mean()),
        "frame": frame_share(mask),
        "mask_height": mask.shape[0],
        "mask_width": mask.shape[1],
        "region": np.asarray(region),
    }
