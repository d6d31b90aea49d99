"""How a verdict comes about: rows of two methods whose truth is known, through the project's own intervals, gate and words.

The protocol of every report: images and seeds as samples alike (Hillis 2007), gate, tuning, Holm's correction for many claims.
"""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from imdlib.pages import plots
from imdlib.protocol import verdicts
from imdlib.scoring import intervals

IMAGE, SEED, NOISE = 0.15, 0.03, 0.05  # deviations: between images, between trainings, of a row


def rows(
    *, effect: float, images: int = 60, seeds: int = 3, level: float = 0.65, between: float = SEED, draw: int = 0
) -> pd.DataFrame:
    """Scores of methods `base`, `method` (better by `effect`) and `blind`: DataFrame image, seed, method, blind, auc.

    An image is hard for both methods; a training (seed) is lucky for one of them, on all images at once, with deviation `between`.
    """
    rng = np.random.default_rng(draw)
    hard = IMAGE * rng.standard_normal(images)
    found = []
    for name, mean in (("base", level), ("method", level + effect)):
        for seed in range(seeds):
            luck = between * rng.standard_normal()
            value = mean + hard + luck + NOISE * rng.standard_normal(images)
            found.append(pd.DataFrame({"image": range(images), "seed": seed, "method": name, "auc": value}))
    found.append(
        pd.DataFrame(
            {"image": range(images), "seed": 0, "method": "blind", "auc": 0.5 + NOISE * rng.standard_normal(images)}
        )
    )
    table = pd.concat(found, ignore_index=True)
    return table.assign(blind=table["method"] == "blind")


def compared(table: pd.DataFrame) -> dict[str, float]:
    """`intervals.paired_effect` of method against base."""
    sides = (table[table["method"] == name] for name in ("base", "method"))
    return intervals.paired_effect(*sides, "auc")


def bootstrapped(table: pd.DataFrame, resamples: int = 200) -> tuple[float, float]:
    """95% interval of the same effect by the bootstrap that tables use, images and seeds drawn together."""
    wide = table[table["method"] != "blind"].pivot(index="image", columns=["method", "seed"], values="auc")
    change = (wide["method"] - wide["base"]).to_numpy()[..., None]  # (n,S,1)
    return intervals.interval(intervals.over_seeds(change, resamples, 0)[:, 0] / change.size, len(change))


def verdict(table: pd.DataFrame, *, share: float = 1.0, settings: int = 0, claims: int = 1) -> pd.Series:
    """Effect, interval, gate and word of one claim among `claims` like it; share: of the settings in which the effect is positive."""
    found = pd.Series(compared(table), dtype=object)
    gate = verdicts.gate(table, ["base", "method"], "auc")
    found["p"] = min(1.0, claims * found["p"])
    found = pd.concat([found, pd.Series({"gate": gate.word, "share": share, "settings": settings})])
    return pd.concat([found, pd.Series({"verdict": verdicts.word(found)})])


def false_alarms(seeds: Sequence[int], *, studies: int = 200, between: float = SEED) -> pd.DataFrame:
    """How often a 95% interval leaves out 0 where the truth is 0: DataFrame seeds, sampled, alarm (a share); of three intervals: images
    alone are a sample, both are and are drawn again (the bootstrap), both are (Student's t).
    """
    found = []
    for count in seeds:
        for draw in range(studies):
            table = rows(effect=0, seeds=count, between=between, draw=1000 * count + draw)
            pooled = table.groupby(["image", "method", "blind"], as_index=False)["auc"].mean().assign(seed=0)
            alone, both = ((one["low"], one["high"]) for one in (compared(pooled), compared(table)))
            ends = {"images alone": alone, "both, bootstrap": bootstrapped(table), "both, Student's t": both}
            found += [(count, name, not low <= 0 <= high) for name, (low, high) in ends.items()]
    table = pd.DataFrame(found, columns=["seeds", "sampled", "alarm"])
    return table.groupby(["seeds", "sampled"], sort=False, as_index=False)["alarm"].mean()


def many(claims: int, *, draw: int = 0) -> pd.DataFrame:
    """p of that many claims of which none is true, as they are and after Holm's correction: DataFrame p, holm."""
    found = [compared(rows(effect=0, seeds=5, draw=10_000 + 100 * draw + n))["p"] for n in range(claims)]
    return pd.DataFrame({"p": found, "holm": intervals.holm(found)})


def tuned_alone(tries: Sequence[int], *, studies: int = 200, spread: float = 0.03, seed: int = 0) -> pd.DataFrame:
    """Mean lead of the better-tuned side where both are the same: DataFrame tries, one side tuned, both tuned."""
    rng = np.random.default_rng(seed)
    found = []
    for count in tries:
        a, b = spread * rng.standard_normal((2, studies, count))
        found.append((count, (b.max(1) - a[:, 0]).mean(), (b.max(1) - a.max(1)).mean()))
    return pd.DataFrame(found, columns=["tries", "only the method is tuned", "both are tuned alike"])


def alarms_figure(table: pd.DataFrame) -> Figure:
    """Share of false alarms against the number of seeds; dotted: the 5% that are promised."""
    figure, axis = plt.subplots(figsize=(plots.PAGE * 0.6, 2.3))
    for (name, part), color in zip(table.groupby("sampled", sort=False), plots.PALETTE):
        axis.plot(part["seeds"], part["alarm"], "o-", ms=4, color=color, label=name)
    axis.axhline(0.05, color="0.5", lw=0.8, ls=":")
    axis.set(xlabel="seeds a method", ylabel="intervals without 0", ylim=(0, 1.02), xticks=table["seeds"].unique())
    axis.legend(fontsize=8)
    return figure
