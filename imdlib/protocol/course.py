"""Course: a claim's effect against how long its rows have been trained, from what was noted on validation images meanwhile."""

from collections.abc import Iterable
from typing import Any

import pandas as pd

from imdlib.protocol import verdicts


def effects(statements: Iterable[Any], rows: Any, looked: str = "") -> pd.DataFrame:
    """Effect of every headline between two trained rows at every look: name, statement, metric, seed, images, effect.

    statements: with name, says, headline, cut, worse, better; rows: of the study, with `settings`, a line per final run with `seed`,
    `keep` (the validation number that is compared) and train_images, and `history`, a line per run and epoch. looked: the validation
    number that is compared where those that choose epochs are not of one kind. A side is the runs whose score rows the statement's
    own cut holds; images: epochs times training images by then, in thousands. A run that ended earlier stays where it ended.
    Headlines of which one side is no run, or both are the same runs (two maps or two distances of one training: its validation
    number says nothing of either), or no validation number was noted, are left out.
    """
    lines, final = [], rows.settings.assign(keep=looked) if looked else rows.settings
    for one in [one for one in statements if one.headline]:
        held = verdicts.sides_of(one.cut, rows, one.worse, one.better)
        if all("run" in side for side in held) and set(held[0]["run"]) == set(held[1]["run"]):
            continue
        sides = [course_of(final, side, rows.history) for side in held]
        if any(side.empty for side in sides) or sides[0]["metric"].iloc[0] != sides[1]["metric"].iloc[0]:
            continue
        for seed in sorted(set.intersection(*(set(side["seed"]) for side in sides))):
            both = curves([side[side["seed"] == seed] for side in sides])
            about = dict(name=one.name, statement=one.says, metric=sides[0]["metric"].iloc[0], seed=seed)
            lines += [about | dict(images=at, effect=row.high - row.low) for at, row in both.iterrows()]
    return pd.DataFrame(lines, columns=["name", "statement", "metric", "seed", "images", "effect"])


def curves(sides: list[pd.DataFrame]) -> pd.DataFrame:
    """Mean over the runs of each of two sides, low and high, at every point at which any of their runs was looked at: each stands
    where it was last seen, and a point counts from where all have been.
    """
    wide = [side.pivot_table(index="images", columns="run", values="value") for side in sides]
    at = sorted(set().union(*(one.index for one in wide)))
    means = [one.reindex(at).ffill().mean(axis=1, skipna=False) for one in wide]
    return pd.concat(means, axis=1, keys=["low", "high"]).dropna()


def course_of(final: pd.DataFrame, side: pd.DataFrame, history: pd.DataFrame) -> pd.DataFrame:
    """`looks` of the runs whose score rows are one side of a claim; without rows where there is none."""
    known = final[final["run"].isin(side["run"].unique())] if "run" in side else final.head(0)
    found = [looks(run, history) for run in known.to_dict("records")]
    found = [one for one in found if len(one)]
    return pd.concat(found) if found else pd.DataFrame(columns=["run", "seed", "metric", "images", "value"])


def looks(run: dict, history: pd.DataFrame) -> pd.DataFrame:
    """What was noted of one run on validation images: run, seed, metric, images, value; nothing where no number chose."""
    rows = history[history["run"] == run["run"]]
    rows = rows[rows[run["keep"]].notna()] if run["keep"] in rows else rows.head(0)
    seen = rows["epoch"] * run["train_images"] / 1000
    about = dict(run=run["run"], seed=run["seed"], metric=run["keep"])
    return pd.DataFrame(dict(images=seen.round(3), value=rows[run["keep"]] if len(rows) else [])).assign(**about)


def moving(settings: pd.DataFrame, history: pd.DataFrame) -> dict[str, bool]:
    """{run: whether validation or loss still moved when its budget was used up}, by the rule of `training.flat`; runs with fewer looks
    than the rule needs are not among them.
    """
    from imdlib.training.flat import LEAST, flat

    found = {}
    for run in settings.to_dict("records"):
        rows = history[history["run"] == run["run"]].sort_values("epoch")
        before = rows[rows["cooling"] == 0] if "cooling" in rows else rows.head(0)
        losses = [name for name in ("loss", "classifier_loss") if name in before and before[name].notna().any()]
        epochs = [{k: v for k, v in row.items() if pd.notna(v)} for row in before.to_dict("records")]
        looks = sum(run["keep"] in row for row in epochs)
        if looks >= LEAST:
            found[run["run"]] = not flat(epochs, run["keep"], losses)
    return found
