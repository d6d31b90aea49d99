"""Computed or quoted: every method that a paper's table prints is accounted for, once."""

import importlib.resources

import pandas as pd
import pytest

from imdlib.pages import provenance
from imdlib.pages.published import read

PRINTED = {"ncl": (1, 2), "inr": (1, 2, 3), "bridge": (2,)}


def source(study):
    return importlib.resources.files(f"imdlib.{study}.published")


def names(study):
    return [name for number in PRINTED[study] for name in read(source(study), number)["method"].unique()]


@pytest.mark.parametrize("study", PRINTED)
def test_every_printed_method_is_accounted_for(study, tmp_path):
    printed, known = names(study), {name for row, *_ in provenance.ROWS for name in row.split(", ")}
    own = {name for name in printed if name.lower().startswith("ours") or name.startswith("Baseline")}
    assert set(printed) <= known | own
    shown = provenance.provenance(tmp_path, source(study), PRINTED[study], ["NOI"]).data
    assert shown.count(">run<") == (study != "bridge") and ">not run<" in shown


def test_quoted_rows_keep_the_numbers_that_the_paper_prints(tmp_path):
    shown = provenance.provenance(tmp_path, source("inr"), PRINTED["inr"], []).data
    quoted = pd.read_csv(tmp_path / "tables/table_quoted.csv")
    assert (
        quoted["value"].isna().all()
        and quoted["published"].notna().all()
        and quoted["note"].str.startswith("quoted; T").all()
    )
    assert (
        not set(quoted["method"]) & {"ELA", "NOI", "WSCL", "FCN", "RRU-Net"}
        and not quoted["method"].str.startswith("ours").any()
    )
    for number in PRINTED["inr"]:
        paper = read(source("inr"), number).set_index(["method", "train_set", "test_set", "metric"])["value"]
        rows = quoted[quoted["note"].str.contains(f"Table {number}")]
        found = rows.set_index(["method", "train_set", "test_set", "metric"])["published"]
        assert (found - paper[found.index]).abs().max() < 1e-6 or found.empty
    assert "quoted from it" in shown and f"<td>{quoted['published'][0]:.3f}</td>" in shown


def test_a_paper_without_quoted_rows_has_no_such_table(tmp_path):
    provenance.provenance(tmp_path, source("bridge"), (2,), [])
    assert not (tmp_path / "tables").exists()


def test_no_method_stands_twice():
    rows = [name for row, *_ in provenance.ROWS for name in row.split(", ")]
    assert len(rows) == len(set(rows)) and {here for _, here, _ in provenance.ROWS} == {
        "computed",
        "computed, not the same",
        "quoted",
    }
