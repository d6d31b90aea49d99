"""Parts of a data set that something needs: there, or an error that counts what is."""

import pandas as pd
import pytest

from imdlib import data as datasets
from imdlib.data.catalog import CatalogError

ROWS = pd.DataFrame({"split": ["train", "train", "test"], "label": [0, 1, 0], "dataset": "mine"})


def test_a_part_that_is_there():
    assert datasets.part(ROWS, "train", needs=1).index.tolist() == [0, 1] and len(datasets.part(ROWS, "test")) == 1


@pytest.mark.parametrize("split, needs, said", [("val", None, "no image in the split 'val'"), ("test", 1, "no tampered image"),
                                                ("val", 0, "no authentic image")])  # fmt: skip
def test_a_part_without_images_says_what_there_is(split, needs, said):
    with pytest.raises(
        CatalogError, match=rf"'mine': {said}.*1 authentic in test, 1 authentic in train, 1 tampered in train"
    ):
        datasets.part(ROWS, split, needs)
    with pytest.raises(CatalogError, match="no image at all"):
        datasets.part(ROWS.head(0), "test")
