"""Labels of the three classes, and that the code a run depends on is named completely."""

from pathlib import Path

import pandas as pd
import pytest

from imdlib import bridge
from imdlib.bridge.labels import CLASSES, FULLY, PARTLY, REAL, three_classes
from imdlib.runs import code_fingerprint


def test_no_row_gives_no_label():
    assert three_classes(pd.DataFrame({"kind": []})).shape == (0,)


@pytest.mark.parametrize(
    "kind, label",
    [("authentic", REAL), ("generated", FULLY), ("edit", PARTLY), ("splicing", PARTLY), ("removal", PARTLY)],
)
def test_labels_follow_the_kind(kind, label):
    assert three_classes(pd.DataFrame({"kind": ["authentic", kind]})).tolist() == [REAL, label]
    assert tuple(range(len(CLASSES))) == (REAL, PARTLY, FULLY)


def test_every_file_of_the_study_counts():
    assert len(code_fingerprint(*bridge.CODE)) == 12
    files = {f"imdlib.bridge.{path.stem}" for path in Path(bridge.__file__).parent.glob("*.py")}
    of_finished_runs = ("rows", "draws", "detection", "ordering", "probe", "costs")
    files -= {f"imdlib.bridge.{name}" for name in ("__init__", "grid", *of_finished_runs)}
    assert files == {name for name in bridge.CODE if name.startswith("imdlib.bridge.")}
