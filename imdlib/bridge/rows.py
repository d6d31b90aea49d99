"""Score rows of all Bridging runs, labelled and cut for the tables and claims of the report."""

from pathlib import Path

import numpy as np
import pandas as pd

from imdlib import runs
from imdlib.bridge.grid import TURNED
from imdlib.bridge.labels import CLASSES, three_classes
from imdlib.bridge.methods import METHODS
from imdlib.pages import tables
from imdlib.scoring import ranks

MAPS = {
    "": "",
    "drawn_": ", whatever the class",
    "plain_": ", without attention",
}  # prefix of columns -> what is added to a method's name
NAMES = {
    "with_fully": "without fully fake images",
    "diverge_on_raw_too": "diverging on raw fakes too",
}  # what a turned parameter is called where its value goes without saying


def gather(results):
    """(runs, rows): a row of parameters and stamp per run, and the score rows of all of them.

    Both carry `run, key` (of METHODS), `method` (its name in tables), `train_set` ('all' of several), `seed` and TURNED; rows
    stand in the order of the runs' test sets, and have `class` (one of CLASSES), `seen` (whether the set was trained on) and
    what `judged` adds.
    """
    settings, rows = runs.gather(results, "bridge")
    settings = settings.assign(key=settings["method"], sets=settings["train_set"].str.split("+"))
    settings["method"] = settings["key"].map(METHODS)
    settings["train_set"] = settings["train_set"].mask(settings["sets"].str.len() > 1, "all")
    order = {name: k for k, name in enumerate(METHODS)}
    settings = settings.sort_values(["train_set", "key", "seed"], key=lambda c: c.map(order) if c.name == "key" else c)
    listed = list(dict.fromkeys(name for names in settings["test_sets"] for name in names))
    rows = settings[["run", "key", "method", "train_set", "sets", "seed", *TURNED]].merge(rows, on="run")
    rows = rows.sort_values("dataset", key=lambda c: c.map(listed.index), kind="stable", ignore_index=True)
    seen = [dataset in sets for dataset, sets in zip(rows["dataset"], rows["sets"])]
    rows = rows.drop(columns="sets").assign(seen=seen, **{"class": np.array(CLASSES)[three_classes(rows)]})
    return settings.reset_index(drop=True), judged(rows)


def usual(rows, *turned):
    """Rows of runs in which nothing but the parameters `turned` differs from the usual, the commonest value of all runs."""
    each = rows.drop_duplicates("run")
    for key in TURNED:
        if key not in turned and len(each):
            rows = rows[rows[key] == each[key].mode()[0]]
    return rows


def varied(rows, key):
    """Rows of runs in which `key` alone is turned, their method named for it; none where it is not."""
    found = usual(rows, key)
    found = found[~found["run"].isin(usual(rows)["run"])]
    words = [NAMES.get(key, f"{key.replace('_', ' ')} {value}") for value in found[key]]
    return found.assign(method=[f"{method}, {word}" for method, word in zip(found["method"], words)])


def judged(rows):
    """Rows with two values of each image's label, fake or real: `correct`, 1.0 where score > 0.5 says what the label says, and
    `image_auc`, the share of the images of the other label, of the same run and set, that the score ranks rightly against.
    """
    rows = rows.assign(correct=((rows["score"] > 0.5) == (rows["label"] == 1)).astype(float), image_auc=np.nan)
    for _, one in rows.groupby(["run", "dataset"]):
        fake, score = (one["label"] == 1).to_numpy(), one["score"].to_numpy()
        shares = ranks.beaten(score, score[~fake]), 1 - ranks.beaten(score, score[fake])
        rows.loc[one.index, "image_auc"] = np.where(fake, *shares)
    return rows


def blind(rows, seed=0):
    """Rows of three predictors that look at no image, for every image of rows: always fake, always real, random class.

    The first has no third class. A random class is one of three alike; its score falls on the side that it says.
    """
    known = ["dataset", "image", "kind", "label", "class", "seen"]
    images = rows.drop_duplicates(["dataset", "image"])[known].assign(train_set="none", seed=0)
    rng = np.random.default_rng(seed)
    drawn, place = rng.integers(3, size=len(images)), rng.random(len(images)) / 2
    parts = [
        images.assign(method="always fake", score=1.0, predicted="", p_partly=np.nan),
        images.assign(method="always real", score=0.0, predicted=CLASSES[0], p_partly=0.0),
        images.assign(
            method="random class",
            score=place + np.where(drawn > 0, 0.5, 0.0),
            predicted=np.array(CLASSES)[drawn],
            p_partly=(drawn == 1).astype(float),
        ),
    ]
    found = pd.concat(parts, ignore_index=True)
    return judged(found.assign(run=found["method"]))


def maps(rows, prefixes=tuple(MAPS)):
    """Rows of images with a mask, once for each prefix of the map columns, their method named for it: `f1, iou, auc, ...`.

    prefixes: '' as inference gives the map, 'drawn_' whatever the class is, 'plain_' likewise without attention. Methods
    without a map, and images without a mask, have no rows.
    """
    parts = [rows.head(0).assign(f1=np.nan)]
    for prefix in prefixes:
        columns = {f"{prefix}{name}": name for name in ("f1", "iou", "auc", "auc_shuffled", "f1_best")}
        if f"{prefix}f1" in rows:
            some = rows[rows[f"{prefix}f1"].notna()]
            some = some.drop(columns=[new for old, new in columns.items() if prefix and new in some])
            parts.append(some.rename(columns=columns).assign(method=some["method"] + MAPS[prefix]))
    return pd.concat(parts[1:] or parts, ignore_index=True)


def averaged(rows, metrics):
    """One row per method, seed and image: the mean over test sets. Twins show the same scenes under the same names, so that an
    interval over these rows draws a scene in all of its versions at once.
    """
    return rows.groupby(["method", "seed", "image"], sort=False)[list(metrics)].mean().reset_index()


def lost(rows, metrics):
    """What unseen generators take: mean over sets not trained on, minus that over sets trained on, one row per method, seed and
    image; only images that both have under one name.
    """
    keys, metrics = ["method", "seed", "image"], list(metrics)
    away, home = (rows[rows["seen"] == which].groupby(keys, sort=False)[metrics].mean() for which in (False, True))
    return (away - home).dropna(how="all").reset_index()


def counts(manifests):
    """{name: manifest} -> tidy rows of how many images of each class a set has, in all and per split: `method` is the split."""
    lines = []
    for name, manifest in manifests.items():
        classes = pd.Series(np.array(CLASSES)[three_classes(manifest)], index=manifest.index)
        for split in ("all", *(s for s in ("train", "val", "test") if s in set(manifest["split"]))):
            some = classes if split == "all" else classes[manifest["split"] == split]
            lines += [(split, name, one, int((some == one).sum())) for one in CLASSES]
    return pd.DataFrame(lines, columns=["method", "test_set", "metric", "value"])


def save_counts(found, folder, name, caption):
    """Write `counts` rows, and published ones, as `tables.save` does, but as whole numbers; returns the wide form."""
    path = Path(folder) / "tables"
    path.mkdir(parents=True, exist_ok=True)
    found.reindex(columns=tables.COLUMNS).to_csv(path / f"{name}.csv", index=False, float_format="%.0f")
    shown = found.pivot_table(index=["test_set", "method"], columns="metric", values="value", sort=False)
    shown = shown.reindex(columns=CLASSES).map(lambda count: "–" if pd.isna(count) else f"{count:,.0f}")
    shown = shown.rename_axis(index=["data set", "split"], columns=None)
    (path / f"{name}.md").write_text(f"{caption}\n\n{shown.reset_index().to_markdown(index=False)}\n")
    (path / f"{name}.tex").write_text(shown.to_latex(caption=caption, label=f"tab:{name}", escape=True))
    return tables.show(shown.reset_index(), merge=1)
