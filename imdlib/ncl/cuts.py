"""The rows that decide each statement: from all rows of the study to score rows of the two methods that it compares.

A cut's column `method` holds both sides; where runs of one method are compared, it names what was turned.
"""

import pandas as pd

from imdlib.ncl.grid import BOTH
from imdlib.ncl.labelled import METRICS, lost, on_own_set
from imdlib.ncl.rows import Rows
from imdlib.scoring.rows import averaged


def steps(rows: Rows) -> pd.DataFrame:
    """Every variant on the test images of its own training set, for the sets of Table 5."""
    return on_own_set(rows.ablation)


def own(rows: Rows) -> pd.DataFrame:
    """Every usual run on the test images of its own training set, on all benchmarks."""
    return rows.own


def steps_unseen(rows: Rows) -> pd.DataFrame:
    """Variants of Table 5 on sets that they were not trained on: mean over training sets of each image's values."""
    return averaged(rows.unseen[rows.unseen["train_set"].isin(rows.ablation["train_set"])], METRICS)


def both_unseen(rows: Rows) -> pd.DataFrame:
    """Base and the whole method, from every benchmark to all others: mean over training sets of each image's values."""
    return averaged(rows.unseen[rows.unseen["variant"].isin(BOTH)], METRICS)


def together(rows: Rows) -> pd.DataFrame:
    """The whole method trained on all sets together ('all') and on the tested set alone ('own')."""
    whole = rows.main[(rows.main["variant"] == "pivot+pc") & rows.main["dataset"].isin(rows.own["dataset"])]
    everything = whole[whole["train_set"] == "all"]
    return pd.concat([everything.assign(method="all"), on_own_set(whole).assign(method="own")])


def attacked(rows: Rows) -> pd.DataFrame:
    """Base and the whole method on attacked images: mean over attacks of each image's values."""
    return averaged(rows.under_attack[rows.under_attack["attack"] != "none"], METRICS)


def attack_loss(rows: Rows) -> pd.DataFrame:
    """What attacks add to each image's values, below 0 where they take: the higher of two has lost less."""
    return lost(rows.under_attack)


def vit(rows: Rows) -> pd.DataFrame:
    """'ViT' and 'ViT+NCL' on the set that they were trained on."""
    return rows.vit


def turned_whole(rows: Rows, key: str) -> pd.DataFrame:
    """The whole method with one parameter turned, each method called by that parameter's value: '0.01', 'layer1'."""
    found = rows.turned(key, variants=("pivot+pc",))
    return found.assign(method=found[key].astype(str))


def hooks(rows: Rows) -> pd.DataFrame:
    """The whole method with its contrast after different blocks, called by their names."""
    return turned_whole(rows, "hook")


def omegas(rows: Rows) -> pd.DataFrame:
    """The whole method under different weights of the contrast, called by these weights."""
    return turned_whole(rows, "omega")


def mus(rows: Rows) -> pd.DataFrame:
    """The whole method under different weights of contour pixels, called by these weights."""
    return turned_whole(rows, "mu")


def few(rows: Rows) -> pd.DataFrame:
    """Base and the whole method trained on a part of the images."""
    found = rows.turned("train_count")
    return found[found["train_count"] > 0]


def enough(rows: Rows) -> pd.DataFrame:
    """The whole method on a part of the images ('NCL, few') and Base on all of them ('Base, all'), same set."""
    part, full = few(rows), rows.own[rows.own["variant"] == "base"]
    full = full[full["dataset"].isin(part["dataset"])]
    return pd.concat([part[part["variant"] == "pivot+pc"].assign(method="NCL, few"), full.assign(method="Base, all")])


def longer(rows: Rows) -> pd.DataFrame:
    """Base and the whole method trained in more steps than usual."""
    found = rows.turned("steps")
    return found[found["steps"] > rows.usual_of("steps")]


def beside_blind(rows: Rows) -> pd.DataFrame:
    """Usual runs on their own test images beside predictors that look at no image."""
    return pd.concat([rows.own, rows.beside(rows.own)])
