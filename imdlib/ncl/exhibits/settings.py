"""Settings: the whole method under other weights and temperatures, with less data and with longer training."""

from functools import cache

import pandas as pd
from IPython.display import HTML
from matplotlib.figure import Figure

from imdlib.ncl.rows import Rows
from imdlib.pages import plots, tables

WEIGHTS = ["omega", "mu", "tau", "contour_grid"]


def beside_blind(rows: Rows, found: pd.DataFrame) -> pd.DataFrame:
    """Tidy rows below those of predictors that look at no image on the same sets."""
    blind = tables.rows(rows.trivial[rows.trivial["dataset"].isin(found["test_set"])])
    return pd.concat([blind, found], ignore_index=True)


@cache
def weighted(rows: Rows) -> pd.DataFrame:
    """Tidy rows of the whole method under other weights, method 'omega = 0.1'; empty where none was turned."""
    found = []
    for name in WEIGHTS:
        part = rows.turned(name, variants=["pivot+pc"]).sort_values(name, kind="stable")
        found.append(part.assign(method=name + " = " + part[name].astype(str)))
    return tables.rows(pd.concat(found))


def weights(rows: Rows) -> HTML | None:
    """Table of the whole method under other weights, temperatures and widths of the contour."""
    found = weighted(rows)
    if found.empty:
        return None
    width = (
        " (contour_grid: width of Eq. 8's contour in pixels)"
        if found["method"].str.startswith("contour_grid").any()
        else ""
    )
    caption = f"The whole method with one number of its losses turned{width}"
    return tables.save(beside_blind(rows, found), rows.folder, "table_weights", caption, index=("method",))


def figure_weights(rows: Rows) -> Figure | None:
    """Pixel F1 and shuffled AUC against each weight; dashed the shuffled AUC of Base on the same sets."""
    found = weighted(rows)
    if found.empty:
        return None
    drawn = found[found["metric"].isin(["pixel F1", "shuffled AUC"])]
    name = drawn["method"].str.split(" = ")
    drawn = drawn.assign(parameter=name.str[0], at=name.str[1])
    base = rows.own[(rows.own["variant"] == "base") & rows.own["dataset"].isin(drawn["test_set"])]
    level = tables.rows(base, names={"auc_shuffled": "shuffled AUC"})["value"].mean()
    figure = plots.response(drawn, x="at", panel="parameter", hue="metric", reference=dict.fromkeys(WEIGHTS, level))
    return plots.save(
        figure,
        drawn,
        rows.folder,
        "figure_weights",
        what="The whole method with one number of its losses turned; dashed: shuffled AUC of Base",
    )


@cache
def amounts(rows: Rows) -> pd.DataFrame:
    """Tidy rows of Base and the whole method, method 'Base, 60 images, 700 steps', fewest images and steps first."""
    found = rows.turned("train_count", "steps")
    images = found["train_count"].map(lambda count: f"{count} images" if count else "all images").astype(str)
    found = found.assign(method=found["method"] + ", " + images + ", " + found["steps"].astype(str) + " steps")
    found = found.assign(images=found["train_count"].where(found["train_count"] > 0, 10**6))
    return tables.rows(found.sort_values(["images", "steps"], kind="stable"))


def amount(rows: Rows) -> HTML | None:
    """Table of Base and the whole method by the number of training images and of training steps."""
    if amounts(rows).empty:
        return None
    caption = "Amount of training images and of training steps"
    return tables.save(beside_blind(rows, amounts(rows)), rows.folder, "table_amount", caption, index=("method",))


def figure_amount(rows: Rows) -> Figure | None:
    """Base and the whole method against the amount of training images and steps, a panel for each metric."""
    found = amounts(rows)
    if found.empty:
        return None
    drawn = found[found["metric"].isin(["pixel F1", "pixel F1 best threshold", "shuffled AUC"])]
    name = drawn["method"].str.split(", ", n=1)
    drawn = drawn.assign(amount=name.str[1], method=name.str[0])
    figure = plots.response(drawn, x="amount", panel="metric", share_y=False)
    return plots.save(
        figure,
        drawn,
        rows.folder,
        "figure_amount",
        what="Base and the whole method by the amount of training images and steps",
    )
