"""Rows of maps: a localizing run's columns of pixel scores, once for each way in which its map is drawn.

Bridging section 3.6. The paper prints maps and no number; the map is judged as inference gives it (nothing for an image called
real, everything for one called fully fake) and as it is drawn whatever the class is, with and without attention.
"""

from collections.abc import Iterable

import numpy as np
import pandas as pd

DRAWN, PLAIN = ", whatever the class", ", without attention"
MAPS = {"": "", "drawn_": DRAWN, "plain_": PLAIN}  # prefix of columns -> what is added to a method's name
PIXELS = ("f1", "iou", "auc", "auc_shuffled", "f1_best")


def maps(rows: pd.DataFrame, prefixes: Iterable[str] = tuple(MAPS)) -> pd.DataFrame:
    """Rows of images with a mask, once for each prefix, their method named for it, with the columns PIXELS.

    Methods without a map, and images without a mask, have no rows.
    """
    parts = [rows.head(0).assign(f1=np.nan)]
    for prefix in prefixes:
        columns = {f"{prefix}{name}": name for name in PIXELS}
        if f"{prefix}f1" in rows:
            some = rows[rows[f"{prefix}f1"].notna()]
            some = some.drop(columns=[new for old, new in columns.items() if prefix and new in some])
            parts.append(some.rename(columns=columns).assign(method=some["method"] + MAPS[prefix]))
    return pd.concat(parts[1:] or parts, ignore_index=True)
