"""Published numbers beside ours: how the tables that a study transcribed are read, and set beside the rows that we have.

A published number stands beside ours only where training data, test data, split and metric are the same; elsewhere the column
`differs` says what is not, and the number is kept in the note of the csv alone.
"""

from collections.abc import Iterable
from importlib.resources.abc import Traversable

import pandas as pd

SETS = {
    **dict.fromkeys(["casia", "casia1", "casia2"], "CASIA"),
    "coverage": "Coverage",
    "columbia": "Columbia",
    **dict.fromkeys(["nist16", "nist16-random"], "NIST16"),
    "defacto": "Defacto",
    "imd2020": "IMD2020",
    "magicbrush": "MagicBrush",
    **dict.fromkeys(["gier", "iedit"], "IEdit"),
}  # our name of a data set -> the papers'

UNITS = {"percent": 100, "fraction": 1, "count": 1}
COLUMNS = ["method", "train_set", "test_set", "metric", "value", "note"]
LEARNED = {"CASIA": "casia2"}  # the papers' name -> our name of the very data that they train on
TESTED = {"CASIA": "casia1", "IEdit": "gier"}  # and of those that they test on; others are called alike
OFFICIAL = ("magicbrush",)  # sets whose test images their publishers named: of others a part is tested on here
TWIN, OTHER, SPLIT = "a twin in place of the real set", "other training images", "a split of its own"
PART = "all of the set's images, of which ours are a part"


def read(folder: Traversable, number: int) -> pd.DataFrame:
    """`table<number>.csv` as a DataFrame `method, train_set, test_set, metric, value, note`; values are fractions, never percent."""
    path = folder.joinpath(f"table{number}.csv")
    if not path.is_file():
        known = sorted(one.name for one in folder.iterdir() if one.name.endswith(".csv"))
        raise ValueError(f"{folder}: no published table {number}; there are: {', '.join(known)}")
    try:
        with path.open(encoding="utf-8") as file:
            rows = pd.read_csv(file, keep_default_na=False)
        rows["value"] = rows["value"].astype(float) / [UNITS[unit] for unit in rows["unit"]]
        return rows.drop(columns="unit")[COLUMNS]
    except (ValueError, KeyError) as error:
        raise ValueError(f"{path}: no published table can be read from it ({error}); take it from git again") from error


def paper_name(dataset: str) -> str:
    """The papers' name of a data set or of its embedded twin: 'sim-casia', 'casia1', 'casia2' -> 'CASIA'."""
    return SETS.get(dataset.removeprefix("sim-"), dataset)


def differs(train_sets: Iterable[str], test_set: str) -> str:
    """What keeps a paper's number on the set that `test_set` is or imitates from standing beside ours, in words; '' if nothing does.

    train_sets: ours, 'none' where nothing is trained. Which images of a set the papers train on, and on which others of it they
    test, is not published; of a set that they do not train on they test on all.
    """
    trained, paper = [name for name in train_sets if name != "none"], paper_name(test_set)
    if any(name.startswith("sim-") for name in [test_set, *trained]):
        return TWIN
    if test_set.removesuffix("-random") != TESTED.get(paper, paper.lower()):
        return OTHER
    if test_set in trained or test_set.endswith("-random"):
        return SPLIT
    if not set(trained) <= set(LEARNED.values()):
        return OTHER
    return "" if test_set in OFFICIAL else PART


def beside(paper: pd.DataFrame, scores: pd.DataFrame) -> pd.DataFrame:
    """Published rows renamed to the data sets of `scores` (`train_set, dataset`), so that they can be set beside ours.

    The embedded twins find the numbers of the set that they imitate; the column `differs` keeps these from standing beside ours.
    """
    found = []
    for train_set, test_set in scores[["train_set", "dataset"]].drop_duplicates().itertuples(index=False):
        same = (paper["train_set"] == paper_name(train_set)) & (paper["test_set"] == paper_name(test_set))
        why = differs([train_set], test_set)
        found.append(paper[same].assign(train_set=train_set, test_set=test_set, differs=why))
    return pd.concat(found, ignore_index=True)


def on_test_sets(paper: pd.DataFrame, scores: pd.DataFrame) -> pd.DataFrame:
    """Published rows renamed to the test sets of `scores` (`dataset`) whatever they were trained on: for studies whose one
    training set is not ours. `train_set` is left out, so that `tables.rows` matches method, test set and metric alone.
    """
    trained = scores["train_set"].unique()
    found = [
        paper[paper["test_set"] == paper_name(name)].assign(test_set=name, differs=differs(trained, name))
        for name in scores["dataset"].unique()
    ]
    return pd.concat(found, ignore_index=True).drop(columns="train_set")
