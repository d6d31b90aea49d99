"""The rows that decide each statement: from all rows of the study to score rows of the two methods that it compares.

A cut's column `method` holds both sides; where runs of one method are compared, it names what was turned.
"""

from collections.abc import Callable

import pandas as pd

from imdlib.baselines.names import LOCALIZERS
from imdlib.ncl.grid import BOTH, OWN, STEPS, TESTED_ON
from imdlib.ncl.labelled import METRICS, changed_by_attacks, on_own_set
from imdlib.ncl.rows import Rows
from imdlib.scoring.rows import averaged, best_of

CLASSIC = "best classic detector"  # of these images, chosen by what is compared: the claim has to beat it all the same


def gate(rows: Rows, cut: Callable[[Rows], pd.DataFrame]) -> pd.DataFrame:
    """The rows of a cut of runs on their own test images, beside predictors that look at no image; `blind` tells them apart."""
    found = cut(rows)
    return pd.concat([found.assign(blind=False), rows.beside(found).assign(blind=True)])


def steps(rows: Rows) -> pd.DataFrame:
    """Every variant of Table 5 on the test images of its own training set, for the sets of Table 5."""
    return on_own_set(rows.ablation)


def both(rows: Rows) -> pd.DataFrame:
    """Base and the whole method on the test images of their own training set, on all benchmarks."""
    return rows.both


def everywhere(found: pd.DataFrame) -> pd.DataFrame:
    """Rows of the training sets on which the most runs are there: a mean over others would mix sets where some are still to come."""
    runs = found.groupby("train_set")["run"].nunique()
    return found[found["train_set"].isin(runs.index[runs == runs.max()])]


def steps_unseen(rows: Rows) -> pd.DataFrame:
    """Variants of Table 5 on sets that they were not trained on: mean over training sets of each image's values."""
    found = rows.unseen[rows.unseen["variant"].isin(STEPS)]
    return averaged(everywhere(found[found["train_set"].isin(rows.ablation["train_set"])]), METRICS)


def both_unseen(rows: Rows) -> pd.DataFrame:
    """Base and the whole method, from every benchmark to all others: mean over training sets of each image's values."""
    return averaged(everywhere(rows.unseen[rows.unseen["variant"].isin(BOTH)]), METRICS)


def controlled(rows: Rows) -> pd.DataFrame:
    """Every usual run on its own test images, for the sets on which controls were trained: variants that are no step of Table 5."""
    return rows.own[rows.own["train_set"].isin(control_sets(rows))]


def controlled_unseen(rows: Rows) -> pd.DataFrame:
    """Every usual run trained on those sets, on others: mean over training sets of each image's values."""
    return averaged(everywhere(rows.unseen[rows.unseen["train_set"].isin(control_sets(rows))]), METRICS)


def control_sets(rows: Rows) -> pd.Series:
    """Training sets of the controls."""
    return rows.main.loc[rows.main["variant"].isin([*set(OWN) - set(STEPS)]), "train_set"]


def rivals(rows: Rows) -> pd.DataFrame:
    """The whole method, other papers' networks on the same training sets, and the best classic detector, on own test images."""
    found = beside_whole(rows.own, rows)
    return pd.concat([found, best_classic(found, rows)])


def rivals_unseen(rows: Rows) -> pd.DataFrame:
    """The whole method and other papers' networks on sets not trained on: mean over training sets of each image's values."""
    return averaged(everywhere(beside_whole(rows.unseen, rows)), METRICS)


def beside_whole(found: pd.DataFrame, rows: Rows) -> pd.DataFrame:
    """Of some rows those of other papers' networks, and of the whole method trained on the same sets."""
    found = found[found["train_set"].isin(rows.rivals["train_set"])]
    return found[found["variant"].isin([*LOCALIZERS, "pivot+pc"])]


def best_classic(found: pd.DataFrame, rows: Rows) -> pd.DataFrame:
    """The detector that nobody trained with the highest shuffled AUC on these images, once for every seed of the whole method."""
    images = found[["dataset", "image", "train_set"]].drop_duplicates()
    maps = rows.untrained(found)
    if maps.empty or found.empty:
        return found.head(0)
    maps = maps.drop(columns="train_set").merge(images, on=["dataset", "image"])
    return best_of(maps, "auc_shuffled", found[found["variant"] == "pivot+pc"], CLASSIC)


def together(rows: Rows) -> pd.DataFrame:
    """The whole method trained on all sets together ('all') and on the tested set alone ('own')."""
    whole = rows.main[(rows.main["variant"] == "pivot+pc") & rows.main["dataset"].isin(rows.own["dataset"])]
    everything = whole[whole["train_set"] == "all"]
    union = rows.settings.loc[rows.settings["train_set"] == "all", "train_sets"].str.split("+").explode()
    everything = everything[everything["dataset"].isin(union.replace(TESTED_ON))]  # another split of one would leak
    return pd.concat([everything.assign(method="all"), on_own_set(whole).assign(method="own")])


def attacked(rows: Rows) -> pd.DataFrame:
    """Base and the whole method on attacked images: mean over attacks of each image's values."""
    return averaged(rows.under_attack[rows.under_attack["attack"] != "none"], METRICS)


def attack_loss(rows: Rows) -> pd.DataFrame:
    """What attacks add to each image's values, below 0 where they take: the higher of two has lost less."""
    return changed_by_attacks(rows.under_attack)


def unattacked(rows: Rows) -> pd.DataFrame:
    """The images that were attacked, before that."""
    return rows.under_attack[rows.under_attack["attack"] == "none"]


def vit(rows: Rows) -> pd.DataFrame:
    """'ViT' and 'ViT+NCL' on the set that they were trained on."""
    return rows.vit


def rgb(rows: Rows) -> pd.DataFrame:
    """The usual network on RGB alone, as in the paper, on the set that it was trained on."""
    return rows.of_kind(inputs="rgb")


def eyes(rows: Rows) -> pd.DataFrame:
    """Base and the whole method on RGB ('Base, rgb') and with the residual ('Base, rgb+residual'), on the sets of the former."""
    alone = rgb(rows)
    found = pd.concat([alone, rows.both[rows.both["dataset"].isin(alone["dataset"])]])
    found = found.drop_duplicates(["run", "dataset", "image"])
    return found.assign(method=found["method"] + ", " + found["inputs"])


def started(rows: Rows) -> pd.DataFrame:
    """EfficientNet-lite0 from scratch and from ImageNet weights, on the set that it was trained on."""
    return rows.started


def own_network(rows: Rows) -> pd.DataFrame:
    """The whole method on its own network ('NCL, own network') beside EfficientNet-lite0, on the sets of the latter."""
    whole = rows.own[(rows.own["variant"] == "pivot+pc") & rows.own["dataset"].isin(rows.started["dataset"])]
    return pd.concat([whole.assign(method="NCL, own network"), rows.started])


def turned(rows: Rows, key: str, variant: str = "pivot+pc") -> pd.DataFrame:
    """A variant with one parameter turned, each method called by that parameter's value: '0.01', 'layer1'."""
    found = rows.turned(key, variants=(variant,))
    return found.assign(method=found[key].astype(str))


def hooks(rows: Rows) -> pd.DataFrame:
    """The whole method with its contrast after different blocks, called by their names; Eq. 8's contour is the same for all."""
    return turned(rows, "hook")


def hooks_alone(rows: Rows) -> pd.DataFrame:
    """Base+Pivot, so without Eq. 8, with its contrast after different blocks."""
    return turned(rows, "hook", "pivot")


def own_contours(rows: Rows) -> pd.DataFrame:
    """The whole method with its contrast after different blocks, whose own grid is that of Eq. 8's contour."""
    found = rows.turned("hook", "contour_grid", variants=("pivot+pc",))
    found = found[found["contour_grid"] == 0]
    return found.assign(method=found["hook"])


def omegas(rows: Rows) -> pd.DataFrame:
    """The whole method under different weights of the contrast, called by these weights."""
    return turned(rows, "omega")


def mus(rows: Rows) -> pd.DataFrame:
    """The whole method under different weights of contour pixels, called by these weights."""
    return turned(rows, "mu")


def second_head(rows: Rows) -> pd.DataFrame:
    """The whole method with one auxiliary head ('False') and with a second one on ASPP's output ('True')."""
    return turned(rows, "aux_aspp")


def papers_optimizer(rows: Rows) -> pd.DataFrame:
    """Base and the whole method trained with the paper's optimizer and learning rate."""
    found = rows.turned("optimizer")
    return found[found["optimizer"] == "sgd"]


def few(rows: Rows) -> pd.DataFrame:
    """Base and the whole method trained on a part of the images."""
    found = rows.turned("train_count")
    return found[found["train_count"] > 0]


def enough(rows: Rows) -> pd.DataFrame:
    """The whole method on a part of the images ('NCL, few') and Base on all of them ('Base, all'), same set."""
    part, full = few(rows), rows.own[rows.own["variant"] == "base"]
    full = full[full["dataset"].isin(part["dataset"])]
    return pd.concat([part[part["variant"] == "pivot+pc"].assign(method="NCL, few"), full.assign(method="Base, all")])


def beside_blind(rows: Rows) -> pd.DataFrame:
    """Usual runs on their own test images beside predictors that look at no image."""
    return pd.concat([rows.own, rows.beside(rows.own)])
