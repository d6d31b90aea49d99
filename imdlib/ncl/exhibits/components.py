"""Components: on a vision transformer (Table 4), one after another (Table 5), after which block (Table 6)."""

from functools import cache

import pandas as pd
from IPython.display import HTML
from matplotlib.figure import Figure

from imdlib.ncl import cuts, published
from imdlib.ncl.exhibits.benchmarks import BLIND_DRAWN
from imdlib.ncl.rows import Rows
from imdlib.pages import plots, tables
from imdlib.pages.published import beside

HOOKS = ["stem", "layer1", "layer2", "layer3", "layer4"]


def table4(rows: Rows) -> HTML | None:
    """Table 4: NCL on a vision transformer, beside Base, the whole method and predictors that look at no image."""
    vit = rows.vit
    if vit.empty:
        return None
    usual = rows.both[rows.both["dataset"].isin(vit["dataset"])]
    paper = beside(published.backbones(), vit)
    found = tables.rows(pd.concat([rows.beside(vit), vit, usual]), published=paper)
    caption = (
        "NCL Table 4: NCL on the patch tokens of a ViT trained from scratch, in place of the paper's pre-trained "
        "ObjectFormer"
    )
    return tables.save(found, rows.folder, "table4", caption, index=("method",))


@cache
def ablation(rows: Rows) -> pd.DataFrame:
    """Tidy rows of Table 5: every variant and the predictors that look at no image, on every test set."""
    paper = beside(published.ablation(), rows.scores)
    return tables.rows(pd.concat([rows.ablation, rows.trivial]), published=paper)


def table5(rows: Rows) -> HTML | None:
    """Table 5: what each component adds."""
    if rows.ablation.empty:
        return None
    caption = "NCL Table 5: ablation"
    index = ("metric", "train_set", "method")
    return tables.save(ablation(rows), rows.folder, "table5", caption, index=index, columns=("test_set",))


def figure_ablation(rows: Rows) -> Figure | None:
    """Pixel F1 and shuffled AUC of Table 5, a panel for each training set, beside predictors that look at no image."""
    if rows.ablation.empty:
        return None
    found = ablation(rows)
    some = found[found["metric"].isin(["pixel F1", "shuffled AUC"])]
    trained, blind = some[some["train_set"] != "none"], some[some["method"].isin(BLIND_DRAWN)]
    every = [blind.assign(train_set=name) for name in trained["train_set"].unique()]
    drawn = pd.concat([trained, *every])
    panel = drawn["train_set"].map("trained on {}: ".format) + drawn["metric"]
    drawn = drawn.assign(panel=panel, tested=drawn["test_set"])
    figure = plots.response(drawn, x="tested", panel="panel", share_y=False)
    return plots.save(
        figure,
        drawn,
        rows.folder,
        "figure_ablation",
        what="NCL Table 5: what each component adds, a panel for each training set and metric",
    )


def table6(rows: Rows) -> HTML | None:
    """Table 6: the whole method with its contrast after different blocks at one width of Eq. 8's contour, without Eq. 8, and
    with each block's own grid for the contour; and Base.
    """
    kinds = {"": cuts.hooks(rows), ", without Eq. 8": cuts.hooks_alone(rows)}
    kinds[", contour of its own grid"] = cuts.own_contours(rows)
    layers = [
        found.assign(method=found["method"] + words).sort_values(
            "hook", key=lambda names: names.map(HOOKS.index), kind="stable"
        )
        for words, found in kinds.items()
    ]
    layers = pd.concat(layers)
    if layers.empty:
        return None
    base = rows.own[(rows.own["variant"] == "base") & rows.own["dataset"].isin(layers["dataset"])]
    paper = beside(published.hooks(), layers)
    caption = "NCL Table 6: the contrast after different blocks, Eq. 8's contour the same for all where nothing else is said; and Base"
    found = tables.rows(pd.concat([rows.beside(layers), layers, base]), published=paper)
    return tables.save(found, rows.folder, "table6", caption, index=("method",))
