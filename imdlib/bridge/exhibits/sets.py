"""What the data sets hold: images of each class, residual spectra of their generators, and the form of their files."""

from pathlib import Path

import numpy as np
import pandas as pd
from IPython.display import HTML, Markdown
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from imdlib.bridge import published
from imdlib.bridge.exhibits.images import Images
from imdlib.bridge.labels import CLASSES, three_classes
from imdlib.bridge.rows import Rows
from imdlib.checks import spectra
from imdlib.pages import data_sets, plots, tables

SIZES = "Bridging Table 1: images per class and split; below, the sizes that the paper prints for the real sets"


def table1(rows: Rows, images: Images) -> HTML:
    """Table 1: images of each class in each data set and split, above the paper's sizes."""
    paper = published.sizes().assign(method="all", test_set=lambda one: one["test_set"] + " (paper)")
    return save_counts(pd.concat([counts(images.manifests), paper]), rows.folder, "table1", SIZES)


def counts(manifests: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Tidy rows of how many images of each class a set has, in all and per split: `method` is the split."""
    lines = []
    for name, manifest in manifests.items():
        classes = pd.Series(np.array(CLASSES)[three_classes(manifest)], index=manifest.index)
        for split in ("all", *(s for s in ("train", "val", "test") if s in set(manifest["split"]))):
            some = classes if split == "all" else classes[manifest["split"] == split]
            lines += [(split, name, one, int((some == one).sum())) for one in CLASSES]
    return pd.DataFrame(lines, columns=["method", "test_set", "metric", "value"])


def save_counts(found: pd.DataFrame, folder: Path, name: str, caption: str) -> HTML:
    """Write `counts` rows, and published ones, as `tables.save` does, but as whole numbers; returns the wide form."""
    path = tables.save_csv(found.reindex(columns=tables.WRITTEN), folder, name).parent
    shown = found.pivot_table(index=["test_set", "method"], columns="metric", values="value", sort=False)
    shown = shown.reindex(columns=CLASSES).map(lambda count: "–" if pd.isna(count) else f"{count:,.0f}")
    shown = shown.rename_axis(index=["data set", "split"], columns=None)
    return tables.write(shown, path, name, caption, apart=False)


def figure_spectra(rows: Rows, images: Images, count: int) -> Figure | None:
    """Mean residual power of wholly generated test images minus that of real ones, dB, of up to `count` images of each
    generator. None for count 0, and for sets that are no twins: their photographs differ by more than the generator.
    """
    if not count or not rows.main["dataset"].str.startswith("sim-dolos-").all():
        return None
    found = pd.concat(images.manifests.values(), ignore_index=True)
    found = found[(found["split"] == "test") & (found["kind"] != "edit")].fillna({"generator": ""})
    few = found.groupby(["generator", "kind"], sort=False).head(count)
    power = spectra.spectra(few, side=min(48, rows.first["size"]))
    above = {name: 10 * (one - power[spectra.REAL]) for name, one in power.items() if name != spectra.REAL}
    figure, axes = plt.subplots(1, len(above), figsize=(plots.PAGE, 1.7), squeeze=False)
    limit = max(np.abs(one).max() for one in above.values())
    for axis, (name, one) in zip(axes[0], above.items()):
        shown = axis.imshow(one, cmap="PuOr", vmin=-limit, vmax=limit, extent=(-0.5, 0.5, -0.5, 0.5))
        axis.set(title=name, xticks=[-0.5, 0.5], yticks=[-0.5, 0.5] if axis is axes[0, 0] else [])
    figure.colorbar(shown, ax=axes, shrink=0.8, label="dB against real")
    long = [
        pd.DataFrame(one).stack().rename("dB").rename_axis(["row", "column"]).reset_index() for one in above.values()
    ]
    long = [one.assign(generator=name) for name, one in zip(above, long)]
    return plots.save(
        figure,
        pd.concat(long),
        rows.folder,
        "figure_spectra",
        what="Mean power of the residual of wholly generated images minus that of real ones, dB, against frequency in cycles per pixel",
    )


def form(rows: Rows) -> HTML | Markdown:
    """What the files' form alone tells of the class, in each data set in which it tells anything."""
    found = data_sets.form(rows.data, [*rows.seen["dataset"], *rows.main["dataset"]])
    return found or Markdown("Nothing in the files' form differs between the classes, or it was not looked at.")
