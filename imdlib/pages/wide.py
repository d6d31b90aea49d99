"""Wide form of a table, as papers print it: a line per method, a column per test set and metric, the best values marked."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from imdlib.baselines.names import BLIND, DETECTORS, SEEDLESS

FIXED = SEEDLESS | {*DETECTORS.values()}  # methods that have one seed however many a study has
RISING = r"(?i)\b(?:f1|iou|auc|accuracy|recall)\b"  # names of metrics of which more is better
MARKS = [
    "Bold: best, underlined: second best of the methods compared, those of one seed left out beside others, where the interval of the best "
    "lies above all that look at no image; ≈: its interval overlaps that of the best; whether the two differ on the same images is told "
    "by the claims."
]


def wide(
    rows: pd.DataFrame,
    index: Iterable[str] = ("method", "train_set"),
    columns: Iterable[str] = ("test_set", "metric"),
    marks: pd.Series | None = None,
) -> pd.DataFrame:
    """One line per method, one column per test set and metric, in the order of first appearance; constant headings are left out.

    marks: of each row, as `marked` gives them.
    """
    index, columns = list(index), list(columns)
    marks = [""] * len(rows) if marks is None else marks
    cells = rows.assign(cell=[cell(row, mark) for row, mark in zip(rows.itertuples(), marks)])
    for key in index + columns:
        cells[key] = pd.Categorical(
            cells[key].fillna(""), ordered=True, categories=list(dict.fromkeys(cells[key].fillna("")))
        )
    shown = cells.pivot_table(index=index, columns=columns, values="cell", aggfunc="first", observed=True).fillna("")
    for axis in (0, 1):
        levels = shown.index if axis == 0 else shown.columns
        constant = [
            level
            for level in levels.names[1 - axis :]
            if levels.nlevels > 1 and levels.get_level_values(level).nunique() == 1
        ]
        shown = shown.droplevel(constant[: levels.nlevels - 1], axis=axis) if constant else shown
    if shown.columns.nlevels > 1:
        shown.columns = [" ".join(map(str, key)) for key in shown.columns]
    shown.columns.name = None
    return shown


def cell(row: Any, mark: str = "") -> str:
    """`0.612 [0.587, 0.634] (paper 0.598)`, without the parts that are not known; a mark stands around or behind the value."""
    if pd.isna(row.value):
        text = "–"
    else:
        around, behind = mark.rstrip("≈"), " ≈" if mark.endswith("≈") else ""
        text = f"{around}{row.value:.3f}{around}{behind}"
        if not (pd.isna(row.low) or pd.isna(row.high)):
            text += f" [{row.low:.3f}, {row.high:.3f}]"
    published = pd.to_numeric(row.published, errors="coerce")
    return text if np.isnan(published) else f"{text} (paper {published:.3f})"


def least(rows: pd.DataFrame) -> float:
    """The highest low end of some rows' intervals; the value stands for its interval where there is none."""
    return rows["low"].fillna(rows["value"]).astype(float).round(3).max()


def marked(rows: pd.DataFrame) -> pd.Series:
    """What marks each value among those of all methods in the same column: '**' the best, '*' the second best, '≈' after a value whose
    interval overlaps that of the best; combined. '' where more is not better (RISING), where fewer than three are compared, where the
    interval of the best does not lie above the best row that looks at no image or none stands there, and on rows of one seed beside others
    of several.
    """
    marks = pd.Series("", index=rows.index)
    rising = rows["metric"].astype(str).str.contains(RISING) & (rows["value"].round(3) > 0)  # nothing is no best
    blind = rows["method"].isin(BLIND)
    for _, some in rows[rising].groupby(["test_set", "metric"], sort=False, dropna=False):
        apart = blind[some.index] & ~blind[some.index].all()
        floor, some = some.loc[apart, "value"].round(3).max(), some[~apart]  # what looks at no image is no rival
        trained = some["train_set"].fillna("none").ne("none").any()
        for train_set, group in some.groupby("train_set" if trained else "metric", dropna=False, sort=False):
            if trained and train_set == "none":
                continue  # nor is what nobody trained, where something was
            several = group["seeds"] > 1
            group = (
                group[several | group["method"].isin(FIXED)] if several.any() else group
            )  # one seed is no rival of several
            ranked = group["value"].round(3).rank(ascending=False, method="dense")
            if len(group) > 2 and ranked.max() > 1 and least(group[ranked == 1]) > floor:
                marks[group.index] = ranked.map({1: "**", 2: "*"}).fillna("")
                reach = group.loc[ranked == 1, "low"].max()
                level = (ranked > 1) & (group["high"] >= reach)
                marks[group.index[level]] += "≈"
    return marks
