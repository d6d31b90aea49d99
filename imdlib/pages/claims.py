"""Claims: what the papers state, which rows decide it, and the verdict those rows give.

A claim compares two methods on the same test images. Its effect is the difference of the means, its interval resamples images and
seeds together, and the verdict follows from the interval alone. What a study claims is a list of `Statement` in its
`statements.py`; what its rows say about each is one file a study, `<results>/<study>/claims.csv`.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from imdlib import files
from imdlib.scoring import intervals

COLUMNS = ["id", "study", "where", "statement", "metric", "effect", "low", "high", "n", "seeds", "verdict", "headline"]
SUPPORTED, CONTRADICTED, INCONCLUSIVE, UNTESTED = "supported", "contradicted", "inconclusive", "not tested here"


@dataclass(frozen=True)
class Statement:
    """One thing that a paper states (or that we check ourselves), as two rows of a table that decide it.

    name: of the claim, unique within its study; where: in the paper, 'not printed' for checks of our own; says: in words, so that a
    positive effect speaks for it; cut: function from the study's rows to score rows whose column `method` holds `worse` and
    `better`, of the same images; metrics: columns of these rows that are compared; decides: the one among them that the
    statement is about; headline: stands in the README.
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

    def __post_init__(self) -> None:
        if self.decides not in self.metrics:
            raise ValueError(f"statement '{self.name}': decides='{self.decides}' is none of its metrics {self.metrics}")


def verdict(low: float, high: float) -> str:
    """Supported when the whole interval of the effect lies above 0, contradicted when below, inconclusive when 0 is inside."""
    if pd.isna(low) or pd.isna(high):
        return UNTESTED
    return SUPPORTED if low > 0 else CONTRADICTED if high < 0 else INCONCLUSIVE


def judge(statements: Iterable[Statement], rows: Any, study: str) -> pd.DataFrame:
    """Rows of claims.csv, one per statement and metric: is `better` above `worse`?

    rows: whatever the statements' cuts take. A statement whose cut has no rows of either side is not tested. Methods that look
    at no image have no seed of their own: their rows are compared with every seed of the other.
    """
    lines = []
    for one in statements:
        cut = one.cut(rows)
        sides = [cut[cut["method"] == name] if len(cut) else cut for name in (one.worse, one.better)]
        for metric in one.metrics:
            about = dict(id=f"{study}-{one.name}-{metric}", study=study, where=one.where, statement=one.says)
            deciding = one.headline and metric == one.decides
            lines.append(about | dict(metric=metric) | compared(*sides, metric) | dict(headline=deciding))
    found = pd.DataFrame(lines, columns=COLUMNS)
    repeated = found.loc[found["id"].duplicated(), "id"]
    if len(repeated):
        raise ValueError(f"two statements of '{study}' have one name: {', '.join(repeated)}")
    return found


def compared(low: pd.DataFrame, high: pd.DataFrame, metric: str) -> dict:
    """Effect, interval, n, seeds and verdict of one metric between two sides of rows."""
    if low.empty or high.empty:
        return dict(effect=float("nan"), low=float("nan"), high=float("nan"), n=0, seeds=0, verdict=UNTESTED)
    found = intervals.paired_effect(low, high, metric)
    return found | dict(verdict=verdict(found["low"], found["high"]))


def save(rows: pd.DataFrame, folder: Path | str) -> pd.DataFrame:
    """Write a study's rows to `<folder>/claims.csv` in one step; returns them."""
    with files.replacing(Path(folder) / "claims.csv") as draft:
        rows.to_csv(draft, index=False, float_format="%.6g")
    return rows


def read(results: Path | str) -> pd.DataFrame:
    """All studies' rows under `results`, study by study; an empty table of the same columns where there are none yet."""
    found = [pd.read_csv(path) for path in sorted(Path(results).glob("*/claims.csv"))]
    return pd.concat(found, ignore_index=True) if found else pd.DataFrame(columns=COLUMNS)
