"""Bridging's own numbers, transcribed with notes in `table<N>.csv`, under the names of our methods and data sets."""

from importlib.resources import files

import pandas as pd

from imdlib.pages.published import read

FOLDER = files(__name__)


def sizes() -> pd.DataFrame:
    """Bridging Table 1: images per data set, metric 'real', 'partly fake' or 'fully fake'; local fakes of both origins are added up."""
    classes = {"authentic": "real", "tampered": "partly fake", "full fake (DMs)": "fully fake"}
    classes |= dict.fromkeys(["local fake (DMs)", "local fake (others)"], "partly fake")
    rows = read(FOLDER, 1)
    rows = rows.assign(metric=rows["metric"].str.removeprefix("image count: ").map(classes)).dropna(subset="metric")
    return rows.groupby(["test_set", "metric"], sort=False)["value"].sum().reset_index()


def detection() -> pd.DataFrame:
    """Bridging Table 2, trained on Dolos-repaint-P2, by what its columns stand for: images of the trained generator and, as a
    mean, of LaMa, LDM and Pluralistic, which were not trained on. P2 made whole images by the model that repaint-P2 is.
    """
    columns = {
        "Dolos-repaint-P2": ("partly fake: trained generator", "paper: Dolos-repaint-P2"),
        "Dolos-P2": ("fully fake: trained generator", "paper: Dolos-P2"),
    }
    unseen = ("partly fake: mean of unseen generators", "paper: mean of Dolos-LaMa, -LDM and -Pluralistic")
    rows = read(FOLDER, 2)
    known = pd.DataFrame([columns.get(name, unseen) for name in rows["test_set"]], columns=["test_set", "note"])
    rows = rows[["method", "train_set", "metric", "value"]].join(known)
    found = (
        rows.groupby(["method", "train_set", "test_set", "metric", "note"], sort=False)["value"].mean().reset_index()
    )
    return found.assign(data="dolos-repaint-p2")


def drops() -> pd.DataFrame:
    """What Bridging Table 2 loses from the trained generator to the mean of the unseen ones, partly fake images, F1."""
    value = detection().pivot(index="method", columns="test_set", values="value")
    lost = value["partly fake: trained generator"] - value["partly fake: mean of unseen generators"]
    named = dict(
        test_set="partly fake",
        metric="F1",
        data="dolos-repaint-p2",
        note="paper: Dolos-repaint-P2 minus the mean of three generators",
    )
    return lost.rename("value").reset_index().assign(**named)
