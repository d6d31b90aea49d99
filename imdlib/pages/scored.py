"""Finished runs on data sets of any kind: their rows beside predictors that look at no image, and all of them in one table.

`notebooks/score.ipynb` leaves a folder each under `<results>/scored/runs`; `everything` is the table of what is there.
"""

from collections.abc import Callable
from pathlib import Path

import pandas as pd

from imdlib import archive
from imdlib.data.images import load_mask
from imdlib.pages import tables
from imdlib.scoring import evaluate, maps, metrics, trivial
from imdlib.scoring.rows import judged

STUDY = "scored"  # folder under `results`
IMAGE = {"image_auc": "image AUC", "correct": "image accuracy"}


def floor(rows: pd.DataFrame, train: pd.DataFrame) -> pd.DataFrame:
    """Score rows of predictors that look at no image, for rows of a manifest.

    train: rows whose masks make the average mask, none of them among `rows`; without any, that predictor is left out.
    """
    masks = list(maps.masks(rows))
    known = [name for name in ("image", "dataset", "kind", "visibility") if name in rows]
    about = rows[known].assign(image=evaluate.short_names(rows), attack="none")
    averaged = [load_mask(path) for path in train["mask"] if path]
    label = rows["label"].tolist()
    return trivial.scores(masks, averaged, metrics.mask_locations(masks), label=label, about=about)


def table(rows: pd.DataFrame) -> pd.DataFrame:
    """Tidy rows (`tables.COLUMNS`): pixel metrics over tampered images with a mask, image metrics over all, with intervals.

    rows: score rows with `method, train_set, dataset, image, seed, label, score`, of one run and attack for each method; score is
    NaN where a method has no word on the image. The image AUC of a set of one label is undefined.
    """
    tampered = rows[rows["label"] == 1]
    pixel = [name for name in tables.NAMES if name in rows and tampered[name].notna().any()]
    parts = [tables.rows(tampered, names={name: tables.NAMES[name] for name in pixel})] if pixel else []
    images = judged(rows[rows["score"].notna()], by=("method", "dataset"))
    return pd.concat([*parts, tables.rows(images, names=IMAGE)], ignore_index=True)


def everything(results: Path | str, named: dict[str, Callable[[str, pd.DataFrame], pd.DataFrame]]) -> pd.DataFrame:
    """Tidy rows of all that was scored under `results`: a line per run and predictor, a test set per data set, split and attack.

    named: {study: `named` of its `saved`}.
    """
    settings, found = archive.gather(results, STUDY)
    parts = []
    for about in settings.to_dict("records"):
        own, floor_rows = (found[name][found[name]["run"] == about["run"]] for name in ("scores", "trivial"))
        what = [about["split"], f"{about['images']} images", *([about["attack"]] if about["attack"] != "none" else [])]
        own = named[about["scored"].split("/")[0]](about["scored"], own.dropna(axis=1, how="all"))
        own = own.assign(train_set=about["trained_on"], seed=0)
        some = pd.concat([own, floor_rows.assign(train_set="none")], ignore_index=True)
        parts.append(table(some).assign(test_set=f"{about['dataset']} ({', '.join(what)})"))
    keys = ["method", "train_set", "test_set", "metric"]
    return pd.concat(parts, ignore_index=True).drop_duplicates(keys, ignore_index=True)
