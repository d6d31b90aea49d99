"""A few images of any data set, with the border of their masks where they have any."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from PIL import Image

from imdlib.data.images import ImageError, load_image, load_mask
from imdlib.data.splits import place
from imdlib.pages import plots

SIDE = 256  # pixels of the longer side of what is drawn


def pick(manifest: pd.DataFrame, count: int = 12) -> pd.DataFrame:
    """Up to `count` rows, taking every kind in turn, chosen by a hash of their names."""
    order = manifest["image"].map(lambda name: place(name.replace("\\", "/").rsplit("/", 1)[-1], "gallery"))
    ranked = manifest.assign(order=order).sort_values("order", kind="stable")
    turn = ranked.groupby("kind").cumcount()
    return ranked.assign(turn=turn).sort_values(["turn", "kind"], kind="stable").head(count)


def gallery(manifest: pd.DataFrame, count: int = 12, columns: int = 4) -> Figure:
    """Matplotlib figure of the picked images, as they are; a damaged one leaves its place empty."""
    chosen = pick(manifest, count)
    rows = max(1, -(-len(chosen) // columns))
    figure, axes = plots.plt.subplots(rows, columns, figsize=(plots.PAGE, 1.5 * rows), squeeze=False)
    for axis in axes.flat:
        axis.set_axis_off()
    for axis, row in zip(axes.flat, chosen.itertuples()):
        try:
            picture = Image.fromarray(load_image(row.image))
            mask = Image.fromarray(load_mask(row.mask)) if row.mask else None
        except ImageError:
            continue
        picture.thumbnail((SIDE, SIDE))
        plots.picture(axis, np.asarray(picture), row.kind)
        if mask is not None:
            plots.outline(axis, np.asarray(mask.resize(picture.size, Image.Resampling.NEAREST)))
    return figure


def drawn(manifest: pd.DataFrame, count: int = 12) -> pd.DataFrame:
    """What `gallery` draws: DataFrame `image, kind, scene, split`."""
    shown = pick(manifest, count)[["image", "kind", "scene", "split"]]
    return pd.DataFrame(shown).assign(image=shown["image"].str.replace("\\", "/").str.rsplit("/", n=1).str[-1])
