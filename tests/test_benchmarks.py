"""Benchmarks: every job runs in small, both sides find the same, and readings are medians over pairs; nothing is timed."""

import itertools

import pandas as pd
import pytest

from benchmarks import jobs, run
from imdlib.places import REPO


@pytest.mark.parametrize("make", jobs.JOBS, ids=lambda make: make.__name__)
def test_both_sides_of_a_job_find_the_same(make):
    try:
        job = make(0.05)
    except ImportError as missing:
        pytest.skip(f"{missing.name} is not installed: pip install -e .[bench]")
    row = run.measure(job, 1)
    assert row["equal"] == ("" if job.equal is None else True)
    assert list(row) == run.COLUMNS and row["ours"] > 0 and row["ratio"] == pytest.approx(row["ours"] / row["theirs"])


def test_ratio_is_the_median_over_pairs_and_differences_are_seen():
    ours, theirs = iter([0, 1.0, 9.0, 4.0]), itertools.repeat(2.0)
    job = jobs.Job("j", "p", 1.0, lambda: next(ours), lambda: next(theirs), lambda a, b: a == b, "MB")
    row = run.measure(job, 3)
    assert (row["ours"], row["theirs"], row["ratio"], row["equal"]) == (4.0, 2.0, 2.0, False)


def test_a_job_whose_peer_is_absent_is_left_out_and_named(monkeypatch, capsys, tmp_path):
    def absent(scale):
        raise ModuleNotFoundError("no such thing", name="peer_that_is_absent")

    monkeypatch.setattr(run, "JOBS", [absent, jobs.image_auc])
    run.main(["--repeats", "1", "--out", str(tmp_path)])
    assert "absent: left out, peer_that_is_absent is not installed" in capsys.readouterr().out
    (path,) = tmp_path.iterdir()
    found = pd.read_csv(path)
    assert list(found) == run.COLUMNS and found["job"].tolist() == ["image AUC of 100,000 scores"]


@pytest.mark.parametrize("path", sorted((REPO / "results" / "bench").glob("*.csv")), ids=lambda path: path.stem)
def test_committed_readings(path):
    found = pd.read_csv(path, keep_default_na=False)
    assert list(found) == run.COLUMNS
    assert set(found["equal"]) <= {"True", ""} and (found[["ours", "theirs", "ratio"]] > 0).all().all()
