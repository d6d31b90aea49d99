"""Training: how the losses fall, and what each part costs."""

import pandas as pd
import torch
from IPython.display import HTML, Markdown
from matplotlib.figure import Figure

from imdlib import data
from imdlib.data.batches import ImageSet, training_batches
from imdlib.ncl import costs
from imdlib.ncl.grid import STEPS
from imdlib.ncl.rows import Rows
from imdlib.pages import plots, tables

CURVES = {
    "pixel": "pixel loss",
    "ncl": "contrast",
    "val_auc_shuffled": "validation shuffled AUC",
    "val_f1": "validation F1",
}


def curves(rows: Rows) -> Figure | None:
    """Losses and validation scores against the epoch, of the usual runs on the training set of Figure 3."""
    usual = rows.usual_runs[rows.usual_runs["variant"].isin(STEPS)]
    methods = usual[usual["train_set"] == rows.target].set_index("run")["method"]
    found = rows.history[rows.history["run"].isin(methods.index)]
    if found.empty:
        return None
    curves = {name: words for name, words in CURVES.items() if name in found}
    found = found.assign(method=found["run"].map(methods))
    figure, what = plots.learning_curves(found, curves), "Learning curves of the usual runs"
    return plots.save(figure, found, rows.folder, "figure_curves", what=what)


def cost(rows: Rows, repeats: int) -> tuple[Figure, HTML, Markdown] | tuple[None]:
    """Time and memory of a training step of every variant, measured here and now: figure, table, the contrast's share.

    One batch of the embedded benchmark, at the size of the usual runs' crops. Takes seconds.
    """
    usual = rows.usual_runs[rows.usual_runs["train_set"] == rows.target]
    if usual.empty:
        return (None,)
    found = measured(usual.iloc[0].to_dict(), repeats)
    figure = plots.save(
        plots.costs(found), found, rows.folder, "figure_costs", what="What a training step of each variant costs"
    )
    tables.save_csv(found, rows.folder, "table_costs")
    pivot = found.set_index("method").loc["Base+Pivot"]
    share = pivot["contrast_ms"] / pivot["step_ms"]
    words = Markdown(f"The contrast through the pivot takes {share:.0%} of a training step of Base+Pivot.")
    return figure, tables.show(found, digits=2), words


def measured(params: dict, repeats: int) -> pd.DataFrame:
    """`costs.measure` for the parameters of a run, on a batch of tampered training images of CASIA's twin."""
    manifest = data.load("sim-casia", count=80, size=params["crop"]).query("label == 1 and split == 'train'")
    images = ImageSet(manifest, crop=params["crop"])
    image, mask, *_ = next(iter(training_batches(images, epoch=0, batch_size=params["batch_size"])))
    device = "cuda" if torch.cuda.is_available() else "cpu"
    torch.set_num_threads(params["threads"])
    return costs.measure(params, image.to(device).float() / 255, mask.to(device), repeats=repeats)
