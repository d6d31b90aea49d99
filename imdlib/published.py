"""The papers' own numbers, transcribed with notes in `imdlib/published/<study>_table<N>.csv`."""

from pathlib import Path

import pandas as pd

FOLDER = Path(__file__).parent / "published"
SETS = {"casia": "CASIA", "coverage": "Coverage", "columbia": "Columbia", "nist16": "NIST16", "defacto": "Defacto"}


def table(study, number):
    """Published table as a DataFrame `method, train_set, test_set, metric, value, note`; values are fractions, never percent."""
    path = FOLDER / f"{study}_table{number}.csv"
    if not path.exists():
        known = sorted(p.stem for p in FOLDER.glob("*.csv"))
        raise ValueError(f"no published numbers for {study} table {number}; there are: {', '.join(known)}")
    rows = pd.read_csv(path, keep_default_na=False)
    rows["value"] = rows["value"].astype(float) / rows["unit"].map({"percent": 100, "fraction": 1, "count": 1})
    return rows.drop(columns="unit")


def paper_name(dataset):
    """The papers' name of a data set or of its embedded twin: 'sim-casia', 'casia1', 'casia2' -> 'CASIA'."""
    stem = dataset.removeprefix("sim-")
    return SETS.get("casia" if stem in ("casia1", "casia2") else stem, dataset)


def ncl_ablation():
    """NCL Table 5, and from Table 1 the full method trained and tested on the same set, under the ablation's names."""
    full = table("ncl", 1).query("method == 'ours (NCL)'")
    full = full.assign(method="Base+Pivot+PC", train_set=full["test_set"], note="paper's value from Table 1")
    return pd.concat([table("ncl", 5), full], ignore_index=True).drop_duplicates(
        ["method", "train_set", "test_set", "metric"]
    )


def beside(paper, scores):
    """Published rows renamed to the data sets of `scores` (`train_set, dataset`), so that they can be set beside ours.

    The embedded twins take the numbers of the set that they imitate: to be read as "what the paper reports on the real one".
    """
    found = []
    for train_set, test_set in scores[["train_set", "dataset"]].drop_duplicates().itertuples(index=False):
        same = (paper["train_set"] == paper_name(train_set)) & (paper["test_set"] == paper_name(test_set))
        found.append(paper[same].assign(train_set=train_set, test_set=test_set))
    return pd.concat(found, ignore_index=True)
