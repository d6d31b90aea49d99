"""Runs: a key of everything that a run depends on, and folders in which nothing is lost or believed blindly."""

import json
import os
import re
import shutil
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import torch

from imdlib import archive, places, runs, store
from imdlib.freshness import sources
from imdlib.places import REPO
from tests.toy_runs import CODE, DEFAULTS, HISTORY, SCORES, aside, begin, bytes_of, finish, flip

pytestmark = pytest.mark.usefixtures("toy_runs")


def needs(data=None, uses=None, **values):
    return runs.needs("ncl/run", DEFAULTS | values, data=data or {"toy": "abc"}, uses=uses)


def test_differences_are_told_in_words():
    one = needs()
    assert runs.differences(one, needs(results="elsewhere", run="x", data=None)) == []
    assert runs.differences(one, needs(epochs=9, rates=[])) == ["parameters: epochs, rates"]
    assert runs.differences(one, needs({"toy": "abd"}, {"nrr": "k"})) == ["data: toy", "uses: nrr"]
    other = one | {"code": {"imdlib.train": "3", "imdlib.new": "1"}, "packages": {}}
    assert runs.differences(one, other) == ["code: imdlib.new, imdlib.train, ncl/run.ipynb", "packages: torch"]
    many = {"code": dict.fromkeys("abcdef", "1")}
    assert runs.differences({}, many) == ["code: a, b, c, d, ..."]
    assert runs.differences({"code": 3, "data": [1]}, {"code": {}, "uses": None}) == []


@pytest.mark.parametrize("value", [float("nan"), (1, 2), {1: 2}, 1e-300, "ü\ud800"])
def test_what_a_file_holds_of_needs_is_the_same_key(value):
    one = needs() | {"parameters": {"x": value, "a": 1}}
    again = json.loads(json.dumps(one | {"parameters": {"a": 1, "x": value}}))
    assert runs.key_of(again) == runs.key_of(one) and not runs.differences(again, one)


def test_whole_numbers_and_true_are_other_values():
    assert len({runs.key_of(needs(x=x)) for x in (1, 1.0, True, "1", [1], None)}) == 6


# ---- a run -------------------------------------------------------------------------------------------------------------


def test_a_finished_run_gives_back_what_it_was_given(tmp_path):
    run = begin(tmp_path, data={"toy": "abc"})
    assert not run.finished
    (run.folder / "checkpoint.pt").write_bytes(b"large")
    (run.folder / "own.npz").write_bytes(b"written by the notebook")
    facts = dict(train_images=np.int64(7), scale=np.float32(0.5), worst=torch.tensor(2.5), files=["own.npz"])
    model = finish(run, **facts)
    files = {
        "begun.json",
        "stamp.json",
        "scores.parquet",
        "history.parquet",
        "weights.safetensors",
        "maps.npz",
        "own.npz",
    }
    assert run.finished and set(bytes_of(run.folder)) == files
    pd.testing.assert_frame_equal(run.scores(), SCORES, rtol=7e-5)
    pd.testing.assert_frame_equal(run.table("history"), HISTORY)
    assert torch.equal(runs.trained(run.folder)[0]["weight"], model.weight)
    kept = runs.pictures(tmp_path / "results", "ncl", run.folder.name)["toy/b.png"]
    assert np.abs(kept["map"] - [[0, 0.5], [0.25, 1]]).max() <= 0.501 / 255
    assert kept["mask"].tolist() == [[0, 0], [1, 1]]
    stamp = runs.state(run.folder, run.needs).stamp
    assert stamp["train_images"] == 7 and stamp["scale"] == 0.5 and stamp["worst"] == 2.5
    assert set(stamp["sums"]) == files - {"begun.json", "stamp.json"}


def test_the_stamp_is_written_last(tmp_path, monkeypatch):
    run = begin(tmp_path)
    (run.folder / "checkpoint.pt").write_bytes(b"large")
    with monkeypatch.context() as patched, pytest.raises(ZeroDivisionError):
        patched.setattr(runs, "stamp", lambda run: 1 / 0)
        finish(run)
    again = begin(tmp_path)
    assert not again.finished and (again.folder / "checkpoint.pt").exists() and not aside(again).exists()
    assert runs.pictures(tmp_path / "results", "ncl", run.folder.name) == {}  # of a run that is not finished
    finish(again)
    assert begin(tmp_path).finished and not (again.folder / "checkpoint.pt").exists()


def test_same_needs_continue(tmp_path):
    first = begin(tmp_path)
    (first.folder / "checkpoint.pt").write_bytes(b"of this run")
    assert (begin(tmp_path).folder / "checkpoint.pt").exists()
    finish(first)
    before = bytes_of(first.folder)
    second = begin(tmp_path, run="base_toy_seed3", data=None)  # where, not what
    assert second.finished and bytes_of(second.folder) == before and not aside(second).exists()


@pytest.mark.parametrize("done", [True, False], ids=["finished", "begun"])
@pytest.mark.parametrize(
    "change", ["parameters: epochs", "data: toy", "code: imdlib.train", "packages: torch", "something"]
)
def test_other_needs_set_a_run_aside_and_say_why(tmp_path, monkeypatch, capsys, change, done):
    first = begin(tmp_path)
    finish(first) if done else (first.folder / "checkpoint.pt").write_bytes(b"whose?")
    before = bytes_of(first.folder)
    other = (
        {"code": {**CODE["code"], "imdlib.train": "3"}}
        if "code" in change
        else {"packages": {}}
        if "pack" in change
        else {}
    )
    monkeypatch.setattr(sources, "of_notebook", lambda notebook, stops=(): CODE | other)
    if change == "something":  # another notebook alone
        needed = runs.needs
        monkeypatch.setattr(runs, "needs", lambda *args, **more: needed(*args, **more) | {"notebook": "ncl/other"})
    second = begin(
        tmp_path, data={"toy": "changed"} if "data" in change else None, **{"epochs": 9} if "epochs" in change else {}
    )
    assert not second.finished and second.folder == first.folder
    assert bytes_of(aside(first)) == before and set(bytes_of(second.folder)) == {"begun.json"}
    assert f"({change})" in capsys.readouterr().out


def test_nothing_is_ever_deleted(tmp_path):
    for epochs in (1, 2, 3):
        finish(begin(tmp_path, epochs=epochs))
    found = {path.name for path in (tmp_path / "results/ncl/runs").iterdir()}
    assert found == {"base_toy_seed3", "base_toy_seed3~", "base_toy_seed3~~"}
    assert [runs.state(path).word for path in (tmp_path / "results/ncl/runs").iterdir()] == ["finished"] * 3


def test_what_says_whose_files_these_are_is_moved_last(tmp_path, monkeypatch):
    folder, moved = tmp_path / "run", []
    folder.mkdir()
    held = [folder / name for name in (runs.BEGUN, "checkpoint.pt", "scores.parquet")]
    monkeypatch.setattr(type(folder), "rename", lambda self, target: moved.append(self.name))
    runs.set_aside(folder, held, "why")
    assert len(moved) == 3 and moved[-1] == runs.BEGUN


def test_logs_that_came_first_stay_where_they_are_being_written(tmp_path, capsys):
    folder = tmp_path / "results/ncl/runs/base_toy_seed3"
    folder.mkdir(parents=True)
    (folder / "log.txt").write_text("being written")
    assert begin(tmp_path).folder == folder
    assert "set aside" not in capsys.readouterr().out
    begin(tmp_path, epochs=9)
    assert (folder / "log.txt").read_text() == "being written" and (
        folder.parent / "base_toy_seed3~/begun.json"
    ).exists()


# ---- damage ------------------------------------------------------------------------------------------------------------


def edit(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


DAMAGE = {
    "empty stamp": ("stamp.json", lambda path: path.write_text("")),
    "half a stamp": ("stamp.json", lambda path: path.write_text(path.read_text()[:200])),
    "stamp of bytes": ("stamp.json", lambda path: path.write_bytes(b"\xff\xfe\x00")),
    "stamp of something else": ("stamp.json", lambda path: path.write_text("[3]")),
    "stamp without needs": ("stamp.json", lambda path: path.write_text('{"key": "a", "sums": {}}')),
    "stamp with odd sums": ("stamp.json", lambda path: path.write_text('{"key": "a", "sums": [1], "needs": {}}')),
    "stamp is a folder": ("stamp.json", lambda path: (path.unlink(), path.mkdir())),
    "parameter in the stamp changed": ("stamp.json", lambda path: edit(path, '"epochs": 8', '"epochs": 9')),
    "a fact in the stamp changed": ("stamp.json", lambda path: edit(path, '"seconds": ', '"seconds": 9')),
    "stamp without a seal": ("stamp.json", lambda path: edit(path, '"seal"', '"sael"')),
    "scores flipped": ("scores.parquet", flip),
    "scores missing": ("scores.parquet", lambda path: path.unlink()),
    "scores cut": ("scores.parquet", lambda path: path.write_bytes(path.read_bytes()[:50])),
    "scores are a folder": ("scores.parquet", lambda path: (path.unlink(), path.mkdir())),
    "scores a link to nothing": ("scores.parquet", lambda path: (path.unlink(), path.symlink_to("nowhere"))),
    "weights zeroed": ("weights.safetensors", lambda path: path.write_bytes(bytes(path.stat().st_size))),
    "maps empty": ("maps.npz", lambda path: path.write_bytes(b"")),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_damage_of_a_finished_run_is_noticed_named_and_set_aside(tmp_path, capsys, damage):
    run = begin(tmp_path)
    finish(run)
    name, work = DAMAGE[damage]
    work(run.folder / name)
    there = sorted(path.name for path in run.folder.iterdir() if path.name != ".lock")
    found = runs.state(run.folder, run.needs)
    assert found.word == "damaged" and str(run.folder / name) in found.why
    with pytest.raises(runs.RunError, match=re.escape(str(run.folder / name)) + ".*make study"):
        archive.gather(tmp_path / "results", "ncl", {run.folder.name: runs.key_of(run.needs)})
    with pytest.raises(runs.RunError, match=re.escape(str(run.folder / name)) + ".*make study"):
        runs.trained(run.folder)
    again = begin(tmp_path)
    assert not again.finished and sorted(path.name for path in aside(run).iterdir()) == there
    assert name in capsys.readouterr().out
    finish(again)
    assert begin(tmp_path).finished


BEGUN = ["", "{", "[]", '{"needs": 3}', '{"needs": {"code": 3, "parameters": [1]}}', "{}", None]


@pytest.mark.parametrize("text", BEGUN)
def test_a_checkpoint_of_unknown_origin_is_not_continued(tmp_path, capsys, text):
    folder = tmp_path / "results/ncl/runs/base_toy_seed3"
    folder.mkdir(parents=True)
    (folder / "checkpoint.pt").write_bytes(b"who")
    if text is not None:
        (folder / "begun.json").write_text(text)
    run = begin(tmp_path)
    assert set(bytes_of(folder)) == {"begun.json"} and not run.finished
    assert (aside(run) / "checkpoint.pt").read_bytes() == b"who"
    said = capsys.readouterr().out
    assert "begun anew" in said and (f"{folder}/begun.json does not say" in said or "code: " in said)


def test_damaged_pictures_are_never_shown(tmp_path):
    run = begin(tmp_path)
    finish(run)
    results, name, path = tmp_path / "results", run.folder.name, run.folder / "maps.npz"
    whole = path.read_bytes()
    for at in range(0, len(whole), 41):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 8]) + whole[at + 1 :])
        with pytest.raises(store.DamagedFile, match=re.escape(str(path))):
            runs.pictures(results, "ncl", name)
    path.write_bytes(whole)
    flip(run.folder / "weights.safetensors")
    assert runs.pictures(results, "ncl", name)  # these are whole
    path.unlink()
    assert runs.pictures(results, "ncl", name) == {}  # as in a fresh clone


@pytest.mark.parametrize("name", ["", ".", "..", "../ncl", "a/b", "/tmp/x", ".hidden", "old~", "a\nb", "a\0b"])
def test_a_name_that_would_lead_elsewhere_is_refused(tmp_path, name):
    with pytest.raises(runs.RunError, match="cannot be named"):
        begin(tmp_path, name)
    assert not list(tmp_path.glob("**/begun.json"))


@pytest.mark.parametrize("name", ["ü 漢 [1]*?", "a+b'c", "x" * 200])
def test_odd_names_are_names(tmp_path, name):
    finish(begin(tmp_path, name))
    finish(begin(tmp_path, name, epochs=9))
    results = tmp_path / "results"
    settings, tables = archive.gather(results, "ncl")
    assert settings["run"].tolist() == [name] and settings["epochs"].tolist() == [9]
    archive.keep(results, "ncl")
    shutil.rmtree(results / "ncl" / "runs")
    pd.testing.assert_frame_equal(archive.gather(results, "ncl")[1]["scores"], tables["scores"])


@pytest.mark.parametrize("place", ["pathlib.Path.mkdir", "builtins.open"])
def test_a_folder_that_cannot_be_written_is_named(tmp_path, monkeypatch, place):
    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(place, refuse)
    with pytest.raises(runs.RunError, match="base_toy_seed3: nothing can be written there"):
        begin(tmp_path)


# ---- other processes ---------------------------------------------------------------------------------------------------


HOLD = """
import sys, time
sys.path.insert(0, {repo!r})
from pathlib import Path
from imdlib import runs
runs.lock(Path({folder!r}))
print("held", flush=True)
time.sleep(60)
"""


def test_two_processes_never_share_a_folder_and_a_killed_one_leaves_it(tmp_path):
    folder = tmp_path / "results/ncl/runs/base_toy_seed3"
    folder.mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "results")
    work = HOLD.format(repo=str(REPO), folder=str(folder))
    with subprocess.Popen([sys.executable, "-c", work], stdout=subprocess.PIPE, text=True) as other:
        try:
            assert other.stdout.readline() == "held\n"
            for results in ("results", "link"):
                with pytest.raises(runs.RunError, match=f"{re.escape(str(folder))}: another process is working.*`run`"):
                    begin(tmp_path, results=str(tmp_path / results))
            assert set(bytes_of(folder)) == set()
        finally:
            other.kill()
    assert not begin(tmp_path).finished  # free again
    assert begin(tmp_path, results=str(tmp_path / "link")).folder.exists()  # this process has it, by whichever name
    shutil.rmtree(folder)
    begin(tmp_path)  # a new folder of that name is taken anew
    assert os.path.samestat(os.fstat(runs.LOCKS[folder].fileno()), os.stat(folder / ".lock"))


# ---- the stamp ---------------------------------------------------------------------------------------------------------


def test_stamp_says_where_a_number_comes_from(tmp_path):
    found = runs.stamp(begin(tmp_path))
    assert re.fullmatch(r"unknown|[0-9a-f]{12}(\+changes)?", found["commit"])
    assert found["seed"] == 3 and found["device"] and found["platform"] and found["packages"]["torch"] == "1.0"
    assert found["packages"]["numpy"] == np.__version__
    assert 0 <= found["seconds"] < 60 and found["peak_memory_mb"] > 50
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", found["finished"])


def test_published_runs_hold_no_private_path(tmp_path):
    run = begin(tmp_path, data={"toy": "abc"}, epochs=2)
    finish(run)
    text = (run.folder / "stamp.json").read_text() + (run.folder / "begun.json").read_text()
    assert str(tmp_path) not in text and str(REPO) not in text


def test_an_absolute_results_folder_wins_and_a_relative_one_counts_from_the_repository(tmp_path):
    assert places.results_folder(tmp_path, "ncl") == tmp_path / "ncl"
    assert places.results_folder("results/quick", "ncl") == REPO / "results" / "quick" / "ncl"
