"""Claims: what the papers state, which rows decide it, and the verdict those rows give.

A claim compares two methods on the same test images. Its effect is the difference of the means, its interval resamples images and
seeds together, and the verdict follows from the interval alone.
"""

from pathlib import Path

import pandas as pd

from imdlib.scoring import intervals

COLUMNS = ["id", "study", "where", "statement", "metric", "effect", "low", "high", "n", "seeds", "verdict"]
SUPPORTED, CONTRADICTED, INCONCLUSIVE, UNTESTED = "supported", "contradicted", "inconclusive", "not tested here"


def verdict(low, high):
    """Supported when the whole interval of the effect lies above 0, contradicted when below, inconclusive when 0 is inside."""
    if pd.isna(low) or pd.isna(high):
        return UNTESTED
    return SUPPORTED if low > 0 else CONTRADICTED if high < 0 else INCONCLUSIVE


def compare(scores, *, id, study, where, statement, metric, worse, better):
    """One row of claims.csv: is `better` above `worse`?

    scores: rows of all methods with `method, image, seed` and the metric; worse, better: values of `method`. Methods that look at no
    image have no seed of their own: their rows are compared with every seed of the other.
    """
    low, high = (scores[scores["method"] == name] for name in (worse, better))
    row = dict(id=id, study=study, where=where, statement=statement, metric=metric)
    if low.empty or high.empty:
        return row | dict(effect=float("nan"), low=float("nan"), high=float("nan"), n=0, seeds=0, verdict=UNTESTED)
    found = intervals.paired_effect(low, high, metric)
    return row | found | dict(verdict=verdict(found["low"], found["high"]))


def save(rows, results, study):
    """Put a study's rows into `<results>/claims.csv` in place of its older ones; other studies' rows stay. Returns the study's rows."""
    path = Path(results) / "claims.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = pd.DataFrame(rows, columns=COLUMNS)
    if path.exists():
        others = pd.read_csv(path)
        both = pd.concat([others[others["study"] != study], rows], ignore_index=True).sort_values(
            "study", kind="stable"
        )
    else:
        both = rows
    draft = path.with_suffix(".draft")
    both.to_csv(draft, index=False, float_format="%.6g")
    draft.replace(path)
    return rows


def read(results):
    """All studies' rows of `<results>/claims.csv`; an empty table of the same columns where there are none yet."""
    path = Path(results) / "claims.csv"
    return pd.read_csv(path) if path.exists() else pd.DataFrame(columns=COLUMNS)
