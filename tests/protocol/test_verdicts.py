"""Verdicts: each word for the rows that deserve it, the gate, and shares of settings."""

import numpy as np
import pandas as pd
import pytest

from imdlib.protocol import verdicts
from imdlib.scoring.intervals import holm
from tests.pages.test_claims import score_rows

PLAIN = dict(effect=0.1, low=0.05, high=0.15, p=0.001, seeds=5, gate="passed", share=1.0, below=0.0, settings=8)
NEGATIVE = dict(effect=-0.1, low=-0.15, high=-0.05)


@pytest.mark.parametrize(
    "turned, expected",
    [
        ({}, "supported"),
        (NEGATIVE | dict(share=0.0, below=1.0), "contradicted"),
        (NEGATIVE | dict(share=0.0, below=0.5), "depends on settings"),  # half of them show no effect at all
        (dict(share=0.74), "depends on settings"),
        (dict(share=0.75), "supported"),
        (dict(share=np.nan, settings=0), "supported"),  # nothing was searched: the page says 0 settings
        (dict(low=-0.01), "inconclusive"),
        (dict(low=0.0), "inconclusive"),
        (dict(effect=-0.1, low=-0.2, high=0.0), "inconclusive"),
        (dict(p=0.05), "inconclusive"),  # Holm's
        (dict(gate="failed"), "nothing learned here"),
        (dict(gate="none"), "supported"),
        (dict(seeds=2), "not tested"),
        (dict(seeds=0, low=np.nan, high=np.nan, effect=np.nan), "not tested"),
        (dict(low=np.nan), "not tested"),
    ],
)
def test_each_word_has_its_rows(turned, expected):
    assert verdicts.word(pd.Series(PLAIN | turned)) == expected and expected in verdicts.WORDS


def gated(better, blob=0.5, noise=0.02):
    """Rows of two methods and the centre blob on 40 images."""
    rng = np.random.default_rng(0)
    parts = [
        ("Base", better - 0.2, False),
        ("Ours", better, False),
        ("centre blob", blob, True),
        ("random map", 0.3, True),
    ]
    return pd.concat(
        pd.DataFrame(
            dict(
                method=name,
                image=[f"{i}" for i in range(40)],
                seed=0,
                auc=mean + noise * rng.normal(size=40),
                blind=blind,
            )
        )
        for name, mean, blind in parts
    ).reset_index(drop=True)


def test_the_gate_asks_the_better_row_against_the_best_blind_one():
    found = verdicts.gate(gated(0.6), ("Base", "Ours"), "auc")
    assert found.word == "passed" and found.beside == "centre blob"
    assert found.learned == pytest.approx(0.6, abs=0.02) and found.blind == pytest.approx(0.5, abs=0.02)
    assert verdicts.gate(gated(0.4), ("Base", "Ours"), "auc").word == "failed"


def test_the_gate_wants_more_than_the_interval_unless_the_means_shall_decide():
    close = gated(0.505, noise=0.1)
    assert verdicts.gate(close, ("Base", "Ours"), "auc").word == "failed"
    assert verdicts.gate(gated(0.51, noise=0.001), ("Base", "Ours"), "auc", sure=False).word == "passed"


def test_what_equals_a_blind_row_has_not_learned():
    rows = score_rows(0.1).assign(blind=False)
    same = rows[rows["method"] == "Ours"].assign(method="blob", blind=True)
    assert verdicts.gate(pd.concat([rows, same]), ("Base", "Ours"), "f1").word == "failed"


def test_blind_rows_count_on_the_images_that_the_others_were_asked_about():
    rows = gated(0.6)
    few = rows[rows["blind"] | rows["image"].astype(int).lt(10)]
    assert verdicts.gate(few, ("Base", "Ours"), "auc").word == "passed"
    easy = rows["blind"] & rows["image"].astype(int).ge(10)
    higher = few.assign(auc=few["auc"].where(~easy, 0.9))  # on images that the methods never saw
    assert verdicts.gate(higher, ("Base", "Ours"), "auc").blind == pytest.approx(0.5, abs=0.02)


def test_without_blind_rows_or_without_either_side_there_is_no_gate():
    rows = gated(0.6)
    for some in (rows[~rows["blind"]], rows[rows["blind"]], rows.head(0), rows.drop(columns="blind")):
        assert verdicts.gate(some, ("Base", "Ours"), "auc").word == "none"
    assert verdicts.gate(rows, ("Base", "centre blob"), "auc").learned == pytest.approx(
        0.4, abs=0.02
    )  # the blob has learned nothing


def test_share_counts_what_is_defined():
    assert verdicts.share([0.1, -0.1, np.nan, 0.2, 0.0]) == (0.5, 0.25, 4)
    above, below, count = verdicts.share([np.nan])
    assert np.isnan(above) and np.isnan(below) and count == 0


def test_holm_against_a_calculation_by_hand_and_statsmodels_definition():
    assert holm([0.01, 0.04, 0.03, 0.005]).tolist() == pytest.approx([0.03, 0.06, 0.06, 0.02])
    found = holm([np.nan, 0.2, 0.9])
    assert np.isnan(found[0]) and found[1:].tolist() == pytest.approx([0.4, 0.9])
    assert len(holm([])) == 0


def test_a_seed_that_scored_fewer_images_than_others_waits_until_it_has_all():
    rows = pd.concat([gated(0.6).assign(seed=seed) for seed in (0, 1, 2)], ignore_index=True)
    rows = rows[~rows["blind"] | (rows["seed"] == 0)]
    begun = rows[(rows["seed"] < 2) | rows["image"].astype(int).lt(10)]
    low, high = verdicts.sides_of(lambda rows: rows, begun, "Base", "Ours")
    assert set(low["seed"]) == set(high["seed"]) == {0, 1} and len(low) == len(high) == 80
    assert verdicts.gate(begun, ("Base", "Ours"), "auc").word == "passed"
    assert verdicts.whole(rows).equals(rows)
    different = rows[(rows["method"] == "Ours") & (rows["image"].astype(int) % 3 == rows["seed"])]
    assert verdicts.whole(different).empty  # no seed is whole: not tested


def test_sides_are_compared_on_the_data_sets_that_both_have():
    rows = pd.concat([gated(0.6).assign(dataset=name) for name in ("a", "b")], ignore_index=True)
    begun = rows[(rows["method"] != "Ours") | (rows["dataset"] == "a")]
    low, high = verdicts.sides_of(lambda rows: rows, begun, "Base", "Ours")
    assert set(low["dataset"]) == set(high["dataset"]) == {"a"}
