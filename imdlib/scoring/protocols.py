"""The field's scoring protocols: one prediction map and its mask, scored in every way that papers score it.

What papers do is taken from their evaluation code and their authors' answers: TruFor (`metrics.py`, issue 3), FOCAL (`main.py`, issue
13), IMDLBenCo (`evaluation/F1.py`, issue 46), MVSS-Net (`evaluate.py`, issues 7 and 17), WSCL (`engine.py`), photoholmes (`metrics/`).

Every protocol gives each image a value, so that means and their intervals come from rows like everything else. Shared letters:
prob (H,W) in [0,1], a pixel is called tampered where prob > threshold; tampered (H,W) bool. IoU needs no protocol of its own: of one
image it is F1 / (2 - F1). Undefined is NaN: every F1 of an image in which nothing is tampered.
"""

from collections.abc import Callable, Iterable

import cv2
import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from imdlib.scoring import metrics, trivial

STEPS = 1000  # thresholds of a whole set are searched at 0, 1/1000 ... 1: finer than 8-bit maps, ten times finer than papers do
GRID = np.arange(STEPS + 1) / STEPS

# column of the rows -> name in tables, who uses it
PROTOCOLS = {
    "f1": ("threshold 0.5", "MVSS-Net, WSCL, INR, IMDLBenCo on tampered images"),
    "f1_set": ("best threshold of the set", "papers that tune one threshold on the test set"),
    "f1_best": ("best threshold of each image", "MFCN, EXIF-SC, CR-CNN"),
    "f1_inverted": ("0.5, either polarity", "IMDLBenCo mode 'double', Mesorch"),
    "f1_border": ("0.5, border ignored", "part of TruFor's, shown alone"),
    "f1_trufor": ("0.5, either polarity, border ignored", "TruFor 'fixed'"),
    "f1_trufor_best": ("best of each image, either polarity, border ignored", "TruFor 'best'"),
    "f1_macro": ("0.5, mean of both classes", "FOCAL (sklearn average='macro')"),
    "f1_weighted": ("no threshold, soft counts", "photoholmes weighted v1"),
    "pooled": ("0.5, pixels of all images pooled", "torchmetrics and sklearn on all pixels at once"),
    "f1_zero": ("WARNING 0.5, authentic images count as 0", "IMDLBenCo on sets with authentic images"),
}


def f1(tp: ArrayLike, fp: ArrayLike, fn: ArrayLike) -> np.ndarray:
    """2tp / (2tp + fp + fn), elementwise on counts; NaN where all three are 0."""
    whole = 2 * np.asarray(tp) + fp + fn
    return np.divide(2.0 * np.asarray(tp), whole, out=np.full(np.shape(whole), np.nan), where=whole > 0)


def iou(value: np.ndarray | pd.Series | float) -> np.ndarray | pd.Series | float:
    """IoU of an image from its F1."""
    return value / (2 - value)


def either_polarity(tp: ArrayLike, fp: ArrayLike, fn: ArrayLike, tn: ArrayLike) -> np.ndarray | float:
    """The larger of the F1 of the map and of the inverted map at one threshold: TruFor (issue 3), IMDLBenCo `mode="double"`, Mesorch.

    Where most of an image is authentic, an empty map thereby scores as the all-ones map does.
    """
    return np.fmax(f1(tp, fp, fn), f1(fn, tn, tp))


def macro(tp: ArrayLike, fp: ArrayLike, fn: ArrayLike, tn: ArrayLike) -> tuple[np.ndarray | float, np.ndarray | float]:
    """(F1, IoU), each the mean of the tampered and the authentic class: FOCAL, by sklearn's `f1_score(average="macro")`.

    A map of zeros scores nearly 0.5, because it is right about the larger class. As in sklearn, a class that is neither in the mask
    nor in the map does not count.
    """
    classes = np.stack([f1(tp, fp, fn), f1(tn, fn, fp)])
    return np.nanmean(classes, axis=0), np.nanmean(iou(classes), axis=0)


def weighted(prob: np.ndarray, tampered: np.ndarray) -> float:
    """F1 of soft counts, tp = sum of prob over tampered pixels and so on, without a threshold: photoholmes, weighted v1."""
    inside = float(prob[tampered].sum(dtype=np.float64))
    whole = float(prob.sum(dtype=np.float64)) + np.count_nonzero(tampered)
    return 2 * inside / whole


def border(tampered: np.ndarray, erode: int = 15, dilate: int = 11) -> np.ndarray:
    """Pixels that TruFor leaves out, (H,W) bool: tampered ones less than `erode`//2 from the border of the mask, authentic ones less
    than `dilate`//2 (square windows, cut at the edge of the image)."""
    mask = tampered.astype(np.uint8)
    inner = cv2.erode(mask, np.ones((erode, erode), np.uint8))
    outer = cv2.dilate(mask, np.ones((dilate, dilate), np.uint8))
    return inner != outer


def best_threshold(prob: np.ndarray, tampered: np.ndarray, polarity: str = "as_is") -> float:
    """The largest F1 over all thresholds: MFCN, EXIF-SC, CR-CNN; with polarity="best" also over the inverted map: TruFor.

    prob, tampered: any shape. The answer chooses the threshold, so this is a bound and no result: even a constant map gets the F1 of
    the all-ones map. NaN where nothing is tampered.
    """
    prob, tampered = prob.ravel(), tampered.ravel()
    if not tampered.any():
        return np.nan
    order = np.argsort(prob)[::-1]
    last = np.append(prob[order[1:]] != prob[order[:-1]], True)  # ties are called together
    tp = np.append(0, np.cumsum(tampered[order])[last])
    fp = np.append(0, np.flatnonzero(last) + 1) - tp
    positives, negatives = tp[-1], fp[-1]
    found = f1(tp, fp, positives - tp).max()
    if polarity == "best":
        found = max(found, f1(positives - tp, negatives - fp, tp).max())
    return float(found)


def levels(prob: np.ndarray, tampered: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Called pixels at every threshold of GRID: tp, fp, each (STEPS+1,); what the best threshold of a set is found from."""
    level = np.ceil(prob.ravel().astype(np.float64) * STEPS).astype(np.int64)  # thresholds below this pixel's value
    counts = np.bincount(level + (STEPS + 1) * tampered.ravel(), minlength=2 * (STEPS + 1)).reshape(2, -1)
    fp, tp = counts.sum(1, keepdims=True) - np.cumsum(counts, axis=1)
    return tp, fp


def image(prob: np.ndarray, tampered: np.ndarray) -> dict[str, float]:
    """Values of one tampered image under the protocols that need its pixels, as a dict of columns; NaN for an authentic one."""
    if not tampered.any():
        return dict.fromkeys(["f1_border", "f1_trufor", "f1_trufor_best", "f1_weighted"], np.nan)
    counted = ~border(tampered)
    called, inner = (prob > 0.5)[counted], tampered[counted]
    tp, fp = np.count_nonzero(called & inner), np.count_nonzero(called & ~inner)
    fn, tn = np.count_nonzero(inner) - tp, np.count_nonzero(~inner) - fp
    whole = inner.any()  # a region thinner than the window has no pixel left
    return {
        "f1_border": float(f1(tp, fp, fn)) if whole else np.nan,
        "f1_trufor": float(either_polarity(tp, fp, fn, tn)) if whole else np.nan,
        "f1_trufor_best": best_threshold(prob[counted], inner, "best"),
        "f1_weighted": weighted(prob, tampered),
    }


def score(
    masks: Iterable[np.ndarray],
    predictors: dict[str, Callable[[int, np.ndarray], np.ndarray]],
    about: pd.DataFrame,
    locations: np.ndarray | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Score rows under every protocol, and the mean F1 at every threshold of a set.

    masks: iterable of N masks (H,W) in {0,1}, read once; predictors: {method: f(index, mask) -> prob (H,W) in [0,1]}; about:
    DataFrame of N rows with `image`, `label` and what else is known; locations: `metrics.mask_locations` over these masks.
    Returns rows, one method after the other (`method`, the columns of about, `seed`, `label`, `score` = the map's maximum, those
    of `metrics.per_image`, then one column per protocol) and curves (`method, threshold, f1`). An image of label 1 in whose mask nothing
    is tampered (a wholly generated one) has no value of its pixels at all.
    """
    about = about.reset_index(drop=True)
    head = about.drop(columns=["label", "seed", "score"], errors="ignore").to_dict("records")
    kept, curve = [], {method: [] for method in predictors}
    for index, mask in enumerate(masks):
        tampered = np.asarray(mask) > 0
        for method, predict in predictors.items():
            prob = predict(index, mask)
            row = metrics.per_image(prob, tampered, locations=locations).iloc[0].to_dict()
            known = {"method": method, **head[index], "seed": 0, "label": int(about["label"][index])}
            kept.append(known | {"score": float(prob.max())} | row | image(prob, tampered))
            if tampered.any():
                tp, fp = levels(prob, tampered)
                curve[method].append(f1(tp, fp, np.count_nonzero(tampered) - tp).astype(np.float32))
    rows, curves = pd.DataFrame(kept), []
    rows = pd.concat([rows[rows["method"] == method] for method in predictors], ignore_index=True)
    counts = [rows[name].to_numpy(float) for name in metrics.COUNTS]
    tampered = rows["tp"] + rows["fn"] > 0
    rows["f1_inverted"] = either_polarity(*counts)
    rows["f1_macro"], rows["iou_macro"] = macro(*counts)
    rows.loc[~tampered, ["f1_inverted", "f1_macro", "iou_macro"]] = np.nan
    rows["f1_zero"] = rows["f1"].fillna(0).where(tampered | (rows["label"] == 0))
    rows[metrics.COUNTS] = rows[metrics.COUNTS].where(tampered | (rows["label"] == 0))
    rows["f1_set"], rows["threshold_set"] = np.nan, np.nan  # where nothing is tampered
    for method, values in curve.items():
        if values:
            mean = np.mean(values, axis=0)
            chosen = int(mean.argmax())
            of_method = tampered & (rows["method"] == method)
            rows.loc[of_method, "f1_set"] = np.stack(values)[:, chosen].astype(float)
            rows.loc[of_method, "threshold_set"] = GRID[chosen]
            curves.append(pd.DataFrame({"method": method, "threshold": GRID, "f1": mean}))
    return rows, pd.concat(curves, ignore_index=True) if curves else pd.DataFrame(columns=["method", "threshold", "f1"])


def without_looking(
    count: int, locations: np.ndarray, seed: int = 0
) -> dict[str, Callable[[int, np.ndarray], np.ndarray]]:
    """The predictors of `score` that look at no image: {name: f(index, mask) -> prob (H,W)}.

    count, locations: of the images in which something is tampered, and their pooled masks. The average mask of one of them is that of the
    others: its own share is taken out; of an authentic image it is that of all.
    """
    return {
        "all-ones map": lambda i, m: trivial.all_ones(*m.shape),
        "all-zeros map": lambda i, m: np.zeros(m.shape, np.float32),
        "random map": lambda i, m: trivial.random_map(*m.shape, [seed, i]),
        "centre blob": lambda i, m: trivial.centre_blob(*m.shape),
        "average of the other masks": lambda i, m: trivial.render(
            ((locations - metrics.mask_locations([m], len(locations))) / max(count - bool(np.any(m)), 1)).clip(0, 1),
            *m.shape,
        ),
    }
