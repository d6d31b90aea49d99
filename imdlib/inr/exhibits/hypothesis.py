"""Are tampered pixels redrawn worse? The NRR's error map before anything is trained on it, and detectors on redrawn images."""

from functools import cache

import pandas as pd
from IPython.display import HTML
from matplotlib.figure import Figure

from imdlib.inr.exhibits.shared import BY_METRIC, PIXELS, blind, untrained
from imdlib.inr.grid import SWEPT
from imdlib.inr.premise import INSIDE, OUTSIDE
from imdlib.inr.rows import ALWAYS, BLURRED, REDRAWN, Rows
from imdlib.pages import plots, tables
from imdlib.scoring.rows import usual, within

OF_A_RUN = {"psnr_gap": "PSNR gap, dB", "psnr_authentic": "PSNR on authentic images, dB"}  # not of an image
LEARNED = {"loss": "L1", "psnr_authentic": "PSNR, authentic images, dB", "psnr_gap": "PSNR gap, validation, dB"}
ATTACKED = {"none": ", original", REDRAWN: ", redrawn", BLURRED: ", blurred as much"}
RANKED = {name: PIXELS[name] for name in ("f1", "auc", "auc_shuffled")}


@cache
def gaps(rows: Rows) -> pd.DataFrame:
    """`run, psnr_gap`: PSNR outside the mask minus inside, mean over the tampered test images of the run's own training set."""
    own = rows.predicted[rows.predicted["dataset"] == rows.predicted["train_set"]]
    each = own.pivot_table(index=["run", "image"], columns="method", values="psnr", observed=True)
    difference = each.reindex(columns=[OUTSIDE, INSIDE]) @ [1.0, -1.0]
    return difference.groupby("run").mean().rename("psnr_gap").reset_index()


def decibels(rows: Rows) -> HTML | None:
    """PSNR on authentic test images, and the gap between the parts of tampered ones, its mean and its ends over seeds."""
    if rows.plain_nrr.empty:
        return None
    found = rows.plain_nrr.drop(columns="psnr_gap", errors="ignore").merge(gaps(rows), on="run", how="left")
    means = {name: (name, "mean") for name in OF_A_RUN}
    ends = dict(gap_lowest=("psnr_gap", "min"), gap_highest=("psnr_gap", "max"))
    shown = found.groupby("train_set").agg(seeds=("seed", "nunique"), **means, **ends)
    return tables.show(shown.reset_index(), digits=2)


def table_decibels(rows: Rows) -> HTML | None:
    """PSNR of tampered test images of every set, inside and outside their masks, with intervals."""
    if rows.decibels.empty:
        return None
    kind = pd.Categorical(rows.decibels["method"], [INSIDE, OUTSIDE])
    found = tables.rows(rows.decibels.assign(method=kind, train_set="none"), names={"psnr": "PSNR, dB"})
    caption = "PSNR of tampered images as the NRR redraws them, inside and outside their masks"
    return tables.save(found, rows.folder, "table_decibels", caption, **BY_METRIC)


def figure_convergence(rows: Rows) -> Figure | None:
    """Loss, PSNR on authentic images and PSNR gap of the NRRs that detectors use, against the epoch."""
    if rows.plain_nrr.empty:
        return None
    named = rows.plain_nrr.assign(method="NRR, " + rows.plain_nrr["train_set"])
    history = rows.history.merge(named[["run", "method"]], on="run").dropna(axis=1, how="all")
    figure, what = plots.learning_curves(history, LEARNED), "Training of the NRRs that detectors use"
    return plots.save(figure, history, rows.folder, "figure_convergence", what=what)


@cache
def premise(rows: Rows) -> pd.DataFrame:
    """Tidy rows of error maps, fixed filters and trivial maps; the maps in all of their forms."""
    return tables.rows(pd.concat([rows.trivial, rows.error]).assign(train_set="none"), names=RANKED)


def table_premise(rows: Rows) -> HTML | None:
    """The error map alone as a detector, beside fixed filters in the same forms."""
    if rows.error.empty:
        return None
    caption = "The error map alone, beside fixed filters and predictors that look at no image"
    return tables.save(premise(rows), rows.folder, "table_premise", caption, **BY_METRIC)


def figure_premise(rows: Rows) -> Figure | None:
    """The same on the test images of the training set."""
    if rows.error.empty:
        return None
    found = premise(rows)
    left_out = found["method"].isin(["random map", "average training mask"])
    drawn = found[(found["test_set"] == rows.target) & ~left_out]
    return plots.save(
        plots.interval_panels(drawn, trivial=blind(rows), untrained=untrained(rows), floor=False),
        drawn,
        rows.folder,
        "figure_premise",
        what="The error map alone as a detector, beside fixed filters, own test images",
    )


@cache
def sweep(rows: Rows) -> pd.DataFrame:
    """Tidy rows of the smoothed error map, one of SWEPT turned at a time, `method` reads 'width = 8'; none without such runs."""
    found = rows.errors[rows.errors[["train_set", "dataset"]].eq(rows.target).all(axis=1)]
    found = found[(found["method"] == "NRR error, smoothed") & found["image"].isin(rows.error["image"])]
    plain = rows.plain_nrr[rows.plain_nrr["train_set"] == rows.target]
    found = found[found["seed"].isin(plain["seed"])]  # those of the search have a seed of their own
    turned = {name: usual(found, SWEPT, name, among=plain) for name in SWEPT} if len(plain) else {}
    turned = {name: part.sort_values(name, kind="stable") for name, part in turned.items() if part[name].nunique() > 1}
    named = [
        part.assign(method=f"{name} = " + part[name].astype(int).astype(str)) for name, part in sorted(turned.items())
    ]
    if not named:
        return pd.DataFrame(columns=tables.COLUMNS)
    of_runs = rows.nrr[["run", "psnr_authentic"]].merge(gaps(rows), on="run", how="left")
    swept = tables.rows(pd.concat(named).merge(of_runs, on="run"), names=PIXELS | OF_A_RUN)
    swept.loc[swept["metric"].isin(OF_A_RUN.values()), ["low", "high"]] = float("nan")
    return swept


def table_sweep(rows: Rows) -> HTML | None:
    """The smoothed error map against the sizes of the NRR's encoder."""
    if sweep(rows).empty:
        return None
    caption = "The smoothed error map against L (frequencies), width and stride of the NRR's encoder"
    return tables.save(sweep(rows), rows.folder, "table_sweep", caption, index=("method",))


def figure_sweep(rows: Rows) -> Figure | None:
    """Shuffled AUC of the same, one panel per parameter."""
    if sweep(rows).empty:
        return None
    drawn = sweep(rows)[sweep(rows)["metric"] == "shuffled AUC"]
    drawn = drawn.assign(parameter=drawn["method"].str.split(" = ").str[0], at=drawn["method"].str.split(" = ").str[1])
    return plots.save(
        plots.response(drawn, x="at", panel="parameter", hue="metric"),
        drawn,
        rows.folder,
        "figure_sweep",
        what="The smoothed error map against the sizes of the NRR's encoder",
    )


@cache
def redrawn(rows: Rows) -> pd.DataFrame:
    """Tidy rows of the baseline and of supervised networks on test images, as the NRR redraws these, and blurred as much, and of
    predictors that look at no image.
    """
    scores = rows.redrawn.assign(method=rows.redrawn["method"] + rows.redrawn["attack"].map(ATTACKED))
    blind, always = (within(part, scores) for part in (rows.trivial, rows.always))
    maps = pd.concat([blind, rows.tampered(scores)]).assign(train_set="none")
    maps = tables.rows(maps, names={name: PIXELS[name] for name in ("f1", "auc_shuffled")})
    always = always.assign(correct=(always["label"] == 1).astype(float))
    labels = pd.concat([always, scores]).query("label == 0").assign(train_set="none")
    return pd.concat([maps, tables.rows(labels, names={"correct": "accuracy on authentic images"})])


def table_redrawn(rows: Rows) -> HTML | None:
    """What redrawing takes from the maps, and whether authentic images keep their label."""
    if rows.redrawn.empty:
        return None
    caption = "The baseline and supervised networks on their own test images, as the NRR redraws them, and under a blur of equal PSNR"
    return tables.save(redrawn(rows), rows.folder, "table_redrawn", caption)


def figure1(rows: Rows) -> Figure | None:
    """INR Figure 1 of our own baseline and of supervised networks: the same as panels."""
    if rows.redrawn.empty:
        return None
    return plots.save(
        plots.interval_panels(redrawn(rows), trivial=[*blind(rows), ALWAYS], floor=False),
        redrawn(rows),
        rows.folder,
        "figure1",
        what="INR Figure 1: detectors on test images, on the same as the NRR redraws them, and blurred as much",
    )
