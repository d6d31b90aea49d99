"""Bridging's printed numbers in the names of the report: sizes, what a column stands for, means and drops."""

import numpy as np
import pytest

from imdlib.bridge import published
from imdlib.bridge.labels import CLASSES
from imdlib.bridge.measures import detection
from imdlib.bridge.methods import METHODS


def test_sizes_by_class():
    value = published.sizes().set_index(["test_set", "metric"])["value"]
    assert set(value.index.get_level_values("metric")) == set(CLASSES)
    assert value["Dolos"].to_dict() == {"real": 20700, "fully fake": 20000, "partly fake": 85300 + 21600}
    assert value["CASIAv1", "partly fake"] == 920  # tampered, and not its two kinds once more
    assert value["ArtiFact", "fully fake"] == 1531749 and ("ArtiFact", "partly fake") not in value


def test_columns_of_table_2_by_what_they_stand_for():
    rows = published.detection()
    assert set(rows["method"]) <= set(METHODS.values()) and len(rows) == 9 and set(rows["metric"]) == {"F1"}
    groups, sets = zip(*rows["test_set"].str.split(": ").tolist())
    assert set(groups) <= set(detection.GROUPS) and set(sets) == {detection.SEEN, detection.UNSEEN}
    value = rows.set_index(["method", "test_set"])["value"]
    assert value["Ours", f"partly fake: {detection.SEEN}"] == 0.81
    assert value["Wang et al.", f"fully fake: {detection.SEEN}"] == 0.68
    assert value["TAR", f"partly fake: {detection.UNSEEN}"] == pytest.approx(np.mean([0.54, 0.50, 0.53]))
    assert not rows.duplicated(["method", "test_set", "metric"]).any()


def test_ours_drops_least_in_print():
    drop = published.drops().set_index("method")["value"]
    assert drop.idxmin() == "Ours" and drop["Ours"] == pytest.approx(0.81 - (0.68 + 0.71 + 0.69) / 3)
    assert drop["Wang et al."] == pytest.approx(0.92 - (0.64 + 0.83 + 0.80) / 3)
