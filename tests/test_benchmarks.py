"""Benchmarks: every job runs in small, both sides find the same, and readings are medians over pairs; nothing is timed."""

import itertools

import nbformat
import numpy as np
import pandas as pd
import pytest
import torch
from nbformat import v4

from benchmarks import alarms, growth, jobs, page, run, stages
from benchmarks.jobs import metrics
from benchmarks.jobs.job import Job
from imdlib.pages import plots
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
    job = Job("j", "p", 1.0, lambda: next(ours), lambda: next(theirs), lambda a, b: a == b, "MB")
    row = run.measure(job, 3)
    assert (row["ours"], row["theirs"], row["ratio"], row["equal"]) == (4.0, 2.0, 2.0, False)


def test_a_job_whose_peer_is_absent_is_left_out_and_named(monkeypatch, capsys, tmp_path):
    def absent(scale):
        raise ModuleNotFoundError("no such thing", name="peer_that_is_absent")

    monkeypatch.setattr(run, "JOBS", [absent, metrics.image_auc])
    run.main(["--repeats", "1", "--out", str(tmp_path)])
    assert "absent: left out, peer_that_is_absent is not installed" in capsys.readouterr().out
    (path,) = tmp_path.iterdir()
    found = pd.read_csv(path)
    assert list(found) == run.COLUMNS and found["job"].tolist() == ["image AUC of 100,000 scores"]


def test_what_one_reading_tells_is_read_once():
    ours = iter([3.0])
    assert run.measure(Job("j", "p", 1.0, lambda: next(ours), lambda: 2.0, None, "MB", once=True), 5)["ratio"] == 1.5


def test_growth_has_a_row_for_each_size_and_counts_a_side_as_its_square():
    threads = torch.get_num_threads()
    found = growth.table(
        {growth.images: [1, 2], growth.pixels: [8], growth.patches: [16, 32], growth.cores: [1]}, repeats=1
    )
    assert list(found) == growth.COLUMNS and found["size"].tolist() == [1, 2, 64, 256, 1024, 1]
    assert (found["milliseconds"] > 0).all() and torch.get_num_threads() == threads
    kept = found.loc[found["what"] == "patches", "megabytes"].tolist()
    assert 0 < kept[0] < kept[1] <= 17 * kept[0]
    figure = growth.draw(found)
    figure.canvas.draw()
    assert not [
        text for text in figure.findobj(plots.plt.Text) if "$" in text.get_text()
    ]  # powers of ten are plain numbers
    plots.plt.close(figure)


def executed(path, cells, total):
    """An executed notebook with cells (source, seconds)."""
    made = [v4.new_code_cell(source, metadata={"papermill": {"duration": spent}}) for source, spent in cells]
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(v4.new_notebook(cells=made, metadata={"papermill": {"duration": total}}), path)


def test_false_alarms_are_counted_from_the_spreads_of_real_changes():
    rng = np.random.default_rng(0)
    change = rng.normal(0, 0.2, (300, 1)) + rng.normal(0, 0.1, 40) + rng.normal(0, 0.3, (300, 40))
    assert alarms.spreads(change) == pytest.approx([0.04, 0.01, 0.09], rel=0.35)
    share, bootstrap, student = alarms.alarms(rng.normal(0, 0.01, (300, 1)) + np.array([0.1, -0.1, 0.05]), rng)
    assert share > 0.95 and bootstrap > 0.15 and 0.02 < student < 0.08


def test_committed_alarms_are_of_the_headlines_and_protocol_md_says_their_range():
    text = (REPO / "docs" / "protocol.md").read_text()
    for profile in ("night", "real"):
        found = pd.read_csv(REPO / "results" / "bench" / "alarms" / f"{profile}.csv")
        claims = pd.read_csv(REPO / "results" / profile / "claims.csv").query("headline")
        assert set(found["id"]) <= set(claims["id"]) and len(found) > 20
        assert f"{found['bootstrap'].max():.0%}" in text and f"{found['student'].max():.0%}" in text


def test_stages_add_up_to_what_the_notebooks_took(tmp_path, capsys):
    cells = [("import torch\nx = 1", 4.0), ("history = train.fit(\n    model)", 10.0), ("rows = evaluate.all()", 3.0)]
    executed(tmp_path / "quick/ncl/runs/base/run.ipynb", [*cells, ("x = 2", None)], 20.0)
    executed(tmp_path / "quick/ncl/runs/pc/run.ipynb", [("import torch", 1.0)], 1.0)
    executed(tmp_path / "quick/report.ipynb", [("report.show(page)", 2.0)], 2.5)
    stages.main([str(tmp_path / "quick"), "--out", str(tmp_path / "out")])
    found = pd.read_csv(tmp_path / "out/quick.csv")
    spent = found.groupby(["notebook", "stage"])["seconds"].sum()
    assert spent["ncl/run"][spent["ncl/run"] > 0].to_dict() == {"imports": 5, "training": 10, "scoring": 3, "kernel": 3}
    assert spent["report"]["pages and figures"] == 2 and found["seconds"].sum() == 23.5
    assert found.groupby("notebook")["executed"].unique().map(list).to_dict() == {"ncl/run": [2], "report": [1]}
    assert "training" in capsys.readouterr().out and (tmp_path / "out/quick.png").stat().st_size > 1000


@pytest.mark.parametrize("study", ["ncl", "inr", "bridge"])
def test_every_cell_of_a_run_notebook_that_trains_counts_as_training(study):
    cells = nbformat.read(REPO / "notebooks" / study / "run.ipynb", 4).cells
    found = [stages.stage(cell.source) for cell in cells if cell.cell_type == "code"]
    assert found.count("imports") == 1 and {"training", "scoring", "data"} <= set(found)


@pytest.mark.parametrize("path", sorted((REPO / "results" / "bench").glob("*.csv")), ids=lambda path: path.stem)
def test_committed_readings(path):
    found = pd.read_csv(path, keep_default_na=False)
    assert list(found) == run.COLUMNS
    assert set(found["equal"]) <= {"True", ""} and (found[["ours", "theirs", "ratio"]] > 0).all().all()


def test_the_page_is_that_of_the_committed_readings():
    """Made again by: python -m benchmarks.page."""
    assert page.TARGET.read_text(encoding="utf-8") == page.page()
    assert page.readme() in page.README.read_text(encoding="utf-8")
