"""Masks before and after their repair, on their images: is what a reader did to sizes and frames right?"""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from imdlib.data.images import load_image, load_mask
from imdlib.data.readers.fit import window
from imdlib.data.readers.values import tampered
from imdlib.pages import plots


def pairs(manifest: pd.DataFrame, most: int = 6) -> pd.DataFrame:
    """DataFrame `image, stored, mask, note`: up to `most` images whose masks were turned, cropped or resized."""
    stored = pd.DataFrame(manifest.attrs.get("repaired", []), columns=["image", "stored"])
    return stored.merge(manifest[["image", "mask", "note"]], on="image").head(most)


def mended(shown: pd.DataFrame) -> Figure:
    """Matplotlib figure of `pairs`: above, the mask as stored, laid from the upper left corner; below, as it is used."""
    count = max(len(shown), 1)
    size = (plots.PAGE * min(count, 6) / 6 + 0.6, 2.6)
    figure, axes = plots.plt.subplots(2, count, figsize=size, squeeze=False)
    for column, row in zip(axes.T, shown.itertuples()):
        image = load_image(row.image)
        before = window(tampered(row.stored), (0, 0), image.shape[:2])
        for axis, mask, name in zip(column, (before, load_mask(row.mask)), ("as stored", "as used")):
            plots.picture(axis, image, name)
            plots.outline(axis, np.asarray(mask))
    figure.set_visible(len(shown) > 0)
    return figure
