"""Score rows of all NCL runs, labelled and cut for the tables of the report."""

from imdlib import runs
from imdlib.ncl.grid import METHODS, TURNED


def gather(results):
    """(runs, scores): a row of parameters and stamp per run with its `method`, and the score rows of all of them.

    The scores carry `run, method, variant, train_set, seed` and the parameters of `grid.TURNED`; a run trained on several
    sets has the train_set 'all'.
    """
    settings, scores = runs.gather(results, "ncl")
    settings["method"] = settings["variant"].map(METHODS)
    several = settings["train_set"].str.contains("+", regex=False)
    settings["train_set"] = settings["train_set"].mask(several, "all")
    order = settings["variant"].map(list(METHODS).index)
    settings = settings.assign(order=order).sort_values(["train_set", "order", "seed"], ignore_index=True)
    known = ["run", "method", "variant", "train_set", "seed", *TURNED]
    return settings.drop(columns="order"), settings[known].merge(scores, on="run")


def attacked(scores):
    """Rows of the images that were attacked, before and after: of each run on each set, those with any attack."""
    keys = ["run", "dataset", "image"]
    return scores.merge(scores.loc[scores["attack"] != "none", keys].drop_duplicates(), on=keys)


def lost(rows, metrics):
    """What attacks take: value under attack minus value without, mean over attacks, one row per run and image."""
    keys = ["method", "train_set", "seed", "dataset", "image"]
    clean = rows[rows["attack"] == "none"].set_index(keys)[metrics]
    return (rows[rows["attack"] != "none"].groupby(keys)[metrics].mean() - clean).reset_index()


def averaged(rows, metrics):
    """One row per method, seed and image: the mean over training sets (and attacks), for effects over all of them."""
    return rows.groupby(["method", "seed", "dataset", "image"], sort=False)[metrics].mean().reset_index()
