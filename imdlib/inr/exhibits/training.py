"""Learning curves, what pseudo-labels said meanwhile, and what a training step costs."""

from functools import cache, partial

import matplotlib.pyplot as plt
import pandas as pd
import seaborn as sns
import torch
from IPython.display import HTML, Markdown
from matplotlib.figure import Figure

from imdlib import data as datasets
from imdlib.data.batches import training_batches
from imdlib.inr import costs, networks, saturation
from imdlib.inr.exhibits.ablation import TABLE4, once
from imdlib.inr.exhibits.shared import endings
from imdlib.inr.labels import LabelledImages
from imdlib.inr.rows import Rows
from imdlib.inr.space import MAIN
from imdlib.inr.variants import model_of
from imdlib.pages import plots, tables

LEARNED = {
    "cls": "classification loss",
    "scl": "contrast",
    "val_image_auc": "validation image AUC",
    "val_auc": "validation pixel AUC",
}
CLUSTERED = ("nrr+agap", MAIN, "literal", "standard", "counter")
KNOWN = {"val_cluster": "tampered share of the cluster, less base rate", "val_image_auc": "validation image AUC"}
CHOSEN = {
    "chosen": "images with a pseudo-label",
    "positive": "of these: tampered",
    "val_image_auc": "validation image AUC",
    "val_auc": "validation pixel AUC",
}  # columns of a history -> titles


def histories(rows: Rows, settings: pd.DataFrame) -> pd.DataFrame:
    """Histories of those runs, in their order, `method` named; columns that none of them fills left out."""
    parts = [
        rows.history[rows.history["run"] == run].dropna(axis=1, how="all").assign(method=method)
        for run, method in settings[["run", "method"]].itertuples(index=False)
    ]
    return pd.concat(parts)


def figure_curves(rows: Rows) -> Figure | None:
    """Losses and validation of usual runs on image labels, of the rows of Table 4 and of the contrast's forms."""
    shown = rows.usual(rows.own(rows.detectors, "weak"))
    shown = shown[shown["row"].isin(once(rows, TABLE4))]
    if shown.empty:
        return None
    history = histories(rows, shown)
    return plots.save(
        plots.learning_curves(history, LEARNED),
        history,
        rows.folder,
        "figure_curves",
        what="Learning curves of the usual runs on image labels",
    )


def figure_clusters(rows: Rows) -> Figure | None:
    """How much more of the tampered cluster is tampered than of the image, epoch by epoch, beside the detection."""
    shown = rows.usual(rows.own(rows.detectors, "weak"))
    shown = shown[shown["row"].isin(once(rows, CLUSTERED))]
    if shown.empty or "val_cluster" not in rows.history:
        return None
    history = histories(rows, shown)
    figure = plots.learning_curves(history, KNOWN)
    what = "How much more of the tampered cluster is tampered than of the image, beside the detection"
    return plots.save(figure, history, rows.folder, "figure_clusters", what=what)


def figure_saturation(rows: Rows) -> Figure:
    """Slope of both forms of the contrast against the cosine between the two clusters; of no run."""
    drawn = saturation.slopes([k / 10 for k in range(9, -10, -1)])
    figure, axis = plt.subplots(figsize=(plots.PAGE, 2.4))
    sns.lineplot(drawn, x="cosine", y="slope", hue="form", palette=plots.PALETTE[:2], ax=axis)
    axis.set(xlabel="cosine between authentic and tampered cells", ylabel="slope of the loss")
    what = "Slope of both forms of the contrast against the cosine between the two clusters; of no run"
    return plots.save(figure, drawn, rows.folder, "figure_saturation", what=what)


def said_saturation() -> Markdown:
    """Both forms on clusters at right angles, in numbers."""
    found = saturation.slopes([0.0]).set_index("form")
    literal, standard = found.loc["literal"], found.loc["standard"]
    return Markdown(
        f"Two clusters at right angles, tau 0.1: Eq. 5 as printed still has the slope {literal['slope']:.2g} (norm of its gradient in "
        f"the features {literal['gradient']:.2g}), standard InfoNCE {standard['slope']:.2g} ({standard['gradient']:.2g})."
    )


def figure_pseudo_labels(rows: Rows) -> Figure | None:
    """How many images self-distillation labelled, and how many of these it called tampered, epoch by epoch."""
    shown = rows.detectors[rows.detectors["mode"] == "unsupervised"]
    if shown.empty:
        return None
    history = histories(rows, shown).assign(positive=lambda t: t["positive"] / t["chosen"])
    return plots.save(
        plots.learning_curves(history, CHOSEN),
        history,
        rows.folder,
        "figure_pseudo_labels",
        what="What self-distillation called tampered, epoch by epoch",
    )


def collapsed(rows: Rows) -> HTML | None:
    """Which runs of self-distillation came to give one answer, and for how long."""
    return None if endings(rows).empty else tables.show(endings(rows), digits=0)


@cache
def measured(rows: Rows, repeats: int) -> pd.DataFrame:
    """`inr.costs.measure` of every variant as the runs here have it, on one batch of the embedded benchmark at their crop."""
    params = rows.usual(rows.own(rows.detectors, "weak")).iloc[0].to_dict()
    shape = {name: params[name] for name in networks.DETECTOR} | {"blocks": params["blocks"] or None}
    manifest = datasets.load("sim-columbia", count=100, size=params["crop"]).query("split == 'train'")
    images = LabelledImages(manifest, crop=params["crop"])
    image, label, _ = next(iter(training_batches(images, epoch=0, batch_size=params["batch_size"])))
    device = "cuda" if torch.cuda.is_available() else "cpu"
    nrr = networks.nrr_of(rows.plain_nrr[rows.plain_nrr["train_set"] == rows.target].iloc[0]).to(device)
    build = partial(model_of, nrr=nrr, scale=0.01, **shape)
    batch = image.to(device).float() / 255, label.to(device)
    torch.set_num_threads(params["threads"])
    return costs.measure(build, *batch, precision=params["precision"], repeats=repeats)


def table_costs(rows: Rows, repeats: int) -> HTML | None:
    """Time and memory of a training step of each variant, on this machine. repeats: steps that are timed per row."""
    if rows.weak.empty or rows.plain_nrr.empty:
        return None
    tables.save_csv(measured(rows, repeats), rows.folder, "table_costs")
    return tables.show(measured(rows, repeats), digits=2)


def figure_costs(rows: Rows, repeats: int) -> Figure | None:
    """The same as bars."""
    if rows.weak.empty or rows.plain_nrr.empty:
        return None
    cost = measured(rows, repeats)
    return plots.save(
        plots.costs(cost), cost, rows.folder, "figure_costs", what="What a training step of each variant costs"
    )
