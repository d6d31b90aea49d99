"""What was run: configurations and their time, the usual parameters, learning curves, and what each part costs."""

import pandas as pd
import torch
from IPython.display import HTML, Markdown
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from imdlib.bridge import costs as measured
from imdlib.bridge.exhibits.images import Images
from imdlib.bridge.grid import TURNED
from imdlib.bridge.methods import METHODS, PARTS
from imdlib.bridge.networks import STAND_IN
from imdlib.bridge.rows import Rows
from imdlib.pages import plots, tables
from imdlib.pages.ran import ran

# fmt: off
SHOWN = [
    "extractor", "size", "distillation", "disc_on", "margin", "order", "teacher_epochs", "teacher_passes", "conformer",
    "stem_stride", "inputs", "train_count", "epochs", "batch_size", "learning_rate", "schedule", "until_flat", "keep", "scales", "backbone",
    "backbone_width", "backbone_stride", "precision", "device",
]  # parameters and facts that the report names
# fmt: on
SAID = (
    "**The extractor is a stand-in, not CLIP**: a small transformer that learned to name simulated cameras and JPEG qualities "
    "and has never seen a fake, nor anything else that CLIP has seen. What depends on CLIP's knowledge of pictures is not "
    "tested by these runs. The cameras are those of the embedded benchmark itself, so all that rests on the stand-in was pre-trained "
    "on the benchmark's own labels, and its rivals were not. Rows with *ImageNet features* have a tower that never saw the "
    "benchmark; rows with an *ImageNet start* give rivals a pre-training, too: compare these with each other."
)
CURVES = {
    "val_both": "validation: mean of recall and AUC",
    "val_recall": "validation recall",
    "val_teacher_recall": "that of the teacher",
    "d1_pf": "d1, partly fake",
    "d2_pf": "d2, partly fake",
    "d1_ff": "d1, fully fake",
    "d2_ff": "d2, fully fake",
    "d1_real": "d1, real",
    "d2_real": "d2, real",
    "loss": "loss",
}  # columns of a run's history -> titles
COMPARED = {
    "val_both": "validation: mean of recall and AUC",
    "val_recall": "validation recall",
    "val_teacher_recall": "that of the teacher alone",
    "classifier_loss": "loss of the classifier",
    "students_loss": "loss of the students",
}  # those in which methods are compared


def table_runs(rows: Rows) -> HTML:
    """Configurations, the usual ones first."""
    return ran(rows.settings, TURNED)


def parameters(rows: Rows) -> HTML:
    """The values of the parameters SHOWN in one run: of the whole method, where it is there."""
    values = pd.Series(rows.first | {"train_count": rows.first["train_count"] or "all"})[SHOWN].astype(str)
    method = rows.usual_runs.set_index("run").at[rows.first["run"], "method"]
    return tables.show(values.rename_axis("parameter").rename(f"of {method}").reset_index())


def extractor(rows: Rows) -> Markdown:
    """Whether the frozen tower is the paper's."""
    stand_in = STAND_IN in str(rows.first["extractor"])
    return Markdown(SAID if stand_in else "The extractor is the paper's kind of tower.")


def figure_curves(rows: Rows) -> Figure | None:
    """Histories of the usual three-class runs: what COMPARED names against the epoch, the band being the range over seeds."""
    runs = rows.usual_runs[["run", "method"]]
    history = runs.merge(rows.history, on="run")
    history = history[["run", "epoch", "method", *(name for name in COMPARED if name in history)]]
    compared = history[history["method"].isin([METHODS[key] for key in PARTS])]
    if compared.empty:
        return None
    return plots.save(
        plots.learning_curves(compared, COMPARED),
        history,
        rows.folder,
        "figure_curves",
        what="Learning curves of the usual runs",
    )


def costs(rows: Rows, images: Images, repeats: int) -> tuple[Figure, HTML]:
    """Figure and table of what a training step and an image cost, each part measured `repeats` times on this machine."""
    torch.set_num_threads(rows.first["threads"])
    device = "cuda" if torch.cuda.is_available() else "cpu"
    files, batch = images.batch(device)
    found = measured.measure(rows.first, batch, images.tower, files, repeats=repeats)
    figure, axes = plt.subplots(1, 3, figsize=(plots.PAGE, 2.2))
    panels = [("ms", measured.STEP, "training step,\nms"), ("kept_mb", measured.STEP, "kept for\nbackward, MB")]
    for axis, (column, what, title) in zip(axes, [*panels, ("ms", measured.IMAGE, "per image,\nms")]):
        part = found[found["what"] == what]
        axis.barh(part["part"], part[column], color=plots.PALETTE[0], height=0.6)
        axis.set(title=title, yticks=[] if column == "kept_mb" else range(len(part)))
        axis.tick_params(axis="y", labelsize=plots.SMALL)
        axis.invert_yaxis()
    plots.save(figure, found, rows.folder, "figure_costs", what="What a training step and an image cost, part by part")
    tables.save_csv(found, rows.folder, "table_costs")
    return figure, tables.show(found, digits=2)
