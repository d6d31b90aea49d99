"""Score rows of all INR runs, labelled for the tables of the report."""

import numpy as np

from imdlib import runs
from imdlib.inr.grid import MAIN, METHODS, SWEPT, TURNED
from imdlib.scoring.ranks import beaten

UNSUPERVISED = {  # (selection, deep) -> name in tables
    ("agreement", True): "self-distillation",
    ("all", True): "self-distillation, without selection",
    ("agreement", False): "self-distillation, as printed",
}


def gather(results):
    """(nrr runs, nrr rows, detector runs, detector rows): a row of parameters and stamp per run, and score rows of each.

    Rows of NRR carry `run, method` (the predictor), `train_set, seed` and SWEPT, rows of detectors `run, method, mode, variant,
    train_set, seed` and TURNED, and the image columns of `judged`.
    """
    settings, rows = runs.gather(results, "inr")
    trained = settings["run"].str.startswith("nrr_")
    nrr, detectors = whole_numbers(settings[trained]), whole_numbers(settings[~trained])
    detectors["method"] = [method(run) for run in detectors.to_dict("records")]
    order = {name: k for k, name in enumerate([*METHODS.values(), *UNSUPERVISED.values()])}
    detectors = detectors.sort_values(
        ["train_set", "method", "seed"], key=lambda c: c.map(order) if c.name == "method" else c
    )
    about = ["run", "method", "mode", "variant", "train_set", "seed", *TURNED]
    judged_rows = judged(detectors[about].merge(rows.drop(columns="predictor", errors="ignore"), on="run"))
    error_rows = nrr[["run", "train_set", "seed", *SWEPT]].merge(rows, on="run").rename(columns={"predictor": "method"})
    return nrr, error_rows, detectors.reset_index(drop=True), judged_rows


def whole_numbers(settings):
    """Runs of one notebook alone: without the other's columns, and with the integers that the missing values made floats."""
    settings = settings.dropna(axis=1, how="all").copy()
    for name in settings.select_dtypes("float"):
        if (settings[name] % 1 == 0).all():
            settings[name] = settings[name].astype(int)
    return settings


def method(run):
    """Name of a run's method in tables: the variant, or the kind of self-distillation."""
    if run["mode"] == "weak":
        return METHODS[run["variant"]]
    return UNSUPERVISED.get((run["selection"], run["deep"]), "self-distillation, other")


def usual(rows, *turned):
    """Rows of runs in which nothing but the parameters `turned` differs from the usual.

    Usual is the most frequent value among the runs of the whole method.
    """
    main = rows[(rows["variant"] == MAIN) & (rows["mode"] == "weak")]
    for key in TURNED:
        if key not in turned and len(main):
            rows = rows[(rows[key] == main[key].mode()[0]) | (rows["mode"] == "unsupervised")]
    return rows


def judged(rows):
    """Rows with two values of each image's label: `correct`, 1.0 where score > 0.5 says what the label says, and
    `image_auc`, the share of the images of the other label that the score ranks rightly against, ties half.

    The mean of `image_auc` over the images of either label is the AUC of one run on one data set; as a value of each image
    it lets an interval resample images. NaN in a data set of one label.
    """
    rows = rows.assign(correct=((rows["score"] > 0.5) == (rows["label"] == 1)).astype(float), image_auc=np.nan)
    for _, one in rows.groupby(["run", "dataset", "attack"]):
        tampered = (one["label"] == 1).to_numpy()
        score = one["score"].to_numpy()
        rows.loc[one.index, "image_auc"] = np.where(
            tampered, beaten(score, score[~tampered]), 1 - beaten(score, score[tampered])
        )
    return rows


def within(trivial, rows):
    """Rows of predictors that look at no image, of the test images that `rows` has."""
    return trivial.merge(rows[["dataset", "image"]].drop_duplicates(), on=["dataset", "image"])


def averaged(rows, metrics):
    """One row per method, seed and image: the mean over whatever else there is, for effects over all of it."""
    return rows.groupby(["method", "seed", "dataset", "image"], sort=False)[metrics].mean().reset_index()
