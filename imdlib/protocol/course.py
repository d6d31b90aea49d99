"""Course: a claim's effect against how long its rows have been trained, from what was noted on validation images meanwhile."""

from collections.abc import Iterable
from typing import Any

import pandas as pd


def effects(statements: Iterable[Any], settings: pd.DataFrame, history: pd.DataFrame) -> pd.DataFrame:
    """Effect of every headline between two trained rows at every look: name, statement, metric, seed, images, effect.

    statements: with name, says, headline, worse, better; settings: a row per final run on one training set, of `archive.gather`,
    with `method`, `keep` (the validation number that is compared) and train_images; history: a row per run and epoch. images: how
    many training images were seen by then, in thousands. A run that ended earlier stays where it ended.
    """
    noted = [looks(run, history) for run in settings.to_dict("records")]
    noted = pd.concat(noted) if noted else pd.DataFrame(columns=["method", "seed", "metric", "images", "value"])
    lines = []
    for one in [one for one in statements if one.headline]:
        sides = [noted[noted["method"] == name] for name in (one.worse, one.better)]
        seeds = set.intersection(*(set(side["seed"]) for side in sides))
        for seed in sorted(seeds):
            low, high = (side[side["seed"] == seed] for side in sides)
            if low["metric"].iloc[0] != high["metric"].iloc[0]:
                continue
            curves = [side.groupby("images")["value"].mean() for side in (low, high)]
            both = pd.concat(curves, axis=1, keys=["low", "high"]).sort_index().ffill().dropna()
            about = dict(name=one.name, statement=one.says, metric=low["metric"].iloc[0], seed=seed)
            lines += [about | dict(images=at, effect=row.high - row.low) for at, row in both.iterrows()]
    return pd.DataFrame(lines, columns=["name", "statement", "metric", "seed", "images", "effect"])


def looks(run: dict, history: pd.DataFrame) -> pd.DataFrame:
    """What was noted of one run on validation images: method, seed, metric, images, value; nothing where no number chose."""
    rows = history[history["run"] == run["run"]]
    rows = rows[rows[run["keep"]].notna()] if run["keep"] in rows else rows.head(0)
    seen = rows["epoch"] * run["train_images"] / 1000
    about = dict(method=run["method"], seed=run["seed"], metric=run["keep"])
    return pd.DataFrame(dict(images=seen.round(3), value=rows[run["keep"]] if len(rows) else [])).assign(**about)


def unfinished(settings: pd.DataFrame, history: pd.DataFrame) -> list[str]:
    """Names of the runs that used their whole budget while validation or loss still moved, by the rule of `training.flat`."""
    from imdlib.training.flat import flat

    found = []
    for run in settings.to_dict("records"):
        rows = history[history["run"] == run["run"]].sort_values("epoch")
        before = rows[rows["cooling"] == 0] if "cooling" in rows else rows.head(0)
        losses = [name for name in ("loss", "classifier_loss") if name in before and before[name].notna().any()]
        epochs = [{k: v for k, v in row.items() if pd.notna(v)} for row in before.to_dict("records")]
        if len(before) and not flat(epochs, run["keep"], losses):
            found.append(run["run"])
    return found
