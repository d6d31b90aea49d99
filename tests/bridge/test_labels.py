"""Labels of the three classes."""

import pandas as pd
import pytest

from imdlib.bridge.labels import CLASSES, FULLY, PARTLY, REAL, three_classes


def test_no_row_gives_no_label():
    assert three_classes(pd.DataFrame({"kind": []})).shape == (0,)


@pytest.mark.parametrize(
    "kind, label",
    [("authentic", REAL), ("generated", FULLY), ("edit", PARTLY), ("splicing", PARTLY), ("removal", PARTLY)],
)
def test_labels_follow_the_kind(kind, label):
    assert three_classes(pd.DataFrame({"kind": ["authentic", kind]})).tolist() == [REAL, label]
    assert tuple(range(len(CLASSES))) == (REAL, PARTLY, FULLY)
