"""The queue: who may begin, what is left out, what a limit costs; then real runs of a tiny profile, one killed in flight."""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from benchmarks.gpu import plan, queue
from imdlib.places import REPO
from tests.gpu.jobs import job


@pytest.fixture
def begun(monkeypatch):
    """Jobs in the order in which they begin; each is a process that lives as long as its name's last word says."""
    started = []

    def begin(one, environment):
        started.append(one.name)
        words = {"long": "sleep 60", "fails": "exit 3"}
        return subprocess.Popen(words.get(one.name.split("_")[-1], "true"), shell=True, start_new_session=True)

    monkeypatch.setattr(queue, "begin", begin)
    monkeypatch.setattr(queue, "last_lines", lambda one: "its last words")
    return started


def made(jobs, seconds=60.0, **lanes):
    return queue.Queue(jobs, time.monotonic() + seconds, plan.Durations(), **{"card": 1, "processors": 1} | lanes)


def ticked(some, patience=20.0):
    until = time.monotonic() + patience
    while not some.over() and time.monotonic() < until:
        some.tick()
        time.sleep(0.02)
    return {one["run"].split("/")[-1]: one["outcome"] for one in some.table().to_dict("records")}


def test_runs_wait_for_those_they_need_and_those_that_need_a_failed_one_are_left_out(begun):
    data = job("data", "sim-toy")
    nrr, bad = job("inr", "nrr", notebook="nrr", after=[data]), job("inr", "nrr_fails", notebook="nrr", after=[data])
    good, left = job("inr", "good", after=[nrr, data]), job("inr", "left", after=[bad])
    lost = job("inr", "lost", after=[job("inr", "elsewhere")])
    found = ticked(made([good, left, lost, bad, nrr, data]))
    assert found["good"] == found["nrr"] == found["sim-toy"] == "finished" and found["nrr_fails"] == "failed"
    assert found["left"] == found["lost"] == "waits for another"
    assert begun.index("sim-toy") < begun.index("nrr") < begun.index("good")


def test_what_would_not_end_in_time_and_what_has_no_data_never_begins(begun):
    slow, real = job("bridge", "slow", steps=10_000), job("ncl", "real", data="not at hand")
    some = made([slow, real, job("ncl", "quick", steps=1)], seconds=plan.START + 5)
    some.durations = plan.Durations({"ncl/run": 0.01, "bridge/run": 0.01})
    assert ticked(some) == {"slow": "no time", "real": "no data", "quick": "finished"} and begun == ["quick"]


def test_a_run_that_seemed_too_long_begins_where_others_turn_out_to_be_short(begun):
    some = made([job("ncl", "a", steps=1), job("ncl", "b", steps=1000)], seconds=plan.START + 8)
    some.durations = plan.Durations({"ncl/run": 0.01})
    some.tick()
    assert begun == ["a"] and len(some.waiting()) == 1
    assert ticked(some) == {"a": "finished", "b": "finished"}


def test_the_card_takes_as_many_as_it_is_told_and_processors_have_lanes_of_their_own(begun):
    some = made([job("ncl", f"{k}_long") for k in range(4)] + [job("ncl", "c_long", notebook="classic")], card=3)
    some.tick()
    assert begun == ["0_long", "1_long", "2_long", "c_long"]
    some.until = 0
    some.stop()
    assert set(some.table()["outcome"]) == {"cut off", "no time"} and not some.flying


def test_a_queue_that_waits_for_the_measurements_of_its_card_is_not_over(begun):
    some = made([job("ncl", "a")], card=0)
    some.tick()
    assert not begun and not some.over()
    some.card = 1
    assert ticked(some) == {"a": "finished"}


def test_a_limit_ends_what_flies_and_one_that_had_ended_counts(begun):
    some = made([job("ncl", "one"), job("ncl", "two_long")], card=2)
    some.tick()
    pids = [flight.process.pid for flight in some.flying]
    some.flying[0].process.wait()
    began = time.monotonic()
    some.stop()
    assert some.table()["outcome"].tolist() == ["finished", "cut off"] and time.monotonic() - began < queue.GRACE
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids)


# ---- real runs -----------------------------------------------------------------------------------------------------

PROFILE = {
    "count": 60, "size": 64, "examples": 3, "crop": 48, "batch_size": 8, "ncl.seeds": [0], "ncl.test_sets": ["sim-casia"],
    "ncl.benchmark_sets": ["sim-casia"], "ncl.epochs": 1,
}  # fmt: skip
FLY = """
import json, time
import psutil
from benchmarks.gpu import kept, plan, queue
from benchmarks.gpu.__main__ import jobs_of
from imdlib import archive
from imdlib.planner import Planner

jobs = jobs_of(["tiny"], "")
some = queue.Queue(jobs, time.monotonic() + 600, plan.Durations(), card=1, processors=1, environment={"CUDA_VISIBLE_DEVICES": ""})
kernels = []
while not kernels:  # until the second training is in flight, its kernel begun
    some.tick()
    time.sleep(0.1)
    trained = [word for (rule, _), (word, _) in some.ended.items() if rule == "ncl_run"]
    if trained and some.flying:
        kernels = [one.pid for one in queue.of_process(some.flying[0].process)[1:]]
some.stop()
kept.keep("results/tiny")
print(json.dumps({
    "outcomes": {job.name: some.ended[queue.name_of(job)][0] for job in jobs},
    "whole": {job.name: queue.whole(job) for job in jobs},
    "kernels": [pid for pid in kernels if psutil.pid_exists(pid)],
    "kept": sorted(archive.stamps("results/tiny", "ncl")),
    "todo": [job.name for job in Planner("tiny").jobs.values() if not (job.done or job.page)],
}))
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A copy of the project with a tiny profile."""
    folder = tmp_path_factory.mktemp("card") / "project"
    for name in ("imdlib", "notebooks", "benchmarks", "profiles"):
        shutil.copytree(REPO / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints"))
    for name in ("Snakefile", "requirements.lock"):
        shutil.copy(REPO / name, folder)
    (folder / "profiles" / "tiny.yaml").write_text(yaml.safe_dump(PROFILE))
    return folder


def python(project, *words):
    environment = os.environ | {"PYTHONPATH": str(project), "IMDLIB_CACHE": str(project / "cache")}
    done = subprocess.run([sys.executable, *words], cwd=project, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-3000:]
    return done.stdout


@pytest.mark.slow
def test_a_run_killed_in_flight_costs_itself_alone_and_the_command_goes_on(project):
    said = json.loads(python(project, "-c", FLY).splitlines()[-1])
    first, second = "base_sim-casia_seed0", "pivot-pc_sim-casia_seed0"
    assert said["outcomes"] == {"sim-casia": "finished", first: "finished", second: "cut off"}
    assert said["whole"] == {"sim-casia": True, first: True, second: False}
    assert said["kept"] == [first] and said["todo"] == [second] and said["kernels"] == []  # the stamp is the planner's

    before = (project / "results/tiny/ncl/runs" / first / "stamp.json").read_bytes()
    began = time.monotonic()
    words = ("--seconds", "30", "--device", "cpu", "--profiles", "tiny")
    out = python(project, "-m", "benchmarks.gpu", *words)
    assert (
        time.monotonic() - began < 90
    )  # half a minute was given, and a minute more for a machine with much else to do
    assert (project / "results/tiny/ncl/runs" / first / "stamp.json").read_bytes() == before
    (place,) = (project / "results/gpu").iterdir()
    assert {"runs.csv", "machine.csv", "plan.csv", "back.zip"} <= {one.name for one in place.iterdir()}
    assert out.index("in this order") < out.index("-- checks") < out.index("-- plan") < out.index("-- runs")
    assert "results/tiny/" + second in (place / "runs.csv").read_text()
    home = project.parent / "home"
    script = "import sys; from benchmarks.gpu import kept; print(kept.unpack(sys.argv[1], sys.argv[2]))"
    assert "'ncl'" in python(project, "-c", script, str(place / "back.zip"), str(home))
    assert (home / "gpu" / place.name / "runs.csv").exists() and (home / "tiny/ncl/scores.parquet").exists()
