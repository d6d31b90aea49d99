"""Cuts of the score rows: which images were attacked, what an attack took, means over training sets."""

import pandas as pd
import pytest

from imdlib.ncl.rows import attacked, averaged, lost

ROWS = pd.DataFrame(
    [
        ("r", "Base", "s", 0, "d", "a", "none", 0.8),
        ("r", "Base", "s", 0, "d", "b", "none", 0.1),
        ("r", "Base", "s", 0, "d", "a", "blur 3", 0.6),
        ("r", "Base", "s", 0, "d", "a", "jpeg 50", 0.2),
        ("q", "Base", "s", 1, "d", "a", "none", 0.9),
    ],
    columns=["run", "method", "train_set", "seed", "dataset", "image", "attack", "f1"],
)


def test_attacked_keeps_the_images_that_were_attacked_with_their_untouched_rows():
    found = attacked(ROWS)
    assert found[["run", "image", "attack"]].values.tolist() == [
        ["r", "a", "none"], ["r", "a", "blur 3"], ["r", "a", "jpeg 50"],
    ]  # fmt: skip
    assert attacked(ROWS[ROWS["attack"] == "none"]).empty


def test_lost_is_the_mean_over_attacks_minus_the_untouched_value():
    found = lost(attacked(ROWS), ["f1"])
    assert len(found) == 1 and found["f1"][0] == pytest.approx((0.6 + 0.2) / 2 - 0.8)


def test_averaged_is_one_row_per_method_seed_and_image():
    twice = pd.concat([ROWS, ROWS.assign(train_set="t", f1=ROWS["f1"] + 0.1)])
    found = averaged(twice[twice["attack"] == "none"], ["f1"])
    assert len(found) == 3
    assert found.set_index(["seed", "image"]).loc[(1, "a"), "f1"] == pytest.approx(0.95)
