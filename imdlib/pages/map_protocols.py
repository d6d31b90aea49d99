"""The table of all protocols side by side, and the paragraph that says why the same maps score so differently in it."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from imdlib.pages import plots, tables
from imdlib.scoring import intervals
from imdlib.scoring.protocols import PROTOCOLS, iou

UNDEFINED = (
    "**No image here is tampered and has a mask, so there is nothing to localize: F1, IoU and AUC of pixels are undefined, under every "
    "protocol.** What authentic images alone can say is how often they are called tampered: see *Image labels* below."
)


def table(rows: pd.DataFrame) -> pd.DataFrame:
    """Tidy rows, every metric under every protocol: the columns of `tables.COLUMNS` and `protocol`, in the order of PROTOCOLS.

    Tampered images alone, except in the warning row, which counts all. AUC has no threshold, so it stands once, per image. Without a
    tampered image that has a mask there is no row.
    """
    tampered = rows[rows["label"] == 1].copy()
    if not tampered["f1"].notna().any():
        return pd.DataFrame(columns=[*tables.COLUMNS, "protocol", "short"])
    plain = [name for name in PROTOCOLS if name.startswith("f1") and name not in ("f1_macro", "f1_zero")]
    for name in plain:
        tampered[name.replace("f1", "iou", 1)] = iou(tampered[name])
    columns = [*plain, *(name.replace("f1", "iou", 1) for name in plain), "f1_macro", "iou_macro"]
    columns += ["pooled_f1", "pooled_iou", "auc", *(["auc_shuffled"] if "auc_shuffled" in rows else [])]
    everything = rows.assign(iou_zero=iou(rows["f1_zero"]))
    found = pd.concat(
        [
            intervals.summarise(tampered, columns, by=["method", "dataset"]),
            intervals.summarise(everything, ["f1_zero", "iou_zero"], by=["method", "dataset"]),
        ]
    )
    names = {}
    for column, (protocol, who) in PROTOCOLS.items():
        for short, metric in (("f1", "F1"), ("iou", "IoU")):
            name = f"pooled_{short}" if column == "pooled" else column.replace("f1", short, 1)
            names[name] = (metric, protocol, who)
    names |= {
        "auc": ("AUC", "AUC of each image", ""),
        "auc_shuffled": ("shuffled AUC", "shuffled AUC of each image", ""),
    }
    found["protocol"] = found["metric"].map(lambda name: names[name][1])
    undefined = found["n_undefined"].map(lambda k: f"{k} images without a defined value left out" if k else "")
    found["note"] = [
        "; ".join(filter(None, [f"as in {names[m][2]}" if names[m][2] else "", u]))
        for m, u in zip(found["metric"], undefined)
    ]
    order = {name: i for i, name in enumerate(names)}
    methods = {name: i for i, name in enumerate(rows["method"].unique())}
    found["place"] = [(order[m], methods[n]) for m, n in zip(found["metric"], found["method"])]
    found = found.sort_values("place", ignore_index=True)
    found["short"] = found["metric"].map(lambda name: names[name][0])
    found["metric"] = [s if s.endswith("AUC") else f"{s}, {p}" for s, p in zip(found["short"], found["protocol"])]
    found = found.rename(columns={"dataset": "test_set"})
    return found.reindex(columns=[*tables.COLUMNS, "protocol", "short"])


def plot(rows: pd.DataFrame, method: str) -> Figure:
    """F1 of every method under each protocol, one line per protocol, the interval of `method` alone; rows: of one metric."""
    names = list(dict.fromkeys(rows["protocol"]))
    figure, axis = plots.plt.subplots(figsize=(plots.PAGE, 0.7 + 0.23 * len(names)))
    for marker, (name, part) in zip("oxv^sd*", rows.groupby("method", sort=False)):
        y = [names.index(protocol) for protocol in part["protocol"]]
        own = name == method
        axis.plot(part["value"], y, marker, ms=5 if own else 4, label=name, zorder=3 if own else 2)
        if own:
            axis.hlines(y, part["low"], part["high"], lw=1.5)
    axis.set(yticks=range(len(names)), yticklabels=names, xlabel="F1", xlim=(-0.02, 1), ylim=(len(names) - 0.4, -0.6))
    axis.grid(axis="y", lw=0.3)
    axis.legend(fontsize=7, loc="upper left", bbox_to_anchor=(1, 1))
    return figure


def why(table: pd.DataFrame, method: str, authentic: int) -> str:
    """The paragraph that says why the same maps score low here and high there, with the numbers of `table` in it (Markdown).

    authentic: how many authentic images were scored. UNDEFINED where the table has no row.
    """
    if not len(table):
        return UNDEFINED
    value = table[table["short"] == "F1"].set_index(["method", "protocol"])["value"]
    of = {column: value.get((method, name), np.nan) for column, (name, _) in PROTOCOLS.items()}
    floor = {column: value.get(("all-ones map", name), np.nan) for column, (name, _) in PROTOCOLS.items()}
    zeros = value.get(("all-zeros map", PROTOCOLS["f1_macro"][0]), np.nan)
    listed = {column: v for column, v in of.items() if column != "f1_zero" and not np.isnan(v)}
    low, high = min(listed, key=listed.get), max(listed, key=listed.get)
    excused = (
        f"Counting {authentic} authentic images as F1 = 0, although no map could do better on them, gives **{of['f1_zero']:.3f}**."
        if authentic
        else "No authentic image was scored, so the warning row changes nothing here."
    )
    return (
        f"**Why the same maps score {of[low]:.2f} here and {of[high]:.2f} there.** Not a pixel of the maps differs between the rows above. "
        f"At the threshold 0.5 and as a mean of images, *{method}* scores **{of['f1']:.3f}** (the all-ones map {floor['f1']:.3f}). "
        f"One threshold tuned on the answers gives {of['f1_set']:.3f}, a threshold tuned on each image {of['f1_best']:.3f}, and there the "
        f"all-ones map, or any constant map, already has {floor['f1_best']:.3f}. Taking the inverted map where it fits better gives "
        f"{of['f1_inverted']:.3f}; leaving the border of the region out as well, {of['f1_trufor']:.3f} at 0.5 and "
        f"{of['f1_trufor_best']:.3f} at the best threshold. The mean over both classes gives {of['f1_macro']:.3f}: half of "
        f"it is credit for authentic pixels, the easy majority, and a map of zeros gets {zeros:.3f}. Pooling all pixels gives "
        f"{of['pooled']:.3f}, where large regions and large images weigh more. {excused} "
        "Two numbers may be compared only when they stand in the same row."
    )
