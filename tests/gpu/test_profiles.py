"""The card's profiles: night's final rows, more of them, and the papers' sizes, but for what they say themselves."""

import re
from collections import Counter

import pytest

from benchmarks.gpu import plan
from imdlib import places
from imdlib.planner import Planner
from imdlib.study import asked, grid, profile

PAPER, SHORTENED = profile("paper"), profile("gpu-paper")
LONGER = {"ncl.steps", "ncl.lite0_steps", "inr/run.steps", "inr/nrr.steps", "inr.unsupervised_steps", "inr.lite0_steps"}
LONGER |= {"bridge.epochs"}


def test_gpu_is_night_with_twice_the_seeds_three_times_the_steps_and_no_trials():
    night, gpu = profile("night"), profile("gpu")
    assert {key for key in night if key not in gpu} == {
        key for key in night if re.search(r"\.trials$|\.trial_sets$", key)
    }
    assert not set(gpu) - set(night) - {"bridge.teacher_epochs"}
    for key, value in gpu.items():
        if key.endswith(".seeds"):
            assert value == list(range(2 * len(night[key]))), key
        elif key in LONGER or key == "bridge.teacher_epochs":
            assert value == 3 * night[key], key
        else:
            assert (
                sorted(map(str, value)) == sorted(map(str, night[key]))
                if isinstance(value, list)
                else value == night[key]
            ), key


def test_gpu_has_every_final_run_of_night_and_as_many_seeds_more_but_for_sweeps():
    def rows(name):
        values = profile(name)
        cells = {one.name: one.configurations(**grid(values, one)) for one in asked(name, values).values()}
        runs = [(study, run, cell) for study, some in cells.items() for run, cell in some.items()]
        return Counter(
            (study, re.sub("_seed[0-9]+$", "", run)) for study, run, cell in runs if "trial" not in cell.parameters
        )

    night, gpu = rows("night"), rows("gpu")
    assert set(gpu) == set(night) and len(gpu) > 70
    swept = ("frequencies-", "width-", "stride-")
    once = {one: 1 if "classic" in one[1] else 1 if any(word in one[1] for word in swept) else 10 for one in gpu}
    assert gpu == once


@pytest.mark.parametrize("key", [key for key in SHORTENED if key in PAPER])
def test_gpu_paper_has_the_papers_sizes_but_for_what_is_shortened(key):
    paper, ours = PAPER[key], SHORTENED[key]
    shorter = {
        "ncl.epochs": 5,
        "inr.unsupervised_steps": 10,
        "inr/run.steps": 10,
        "inr/nrr.steps": 40,
        "bridge.epochs": 4,
    }
    other = {"ncl.attack_count"} | {key for key in (key,) if re.search(r"_sets?$|\.(rows|methods|detail_set)$", key)}
    assert key in other or ours * shorter.get(key, 1) == paper, (key, ours, paper)


def test_a_page_of_a_card_stands_beside_night_and_on_no_other_page(tmp_path):
    for name in ("night", "laptop", "real", "gpu"):
        (tmp_path / name).mkdir()
        (tmp_path / name / places.CLAIMS).write_text("id\n")
    assert list(places.sides(tmp_path / "gpu")) == ["gpu", "twins"]
    assert places.sides(tmp_path / "gpu")["twins"].name == "night"
    assert list(places.sides(tmp_path / "night")) == ["twins", "real"]
    (tmp_path / "night" / places.CLAIMS).unlink()
    assert places.sides(tmp_path / "gpu")["twins"].name == "laptop"


def test_runs_without_their_data_are_known_before_they_begin():
    jobs = [job for job in Planner("gpu-paper").jobs.values() if plan.trains(job)]
    missing = [job for job in jobs if "not at hand" in job.needs["data"].values()]
    assert {job.notebook.split("/")[0] for job in missing} == {"ncl", "inr"} and len(missing) < len(jobs)
