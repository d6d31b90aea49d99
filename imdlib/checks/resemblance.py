"""Images that resemble each other: leaks between splits, and masks that do not lie where an image was changed.

Two images resemble each other by the rule of `imdlib.data.groups`: half of their 16x16 cells agree.
"""

from collections.abc import Collection

import cv2
import numpy as np
import pandas as pd

from imdlib.data.groups import SHARE, SIDE, TOLERANCE
from imdlib.data.splits import place

CHANGED = 12  # of 255: a cell of the small copies whose mean differs by more was changed, not just compressed anew
INSIDE = 0.7  # share of the change that a mask must hold; on CASIA v1 the 480 right ones hold 0.96 and more
UNCHANGED = 4  # the median cell of an original differs by no more from its forgery's; another shot of the scene does
PAIRS = ["image", "other", "split", "other_split", "label", "other_label", "dataset", "other_dataset", "agreement"]
MASKS = ["image", "background", "inside", "contrast", "reading", "fits"]


def neighbours(facts: pd.DataFrame, most: int = 10_000) -> pd.DataFrame:
    """All pairs of images that resemble each other: DataFrame `first, second, agreement` of positions in facts.

    facts: of `facts.measure`. Every pair is compared, so of a larger set only `most` images, chosen by hash of their
    numbers, are. Grey comes first: where every channel differs by less than TOLERANCE, so does their mean.
    """
    kept = np.flatnonzero([picture is not None for picture in facts["picture"]])
    if len(kept) > most:
        kept = np.sort(sorted(kept, key=lambda i: place(str(i), "neighbours"))[:most])
    cells = thumbnails(facts["picture"].iloc[kept])
    grey = np.round(cells.mean(2)).astype(np.uint8)
    found = []
    for i in range(len(kept)):
        rest = grey[i + 1 :]
        close = (np.maximum(rest, grey[i]) - np.minimum(rest, grey[i]) <= TOLERANCE).mean(1) >= SHARE
        others = np.flatnonzero(close) + i + 1
        agree = (np.abs(cells[others] - cells[i]).max(2) < TOLERANCE).mean(1)
        found += [(kept[i], kept[j], share) for j, share in zip(others, agree) if share >= SHARE]
    return pd.DataFrame(found, columns=["first", "second", "agreement"])


def thumbnails(pictures: Collection[np.ndarray]) -> np.ndarray:
    """Mean colours of SIDE x SIDE cells, float32 (n, SIDE*SIDE, 3), from the small copies."""
    if not len(pictures):
        return np.zeros((0, SIDE * SIDE, 3), np.float32)
    stack = np.stack(list(pictures))  # (n, GRID, GRID, 3)
    count, step = len(stack), stack.shape[1] // SIDE
    return stack.reshape(count, SIDE, step, SIDE, step, 3).mean((2, 4), dtype=np.float32).reshape(count, -1, 3)


def leaks(manifest: pd.DataFrame, pairs: pd.DataFrame) -> pd.DataFrame:
    """Pairs that lie in different splits, or in different data sets: DataFrame with the columns PAIRS, most alike first.

    A tampered image beside its own original on the same side is as it should be and is not listed.
    """
    ends = [manifest.iloc[pairs[end].to_numpy(int)].reset_index(drop=True) for end in ("first", "second")]
    table = pd.DataFrame(
        {
            "image": ends[0]["image"],
            "other": ends[1]["image"],
            "split": ends[0]["split"],
            "other_split": ends[1]["split"],
            "label": ends[0]["label"],
            "other_label": ends[1]["label"],
            "dataset": ends[0]["dataset"],
            "other_dataset": ends[1]["dataset"],
            "agreement": pairs["agreement"].to_numpy(),
        },
        columns=PAIRS,
    )
    apart = table[(table["split"] != table["other_split"]) | (table["dataset"] != table["other_dataset"])]
    return apart.sort_values("agreement", ascending=False, kind="stable").reset_index(drop=True)


def leaked(found: pd.DataFrame) -> int:
    """Number of test images that resemble an image of training or validation."""
    found = found[found["split"] != found["other_split"]]
    ends = [found.loc[found["split"] == "test", "image"], found.loc[found["other_split"] == "test", "other"]]
    return pd.concat(ends).nunique()


def changed_masks(manifest: pd.DataFrame, facts: pd.DataFrame, pairs: pd.DataFrame) -> pd.DataFrame:
    """Does each mask lie where its image differs from its original? DataFrame with the columns MASKS.

    One row per image with a mask whose original is in the set: the authentic image of the same size that resembles it
    most, if most of it is unchanged.
    inside: share of the change that lies inside the mask (grown by a cell); contrast: mean change inside the mask
    over mean change outside it, above 1 where the mask fits.
    reading: "fits", "inverted", "belongs elsewhere", or "no change found" where no cell changed.
    fits: of a mask that belongs elsewhere, the image among the suspicious ones whose mask lies on this change.
    """
    rows, changes, regions = [], [], []
    for i, j in originals(manifest, facts, pairs).items():
        one, other = (facts["picture"].iloc[k].astype(np.int16) for k in (i, j))
        change = np.abs(one - other).max(2)
        if np.median(change) > UNCHANGED:
            continue
        change = np.where(change > CHANGED, change, 0)
        region = facts["region"].iloc[i]
        inside, contrast = share_inside(change, region), density(change, region)
        fits = inside >= INSIDE and contrast > 1
        upside_down = overlap(change, 255 - region) > max(0.2, overlap(change, region))
        reading = "fits" if fits else "inverted" if upside_down else "belongs elsewhere"
        reading = reading if change.any() else "no change found"
        rows.append((manifest["image"].iloc[i], manifest["image"].iloc[j], inside, contrast, reading, ""))
        changes.append(change)
        regions.append(region)
    table = pd.DataFrame(rows, columns=MASKS)
    suspicious = table.index[table["reading"].isin(["inverted", "belongs elsewhere"])]
    for k in suspicious:
        scores = {j: overlap(changes[k], regions[j]) for j in suspicious if j != k}
        best = max(scores, key=scores.get, default=None)
        if best is not None and scores[best] > max(0.4, overlap(changes[k], 255 - regions[k])):
            table.loc[k, ["reading", "fits"]] = "belongs elsewhere", table.loc[best, "image"]
    return table


def originals(manifest: pd.DataFrame, facts: pd.DataFrame, pairs: pd.DataFrame) -> dict[int, int]:
    """{position of an image with a mask: position of its original}, where the set has one of the same size."""
    label, size = manifest["label"].to_numpy(), facts[["height", "width"]].to_numpy()
    masked = np.array([region is not None for region in facts["region"]], bool)
    best = {}
    for i, j, share in pairs.itertuples(index=False):
        for one, other in ((i, j), (j, i)):
            if masked[one] and not label[other] and (size[one] == size[other]).all():
                best[one] = max(best.get(one, (0, 0)), (share, other))
    return {one: other for one, (_, other) in sorted(best.items())}


def share_inside(change: np.ndarray, region: np.ndarray) -> float:
    """Share of the change, (GRID, GRID), that lies in the region grown by one cell; NaN where nothing changed."""
    grown = cv2.dilate((region > 0).astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    return change[grown].sum() / change.sum() if change.any() else np.nan


def density(change: np.ndarray, region: np.ndarray) -> float:
    """Mean change inside the region over that outside it, cells weighted by their share; inf where none is outside."""
    inside, outside = (
        float((change * share).sum()) / max(share.sum(), 1) for share in (region / 255, 1 - region / 255)
    )
    return inside / outside if outside else np.inf


def overlap(change: np.ndarray, region: np.ndarray) -> float:
    """IoU of the changed cells with those that are mostly in the region."""
    one, other = change > 0, region > 127
    return (one & other).sum() / max((one | other).sum(), 1)
