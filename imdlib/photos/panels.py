"""Photos of one's own: the map of a network, an overlay, the image score and error level analysis for each, saved as png and csv."""

import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import cv2
import matplotlib
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from torch import Tensor
from tqdm.auto import tqdm

from imdlib import runs
from imdlib.baselines import classic
from imdlib.data.images import ImageError, load_image
from imdlib.pages import plots
from imdlib.photos import tiles
from imdlib.progress import interactive

SHOWN = 1000  # longest side of a picture in a figure, in pixels
COLUMNS = ["photo", "width", "height", "score", "share_tampered", "authentic_share", "seconds", "map"]


def files_of(photo: Path | str) -> list[Path]:
    """One photo, or all files of a folder by name, hidden ones left out; folders in it are not entered."""
    path = Path(photo).expanduser()
    if not path.exists():
        raise FileNotFoundError(f"photo: there is no '{path}'; give a picture, or a folder of pictures")
    found = [path] if path.is_file() else sorted(p for p in path.iterdir() if not p.is_dir() and p.name[0] != ".")
    if not found:
        raise FileNotFoundError(f"photo: the folder '{path}' holds no file; give a picture, or a folder of pictures")
    return found


def examine(
    files: Iterable[Path],
    network: Callable[[Tensor], Tensor],
    folder: Path | str,
    *,
    authentic: Sequence[float] | np.ndarray = (),
    **options: Any,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Examine every file and save what was found under `folder`; a file that cannot be read stops no other.

    network: as in `tiles.predict`, which takes `options`. authentic: sorted image scores of authentic images, for a false alarm rate.
    Writes maps/<name>.png (8 bits, the photo's size), figures/<name>.png|pdf|csv and photos.csv. Returns (rows, problems):
    one row per photo with `score` (the map's maximum), `share_tampered` (of its pixels, above 0.5) and `authentic_share` (of
    the authentic images, those that score as high; NaN without any).
    """
    folder = Path(folder)
    (folder / "maps").mkdir(parents=True, exist_ok=True)
    rows, problems = [], []
    for file in tqdm(files, desc="photos", unit="photo", disable=not interactive(), leave=False):
        begun = time.perf_counter()
        try:
            image = load_image(file)
        except ImageError as error:
            problems.append({"file": file.name, "problem": error.problem, "to do": error.action})
            continue
        prob = tiles.predict(network, image, **options)
        cv2.imwrite(str(folder / "maps" / f"{file.name}.png"), runs.as_bytes(prob))
        row = {
            "photo": file.name,
            "width": image.shape[1],
            "height": image.shape[0],
            "score": float(prob.max()),
            "share_tampered": float((prob > 0.5).mean()),
            "authentic_share": at_least(prob.max(), authentic),
            "map": f"maps/{file.name}.png",
        }
        figure = sheet(panels(image, prob), f"{file.name}: image score {row['score']:.2f}")
        rows.append(row | {"seconds": round(time.perf_counter() - begun, 1)})
        plots.save(figure, [row], folder, file.name)
        plots.plt.close(figure)
    rows = pd.DataFrame(rows, columns=COLUMNS)
    rows.to_csv(folder / "photos.csv", index=False, float_format="%.6g")
    return rows, pd.DataFrame(problems, columns=["file", "problem", "to do"])


def panels(image: np.ndarray, prob: np.ndarray) -> dict[str, np.ndarray]:
    """{title: picture} of a photo (H,W,3) uint8 and its map (H,W) in [0,1], no side longer than SHOWN."""
    levels = shrunk(classic.error_levels(image))
    image, prob = shrunk(image), shrunk(prob)
    return {
        "photo": image,
        "map": prob,
        "overlay": overlay(image, prob),
        "error level analysis": classic.stretched(levels),
    }


def sheet(pictures: dict[str, np.ndarray], title: str) -> Figure:
    """Pictures side by side under one title; maps in the colours of heat, from 0 to 1."""
    height, width = next(iter(pictures.values())).shape[:2]
    across = plots.PAGE / len(pictures)
    figure, axes = plots.plt.subplots(
        1, len(pictures), figsize=(plots.PAGE, across * height / width + 0.55), squeeze=False
    )
    for axis, (name, values) in zip(axes[0], pictures.items()):
        plots.picture(axis, values, name, **({"cmap": plots.HEAT} if name == "map" else {}))
    figure.suptitle(title, fontsize=8)
    return figure


def overlay(image: np.ndarray, prob: np.ndarray) -> np.ndarray:
    """The photo in grey, reddened where the map is bright: (h,w,3) float in [0,1]."""
    grey = image.mean(axis=2, keepdims=True) / 255
    strength = 0.8 * prob[..., None] ** 2  # squared: a map that is nowhere dark should not tint everything
    return (1 - strength) * grey + strength * np.array(matplotlib.colors.to_rgb(plots.TAMPERED))


def shrunk(picture: np.ndarray) -> np.ndarray:
    """A picture with no side longer than SHOWN, by area averages."""
    height, width = picture.shape[:2]
    scale = SHOWN / max(height, width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return picture if scale >= 1 else cv2.resize(picture, size, interpolation=cv2.INTER_AREA)


def at_least(score: float, authentic: Sequence[float] | np.ndarray) -> float:
    """Share of the sorted authentic scores that are at least `score`; NaN without any."""
    return 1 - np.searchsorted(authentic, score) / len(authentic) if len(authentic) else np.nan
