"""Verdicts: has anything been learned, does the effect stand, and how much of it hangs on the setting?

`docs/protocol.md` says in words what is computed here.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from imdlib.scoring import intervals

SUPPORTED, CONTRADICTED, DEPENDS = "supported", "contradicted", "depends on settings"
INCONCLUSIVE, UNLEARNED, UNTESTED = "inconclusive", "nothing learned here", "not tested"
WORDS = (SUPPORTED, CONTRADICTED, DEPENDS, INCONCLUSIVE, UNLEARNED, UNTESTED)
LEVEL = 0.05  # of p, after Holm's correction where a claim is one of a study's headlines
MOST = 0.75  # share of settings that have to show the sign of the effect
LEAST_SEEDS = 3  # fewer say nothing about what other seeds would give
POWER = (1.96 + 0.84) / (2 * 1.96)  # smallest effect that is seen in 8 of 10 studies, in widths of its 95% interval


@dataclass(frozen=True)
class Gate:
    """Whether the better of two rows has learned. word: passed, failed, or none where nothing blind stands beside them.

    learned: mean of the better row on its own test images; blind: of the best row that looks at no image; beside: its name; low, high:
    95% interval of the difference, which has to lie above 0.
    """

    word: str = "none"
    learned: float = np.nan
    blind: float = np.nan
    beside: str = ""
    low: float = np.nan
    high: float = np.nan


def gate(rows: pd.DataFrame, sides: Iterable[str], metric: str, *, sure: bool = True) -> Gate:
    """The better of some methods against the best of the rows whose column `blind` is true, on the same images.

    sure: it has to lie above by more than the 95% interval of the difference; else the means alone decide.
    """
    blind = rows["blind"].astype(bool) if "blind" in rows else pd.Series(False, index=rows.index)
    keys = [name for name in ("dataset", "image") if name in rows]
    parts = [whole(rows[~blind & (rows["method"] == name)]) for name in dict.fromkeys(sides)]
    seeing = best(pd.concat(parts), metric)
    asked = seeing[2][keys].drop_duplicates() if seeing else rows.head(0)[keys]
    unseeing = best(rows[blind].merge(asked, on=keys), metric)
    if not seeing or not unseeing:
        return Gate()
    (_, learned, these), (name, level, those) = seeing, unseeing
    if not sure:
        return Gate("passed" if learned > level else "failed", learned, level, name)
    above = intervals.paired_effect(those, these, metric)
    return Gate("passed" if above["low"] > 0 else "failed", learned, level, name, above["low"], above["high"])


def best(rows: pd.DataFrame, metric: str) -> tuple[str, float, pd.DataFrame] | None:
    """(name, mean, rows) of the method with the highest mean; None where no row has a value."""
    means = rows.groupby("method")[metric].mean().dropna() if len(rows) else pd.Series(dtype=float)
    if means.empty:
        return None
    name = means.idxmax()
    return name, float(means[name]), rows[rows["method"] == name]


def share(effects: Iterable[float]) -> tuple[float, float, int]:
    """(share above 0, share below 0, how many) of effects in settings; those that are not defined do not count."""
    found = np.asarray(list(effects), dtype=float)
    found = found[~np.isnan(found)]
    return *((float(one.mean()) if len(found) else np.nan) for one in (found > 0, found < 0)), len(found)


def word(found: pd.Series) -> str:
    """The verdict of a claim: effect, low, high, p (adjusted where it has to be), seeds, gate, share, below, settings."""
    if found["seeds"] < LEAST_SEEDS or pd.isna(found["low"]) or pd.isna(found["high"]):
        return UNTESTED
    if found["gate"] == "failed":
        return UNLEARNED
    if found["low"] <= 0 <= found["high"] or found["p"] >= LEVEL:
        return INCONCLUSIVE
    positive = found["effect"] > 0
    if found["settings"] and found["share" if positive else "below"] < MOST:
        return DEPENDS
    return SUPPORTED if positive else CONTRADICTED


def sides_of(cut: Callable, rows: object, worse: str, better: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Rows of the two methods of a cut, of the data sets that both were scored on and of seeds that are `whole`."""
    found = cut(rows)
    low, high = (found[found["method"] == name] if len(found) else found for name in (worse, better))
    if len(low) and len(high) and "dataset" in found:
        low, high = low[low["dataset"].isin(high["dataset"])], high[high["dataset"].isin(low["dataset"])]
    return whole(low), whole(high)


def whole(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows of one method without the seeds that scored fewer images than others, as in a study of which some runs are still to come."""
    if rows.empty or not {"image", "seed"} <= set(rows):
        return rows
    keys = [name for name in ("dataset", "image") if name in rows]
    scored = rows.groupby("seed").size()
    complete = scored.index[scored >= len(rows[keys].drop_duplicates())]
    return rows[rows["seed"].isin(complete)]
