"""Contact sheet of a data set: the image, its mask outlined, and the fine detail in which the traces lie."""

from pathlib import Path

import cv2
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

OUTLINE = "#D55E00"  # vermilion of the Okabe-Ito palette, safe for colour-blind readers
KINDS = ("splicing", "copy-move", "removal", "edit", "generated", "tampered")
LEVELS = ("obvious", "matched", "trace", "")


def read_rgb(path: Path | str) -> np.ndarray:
    """Image file as uint8 RGB (H, W, 3)."""
    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if image is None:
        raise OSError(f"{path}: cannot be read as an image")
    return np.ascontiguousarray(image[..., ::-1])


def residual(image: np.ndarray) -> np.ndarray:
    """Strength of the fine detail, |image - its 3x3 mean|, slightly smoothed: float32 (H, W), in 8-bit steps."""
    detail = image.astype(np.float32) - cv2.blur(image.astype(np.float32), (3, 3))
    return cv2.GaussianBlur(np.abs(detail).mean(2), (0, 0), 1.2)


def pick(manifest: pd.DataFrame, count: int) -> pd.DataFrame:
    """Up to `count` tampered rows, taking every kind and visibility in turn, and scenes not yet shown first."""
    tampered = manifest[manifest["label"] == 1].copy()
    tampered["repeat"] = tampered.groupby("scene").cumcount()
    tampered["turn"] = tampered.sort_values("repeat", kind="stable").groupby(["kind", "visibility"]).cumcount()
    tampered["level"] = tampered["visibility"].map(LEVELS.index)
    tampered["order"] = tampered["kind"].map(KINDS.index)
    chosen = tampered.sort_values(["turn", "level", "order"], kind="stable").head(count)
    return chosen.sort_values(["level", "order", "turn"], kind="stable")


def contact_sheet(manifest: pd.DataFrame, rows: int = 4, columns: int = 4) -> Figure:
    """Matplotlib figure of `rows` x `columns` tampered images, each as it is, with its mask, and as its residual.

    manifest: DataFrame of `imdlib.data.catalog.read` with at least one tampered row. Where an image has no mask no border
    is drawn. Each residual is scaled to its own 98% quantile.
    """
    chosen = pick(manifest, rows * columns)
    if chosen.empty:
        raise ValueError("contact_sheet needs at least one tampered image; the manifest has none")
    rows = -(-len(chosen) // columns)
    figure = plt.figure(figsize=(3 * columns * 1.12, rows * 1.42), layout="none", facecolor="white")
    outer = figure.add_gridspec(
        rows, columns, left=0.01, right=0.99, bottom=0.01, top=1 - 0.62 / (rows * 1.42), wspace=0.05, hspace=0.22
    )
    for place, row in enumerate(chosen.to_dict("records")):
        panels = outer[place].subgridspec(1, 3, wspace=0.02).subplots()
        image = read_rgb(row["image"])
        mask = (
            cv2.imread(str(row["mask"]), cv2.IMREAD_GRAYSCALE) if row["mask"] else np.zeros(image.shape[:2], np.uint8)
        )
        detail = residual(image)
        panels[0].imshow(image)
        panels[1].imshow(image)
        panels[2].imshow(detail, cmap="gray", vmin=0, vmax=np.quantile(detail, 0.98) + 1e-6)
        # Padded with zeros, so that the outline is closed where the frame cuts the region.
        edges = np.arange(-1, mask.shape[0] + 1), np.arange(-1, mask.shape[1] + 1)
        if row["mask"]:
            panels[1].contour(edges[1], edges[0], np.pad(mask, 1), [127], colors=OUTLINE, linewidths=1.3)
        for panel in panels:
            panel.set(xlim=(-0.5, mask.shape[1] - 0.5), ylim=(mask.shape[0] - 0.5, -0.5))
            panel.set_axis_off()
        label = f"{row['kind']} · {row['visibility']}" if row["visibility"] else row["kind"]
        panels[0].set_title(label, loc="left", fontsize=8.5, pad=3)
    name = ", ".join(sorted(set(manifest["dataset"])))
    figure.suptitle(
        f"{name}: image, mask, and what is left after taking away the 3×3 mean", x=0.01, ha="left", fontsize=11, y=0.995
    )
    return figure
