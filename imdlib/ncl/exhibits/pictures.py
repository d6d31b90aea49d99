"""Pictures: the maps of test images, chosen by rule (Figures 3 and 4).

They need the maps of runs, which are not in git: without them stands what was drawn of the same runs.
"""

import pandas as pd
from IPython.display import HTML, Markdown
from matplotlib.figure import Figure

from imdlib.ncl.grid import BOTH, STEPS, TESTED_ON
from imdlib.ncl.rows import Rows
from imdlib.pages import plots
from imdlib.pages.standing import keys, standing
from imdlib.runs import pictures


def first_runs(rows: Rows, train_set: str) -> pd.DataFrame:
    """Usual runs of the first seed that were trained on a set, one per step of Table 5."""
    found = rows.usual_runs[rows.usual_runs["variant"].isin(STEPS)]
    return found[(found["seed"] == found["seed"].min()) & (found["train_set"] == train_set)]


def maps(rows: Rows, chosen: pd.DataFrame) -> dict:
    """{method: {'<dataset>/<file>': image, mask and map}} of the chosen runs on their own set; {} where one kept none."""
    found = {}
    for method, run, train_set in chosen[["method", "run", "train_set"]].itertuples(index=False):
        place = TESTED_ON.get(train_set, train_set)
        kept = pictures(rows.results, "ncl", run)
        found[method] = {name: one for name, one in kept.items() if name.startswith(f"{place}/")}
    return found if all(found.values()) else {}


def columns(rows: Rows, chosen: pd.DataFrame, kept: dict, count: int) -> tuple[list, pd.DataFrame]:
    """Columns of a grid of predictions and what is drawn in them, best to worst by F1 of the last method."""
    return plots.choose_columns(kept, rows.scores[rows.scores["run"].isin(chosen["run"])], count)


def figure3(rows: Rows, count: int) -> Figure | HTML | Markdown | None:
    """Figure 3: maps of every variant on `count` test images."""
    chosen = first_runs(rows, rows.target)
    if chosen.empty:
        return None
    kept, of = maps(rows, chosen), keys(rows.settings, chosen["run"])
    if not kept:
        return standing(rows.folder, "figure3", of)
    shown, drawn = columns(rows, chosen, kept, count)
    return plots.save(
        plots.prediction_grid(shown, list(kept)),
        drawn,
        rows.folder,
        "figure3",
        what="NCL Figure 3: maps of every variant on test images, first seed",
        of=of,
    )


def figure4(rows: Rows) -> Figure | HTML | Markdown | None:
    """Figure 4: the best, the median and the worst image of every set, maps of Base and of the whole method."""
    if rows.both.empty:
        return None
    shown, drawn, methods, of = [], [], [], {}
    for name in rows.own["dataset"].unique():
        chosen = first_runs(rows, name)
        chosen = chosen[chosen["variant"].isin(BOTH)]
        kept, of = maps(rows, chosen), of | keys(rows.settings, chosen["run"])
        if len(kept) == len(BOTH):
            methods = list(kept)
            three, part = columns(rows, chosen, kept, 3)
            shown += [column | {"title": name if k == 1 else ""} for k, column in enumerate(three)]
            drawn.append(part)
    if not shown:
        return standing(rows.folder, "figure4", of)
    return plots.save(
        plots.prediction_grid(shown, methods, within=plots.EACH),
        pd.concat(drawn),
        rows.folder,
        "figure4",
        what="NCL Figure 4: best, median and worst test image of every set, maps of Base and of the whole method, first seed",
        of=of,
    )
