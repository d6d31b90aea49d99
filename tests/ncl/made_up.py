"""Made-up rows of a whole study: values follow from what a run is, so that every effect is known."""

import numpy as np
import pandas as pd

from imdlib import parameters
from imdlib.ncl.grid import configurations
from imdlib.ncl.labelled import METRICS
from imdlib.ncl.rows import Rows
from imdlib.ncl.space import ROWS

SETS = ["sim-casia", "sim-nist16"]
EVERYTHING = dict(
    seeds=[0, 1, 2],
    trials=2,
    trial_sets=["sim-nist16"],
    rows=list(ROWS),
    ablation_sets=["sim-casia"],
    benchmark_sets=["sim-nist16"],
    together=True,
    detail_set="sim-casia",
    hooks=["stem", "layer4"],
    contour_grids=[8],
    own_contours=["stem", "layer4"],
    omegas=[0.0, 0.1, 1.0],
    mus=[0.0, 0.5],
    taus=[0.5],
    train_counts=[60],
    backbones=["vit"],
    base_stems=[2],
    long_steps=[99],
    controls=True,
    lite0_steps=9,
    attacked_sets=["sim-casia"],
    rivals=["fcn", "rru", "mvss", "vit"],
    classic=["noi", "mca"],
)
GAIN = {
    "base": 0.0,
    "base-balanced": 0.05,
    "base+aux": 0.01,
    "contrast": 0.02,
    "pivot": 0.06,
    "pc": 0.12,
    "pivot+pc": 0.16,
    "fcn": -0.02,
    "rru": -0.03,
    "mvss": 0.03,
    "vit": -0.04,
}  # of a variant over Base
LOSS = {"base": 0.1, "contrast": 0.09, "pivot": 0.08, "pivot+pc": 0.07}  # under attack
TURN = {
    ("hook", "stem"): 0.03,
    ("hook", "layer4"): -0.05,
    ("omega", 0.0): -0.01,
    ("omega", 0.1): 0.01,
    ("omega", 1.0): -0.005,
    ("mu", 0.5): -0.03,
    ("mu", 0.0): -0.04,
    ("train_count", 60): -0.1,
    ("aux_aspp", True): 0.02,
    ("inputs", "rgb"): -0.07,
    ("backbone", "efficientnet_lite0"): 0.05,
    ("pretrained", True): 0.07,
}  # what turning a parameter adds, to a final run
TOGETHER, BLOB, CLASSIC = 0.08, -0.3, -0.2


def settings(**asked) -> pd.DataFrame:
    """A row per run of a grid, as `archive.gather` gives them."""
    stamp = dict(
        seconds=60.0, peak_memory_mb=900, train_images=100, commit="abc", key="k", device="made up", outdated=False
    )
    usual = parameters.declared("ncl/run") | dict(contour_grid=4, keep="val_auc_shuffled") | stamp
    return pd.DataFrame([{**usual, **cell.parameters, "run": run} for run, cell in configurations(**asked).items()])


def images(dataset: str, number=8) -> pd.DataFrame:
    """Test images of a set, the last two authentic, with a value that every method shares."""
    rng = np.random.default_rng(len(dataset))
    names = [f"{k}.png" for k in range(number)]
    label = [1] * (number - 2) + [0] * 2
    level = pd.Series(rng.uniform(0.3, 0.6, number)).where(np.array(label) == 1)
    about = dict(dataset=dataset, kind="splicing", visibility=["obvious", "trace"] * (number // 2 - 1) + ["", ""])
    return pd.DataFrame({"image": names, **about, "label": label, "score": 0.5, "level": level})


def scored(rows: pd.DataFrame, gain: float, **labels) -> pd.DataFrame:
    """Score rows whose metrics all are an image's shared value and the gain."""
    values = dict.fromkeys([*METRICS, "iou"], rows["level"] + gain)
    return rows.drop(columns="level").assign(**values, **labels)


def scores(cells: pd.DataFrame, gains=GAIN) -> pd.DataFrame:
    """Score rows of all runs on all sets; where a run's images are attacked, on them, too."""
    found = []
    detectors = cells["run"].str.startswith("classic_")
    for run in cells.loc[detectors, "run"]:
        found += [scored(images(dataset), CLASSIC, attack="none", run=run) for dataset in SETS]
    for cell in cells[~detectors].to_dict("records"):
        gain = gains[cell["variant"]]
        gain += sum(more for (key, value), more in TURN.items() if cell[key] == value and cell["trial"] < 0)
        gain += TOGETHER * ("+" in cell["train_set"])
        for dataset in cell["test_sets"] if cell["trial"] >= 0 else SETS:
            found.append(scored(images(dataset), gain, attack="none", run=cell["run"]))
            for attack in ["blur 3", "jpeg 50"] if cell["attacked"] and dataset == cell["train_set"] else []:
                found.append(scored(images(dataset), gain - LOSS[cell["variant"]], attack=attack, run=cell["run"]))
    return pd.concat(found, ignore_index=True)


def blind() -> pd.DataFrame:
    """Score rows of predictors that look at no image; of a set, too, that no run was tested on."""
    sets = [*reversed(SETS), "sim-other"]
    made = [scored(images(name), BLOB, method="centre blob", attack="none", seed=0, run=name) for name in sets]
    return pd.concat(made, ignore_index=True)


def study(results="results/made-up", gains=GAIN, keep=None, **asked) -> Rows:
    """Rows of a study. keep: of the runs, those for which this function of their settings is True."""
    cells = settings(**(asked or EVERYTHING))
    cells = cells[cells.apply(keep, axis=1)] if keep else cells
    epochs = [
        dict(epoch=k, pixel=1 / k, ncl=0.1, val_auc_shuffled=0.5, val_f1=0.1, run=run)
        for run in cells["run"]
        for k in (1, 2)
    ]
    tables = dict(scores=scores(cells, gains), history=pd.DataFrame(epochs))
    return Rows.of(str(results), cells, tables, {"scores": blind()})
