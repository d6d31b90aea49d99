"""Figures: one look for all of them, each saved as png, as pdf with embedded fonts, with the csv of what was drawn and a caption.

Every function says in the figure's label how the figure is read; `save` makes the caption of it. What figures are drawn by is found
here in one place: `pictures`, `panels`, `plots_claims` and `style` hold it.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.collections import QuadMesh
from matplotlib.figure import Figure
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from imdlib.pages import captions, style, tables
from imdlib.pages.panels import costs, cross_matrix, interval_panels, learning_curves, response
from imdlib.pages.pictures import EACH, choose_columns, outline, picture, prediction_grid
from imdlib.pages.plots_claims import claims_plot
from imdlib.pages.style import (
    AUTHENTIC,
    COLUMN,
    CONTOUR,
    HEAT,
    MARKERS,
    PAGE,
    PALETTE,
    SMALL,
    TAMPERED,
    use_style,
)

__all__ = [
    "AUTHENTIC", "COLUMN", "CONTOUR", "EACH", "HEAT", "MARKERS", "PAGE", "PALETTE", "SMALL", "TAMPERED",
    "choose_columns", "claims_plot", "costs", "cross_matrix", "interval_panels", "learning_curves", "outline", "picture", "plt",
    "prediction_grid", "response", "save", "use_style",
]  # fmt: skip

OF = "imdlib runs"  # entry of a png of maps or features: {run: key} of those that it shows


def save(
    figure: Figure,
    data: pd.DataFrame | dict[str, Any] | list[dict[str, Any]],
    folder: Path | str,
    name: str,
    dpi: int = 300,
    colors: int | None = 256,
    what: str | None = "",
    of: Mapping[str, str] = {},
) -> Figure:
    """Write `<folder>/figures/<name>.png|pdf|csv|txt`; data: DataFrame of what was drawn. Returns the figure.

    dpi: of the png, and of pictures inside the pdf; less for sheets of many photographs. colors: how many the png of lines may have, which
    takes a third of the room; a png of maps or photographs keeps all of its colours. what: the figure shows, for its caption;
    None: it has a title in place of one. of: {run: key} of the runs whose maps or features are drawn, which the png then names.
    """
    data, path = pd.DataFrame(data), Path(folder) / "figures"
    path.mkdir(parents=True, exist_ok=True)
    style.fit(figure)
    figure.savefig(path / f"{name}.png", dpi=dpi)
    said = PngInfo()
    if of:
        said.add_text(OF, json.dumps(dict(of)))
    with Image.open(path / f"{name}.png") as png:
        few = colors and not pictured(figure)
        small = style.in_few_colors(png.convert("RGB"), colors) if few else png.convert("RGB")
    small.save(path / f"{name}.png", optimize=True, dpi=(dpi, dpi), pnginfo=said)
    figure.savefig(path / f"{name}.pdf", dpi=dpi, metadata={"CreationDate": None})
    tables.write_csv(data, path / f"{name}.csv")
    if what is not None:
        said = captions.caption(what or captions.title(name), str(figure.get_label()), data, lines=not pictured(figure))
        captions.write(path, name, said)
    figure.set_gid(str(path / f"{name}.png"))  # where a page finds it
    return figure


def pictured(figure: Figure) -> bool:
    """Whether a figure holds pictures or maps, whose colours are values."""
    return any(axis.images or any(isinstance(one, QuadMesh) for one in axis.collections) for axis in figure.axes)
