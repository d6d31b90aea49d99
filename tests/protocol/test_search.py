"""Search: draws that rows share, evenly spread, the same for ever."""

import numpy as np
import pytest

from imdlib.protocol.search import DIMENSIONS, TRIAL_SEED, Choice, Linear, Log, Row, draws, row_of, trials

SPACE = {"learning_rate": Log(1e-4, 1e-2), "mu": Linear(0.5, 1.0), "form": Choice("literal", "standard")}


def test_values_lie_in_their_range_and_end_points_are_where_they_belong():
    assert Log(1e-4, 1e-2).at(0) == 1e-4 and Log(1e-4, 1e-2).at(0.5) == 1e-3
    assert Linear(2, 4).at(0.5) == 3
    assert Choice("a", "b").at(0.499) == "a" and Choice("a", "b").at(0.5) == "b"


def test_eight_draws_of_a_parameter_hit_each_eighth_of_its_range_once():
    found = sorted(np.floor(8 * np.log(d["learning_rate"] / 1e-4) / np.log(100)).astype(int) for d in draws(SPACE, 8))
    assert found == list(range(8))
    assert sorted(d["form"] for d in draws(SPACE, 8)) == ["literal"] * 4 + ["standard"] * 4


def test_more_draws_and_more_parameters_change_none_of_those_that_were():
    assert draws(SPACE, 3) == draws(SPACE, 8)[:3] and draws(SPACE, 0) == []
    longer = draws(SPACE | {"tau": Log(0.05, 1)}, 8)
    assert [{key: one[key] for key in SPACE} for one in longer] == draws(SPACE, 8)


def test_rows_share_their_draws_of_what_they_have_in_common():
    rows = {
        "base": Row({"variant": "base"}, ["learning_rate"]),
        "whole": Row({"variant": "whole"}, ["learning_rate", "mu"]),
    }
    found = trials(SPACE, rows, 4)
    assert len(found) == 8
    assert all(found["base", k]["learning_rate"] == found["whole", k]["learning_rate"] for k in range(4))
    assert "mu" not in found["base", 0]
    assert found["base", 3] == {
        "variant": "base",
        "learning_rate": draws(SPACE, 4)[3]["learning_rate"],
        "trial": 3,
        "seed": TRIAL_SEED,
    }


@pytest.mark.parametrize("row", [Row({}, ["omega"]), Row({"mu": 0.0}, ["mu"])])
def test_a_row_is_tuned_in_what_the_space_has_and_it_does_not_fix(row):
    with pytest.raises(ValueError, match="row 'odd': (omega|mu) cannot be searched"):
        trials(SPACE, {"odd": row}, 2)


def test_a_space_that_is_too_large_is_refused():
    with pytest.raises(ValueError, match=f"expected at most {DIMENSIONS}"):
        draws({str(k): Linear(0, 1) for k in range(DIMENSIONS + 1)}, 1)


def test_a_run_belongs_to_the_row_that_says_most_about_it():
    rows = {
        "base": Row({"variant": "base"}),
        "rgb base": Row({"variant": "base", "inputs": "rgb"}),
        "deep": Row({"blocks": [1, 1]}),
    }
    assert row_of({"variant": "base", "inputs": "rgb+residual"}, rows) == "base"
    assert row_of({"variant": "base", "inputs": "rgb", "omega": 0.1}, rows) == "rgb base"
    assert row_of({"variant": "other", "blocks": (1, 1)}, rows) == "deep"
    assert row_of({"variant": "other"}, rows) == ""
