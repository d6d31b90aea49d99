"""Tables: one tidy csv that machines read, and the same numbers wide: md and html for people, tex for papers (`pages.latex`)."""

import html
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from IPython.display import HTML

from imdlib import files
from imdlib.pages import latex, made
from imdlib.pages.wide import FIXED, MARKS, marked, wide
from imdlib.scoring import intervals

# of a csv
WRITTEN = ["method", "train_set", "test_set", "metric", "value", "low", "high", "n", "seeds", "published", "note"]
COLUMNS = [*WRITTEN, "runs"]  # of tidy rows; what runs made them is written apart (`pages.made`)

FILES = ("image", "photo", "file", "scene", "other", "background", "fits", "map", "mask")  # columns that name files
FORMULA = ("=", "+", "-", "@", "\t", "\r")

NAMES = {
    "f1": "pixel F1",
    "f1_best": "pixel F1 best threshold",
    "iou": "pixel IoU",
    "auc": "pixel AUC",
    "auc_shuffled": "shuffled AUC",
}
CLAIMED = NAMES | {
    "correct": "share of images called rightly",
    "image_auc": "image AUC",
    "ordered": "share of pairs in order, minus 0.5",
    "near": "share of real images near zero, minus 0.5",
    "nearer": "share nearer than before, minus 0.5",
    "change": "change of F1, or of images called rightly",
    "knn": "share of images called rightly by their neighbours",
    "recall": "mean recall",
    "both": "mean of recall and image AUC",
    "psnr": "PSNR, dB",
}  # with those that claims alone are decided by
UNDEFINED = "–: not defined there, such as an AUC of labels where all test images have one."
FEW = 2  # tables of one exhibit that are open in a page: the first and the last
NOT_BESIDE, OTHER_DATA = "not beside: paper", "other data"  # of a published number in a note


def called(metric: str) -> str:
    """The name of a metric, of those that claims are decided by too."""
    return CLAIMED.get(metric, metric.replace("_", " "))


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
    found = made.made_by(found, scores, list(by))
    found["metric"] = found["metric"].map(names)
    found = found.rename(columns={"dataset": "test_set"})
    undefined = found["n_undefined"].map(lambda k: f"{k} images without a defined value left out" if k else "")
    found["note"] = undefined
    return beside(found, published).reindex(columns=COLUMNS)


def beside(found: pd.DataFrame, published: pd.DataFrame | None) -> pd.DataFrame:
    """Tidy rows with the published values of the same method, train_set, test_set and metric (those of the four that `published` has)
    in a column, and their notes after ours; None = as they are.

    published may say in `differs` why a value is not comparable, or in `data` with what the names of comparable training sets
    begin: then the value stands in the note alone.
    """
    if published is None:
        return found
    keys = [key for key in ("method", "train_set", "test_set", "metric") if key in published]
    paper = published.rename(columns={"value": "published", "note": "paper_note"}).drop_duplicates(keys)
    paper = paper.reindex(columns=[*keys, "published", "paper_note", "differs", "data"])
    found = found.merge(paper, on=keys, how="left")
    elsewhere = [isinstance(d, str) and not str(t).startswith(d) for d, t in zip(found["data"], found["train_set"])]
    elsewhere = np.array(elsewhere, dtype=bool)
    why = found["differs"].where(found["differs"].notna(), "").mask(elsewhere, OTHER_DATA)
    apart = [f"{NOT_BESIDE} {v:.3f}, with {w}" if w and v == v else "" for v, w in zip(found["published"], why)]
    found["published"] = found["published"].mask(why.astype(bool))
    notes = zip(found["note"].fillna(""), apart, found["paper_note"].fillna(""))
    return found.assign(note=["; ".join(filter(None, some)) for some in notes])


def save(
    rows: pd.DataFrame,
    folder: Path | str,
    name: str,
    caption: str,
    *,
    index: Sequence[str] = ("method", "train_set"),
    columns: Sequence[str] = ("test_set", "metric"),
    best: bool = True,
) -> HTML:
    """Write `<folder>/tables/<name>.csv|md|tex|html` and return the wide form that md, tex and html hold, to be looked at.

    rows: DataFrame with at least `method, test_set, metric, value`; missing columns of COLUMNS are filled with blanks, others may be
    headings (index, columns) of the wide form, which the csv lacks. A cell of the wide form reads
    `value [low, high] (paper published)`; NaN is printed as a dash; the runs behind a row are noted by `made.save`. What the interval is,
    n and seeds are added to the caption. best: mark the best and second best values where more is better, and those not told apart from
    the best.
    """
    headings = [key for key in (*index, *columns) if key not in COLUMNS]
    rows = rows.reindex(columns=[*COLUMNS, *headings]).reset_index(drop=True)
    path = save_csv(rows[WRITTEN], folder, name).parent
    made.save(rows, path, name)
    marks = marked(rows) if best else pd.Series("", index=rows.index)
    caption = " ".join([caption.rstrip(".") + ".", *facts(rows), *(MARKS if marks.any() else [])])
    shown = wide(rows, index, columns, marks)
    return write(shown, path, name, caption)


def write(shown: pd.DataFrame, folder: Path, name: str, caption: str, *, apart: bool = True) -> HTML:
    """Write the wide form `shown` to `<folder>/<name>.md|tex|html` with its caption; returns what html holds.

    apart: where the first of several headings of lines is not the method, each of its values is a table of its own, as in the papers.
    """
    parts = {"": shown}
    if apart and shown.index.nlevels > 1 and shown.index.names[0] != "method":
        first = shown.index.get_level_values(0)
        parts = {str(one): shown[first == one].droplevel(0) for one in first.unique()}
    parts = {title: part.loc[:, (part != "").any()] for title, part in parts.items()}
    said = {title: f"{caption} Here: {title}." if title else caption for title in parts}
    printed = shown.reset_index().map(in_markdown).rename(columns=in_markdown)
    text = f"{in_markdown(caption)}\n\n{printed.to_markdown(index=False)}\n"
    files.write_text(folder / f"{name}.md", text)
    floats = [latex.table(part, said[title], f"{name}{i or ''}") for i, (title, part) in enumerate(parts.items())]
    files.write_text(folder / f"{name}.tex", latex.document(floats))
    blocks = [show(part.reset_index(), merge=part.index.nlevels - 1, title=title).data for title, part in parts.items()]
    if len(blocks) > FEW + 1:  # those between the first and the last open on demand
        hidden = html.escape(", ".join(list(parts)[FEW - 1 : -1]), quote=False)
        middle = "\n".join(blocks[FEW - 1 : -1])
        blocks[FEW - 1 : -1] = [f"<details><summary>{hidden}</summary>\n{middle}\n</details>"]
    page = f'<p class="caption">{html.escape(caption, quote=False)}</p>\n' + "\n".join(blocks)
    files.write_text(folder / f"{name}.html", page)
    return HTML(f'<div class="exhibit" data-file="tables/{html.escape(name)}">\n{page}\n</div><!-- end of exhibit -->')


def facts(rows: pd.DataFrame) -> list[str]:
    """Sentences of a caption that the rows themselves know: what the interval is, how many images and seeds, which numbers are left out."""
    said = []
    if rows["low"].notna().any():
        said.append("In brackets: 95% interval (bootstrap over test images and seeds together).")
    if counts := counted(rows):
        said.append(f"{counts}.".capitalize())
    if rows["published"].notna().any():
        said.append("(paper): the published number, on the same data.")
    if rows["value"].isna().any():
        said.append(UNDEFINED)
    notes = rows["note"].fillna("").astype(str)
    apart = notes.str.extract(rf"{NOT_BESIDE} [\d.]+, with ([^;]+)")[0].dropna().unique()
    if len(apart):
        said.append(f"The paper's numbers are not comparable ({', '.join(apart)}) and stand in the csv's notes alone.")
    return said


def counted(rows: pd.DataFrame) -> str:
    """'60 to 300 test images and 5 seeds' of columns `n` and `seeds`, as far as they are there; '' where neither is."""
    drawn = rows[~rows["method"].isin(FIXED)] if "method" in rows else rows
    parts = [span(rows["n"], "test images")] if "n" in rows else []
    parts += [span((drawn if len(drawn) else rows)["seeds"], "seeds")] if "seeds" in rows else []
    return " and ".join(filter(None, parts))


def span(counts: pd.Series, word: str) -> str:
    """'60 to 300 test images', '3 seeds'; '' where nothing is known. word: in the plural."""
    known = pd.to_numeric(counts, errors="coerce").dropna()
    known = known[known > 0]
    if known.empty:
        return ""
    low, high = int(known.min()), int(known.max())
    return f"{low} {word if low > 1 else word.removesuffix('s')}" if low == high else f"{low} to {high} {word}"


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
    packed = "gzip" if Path(path).suffix == ".gz" else None
    with files.replacing(path) as draft:
        rows.assign(**safe).to_csv(draft, index=False, float_format="%.6g", compression=packed)
    return Path(path)


def as_named(cell: str) -> str:
    """The name of a file in a cell that `write_csv` wrote."""
    return cell[1:] if cell[:1] == "'" and cell[1:].startswith(FORMULA) else cell


def in_markdown(cell: Any) -> Any:
    """Text as it has to stand in Markdown, so that none of it is taken for markup or for the end of a cell; all else as it is."""
    if not isinstance(cell, str):
        return cell
    return html.escape(cell, quote=False).replace("|", "&#124;").replace("\n", " ")


def escaped(cell: Any) -> Any:
    """Text as it has to stand in a page; all else as it is."""
    return html.escape(cell, quote=False) if isinstance(cell, str) else cell


def show(table: pd.DataFrame, digits: int = 3, merge: int = 0, title: str = "") -> HTML:
    """Any table as it should look in a notebook or report: no row numbers, NaN as a dash, intervals on a line of their own.

    merge: how many of the first columns say what is as in the row above by a blank; title: stands above it, in the table.
    """
    safe = table.map(escaped).rename(columns=escaped)
    for level in reversed(range(merge)):
        columns = list(safe.columns[: level + 1])
        again = (safe[columns] == safe[columns].shift()).all(axis=1)
        safe[columns[-1]] = safe[columns[-1]].astype(object).mask(again, "")
    small = safe.replace(r"^(\S+(?: ≈)?) (\[.*)$", r"\1<br><small>\2</small>", regex=True)
    small = small.replace({r"^\*\*([\d.–-]+)\*\*": r"<b>\1</b>", r"^\*([\d.–-]+)\*": r"<u>\1</u>"}, regex=True)
    text = small.to_html(index=False, border=0, na_rep="–", escape=False, float_format=lambda x: f"{x:.{digits}f}")
    head = f"<caption>{html.escape(title, quote=False)}</caption>\n" if title else ""
    text = text.replace("<thead>", f"{head}<thead>", 1)
    return HTML(f'<div class="wide">{text}</div>')
