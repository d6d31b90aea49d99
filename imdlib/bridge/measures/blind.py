"""Predictors that look at no image: what a detector has to beat before it has learned anything."""

import numpy as np
import pandas as pd

from imdlib.bridge.labels import CLASSES
from imdlib.bridge.measures.detection import balanced
from imdlib.scoring.rows import judged

FAKE, REAL, RANDOM = "always fake", "always real", "random class"


def blind(rows: pd.DataFrame, seed: int = 0) -> pd.DataFrame:
    """Rows of FAKE, REAL and RANDOM for every image of rows, in the columns that tables need.

    FAKE has no third class: what it predicts is blank and p_partly NaN. RANDOM draws one of three classes alike; its score
    falls on the side that it says.
    """
    known = ["dataset", "image", "kind", "label", "class", "seen"]
    images = rows.drop_duplicates(["dataset", "image"])[known].assign(train_set="none", seed=0)
    rng = np.random.default_rng(seed)
    drawn, place = rng.integers(3, size=len(images)), rng.random(len(images)) / 2
    any_class = dict(score=place + np.where(drawn > 0, 0.5, 0.0), predicted=np.array(CLASSES)[drawn])
    parts = [
        images.assign(method=FAKE, score=1.0, predicted="", p_partly=np.nan),
        images.assign(method=REAL, score=0.0, predicted=CLASSES[0], p_partly=0.0),
        images.assign(method=RANDOM, p_partly=(drawn == 1).astype(float), **any_class),
    ]
    found = pd.concat(parts, ignore_index=True)
    return balanced(judged(found.assign(run=found["method"])))
