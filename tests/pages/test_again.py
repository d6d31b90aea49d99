"""Made again: the command, the runs and the minutes of every table, and what a run of each method cost."""

import pandas as pd

from imdlib import archive
from imdlib.pages import again, tables


def test_a_study_says_how_each_table_is_made_again_and_what_its_runs_cost(tmp_path, monkeypatch):
    folder = tmp_path / "toy" / "ncl"
    about = dict(seconds=60, peak_memory_mb=100, needs={"data": {"sim-casia": "key"}})
    names = ["base_a_seed0", "base_a_seed1", "pivot_a_seed0", "base_a_trial0_seed100"]
    uses = {"data": {"sim-casia": "key"}, "uses": {"start": "key"}, "parameters": {"start": "base_a_trial0_seed100"}}
    stamps = dict.fromkeys(names, about) | {"pivot_a_seed0": about | {"needs": uses}}
    monkeypatch.setattr(archive, "stamps", lambda results, study: stamps if study == "ncl" else {})
    rows = pd.DataFrame({"method": ["Base", "Pivot"], "test_set": "s", "metric": "m", "value": 0.5})
    tables.save(rows.assign(runs=["base_a_seed*", "pivot_a_seed*"]), folder, "table5", "x")
    tables.save(rows.head(1).assign(runs="base_a_seed*"), folder, "table_more", "x")
    shown = again.commands(folder).set_index("what")
    assert shown["runs"].to_dict() == {"all that is here": 4, "Table 5": 3, "More": 2}
    assert shown["minutes of one core"].tolist() == [4, 3, 2] and shown["with what they need"].tolist() == [4, 4, 2]
    assert shown.loc["Table 5", "command"] == "make study PROFILE=toy RUNS='ncl/base_a_seed* ncl/pivot_a_seed*'"
    cost = again.costs(folder)
    assert cost["method"].tolist() == ["Base", "Pivot", ""] and cost["how many"].tolist() == [2, 1, 1]
    assert cost["runs"].iloc[-1] == "the search of settings" and (cost["minutes each"] == 1).all()
    assert again.commands(tmp_path / "toy" / "inr").empty and again.costs(tmp_path / "toy" / "inr").empty


def test_runs_on_real_images_need_their_folder(tmp_path, monkeypatch):
    about = dict(seconds=60, peak_memory_mb=100, needs={"data": {"sim-casia": "key", "casia1": "key"}})
    monkeypatch.setattr(archive, "stamps", lambda results, study: {"base_a_seed0": about})
    assert again.commands(tmp_path / "gpu-paper" / "ncl")["command"].tolist() == [
        "make study PROFILE=gpu-paper DATA=... RUNS='ncl/*'"
    ]
