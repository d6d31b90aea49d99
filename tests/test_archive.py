"""Archive: what finished runs left is gathered and kept so that no row is lost, mixed or believed blindly."""

import shutil
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from imdlib import archive, runs, store
from imdlib.places import REPO
from tests.toy_runs import DEFAULTS, SCORES, begin, finish, flip

pytestmark = pytest.mark.usefixtures("toy_runs")


@pytest.fixture
def study(tmp_path):
    """Two finished runs, 'one' and 'two', with {name: key}; and the folder of results."""
    two = SCORES.assign(f1=[0.25, 1.0], big=[2.0**24 + 1, 3.0], seen=[True, False], empty=np.nan)
    keys = {}
    for name, scores in (("one", SCORES), ("two", two)):
        run = begin(tmp_path, name, epochs=len(keys) + 1)
        finish(run, scores, train_images=7)
        keys[name] = runs.key_of(run.needs)
    return keys, tmp_path / "results"


def same(found, other, less=()):
    for one, two in zip((found[0], *found[1].values()), (other[0], *other[1].values()), strict=True):
        pd.testing.assert_frame_equal(
            one.drop(columns=[*less], errors="ignore"), two.drop(columns=[*less], errors="ignore")
        )


def test_gather_takes_finished_runs_that_are_asked_for_and_nothing_else(tmp_path, study):
    keys, results = study
    finish(begin(tmp_path, "one", epochs=5))  # sets the first aside
    begin(tmp_path, "three")  # not finished
    settings, tables = archive.gather(results, "ncl")
    assert settings["run"].tolist() == ["one", "two"] and settings["epochs"].tolist() == [5, 2]
    assert settings["peak_memory_mb"].min() > 0 and not settings["outdated"].any()
    assert tables["scores"].groupby("run").size().to_dict() == {"one": 2, "two": 2} and set(tables) == {
        "scores",
        "history",
    }
    settings, tables = archive.gather(results, "ncl", {"two": keys["two"]})  # the profile has no `one` any more
    assert settings["run"].tolist() == ["two"] == tables["history"]["run"].unique().tolist()
    settings, tables = archive.gather(results, "ncl", {"two": keys["two"], "one": keys["one"]})
    assert settings["run"].tolist() == ["two", "one"] and settings["outdated"].tolist() == [False, True]


def test_what_is_not_there_says_what_to_do(tmp_path, study):
    keys, results = study
    with pytest.raises(runs.RunError, match=r"inr/runs holds no finished run.*make study"):
        archive.gather(results, "inr")
    begin(tmp_path, "three")
    with pytest.raises(runs.RunError, match=r"ncl/runs/three: no finished run is there; run `make study` again"):
        archive.gather(results, "ncl", keys | {"three": "x"})


def test_kept_runs_are_the_same_rows_in_a_clone(study):
    keys, results = study
    before, again = archive.gather(results, "ncl", keys), None
    files = archive.keep(results, "ncl", keys)
    assert {path.name for path in files} == {"runs.parquet", "scores.parquet", "history.parquet"}
    kept = {path.name: path.read_bytes() for path in files}
    shutil.rmtree(results / "ncl" / "runs")
    again = archive.gather(results, "ncl", keys)
    same(before, again)
    assert again[1]["scores"]["big"].max() == 2**24 + 1
    assert archive.gather(results, "ncl", {"two": keys["two"]})[1]["scores"]["seen"].dtype == bool
    assert "big" not in archive.gather(results, "ncl", {"one": keys["one"]})[1]["scores"]
    archive.keep(results, "ncl", keys)
    assert {path.name: path.read_bytes() for path in files} == kept
    subprocess.run(["sha256sum", "--check", "--quiet", store.SUMS], cwd=results / "ncl", check=True)


def test_runs_without_a_row_stay_runs_with_tables(tmp_path):
    for name in ("one", "two"):
        finish(begin(tmp_path, name), SCORES.head(0))
    results = tmp_path / "results"
    before = archive.gather(results, "ncl")
    assert len(before[1]["scores"]) == 0 and {"auc", "run"} <= set(before[1]["scores"])
    archive.keep(results, "ncl")
    shutil.rmtree(results / "ncl" / "runs")
    same(before, archive.gather(results, "ncl"))
    finish(begin(tmp_path, "two", epochs=9))  # now one has rows
    assert archive.gather(results, "ncl")[1]["scores"]["label"].dtype == "int64"


def test_folders_come_before_what_is_kept_unless_the_kept_run_is_the_one_asked_for(tmp_path, study):
    keys, results = study
    archive.keep(results, "ncl", keys)
    newer = begin(tmp_path, "one", epochs=9)
    finish(newer)
    now = runs.key_of(newer.needs)
    found = {
        key: archive.gather(results, "ncl", {"one": key})[0].iloc[0]
        for key in (keys["one"], now, "of another time", None)
    }
    assert [row["epochs"] for row in found.values()] == [1, 9, 9, 9]
    assert [row["outdated"] for row in found.values()] == [False, False, True, False]
    shutil.rmtree(newer.folder)
    assert archive.gather(results, "ncl", {"one": now})[0]["outdated"].tolist() == [
        True
    ]  # the kept one, of other needs
    flip(results / "ncl/runs/two/scores.parquet")
    assert archive.gather(results, "ncl", {"two": keys["two"]})[0]["outdated"].tolist() == [
        False
    ]  # whole where it is kept


def test_a_run_that_joins_does_not_touch_what_is_kept_of_others(tmp_path, study):
    keys, results = study
    archive.keep(results, "ncl", keys)
    before = archive.gather(results, "ncl", keys)
    shutil.rmtree(results / "ncl" / "runs")
    three = begin(tmp_path, "three", epochs=3)
    finish(three, SCORES.assign(label=[0.5, 0.25], other="x"))
    archive.keep(results, "ncl")
    shutil.rmtree(results / "ncl" / "runs")
    same(before, archive.gather(results, "ncl", keys))
    assert archive.gather(results, "ncl", {"three": runs.key_of(three.needs)})[1]["scores"]["other"].tolist() == [
        "x",
        "x",
    ]


@pytest.mark.parametrize("name", ["runs.parquet", "scores.parquet", "history.parquet", store.SUMS])
@pytest.mark.parametrize("damage", [flip, lambda path: path.unlink(), lambda path: path.write_bytes(b"")])
def test_damaged_kept_files_are_named_and_written_anew_from_the_folders(study, name, damage):
    keys, results = study
    before = {path: path.read_bytes() for path in [*archive.keep(results, "ncl", keys), results / "ncl" / store.SUMS]}
    damage(results / "ncl" / name)
    shutil.move(results / "ncl/runs", results / "elsewhere")
    with pytest.raises((store.DamagedFile, runs.RunError), match="SHA256SUMS|" + name + "|no finished run"):
        archive.gather(results, "ncl", keys)
    shutil.move(results / "elsewhere", results / "ncl/runs")
    archive.keep(results, "ncl", keys)
    assert {path: path.read_bytes() for path in before} == before


def test_a_listing_that_lost_a_line_does_not_lose_rows(study):
    keys, results = study
    archive.keep(results, "ncl", keys)
    shutil.rmtree(results / "ncl/runs")
    listing = results / "ncl" / store.SUMS
    lines = listing.read_text().splitlines(keepends=True)
    for left_out in lines:
        listing.write_text("".join(line for line in lines if line != left_out))
        with pytest.raises(store.DamagedFile, match="no sum of " + left_out.split()[1]):
            archive.gather(results, "ncl", keys)


KEEP = """
import sys
sys.path.insert(0, {repo!r})
import pandas
from imdlib import archive
for k in range(8):
    name = "one" if (k + int(sys.argv[1])) % 2 else "two"
    archive.keep({results!r}, "ncl", {{name: {keys!r}[name]}})
    settings, tables = archive.gather({results!r}, "ncl", {{"one": {keys!r}["one"]}})
    assert tables["scores"]["label"].tolist() == [0, 1]
    archive.stamps({results!r}, "ncl")
"""


def test_processes_that_keep_side_by_side_leave_files_that_belong_together(study):
    keys, results = study
    work = [sys.executable, "-c", KEEP.format(repo=str(REPO), results=str(results), keys=keys)]
    both = [subprocess.Popen([*work, str(k)]) for k in range(2)]
    assert [one.wait() for one in both] == [0, 0]
    shutil.rmtree(results / "ncl/runs")
    settings, tables = archive.gather(results, "ncl")
    assert (
        settings["run"].tolist()
        == tables["scores"]["run"].unique().tolist()
        == tables["history"]["run"].unique().tolist()
    )


def test_studies_with_runs_of_one_name_do_not_meet(tmp_path, study):
    _, results = study
    params = DEFAULTS | {"results": str(results), "epochs": 44}
    finish(runs.open_run("inr", "one", "inr/run", params, data={"toy": "abc"}))
    assert archive.gather(results, "inr")[0]["epochs"].tolist() == [44]
    assert archive.gather(results, "ncl")[0]["epochs"].tolist() == [1, 2]
