"""Claims: what the papers state, which rows decide it, and the verdict those rows give.

A claim compares two methods on the same test images in one metric that is named in advance. Its effect is the difference of the
means, its interval takes images and seeds as samples alike, and its verdict also asks whether anything was learned and in how many
settings the effect has its sign (`imdlib.protocol.verdicts`). What a study claims is a list of `Statement` in its
`statements.py`; what its rows say about each is one file a study, `<results>/<study>/claims.csv`.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from imdlib import files
from imdlib.baselines.names import SEEDLESS
from imdlib.pages.tables import called
from imdlib.places import CLAIMS
from imdlib.protocol import verdicts
from imdlib.scoring import intervals

ABOUT = ["id", "study", "where", "statement", "metric"]
JUDGED = ["effect", "low", "high", "n", "seeds", "verdict", "headline", "share", "settings"]
GATE = ["gate", "learned", "blind", "beside", "above_low", "above_high"]
SIDES = ["value_worse", "value_better", "floor", "floor_of", "by_set"]
COLUMNS = [*ABOUT, *JUDGED, *GATE, "p", "smallest", *SIDES, "read_with", "overturned"]


@dataclass(frozen=True)
class Statement:
    """One thing that a paper states (or that we check ourselves), as two rows of a table that decide it.

    name: of the claim, unique within its study; where: in the paper, 'not printed' for checks of our own; says: in words, so that a
    positive effect speaks for it; cut: function from the study's rows to score rows whose column `method` holds `worse` and
    `better`, of the same images; metrics: columns of these rows that are compared; decides: the one among them that the
    statement is about; headline: stands in the README. gate: a cut with both methods on the test images of their own training
    set and, marked in a column `blind`, rows that look at no image; None: the statement itself asks whether something was
    learned. gate_metric: that of the gate where it is another; overturned: what would overturn the verdict, in a sentence;
    read_with: what has to be read beside the verdict, where a positive effect alone says little.
    """

    name: str
    where: str
    says: str
    cut: Callable
    worse: str
    better: str
    metrics: tuple[str, ...]
    decides: str
    headline: bool = False
    gate: Callable | None = None
    gate_metric: str = ""
    overturned: str = ""
    read_with: str = ""

    def __post_init__(self) -> None:
        if self.decides not in self.metrics:
            raise ValueError(f"statement '{self.name}': decides='{self.decides}' is none of its metrics {self.metrics}")


def judge(statements: Iterable[Statement], rows: Any, study: str, tried: pd.DataFrame | None = None) -> pd.DataFrame:
    """Rows of claims.csv, one per statement: is `better` above `worse` in the metric that decides?

    rows: whatever the statements' cuts take; tried: of `in_settings`. A statement whose cut has no rows of either side is not
    tested. The seeds of a claim are those of the side that has fewer; methods that look at no image have none of their own: their
    rows are compared with every seed of the other. p of headlines is Holm's, over those that are tested.
    """
    tried = in_settings([], {}) if tried is None else tried
    lines = [line(one, rows, study, tried.loc[tried["name"] == one.name, "effect"]) for one in statements]
    found = pd.DataFrame(lines, columns=[*COLUMNS, "below"])
    repeated = found.loc[found["id"].duplicated(), "id"]
    if len(repeated):
        raise ValueError(f"two statements of '{study}' have one name: {', '.join(repeated)}")
    headline = found["headline"].astype(bool) & (found["seeds"] >= verdicts.LEAST_SEEDS)
    found.loc[headline, "p"] = intervals.holm(found.loc[headline, "p"])
    return found.assign(verdict=[verdicts.word(row) for _, row in found.iterrows()]).drop(columns="below")


def line(one: Statement, rows: Any, study: str, tried: Iterable[float]) -> dict:
    """What rows and its effects in settings say about one statement, but for its verdict."""
    metric = one.decides
    above, below, settings = verdicts.share(tried)
    sides = verdicts.sides_of(one.cut, rows, one.worse, one.better)
    effect = compared(*sides, metric)
    beside = one.gate(rows) if one.gate and effect["n"] else None
    passed = learned(one, beside)
    return dict(
        id=f"{study}-{one.name}-{metric}",
        study=study,
        where=one.where,
        statement=one.says,
        metric=metric,
        **effect,
        verdict="",
        headline=one.headline,
        share=above,
        below=below,
        settings=settings,
        gate=passed.word,
        learned=passed.learned,
        blind=passed.blind,
        beside=passed.beside and passed.beside + (f" ({called(one.gate_metric)})" if one.gate_metric else ""),
        above_low=passed.low,
        above_high=passed.high,
        smallest=verdicts.POWER * (effect["high"] - effect["low"]),
        value_worse=effect["a"],
        value_better=effect["b"],
        **floor(one, beside, sides[1]),
        by_set=by_set(*sides, metric),
        read_with=one.read_with,
        overturned=one.overturned,
    )


def floor(one: Statement, found: pd.DataFrame | None, side: pd.DataFrame) -> dict:
    """What the best row that looks at no image has on the very images of a claim, in the metric that decides, and its name (floor_of).

    found: rows of the statement's gate; side: those of its better row.
    """
    nothing = dict(floor=np.nan, floor_of="")
    if found is None or one.decides not in found or "blind" not in found:
        return nothing
    keys = [name for name in ("dataset", "image") if name in side]
    asked = side.loc[side[one.decides].notna(), keys].drop_duplicates()
    blind = found["blind"].astype(bool)
    best = verdicts.best(found[blind].merge(asked), one.decides)
    same = verdicts.best(verdicts.whole(found[~blind & (found["method"] == one.better)]).merge(asked), one.decides)
    if not best or not same or len(best[2].drop_duplicates(keys)) < len(asked):
        return nothing
    level = np.isclose(same[1], side[one.decides].mean())  # and no change of it
    return dict(floor=best[1], floor_of=best[0]) if level else nothing


def by_set(low: pd.DataFrame, high: pd.DataFrame, metric: str) -> str:
    """`casia1 +0.014, nist16 +0.092`: the effect on each data set of a claim about several; '' for one."""
    names = list(dict.fromkeys(low["dataset"])) if "dataset" in low and len(high) else []
    if len(names) < 2:
        return ""
    parts = [[side[side["dataset"] == name] for side in (low, high)] for name in names]
    found = [intervals.paired_effect(*part, metric)["effect"] for part in parts]
    return ", ".join(f"{name} {value:+.3f}" for name, value in zip(names, found) if value == value)


def in_settings(statements: Iterable[Statement], trials: Mapping[int, Any]) -> pd.DataFrame:
    """Effect of every statement in every setting of the search: name, statement, metric, headline, trial, effect, raw.

    trials: {number of the draw: rows of its runs, as the statements' cuts take them}. effect is NaN where a side was not tried
    in that setting, or the better of them lies no higher than the best row that looks at no image; raw is it whatever was learned.
    """
    lines = []
    for one in statements:
        for number, rows in trials.items():
            about = dict(name=one.name, statement=one.says, metric=one.decides, headline=one.headline, trial=number)
            lines.append(about | specified(one, rows))
    return pd.DataFrame(lines, columns=["name", "statement", "metric", "headline", "trial", "effect", "raw"])


def learned(one: Statement, found: pd.DataFrame | None, *, sure: bool = True) -> verdicts.Gate:
    """The gate of a statement, of the rows that its cut of that name has found; none where it has no gate."""
    if found is None:
        return verdicts.Gate()
    return verdicts.gate(found, (one.worse, one.better), one.gate_metric or one.decides, sure=sure)


def compared(low: pd.DataFrame, high: pd.DataFrame, metric: str) -> dict:
    """Effect, interval, p, n, seeds and the value of either side (a, b) of one metric; seeds: of the side that has fewer."""
    if low.empty or high.empty:
        return dict(effect=np.nan, low=np.nan, high=np.nan, p=np.nan, n=0, seeds=0, a=np.nan, b=np.nan)
    drawn = [side["seed"].nunique() for side in (low, high) if side["method"].iloc[0] not in SEEDLESS]
    return intervals.paired_effect(low, high, metric) | {"seeds": min(drawn, default=0)}


def specified(one: Statement, trial: Any) -> dict:
    """Effect of a statement in one setting of the search: dict of effect, NaN where it was not tried or nothing was learned,
    and `raw`, the same whatever was learned.
    """
    low, high = verdicts.sides_of(one.cut, trial, one.worse, one.better)
    if low.empty or high.empty:
        return dict(effect=np.nan, raw=np.nan)
    raw = intervals.paired_effect(low, high, one.decides)["effect"]
    beside = one.gate(trial) if one.gate else None
    return dict(effect=np.nan if learned(one, beside, sure=False).word == "failed" else raw, raw=raw)


def beside(statements: Iterable[Statement], rows: Any, study: str) -> pd.DataFrame:
    """Effects of every statement in its other metrics: shown, and counted for nothing. Columns ABOUT, effect, low, high, n, seeds."""
    lines = []
    for one in statements:
        sides = verdicts.sides_of(one.cut, rows, one.worse, one.better)
        for metric in [name for name in one.metrics if name != one.decides]:
            about = dict(
                id=f"{study}-{one.name}-{metric}", study=study, where=one.where, statement=one.says, metric=metric
            )
            lines.append(about | compared(*sides, metric))
    return pd.DataFrame(lines, columns=[*ABOUT, "effect", "low", "high", "n", "seeds"])


def save(rows: pd.DataFrame, folder: Path | str) -> pd.DataFrame:
    """Write a study's rows to `<folder>/claims.csv` in one step; returns them."""
    with files.replacing(Path(folder) / CLAIMS) as draft:
        rows.to_csv(draft, index=False, float_format="%.6g")
    return rows


def read(results: Path | str) -> pd.DataFrame:
    """All studies' rows under `results`, study by study, with COLUMNS; those that a file lacks are blank. Without files an empty table."""
    found = [pd.read_csv(path).reindex(columns=COLUMNS) for path in sorted(Path(results).glob(f"*/{CLAIMS}"))]
    return pd.concat(found, ignore_index=True) if found else pd.DataFrame(columns=COLUMNS)
