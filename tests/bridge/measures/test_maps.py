"""Rows of maps, once for each way in which a map is drawn."""

import numpy as np

from imdlib.bridge.measures.maps import PIXELS, maps
from tests.bridge.made_up import images


def test_rows_of_each_prefix():
    table = images(n=12).assign(method="Ours")
    masked = table["kind"] == "edit"
    for k, prefix in enumerate(("", "drawn_", "plain_")):
        for name in PIXELS:
            table[prefix + name] = np.where(masked, k / 10, np.nan)
    found = maps(table)
    value = found.groupby("method", sort=False)["f1"].first()
    assert value.to_dict() == {"Ours": 0, "Ours, whatever the class": 0.1, "Ours, without attention": 0.2}
    assert len(found) == 3 * 3 and found.columns.is_unique and set(found["kind"]) == {"edit"}
    assert len(maps(images().assign(method="Wang et al."))) == 0
    assert set(maps(table, ["drawn_"])["auc"]) == {0.1}
