"""Tables: one tidy csv that machines read, and the same numbers wide, as md for people and as tex for reports."""

import html
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from IPython.display import HTML

from imdlib.scoring import intervals

COLUMNS = ["method", "train_set", "test_set", "metric", "value", "low", "high", "n", "seeds", "published", "note"]

FILES = ("image", "photo", "file", "scene", "other", "background", "fits", "map", "mask")  # columns that name files
FORMULA = ("=", "+", "-", "@", "\t", "\r")
TEX = re.compile(r"[#$%&_{}]")  # signs of LaTeX in a caption

NAMES = {
    "f1": "pixel F1",
    "f1_best": "pixel F1 best threshold",
    "iou": "pixel IoU",
    "auc": "pixel AUC",
    "auc_shuffled": "shuffled AUC",
}


def rows(
    scores: pd.DataFrame,
    *,
    published: pd.DataFrame | None = None,
    names: dict[str, str] = NAMES,
    by: Iterable[str] = ("method", "train_set", "dataset"),
) -> pd.DataFrame:
    """Tidy rows of a table from score rows: the per-image mean of each metric with its 95% interval, seeds pooled.

    scores: `method, train_set, dataset, image, seed` and the metrics named in `names` {column: name in the table};
    published: DataFrame `method, train_set, test_set, metric, value[, note]` with the same names, whose values are set beside ours.
    """
    found = intervals.summarise(scores, metrics=[name for name in names if name in scores], by=list(by))
    found["metric"] = found["metric"].map(names)
    found = found.rename(columns={"dataset": "test_set"})
    undefined = found["n_undefined"].map(lambda k: f"{k} images without a defined value left out" if k else "")
    found["note"] = undefined
    return beside(found, published).reindex(columns=COLUMNS)


def beside(found: pd.DataFrame, published: pd.DataFrame | None) -> pd.DataFrame:
    """Tidy rows with the published values of the same method, train_set, test_set and metric (those of the four that `published` has)
    in a column, and their notes after ours; None = as they are."""
    if published is None:
        return found
    keys = [key for key in ("method", "train_set", "test_set", "metric") if key in published]
    paper = published.rename(columns={"value": "published", "note": "paper_note"})[[*keys, "published", "paper_note"]]
    found = found.merge(paper.drop_duplicates(keys), on=keys, how="left")
    notes = zip(found["note"].fillna(""), found["paper_note"].fillna(""))
    return found.assign(note=["; ".join(filter(None, pair)) for pair in notes])


def save(
    rows: pd.DataFrame,
    folder: Path | str,
    name: str,
    caption: str,
    *,
    index: Sequence[str] = ("method", "train_set"),
    columns: Sequence[str] = ("test_set", "metric"),
) -> HTML:
    """Write `<folder>/tables/<name>.csv|md|tex` and return the wide form that md and tex hold, to be looked at.

    rows: DataFrame with at least `method, test_set, metric, value`; missing columns of COLUMNS are filled with blanks. A cell of the wide
    form reads `value [low, high] (paper published)`; NaN is printed as a dash.
    """
    rows = rows.reindex(columns=COLUMNS)
    path = save_csv(rows, folder, name).parent
    shown = wide(rows, index, columns)
    printed = shown.reset_index().map(marked).rename(columns=marked)
    (path / f"{name}.md").write_text(f"{marked(caption)}\n\n{printed.to_markdown(index=False)}\n", encoding="utf-8")
    tex = shown.to_latex(
        caption=TEX.sub(lambda sign: f"\\{sign[0]}", caption), label=f"tab:{name}", escape=True, multicolumn_format="c"
    )
    (path / f"{name}.tex").write_text(tex, encoding="utf-8")
    return show(shown.reset_index(), merge=len(index) - 1 if shown.index.nlevels == len(index) else 0)


def save_csv(rows: pd.DataFrame, folder: Path | str, name: str) -> Path:
    """Write any table to `<folder>/tables/<name>.csv`; returns the file."""
    path = Path(folder) / "tables" / f"{name}.csv"
    return write_csv(rows, path)


def write_csv(rows: pd.DataFrame, path: Path | str) -> Path:
    """Write a table as csv in which names of files are no formulas.

    A spreadsheet takes a cell that begins with = + - @ for a formula and would run it: in columns that hold names of files such a name
    gets an apostrophe before it. All else stands as it is.
    """
    names = [name for name in rows if name in FILES]
    safe = {name: rows[name].map(lambda cell: f"'{cell}" if str(cell).startswith(FORMULA) else cell) for name in names}
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    rows.assign(**safe).to_csv(path, index=False, float_format="%.6g")
    return Path(path)


def marked(cell: Any) -> Any:
    """Text as it has to stand in Markdown, so that none of it is taken for markup or for the end of a cell; all else as it is."""
    if not isinstance(cell, str):
        return cell
    return html.escape(cell, quote=False).replace("|", "&#124;").replace("\n", " ")


def wide(
    rows: pd.DataFrame, index: Iterable[str] = ("method", "train_set"), columns: Iterable[str] = ("test_set", "metric")
) -> pd.DataFrame:
    """One line per method, one column per test set and metric, in the order of first appearance; constant headings are left out."""
    index, columns = list(index), list(columns)
    cells = rows.assign(cell=[cell(row) for row in rows.itertuples()])
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


def cell(row: Any) -> str:
    """`0.612 [0.587, 0.634] (paper 0.598)`, without the parts that are not known."""
    if pd.isna(row.value):
        text = "–"
    else:
        text = f"{row.value:.3f}"
        if not (pd.isna(row.low) or pd.isna(row.high)):
            text += f" [{row.low:.3f}, {row.high:.3f}]"
    published = pd.to_numeric(row.published, errors="coerce")
    return text if np.isnan(published) else f"{text} (paper {published:.3f})"


def escaped(cell: Any) -> Any:
    """Text as it has to stand in a page; all else as it is."""
    return html.escape(cell, quote=False) if isinstance(cell, str) else cell


def show(table: pd.DataFrame, digits: int = 3, merge: int = 0) -> HTML:
    """Any table as it should look in a notebook or report: no row numbers, NaN as a dash, intervals on a line of their own.

    merge: how many of the first columns say what is as in the row above by a blank.
    """
    safe = table.map(escaped).rename(columns=escaped)
    for level in reversed(range(merge)):
        columns = list(safe.columns[: level + 1])
        again = (safe[columns] == safe[columns].shift()).all(axis=1)
        safe[columns[-1]] = safe[columns[-1]].astype(object).mask(again, "")
    small = safe.replace(r"^(\S+) (\[.*)$", r"\1<br><small>\2</small>", regex=True)
    return HTML(
        small.to_html(index=False, border=0, na_rep="–", escape=False, float_format=lambda x: f"{x:.{digits}f}")
    )
