"""Runs: strict parameters, a key of everything that a run depends on, and folders in which nothing is lost or believed blindly."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from imdlib import places, runs, sources, store

REPO = Path(__file__).resolve().parents[1]
DEFAULTS = {"results": "results/quick", "data": "", "run": "", "seed": 3, "epochs": 8, "learning_rate": 0.1,
            "pretrained": False, "rates": [1, 2], "train_set": "toy", "threads": 1}  # fmt: skip
CODE = {"code": {"ncl/run.ipynb": "1", "imdlib.train": "2"}, "packages": {"torch": "1.0"}}


@pytest.fixture(autouse=True)
def toy(tmp_path, monkeypatch):
    """A notebook with DEFAULTS that depends on CODE, and a cache of its own."""
    monkeypatch.setattr(runs, "declared", lambda notebook: dict(DEFAULTS))
    monkeypatch.setattr(sources, "of_notebook", lambda notebook, stops=(): CODE)
    monkeypatch.setenv("IMDLIB_CACHE", str(tmp_path / "cache"))


# ---- parameters ----------------------------------------------------------------------------------------------------


def given(**values):
    """What the notebook makes of parameters injected as Papermill does it."""
    injected = "# Parameters\n" + "".join(f"{name} = {value!r}\n" for name, value in values.items())
    return runs.parameters("ncl/run", {**DEFAULTS, **values, "In": ["", "import torch", injected]})


def test_parameters_without_injection_are_the_defaults():
    assert given() == DEFAULTS
    assert runs.parameters("ncl/run", dict(DEFAULTS)) == DEFAULTS  # no `In`: not in IPython


def test_unknown_parameter_names_the_nearest():
    with pytest.raises(runs.ParameterError, match=r"ncl/run\.ipynb has no parameter 'epocs'\. Did you mean 'epochs'\?"):
        given(epocs=3)
    with pytest.raises(runs.ParameterError, match="no parameter 'zzz'. It has: " + ", ".join(DEFAULTS)):
        given(zzz=3)  # nothing is near


@pytest.mark.parametrize(
    "values", [{"epochs": "3"}, {"epochs": 3.0}, {"epochs": True}, {"learning_rate": True}, {"learning_rate": "0.1"},
               {"pretrained": 1}, {"pretrained": "false"}, {"rates": "1,2"}, {"results": 1}, {"results": None}]
)  # fmt: skip
def test_ill_typed_value_names_parameter_and_types(values):
    name, value = next(iter(values.items()))
    expected = f"'{name}' must be {type(DEFAULTS[name]).__name__}.*got {type(value).__name__}"
    with pytest.raises(runs.ParameterError, match=expected):
        given(**values)


@pytest.mark.parametrize("rates, at", [([1, "2"], 1), ([1.5], 0), ([True], 0), ([1, 2, [3]], 2)])
def test_elements_of_lists_have_a_type_too(rates, at):
    with pytest.raises(runs.ParameterError, match=rf"'rates\[{at}\]' must be int"):
        given(rates=rates)


def test_values_of_the_right_type_are_taken_and_an_int_for_a_float():
    found = given(epochs=3, rates=[], learning_rate=1)
    assert found == DEFAULTS | {"epochs": 3, "rates": [], "learning_rate": 1.0}
    assert isinstance(found["learning_rate"], float)


def test_what_papermill_writes_of_odd_floats_and_hints_are_understood():
    injected = {"In": ["# Parameters\nlearning_rate = float('inf')\n"], "learning_rate": float("inf")}
    assert runs.parameters("ncl/run", DEFAULTS | injected)["learning_rate"] == float("inf")
    assert runs.assignments("a: int = 3\nb: str\nc, d = 1, 2\ne = [-1]") == {"a": 3, "e": [-1]}


def named(*lead, **values):
    return runs.name_of("ncl/run", DEFAULTS | values, *lead)


def test_names_of_runs_differ_with_their_parameters_and_say_them():
    assert named("train_set") == "toy_seed3"
    assert named("train_set", epochs=9) == "toy_epochs-9_seed3"
    assert named("train_set", results="other", run="x", data="there") == "toy_seed3"
    changes = [{}, {"epochs": 9}, {"epochs": 80}, {"learning_rate": 1.0}, {"pretrained": True}, {"rates": [2, 1]},
               {"rates": []}, {"rates": [21]}, {"seed": 4}, {"train_set": "toy+other"}, {"train_set": "a/b"}, {"train_set": "a b"},
               {"train_set": "../b"}, {"train_set": ".."}, {"train_set": ""}, {"train_set": "~"}, {"train_set": "ü"},
               {"train_set": "x" * 400}, {"train_set": "x" * 401}, {"train_set": "a/b", "epochs": 9}]  # fmt: skip
    for lead in ((), ("train_set",)):
        names = [named(*lead, **change) for change in changes]
        assert len(set(names)) == len(names)
        assert all(re.fullmatch(r"[\w.+=-]{1,120}", name, flags=re.A) and name[0] not in ".~" for name in names)


# ---- what a run depends on -----------------------------------------------------------------------------------------


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


# ---- a run ---------------------------------------------------------------------------------------------------------

SCORES = pd.DataFrame(
    {
        "image": ["a.png", "b.png"],
        "dataset": "toy",
        "attack": "none",
        "label": [0, 1],
        "f1": [np.nan, 0.5],
        "auc": [np.nan, 1 / 3],
    }
)
HISTORY = pd.DataFrame({"epoch": [1, 2], "loss": [2.0, 1.0]})


@pytest.fixture(autouse=True)
def _unlocked():
    """Folders are free again after a test, as when its process had ended."""
    yield
    free()


def free():
    while runs.LOCKS:
        runs.LOCKS.popitem()[1].close()


def begin(tmp_path, name="base_toy_seed3", data=None, **more):
    params = DEFAULTS | {"results": str(tmp_path / "results"), **more}
    return runs.open_run("ncl", name, "ncl/run", params, data=data or {"toy": "abc"})


def finish(run, scores=SCORES, **facts):
    model = torch.nn.Linear(2, 1)
    pictures = {"toy/b.png/map": np.float32([[0, 0.5], [0.25, 1]]), "toy/b.png/mask": np.uint8([[0, 0], [1, 1]])}
    run.finish(model=model, pictures=pictures, tables={"scores": scores, "history": HISTORY}, **facts)
    return model


def bytes_of(folder):
    return {
        p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file() and p.name != ".lock"
    }


def aside(run, more="~"):
    return run.folder.with_name(run.folder.name + more)


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
    pd.testing.assert_frame_equal(run.scores(), SCORES, rtol=1e-6)
    pd.testing.assert_frame_equal(run.table("history"), HISTORY)
    assert torch.equal(runs.weights(run.folder)["weight"], model.weight)
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


# ---- damage --------------------------------------------------------------------------------------------------------


def flip(path, at=-30):
    text = bytearray(path.read_bytes())
    text[at] ^= 1
    path.write_bytes(text)


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
        runs.gather(tmp_path / "results", "ncl", {run.folder.name: runs.key_of(run.needs)})
    with pytest.raises(runs.RunError, match=re.escape(str(run.folder / name)) + ".*make study"):
        runs.weights(run.folder)
    again = begin(tmp_path)
    assert not again.finished and sorted(path.name for path in aside(run).iterdir()) == there
    assert name in capsys.readouterr().out
    finish(again)
    assert begin(tmp_path).finished


BEGUN = ["", "{", "[]", '{"needs": 3}', '{"needs": {"code": 3, "parameters": [1]}}', "{}", None]


@pytest.mark.parametrize("text", BEGUN)
def test_a_checkpoint_of_unknown_origin_is_not_continued(tmp_path, text):
    folder = tmp_path / "results/ncl/runs/base_toy_seed3"
    folder.mkdir(parents=True)
    (folder / "checkpoint.pt").write_bytes(b"who")
    if text is not None:
        (folder / "begun.json").write_text(text)
    run = begin(tmp_path)
    assert set(bytes_of(folder)) == {"begun.json"} and not run.finished
    assert (aside(run) / "checkpoint.pt").read_bytes() == b"who"


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
    settings, tables = runs.gather(results, "ncl")
    assert settings["run"].tolist() == [name] and settings["epochs"].tolist() == [9]
    runs.keep(results, "ncl")
    shutil.rmtree(results / "ncl" / "runs")
    pd.testing.assert_frame_equal(runs.gather(results, "ncl")[1]["scores"], tables["scores"])


@pytest.mark.parametrize("place", ["pathlib.Path.mkdir", "builtins.open"])
def test_a_folder_that_cannot_be_written_is_named(tmp_path, monkeypatch, place):
    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(place, refuse)
    with pytest.raises(runs.RunError, match="base_toy_seed3: nothing can be written there"):
        begin(tmp_path)


# ---- other processes -----------------------------------------------------------------------------------------------

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


# ---- what finished runs left ---------------------------------------------------------------------------------------


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
    settings, tables = runs.gather(results, "ncl")
    assert settings["run"].tolist() == ["one", "two"] and settings["epochs"].tolist() == [5, 2]
    assert settings["peak_memory_mb"].min() > 0 and not settings["outdated"].any()
    assert tables["scores"].groupby("run").size().to_dict() == {"one": 2, "two": 2} and set(tables) == {
        "scores",
        "history",
    }
    settings, tables = runs.gather(results, "ncl", {"two": keys["two"]})  # the profile has no `one` any more
    assert settings["run"].tolist() == ["two"] == tables["history"]["run"].unique().tolist()
    settings, tables = runs.gather(results, "ncl", {"two": keys["two"], "one": keys["one"]})
    assert settings["run"].tolist() == ["two", "one"] and settings["outdated"].tolist() == [False, True]


def test_what_is_not_there_says_what_to_do(tmp_path, study):
    keys, results = study
    with pytest.raises(runs.RunError, match=r"inr/runs holds no finished run.*make study"):
        runs.gather(results, "inr")
    begin(tmp_path, "three")
    with pytest.raises(runs.RunError, match=r"ncl/runs/three: no finished run is there; run `make study` again"):
        runs.gather(results, "ncl", keys | {"three": "x"})


def test_kept_runs_are_the_same_rows_in_a_clone(study):
    keys, results = study
    before, again = runs.gather(results, "ncl", keys), None
    files = runs.keep(results, "ncl", keys)
    assert {path.name for path in files} == {"runs.parquet", "scores.parquet", "history.parquet"}
    kept = {path.name: path.read_bytes() for path in files}
    shutil.rmtree(results / "ncl" / "runs")
    again = runs.gather(results, "ncl", keys)
    same(before, again)
    assert again[1]["scores"]["big"].max() == 2**24 + 1
    assert runs.gather(results, "ncl", {"two": keys["two"]})[1]["scores"]["seen"].dtype == bool
    assert "big" not in runs.gather(results, "ncl", {"one": keys["one"]})[1]["scores"]
    runs.keep(results, "ncl", keys)
    assert {path.name: path.read_bytes() for path in files} == kept
    subprocess.run(["sha256sum", "--check", "--quiet", store.SUMS], cwd=results / "ncl", check=True)


def test_runs_without_a_row_stay_runs_with_tables(tmp_path):
    for name in ("one", "two"):
        finish(begin(tmp_path, name), SCORES.head(0))
    results = tmp_path / "results"
    before = runs.gather(results, "ncl")
    assert len(before[1]["scores"]) == 0 and {"auc", "run"} <= set(before[1]["scores"])
    runs.keep(results, "ncl")
    shutil.rmtree(results / "ncl" / "runs")
    same(before, runs.gather(results, "ncl"))
    finish(begin(tmp_path, "two", epochs=9))  # now one has rows
    assert runs.gather(results, "ncl")[1]["scores"]["label"].dtype == "int64"


def test_folders_come_before_what_is_kept_unless_the_kept_run_is_the_one_asked_for(tmp_path, study):
    keys, results = study
    runs.keep(results, "ncl", keys)
    newer = begin(tmp_path, "one", epochs=9)
    finish(newer)
    now = runs.key_of(newer.needs)
    found = {
        key: runs.gather(results, "ncl", {"one": key})[0].iloc[0] for key in (keys["one"], now, "of another time", None)
    }
    assert [row["epochs"] for row in found.values()] == [1, 9, 9, 9]
    assert [row["outdated"] for row in found.values()] == [False, False, True, False]
    shutil.rmtree(newer.folder)
    assert runs.gather(results, "ncl", {"one": now})[0]["outdated"].tolist() == [True]  # the kept one, of other needs
    flip(results / "ncl/runs/two/scores.parquet")
    assert runs.gather(results, "ncl", {"two": keys["two"]})[0]["outdated"].tolist() == [
        False
    ]  # whole where it is kept


def test_a_run_that_joins_does_not_touch_what_is_kept_of_others(tmp_path, study):
    keys, results = study
    runs.keep(results, "ncl", keys)
    before = runs.gather(results, "ncl", keys)
    shutil.rmtree(results / "ncl" / "runs")
    three = begin(tmp_path, "three", epochs=3)
    finish(three, SCORES.assign(label=[0.5, 0.25], other="x"))
    runs.keep(results, "ncl")
    shutil.rmtree(results / "ncl" / "runs")
    same(before, runs.gather(results, "ncl", keys))
    assert runs.gather(results, "ncl", {"three": runs.key_of(three.needs)})[1]["scores"]["other"].tolist() == ["x", "x"]


@pytest.mark.parametrize("name", ["runs.parquet", "scores.parquet", "history.parquet", store.SUMS])
@pytest.mark.parametrize("damage", [flip, lambda path: path.unlink(), lambda path: path.write_bytes(b"")])
def test_damaged_kept_files_are_named_and_written_anew_from_the_folders(study, name, damage):
    keys, results = study
    before = {path: path.read_bytes() for path in [*runs.keep(results, "ncl", keys), results / "ncl" / store.SUMS]}
    damage(results / "ncl" / name)
    shutil.move(results / "ncl/runs", results / "elsewhere")
    with pytest.raises((store.DamagedFile, runs.RunError), match="SHA256SUMS|" + name + "|no finished run"):
        runs.gather(results, "ncl", keys)
    shutil.move(results / "elsewhere", results / "ncl/runs")
    runs.keep(results, "ncl", keys)
    assert {path: path.read_bytes() for path in before} == before


def test_a_listing_that_lost_a_line_does_not_lose_rows(study):
    keys, results = study
    runs.keep(results, "ncl", keys)
    shutil.rmtree(results / "ncl/runs")
    listing = results / "ncl" / store.SUMS
    lines = listing.read_text().splitlines(keepends=True)
    for left_out in lines:
        listing.write_text("".join(line for line in lines if line != left_out))
        with pytest.raises(store.DamagedFile, match="no sum of " + left_out.split()[1]):
            runs.gather(results, "ncl", keys)


KEEP = """
import sys
sys.path.insert(0, {repo!r})
import pandas
from imdlib import runs
for k in range(8):
    name = "one" if (k + int(sys.argv[1])) % 2 else "two"
    runs.keep({results!r}, "ncl", {{name: {keys!r}[name]}})
    settings, tables = runs.gather({results!r}, "ncl", {{"one": {keys!r}["one"]}})
    assert tables["scores"]["label"].tolist() == [0, 1]
    runs.kept({results!r}, "ncl")
"""


def test_processes_that_keep_side_by_side_leave_files_that_belong_together(study):
    keys, results = study
    work = [sys.executable, "-c", KEEP.format(repo=str(REPO), results=str(results), keys=keys)]
    both = [subprocess.Popen([*work, str(k)]) for k in range(2)]
    assert [one.wait() for one in both] == [0, 0]
    shutil.rmtree(results / "ncl/runs")
    settings, tables = runs.gather(results, "ncl")
    assert (
        settings["run"].tolist()
        == tables["scores"]["run"].unique().tolist()
        == tables["history"]["run"].unique().tolist()
    )


def test_studies_with_runs_of_one_name_do_not_meet(tmp_path, study):
    _, results = study
    params = DEFAULTS | {"results": str(results), "epochs": 44}
    finish(runs.open_run("inr", "one", "inr/run", params, data={"toy": "abc"}))
    assert runs.gather(results, "inr")[0]["epochs"].tolist() == [44]
    assert runs.gather(results, "ncl")[0]["epochs"].tolist() == [1, 2]


# ---- the stamp -----------------------------------------------------------------------------------------------------


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
