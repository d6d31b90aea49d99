"""Photos of one's own through finished runs: maps, overlays, scores and error level analysis for each, saved as png and csv.

A file name is data: it stands as it is in every figure and table, whatever characters it has, and leads nowhere.
"""

import textwrap
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import cv2
import matplotlib
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from tqdm.auto import tqdm

from imdlib import runs
from imdlib.baselines import ela
from imdlib.data.images import ImageError, load_image
from imdlib.pages import plots, tables
from imdlib.photos.names import label, stem
from imdlib.progress import interactive

SHOWN = 1000  # longest side of a picture in a figure, in pixels
ACROSS = 4  # pictures in a row of a figure
THIN = 20  # sides of a picture in a figure may differ by this factor
COLUMNS = ["photo", "run", "width", "height", "score", "share_tampered", "authentic_share", "seconds", "map", "figure"]
PROBLEM = ["file", "problem", "to do"]


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
    files: Sequence[Path],
    looks: dict[str, Callable[[np.ndarray], tuple[dict[str, np.ndarray], dict[str, Any]]]],
    folder: Path | str,
    *,
    authentic: dict[str, Sequence[float] | np.ndarray] | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Examine every file with every run and save what was found under `folder`; a file that fails stops no other.

    looks: {run: look(image (H,W,3) uint8) -> ({title: map (H,W) in [0,1]}, {column: value})}, `look` of a study's `saved`.
    authentic: {run: sorted image scores of authentic images}, for a false alarm rate.
    Writes maps/<photo>.png (8 bits, the photo's size; of several runs maps/<run>/<photo>.png, the first map of each),
    figures/<photo>.png|pdf|csv, photos.csv and problems.csv, in which lines about other photos stay.
    Returns (rows, problems): one row per photo and run with what
    `look` says, `share_tampered` (of the pixels of its map, above 0.5) and `authentic_share` (of the authentic images, those
    that score as high; NaN without any).
    """
    folder, rows, problems = Path(folder), [], []
    for file in tqdm(files, desc="photos", unit="photo", disable=not interactive(), leave=False):
        try:
            image = load_image(file)
            found, pictures = seen(file, image, looks, folder, authentic or {})
        except ImageError as error:
            problems.append((label(file), error.problem, error.action))
            continue
        except Exception as error:  # whatever a network, a codec or a disk makes of one photo
            problems.append(
                (label(file), f"{type(error).__name__}: {error}", "look at the file, or try a smaller tile")
            )
            continue
        rows += found
        try:
            draw(file, image, found, pictures, folder)
        except Exception as error:
            problems.append((label(file), f"no figure: {error}", "look at its maps, which are saved"))
            for row in found:
                row["figure"] = ""
    known = list(
        dict.fromkeys([*COLUMNS[:-2], *(name for row in rows for name in row if name not in COLUMNS), *COLUMNS[-2:]])
    )
    rows, problems = pd.DataFrame(rows, columns=known), pd.DataFrame(problems, columns=PROBLEM)
    asked = {label(file) for file in files}
    for found, name in ((rows, "photos.csv"), (problems, "problems.csv")):
        before = older(folder / name, asked)
        tables.write_csv(pd.concat([before, found], ignore_index=True) if len(before) else found, folder / name)
    return rows, problems


def older(path: Path, asked: set[str]) -> pd.DataFrame:
    """Lines of a table of earlier calls about other photos than those that are asked for now: their maps lie there still."""
    if not path.exists() or not path.stat().st_size:
        return pd.DataFrame()
    found = pd.read_csv(path, keep_default_na=False, dtype=dict.fromkeys(tables.FILES, str))
    names = found.iloc[:, 0]
    return found[~(names.isin(asked) | names.map(tables.as_named).isin(asked))]


def seen(
    file: Path, image: np.ndarray, looks: dict[str, Callable], folder: Path, authentic: dict[str, Sequence[float]]
) -> tuple[list[dict[str, Any]], dict[str, np.ndarray]]:
    """(a row per run, {title: map}) of one photo; the maps are saved."""
    rows, pictures = [], {}
    for run, look in looks.items():
        begun = time.perf_counter()
        maps, facts = look(image)
        row = {"photo": label(file), "run": run, "width": image.shape[1], "height": image.shape[0], **facts}
        row["authentic_share"] = at_least(facts["score"], authentic.get(run, ()))
        row |= {"map": "", "figure": f"figures/{stem(file)}.png", "seconds": round(time.perf_counter() - begun, 1)}
        for title, values in maps.items():
            pictures[title if len(looks) == 1 else f"{run}: {title}"] = values
        if maps:
            title, first = next(iter(maps.items()))
            row["map"] = "/".join(["maps", *([run.replace("/", "_")] if len(looks) > 1 else []), f"{stem(file)}.png"])
            row |= {"share_tampered": float((first > 0.5).mean())} if title == "map" else {}
            (folder / row["map"]).parent.mkdir(parents=True, exist_ok=True)
            if not cv2.imwrite(str(folder / row["map"]), runs.as_bytes(first)):
                raise OSError(f"{folder / row['map']}: could not be written")
        rows.append(row)
    return rows, pictures


def draw(
    file: Path, image: np.ndarray, rows: list[dict[str, Any]], pictures: dict[str, np.ndarray], folder: Path
) -> None:
    """Save the figure of one photo."""
    height, width = image.shape[:2]
    if max(height, width) > THIN * min(height, width):
        raise ValueError(f"{width}x{height} pixels are too long and thin for one")
    scores = ", ".join(f"{row['score']:.2f}" + (f" ({row['run']})" if len(rows) > 1 else "") for row in rows)
    figure = sheet(panels(image, pictures), f"{label(file)}: image score {scores}")
    try:
        plots.save(figure, rows, folder, stem(file), what=None)
    finally:
        plots.plt.close(figure)


def panels(image: np.ndarray, maps: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """{title: picture} of a photo (H,W,3) uint8 and its maps (H,W) in [0,1], no side longer than SHOWN; an overlay after each map
    of what is tampered."""
    found = {"photo": shrunk(image)}
    for title, prob in maps.items():
        found[title] = shrunk(prob)
        if title.endswith("map"):
            found[title.removesuffix("map") + "overlay"] = overlay(found["photo"], found[title])
    return found | {"error level analysis": ela.stretched(shrunk(ela.error_levels(image)))}


def sheet(pictures: dict[str, np.ndarray], title: str) -> Figure:
    """Pictures side by side under one title, ACROSS in a row; maps in the colours of heat, from 0 to 1."""
    height, width = next(iter(pictures.values())).shape[:2]
    columns = min(ACROSS, len(pictures))
    down, across = -(-len(pictures) // columns), plots.PAGE / columns
    title = textwrap.fill(title, 110, break_on_hyphens=False, replace_whitespace=False)
    size = plots.PAGE, down * (across * height / width + 0.3) + 0.13 * (title.count("\n") + 2)
    figure, axes = plots.plt.subplots(down, columns, figsize=size, squeeze=False)
    for axis in axes.flat:
        axis.set_axis_off()
    for axis, (name, values) in zip(axes.flat, pictures.items()):
        axis.set_axis_on()
        heat = values.ndim == 2 and name != "error level analysis"
        plots.picture(axis, values, textwrap.fill(name, 36), **({"cmap": plots.HEAT} if heat else {}))
    figure.suptitle(title, fontsize=8, parse_math=False)
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
