"""Runs: strict parameters, fingerprints that change with content alone, and folders from which nothing is lost."""

import importlib
import json
import os
import re
import shutil
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import load_file

from imdlib import places, runs

REPO = Path(__file__).resolve().parents[1]
DEFAULTS = {"results": "results/quick", "epochs": 8, "learning_rate": 0.1, "pretrained": False, "rates": [1, 2]}


# ---- parameters ----------------------------------------------------------------------------------------------------------------


@pytest.fixture
def given(monkeypatch):
    """Function: what a notebook with DEFAULTS makes of parameters injected as Papermill does it."""
    monkeypatch.setattr(runs, "declared", lambda notebook: dict(DEFAULTS))

    def parameters(**values):
        injected = "# Parameters\n" + "".join(f"{name} = {value!r}\n" for name, value in values.items())
        return runs.parameters("ncl/run", {**DEFAULTS, **values, "In": ["", "import torch", injected]})

    return parameters


def test_parameters_without_injection_are_the_defaults(given):
    assert given() == DEFAULTS
    assert runs.parameters("ncl/run", dict(DEFAULTS)) == DEFAULTS  # no `In`: not in IPython


def test_unknown_parameter_names_the_nearest(given):
    with pytest.raises(runs.ParameterError, match=r"ncl/run\.ipynb has no parameter 'epocs'\. Did you mean 'epochs'\?"):
        given(epocs=3)
    with pytest.raises(runs.ParameterError, match="no parameter 'zzz'. It has: " + ", ".join(DEFAULTS)):
        given(zzz=3)  # nothing is near


@pytest.mark.parametrize(
    "values", [{"epochs": "3"}, {"epochs": 3.0}, {"epochs": True}, {"learning_rate": True}, {"learning_rate": "0.1"},
               {"pretrained": 1}, {"pretrained": "false"}, {"rates": "1,2"}, {"results": 1}, {"results": None}]
)  # fmt: skip
def test_ill_typed_value_names_parameter_and_types(given, values):
    name, value = next(iter(values.items()))
    expected = f"'{name}' must be {type(DEFAULTS[name]).__name__}.*got {type(value).__name__}"
    with pytest.raises(runs.ParameterError, match=expected):
        given(**values)


def test_values_of_the_right_type_are_taken_and_an_int_for_a_float(given):
    found = given(epochs=3, rates=[], learning_rate=1)
    assert found == DEFAULTS | {"epochs": 3, "rates": [], "learning_rate": 1.0}
    assert isinstance(found["learning_rate"], float)


# ---- fingerprints --------------------------------------------------------------------------------------------------------------


@pytest.fixture
def package(tmp_path, monkeypatch):
    folder = tmp_path / "toy_of_test_runs"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    (folder / "one.py").write_text("x = 1\n")
    (folder / "two.py").write_text("y = 2\n")
    monkeypatch.syspath_prepend(tmp_path)
    importlib.invalidate_caches()
    yield folder
    for name in [name for name in sys.modules if name.startswith(folder.name)]:
        del sys.modules[name]


def test_code_fingerprint_follows_the_source_alone(package):
    name = package.name
    whole, one = runs.code_fingerprint(name), runs.code_fingerprint(f"{name}.one")
    assert re.fullmatch("[0-9a-f]{12}", whole) and whole != one
    os.utime(package / "one.py", (1, 1))
    (package / "notes.txt").write_text("not code")
    assert runs.code_fingerprint(name) == whole
    (package / "two.py").write_text("y = 3\n")
    assert runs.code_fingerprint(name) != whole
    assert runs.code_fingerprint(f"{name}.one") == one
    (package / "one.py").write_text("x = 2\n")
    assert runs.code_fingerprint(f"{name}.one") != one


@pytest.fixture
def manifest(tmp_path):
    """Two files that stand for images, one for a mask."""
    folder = tmp_path / "set"
    folder.mkdir()
    for name in ("a.png", "b.png", "b_mask.png"):
        (folder / name).write_bytes(name.encode() * 10)
    rows = [("a.png", "", 0, "authentic"), ("b.png", "b_mask.png", 1, "splicing")]
    rows = [
        (str(folder / i), str(folder / m) if m else "", label, kind, "s", "train", "toy") for i, m, label, kind in rows
    ]
    return pd.DataFrame(rows, columns=["image", "mask", "label", "kind", "scene", "split", "dataset"])


def test_data_fingerprint_follows_rows_and_bytes_not_place_or_time(manifest, tmp_path):
    before = runs.data_fingerprint(manifest)
    shutil.copytree(tmp_path / "set", tmp_path / "elsewhere")
    moved = manifest.replace(str(tmp_path / "set"), str(tmp_path / "elsewhere"), regex=True)
    os.utime(tmp_path / "elsewhere" / "a.png", (1, 1))
    assert moved["image"][0] != manifest["image"][0]
    assert runs.data_fingerprint(moved) == before
    assert runs.data_fingerprint(manifest.assign(note="seen", visibility="")) == before
    assert runs.data_fingerprint(manifest.assign(split="test")) != before
    assert runs.data_fingerprint(manifest.iloc[:1]) != before
    (tmp_path / "elsewhere" / "b_mask.png").write_bytes(b"B_mask.png" * 10)  # same name, same length
    assert runs.data_fingerprint(moved) != before


# ---- a run ---------------------------------------------------------------------------------------------------------------------

PARAMS = {"run": "", "seed": 3, "epochs": 2, "workers": 0}
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


def begin(tmp_path, manifest, name="base_toy_seed3", **more):
    params = {"results": str(tmp_path / "results"), **PARAMS, **more}
    return runs.open_run("ncl", name, params, code=["imdlib.ncl"], manifest=manifest)


def finish(run, **facts):
    model = torch.nn.Linear(2, 1)
    pictures = {"toy/b.png/map": np.float32([[0, 0.5], [0.25, 1]]), "toy/b.png/mask": np.uint8([[0, 0], [1, 1]])}
    history = pd.DataFrame({"epoch": [1, 2], "loss": [2.0, 1.0]})
    run.finish(model=model, history=history, scores=SCORES, pictures=pictures, **facts)
    return model


def contents(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_finish_writes_everything_and_the_stamp_last(tmp_path, manifest, monkeypatch):
    run = begin(tmp_path, manifest)
    assert not run.finished
    (run.folder / "checkpoint.pt").write_bytes(b"large")
    there = []
    monkeypatch.setattr(runs, "stamp", lambda run: there.extend(p.name for p in run.folder.iterdir()) or {"seed": 3})
    model = finish(run, train_images=7)
    assert {"params.yaml", "history.csv", "scores.csv.gz", "weights.safetensors", "maps.npz"} <= set(there)
    assert run.finished and set(contents(run.folder)) == {*there, "stamp.json"} - {"checkpoint.pt"}
    assert json.loads((run.folder / "stamp.json").read_text()) == {"seed": 3, "train_images": 7}
    pd.testing.assert_frame_equal(run.scores(), SCORES, rtol=1e-5)
    assert torch.equal(load_file(run.folder / "weights.safetensors")["weight"], model.weight)
    assert runs.history(tmp_path / "results", "ncl", run.folder.name)["loss"].tolist() == [2, 1]
    kept = runs.pictures(tmp_path / "results", "ncl", run.folder.name)["toy/b.png"]
    assert np.abs(kept["map"] - [[0, 0.5], [0.25, 1]]).max() <= 0.501 / 255
    assert kept["mask"].tolist() == [[0, 0], [1, 1]]


def test_a_run_that_broke_while_finishing_is_not_finished(tmp_path, manifest, monkeypatch):
    run = begin(tmp_path, manifest)
    (run.folder / "checkpoint.pt").write_bytes(b"large")
    monkeypatch.setattr(runs, "stamp", lambda run: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        finish(run)
    again = begin(tmp_path, manifest)
    assert not again.finished and (again.folder / "checkpoint.pt").exists()


def test_same_key_continues(tmp_path, manifest):
    first = begin(tmp_path, manifest)
    finish(first)
    before = contents(first.folder)
    second = begin(tmp_path, manifest, workers=4)  # how fast, not what
    assert second.finished and second.key == first.key and contents(second.folder) == before
    assert [path.name for path in first.folder.parent.iterdir()] == [first.folder.name]


@pytest.mark.parametrize("change", ["parameter", "data", "code"])
def test_another_key_sets_the_run_aside(tmp_path, manifest, monkeypatch, change, capsys):
    first = begin(tmp_path, manifest)
    finish(first)
    before = contents(first.folder)
    if change == "code":
        monkeypatch.setattr(runs, "code_fingerprint", lambda *modules: "other")
    more = {"epochs": 3} if change == "parameter" else {}
    second = begin(tmp_path, manifest.assign(kind="removal") if change == "data" else manifest, **more)
    assert not second.finished and second.folder == first.folder and second.key != first.key
    assert contents(first.folder.with_name(first.folder.name + "~")) == before
    assert "set aside" in capsys.readouterr().out


def test_a_second_change_deletes_nothing(tmp_path, manifest):
    finish(begin(tmp_path, manifest, epochs=1))
    finish(begin(tmp_path, manifest, epochs=2))
    begin(tmp_path, manifest, epochs=3)
    kept = sorted(path.parent.name for path in (tmp_path / "results/ncl/runs").glob("*/stamp.json"))
    assert kept == ["base_toy_seed3~", "base_toy_seed3~~"]


def test_a_stamp_of_another_run_does_not_count(tmp_path, manifest):
    """Snakemake restores the stamp of the older run when the newer one fails."""
    first = begin(tmp_path, manifest)
    finish(first)
    old = (first.folder / "stamp.json").read_text()
    second = begin(tmp_path, manifest, epochs=9)
    (second.folder / "stamp.json").write_text(old)
    assert not begin(tmp_path, manifest, epochs=9).finished
    finish(second)
    assert begin(tmp_path, manifest, epochs=9).finished


def test_logs_that_came_first_stay_where_they_are_being_written(tmp_path, manifest, capsys):
    folder = tmp_path / "results/ncl/runs/base_toy_seed3"
    folder.mkdir(parents=True)
    (folder / "log.txt").write_text("being written")
    assert begin(tmp_path, manifest).folder == folder
    assert "set aside" not in capsys.readouterr().out
    begin(tmp_path, manifest, epochs=9)
    assert (folder / "log.txt").read_text() == "being written"
    assert (folder.with_name(folder.name + "~") / "params.yaml").exists()


def test_a_checkpoint_of_unknown_origin_is_not_continued(tmp_path, manifest):
    folder = tmp_path / "results/ncl/runs/base_toy_seed3"
    folder.mkdir(parents=True)
    (folder / "checkpoint.pt").write_bytes(b"whose?")
    run = begin(tmp_path, manifest)
    assert not (run.folder / "checkpoint.pt").exists()
    assert (folder.with_name(folder.name + "~") / "checkpoint.pt").read_bytes() == b"whose?"


def test_gather_takes_finished_runs_and_nothing_else(tmp_path, manifest):
    results = tmp_path / "results"
    with pytest.raises(FileNotFoundError, match="no finished run.*make study"):
        runs.gather(results, "ncl")
    finish(begin(tmp_path, manifest, name="one", epochs=1))
    finish(begin(tmp_path, manifest, name="one", epochs=5), train_images=7)  # sets the first aside
    finish(begin(tmp_path, manifest, name="two"))
    begin(tmp_path, manifest, name="three")  # not finished
    settings, scores = runs.gather(results, "ncl")
    assert settings["run"].tolist() == ["one", "two"] and settings["epochs"].tolist() == [5, 2]
    assert settings["train_images"][0] == 7 and settings["peak_memory_mb"].min() > 0
    assert runs.pictures(results, "ncl", "three") == {}  # no maps, as in a fresh clone
    assert scores.groupby("run").size().to_dict() == {"one": 2, "two": 2}


def test_missing_trivial_scores_say_what_to_run(tmp_path):
    folder = tmp_path / "data" / "toy"
    folder.mkdir(parents=True)
    runs.write_scores(SCORES, folder / "scores.csv.gz")
    assert len(runs.trivial_scores(tmp_path, ["toy"])) == 2
    with pytest.raises(
        FileNotFoundError, match=r"missing: .*data/other/scores\.csv\.gz\. Run notebooks/data\.ipynb"
    ) as error:
        runs.trivial_scores(tmp_path, ["toy", "other"])
    assert "data/toy" not in str(error.value)


def test_stamp_says_where_a_number_comes_from(tmp_path, manifest):
    run = begin(tmp_path, manifest)
    found = runs.stamp(run)
    assert re.fullmatch(r"unknown|[0-9a-f]{12}(\+changes)?", found["commit"])
    assert found["seed"] == 3 and found["data"] == runs.data_fingerprint(manifest)
    assert found["packages"]["torch"].split("+")[0] == torch.__version__.split("+")[0]
    assert found["device"] and found["threads"] == torch.get_num_threads() and found["platform"]
    assert 0 <= found["seconds"] < 60 and found["peak_memory_mb"] > 50
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", found["finished"])
    json.dumps(found)


def test_scores_are_the_same_bytes_at_any_time_and_place(tmp_path, monkeypatch):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        runs.write_scores(SCORES, tmp_path / name / "scores.csv.gz")
        monkeypatch.setattr("time.time", lambda: 4e9)
    first, second = ((tmp_path / name / "scores.csv.gz").read_bytes() for name in ("a", "b"))
    assert first == second
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "a" / "scores.csv.gz"), SCORES, rtol=1e-5)


def test_an_absolute_results_folder_wins_and_a_relative_one_counts_from_the_repository(tmp_path):
    assert places.results_folder(tmp_path, "ncl") == tmp_path / "ncl"
    assert places.results_folder("results/quick", "ncl") == REPO / "results" / "quick" / "ncl"
