"""A camera in a page: light, mosaic, noise, JPEG, step by step, and a splice whose only traces are those of another camera.

The embedded benchmark (`imdlib.twins`), whose cameras these are.
"""

from collections.abc import Iterable

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
from matplotlib.figure import Figure
from torch.nn import functional as F

from imdlib.networks.pixels import residual
from imdlib.pages import plots
from imdlib.scoring import metrics
from imdlib.twins import camera, scenes

BY_NAME = {one.name: one for one in camera.CAMERAS}


def light(side: int = 160, seed: int = 0) -> np.ndarray:
    """A scene as linear light, (side,side,3) in [0,1]."""
    return scenes.scene(np.random.default_rng(seed), side, "train")


def steps(linear: np.ndarray, name: str, seed: int = 0) -> dict[str, np.ndarray]:
    """What one camera makes of a scene, by step."""
    one, rng = BY_NAME[name], np.random.default_rng(seed)
    sensor = camera.lens_blur(linear, one.blur) * np.asarray(one.sensitivity, np.float32)
    raw = camera.sensor_noise(camera.mosaic(sensor, one.phase), one.shot, one.read, rng)
    picture = camera.develop(linear, one, np.random.default_rng(seed), compress=False)
    return {"light": linear, "one colour a pixel": raw, "developed": picture, "JPEG": camera.jpeg(picture, one.quality)}


def spliced(
    linear: np.ndarray, host: str, guest: str, *, quality: int = 0, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """The same scene by two cameras, a disk of the second in the picture of the first: image uint8, mask bool.

    quality: of a JPEG that is made of the whole afterwards, 0 = none.
    """
    rng = np.random.default_rng(seed)
    first, second = (camera.develop(linear, BY_NAME[name], rng) for name in (host, guest))
    y, x = np.mgrid[: len(linear), : linear.shape[1]] / len(linear)
    mask = (y - 0.55) ** 2 + (x - 0.4) ** 2 < 0.2**2
    image = np.where(mask[..., None], second, first)
    return (camera.jpeg(image, quality) if quality else image), mask


def energy(image: np.ndarray, side: int = 11) -> np.ndarray:
    """Mean energy of the high-pass residual in squares of `side` pixels, (H,W)."""
    pixels = torch.from_numpy(np.ascontiguousarray(image)).permute(2, 0, 1)[None].float() / 255
    found = residual(pixels).square().mean(1, keepdim=True)
    return F.avg_pool2d(found, side, 1, side // 2, count_include_pad=False)[0, 0].numpy()


def trace_auc(image: np.ndarray, mask: np.ndarray) -> float:
    """AUC of `energy` for the mask, whichever sign serves better (at least 0.5)."""
    found = metrics.auc(energy(image), mask)
    return max(found, 1 - found)


def sweep(linears: Iterable[np.ndarray], host: str, guests: Iterable[str], qualities: Iterable[int]) -> pd.DataFrame:
    """`trace_auc` over scenes, cameras and JPEG qualities: DataFrame guest, quality, auc (mean over scenes)."""
    linears, found = list(linears), []
    for guest in guests:
        for quality in qualities:
            values = [trace_auc(*spliced(one, host, guest, quality=quality, seed=n)) for n, one in enumerate(linears)]
            found.append((guest, quality, float(np.mean(values))))
    return pd.DataFrame(found, columns=["guest", "quality", "auc"])


def steps_figure(found: dict[str, np.ndarray], part: int = 24) -> Figure:
    """Each step whole, and a square of `part` pixels of it enlarged."""
    figure, axes = plt.subplots(2, len(found), figsize=(plots.PAGE, 3.9))
    for (above, below), (name, picture) in zip(axes.T, found.items()):
        shown = np.clip(picture, 0, 1) if picture.dtype != np.uint8 else picture
        options = dict(cmap="gray") if shown.ndim == 2 else {}
        plots.picture(above, shown, name, **options)
        plots.picture(below, shown[40 : 40 + part, 40 : 40 + part], "enlarged", **options)
    return figure


def traces_figure(pictures: dict[str, tuple[np.ndarray, np.ndarray]]) -> Figure:
    """Pictures {title: (image, mask)}, above; the energy of their residual with the outline of the mask, below."""
    figure, axes = plt.subplots(2, len(pictures), figsize=(plots.PAGE, 2 * plots.PAGE / len(pictures)))
    for (above, below), (name, (image, mask)) in zip(axes.T, pictures.items()):
        plots.picture(above, image, name)
        found = energy(image)
        plots.picture(
            below, found, f"AUC {trace_auc(image, mask):.2f}", cmap=plots.HEAT, vmax=float(np.quantile(found, 0.99))
        )
        plots.outline(below, mask, color="w", width=0.8)
    return figure


def sweep_figure(table: pd.DataFrame) -> Figure:
    """AUC against the JPEG quality, one line a guest camera."""
    figure, axis = plt.subplots(figsize=(plots.PAGE * 0.6, 2.3))
    names = {quality: "none" if quality == 0 else str(quality) for quality in table["quality"].unique()}
    for (guest, part), color in zip(table.groupby("guest", sort=False), plots.PALETTE):
        axis.plot(range(len(part)), part["auc"], "o-", ms=4, color=color, label=f"splice of {guest}")
    axis.axhline(0.5, color="0.5", lw=0.8, ls=":")
    axis.set(xlabel="JPEG quality after the splice", ylabel="AUC of the residual", ylim=(0.45, 1.02))
    axis.set(xticks=range(len(names)), xticklabels=names.values())
    axis.legend(fontsize=8, loc="upper left", bbox_to_anchor=(1, 1))
    return figure
