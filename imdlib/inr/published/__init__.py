"""INR's own numbers, transcribed with notes in `table<N>.csv`, under the names of our methods and data sets."""

from importlib.resources import files

import pandas as pd

from imdlib.pages.published import read

FOLDER = files(__name__)
THEIR_SETS = {
    "CASIAv1": "CASIA",
    "CASIAv2": "CASIA",
    "CASIAv2 (unlabelled)": "CASIA",
    "none (training-free / own)": "none",
}
METRICS = {
    "P-F1": "pixel F1",
    "IoU": "pixel IoU",
    "I-F1": "image F1",
    "C-F1": "combined F1",
    "ACC": "image accuracy",
}  # INR's words -> ours


def unsupervised() -> pd.DataFrame:
    """INR Table 1: 'self-distillation', trained on CASIA without labels, and the training-free methods (train_set 'none')."""
    return renamed(1, {"Ours": "self-distillation"})


def weak() -> pd.DataFrame:
    """INR Table 2: Baseline, WSCL and the whole method, trained on the image labels of CASIA v2."""
    return renamed(2, {"FCN": "Baseline", "Ours": "Baseline+NRR+SCL+AGAP"})


def novel() -> pd.DataFrame:
    """INR Table 3, edits by generative models: the rows of Table 2 and methods with pixel masks and other training sets."""
    return renamed(3, {"FCN": "Baseline", "Ours": "Baseline+NRR+SCL+AGAP"})


def components() -> pd.DataFrame:
    """INR Table 4: the ablation under our variants' names."""
    return renamed(4, {"Baseline (FCN)": "Baseline"}).assign(note="")


def selection() -> pd.DataFrame:
    """INR Table 5: 'self-distillation' with and without the selection of pseudo-labels."""
    names = {"w/ PLS": "self-distillation", "w/o PLS": "self-distillation, without selection"}
    return renamed(5, names).assign(note="")


def pooling() -> pd.DataFrame:
    """INR Table 6: the method column holds names of `imdlib.inr.pooling`. 'otsu', which the table lacks, is the row of
    Table 4 without adaptive pooling: its numbers are those of no pool in Table 6, see `imdlib.inr.variants`.
    """
    names = {
        "Global-Max Pooling": "max",
        "Global-Average Pooling": "average",
        "Generalized Mean Pooling": "gem",
        "Global Smooth Pooling": "smooth",
        "Adaptive Global-Average Pooling (Ours)": "adaptive",
    }
    without = components().query("method == 'Baseline+NRR+SCL'")
    without = without.assign(method="otsu", note="paper's Table 4, the row without AGAP, read as Otsu's pool")
    return pd.concat([renamed(6, names).assign(note=""), without], ignore_index=True)


def renamed(number: int, names: dict[str, str]) -> pd.DataFrame:
    """An INR table with methods renamed, data sets as in `SETS` and metrics as in our tables."""
    rows = read(FOLDER, number)
    sets = {name: rows[name].replace(THEIR_SETS) for name in ("train_set", "test_set")}
    return rows.assign(method=rows["method"].replace(names), metric=rows["metric"].map(METRICS), **sets)
