"""Computed or quoted: every method that a paper's table prints is accounted for, once."""

import importlib.resources

import pytest

from imdlib.baselines import provenance
from imdlib.pages.published import read

PRINTED = {"ncl": (1, 2), "inr": (1, 2, 3), "bridge": (2,)}


def names(study):
    folder = importlib.resources.files(f"imdlib.{study}.published")
    return [name for number in PRINTED[study] for name in read(folder, number)["method"].unique()]


@pytest.mark.parametrize("study", PRINTED)
def test_every_printed_method_is_accounted_for(study):
    assert not provenance.unknown(names(study))
    shown = provenance.provenance(names(study), ["NOI"]).data
    assert ("quoted" in shown) == (study != "bridge") and shown.count(">yes<") == (study != "bridge")


def test_no_method_stands_twice():
    rows = [name for row, *_ in provenance.ROWS for name in row.split(", ")]
    assert len(rows) == len(set(rows)) and {here for _, here, _ in provenance.ROWS} == {
        "computed",
        "computed, not the same",
        "quoted",
    }
