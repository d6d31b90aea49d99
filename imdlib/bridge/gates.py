"""Gates: rows that tell whether the two sides of a statement have learned anything, beside rows that look at no image.

`docs/protocol.md` says what a gate is. Rows are of the test images of the training set; `blind` marks those that look at no image.
"""

from collections.abc import Callable

import pandas as pd

from imdlib.bridge import cuts
from imdlib.bridge.labels import CLASSES
from imdlib.bridge.measures import blind
from imdlib.bridge.rows import Rows
from imdlib.scoring.rows import judged

ALWAYS = (blind.FAKE, blind.REAL)  # a random class may be lucky: it is no best that one has to beat


def images_learned(rows: Rows) -> pd.DataFrame:
    """Every method, whatever was turned, beside one label for all."""
    found = pd.concat([rows.main, *rows.turned.values()])
    return marked(found[found["seen"]], rows)


def both_learned(rows: Rows, *, rival: str) -> pd.DataFrame:
    """Of the whole method and a rival, named as in tables, the one that tells fakes worse, beside one label for all."""
    found = images_learned(rows)
    two = found[found["method"].isin([cuts.OURS, rival])]
    means = two.groupby("method")["image_auc"].mean()
    return pd.concat([found[found["blind"]], two[two["method"] == means.idxmin()] if len(means) == 2 else two.head(0)])


def rival_learned(rows: Rows) -> pd.DataFrame:
    """Detectors that were trained without fully fake images, on what they were trained for: real and partly fake images.

    Where a rival has learned nothing, beating it says nothing about the winner.
    """
    found = rows.turned["with_fully"]
    found = found[found["seen"] & found["variant"].isin(["wang", "tar"]) & (found["class"] != CLASSES[2])]
    own = marked(found, rows)
    return judged(own[own["class"] != CLASSES[2]])


def marked(found: pd.DataFrame, rows: Rows) -> pd.DataFrame:
    """Rows, and those of ALWAYS on the same images, with `blind`."""
    always = rows.blind[rows.blind["method"].isin(ALWAYS) & rows.blind["seen"]]
    return pd.concat([always.assign(blind=True), found.assign(blind=False)], ignore_index=True)


def maps_learned(rows: Rows) -> pd.DataFrame:
    """Every map beside those that look at no image."""
    found = cuts.own_maps(rows)
    return found.assign(blind=found["method"].isin(rows.trivial["method"].unique()))


def spaces_learned(rows: Rows, *, cut: Callable[[Rows], pd.DataFrame] = cuts.spaces) -> pd.DataFrame:
    """Every space of features beside the largest class, of the images that the cut looks at."""
    found = cut(rows)
    always = found.drop_duplicates("image").assign(method="the largest class", seed=0, blind=True)
    classes = always["image"].map(rows.main.drop_duplicates("image").set_index("image")["class"])
    always["knn"] = classes.isin(classes.mode()[:1]).astype(float)
    return pd.concat([always, found.assign(blind=False)], ignore_index=True)
