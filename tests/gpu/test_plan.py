"""The plan: order of value, steps, schedule and costs against counts by hand."""

import math

import pandas as pd
import pytest

from benchmarks.gpu import pieces, plan
from imdlib.planner import Planner
from imdlib.protocol.verdicts import LEAST_SEEDS
from tests.gpu.jobs import job


def seeds_of(study, row, count=4):
    return [job(study, f"{row}_seed{seed}", seed) for seed in range(count)]


def test_as_many_seeds_as_a_verdict_needs_of_every_row_come_before_more_of_any_and_studies_take_turns():
    assert LEAST_SEEDS == 3
    jobs = [*seeds_of("bridge", "late"), *seeds_of("ncl", "base"), *seeds_of("ncl", "pc"), job("data", "sim-toy")]
    found = [(one.notebook.split("/")[0], one.name) for one in plan.ordered(jobs)]
    first = [("ncl", f"base_seed{k}") for k in range(3)] + [("bridge", f"late_seed{k}") for k in range(3)]
    assert found == [
        *first,
        *(("ncl", f"pc_seed{k}") for k in range(3)),
        ("ncl", "base_seed3"),
        ("bridge", "late_seed3"),
        ("ncl", "pc_seed3"),
    ]


def test_only_what_trains_networks_needs_the_card():
    assert plan.trains(job("inr", "nrr_seed0", notebook="nrr")) and plan.trains(job("ncl", "base_seed0"))
    assert not plan.trains(job("data", "sim-toy")) and not plan.trains(job("ncl", "classic_ela", notebook="classic"))


def test_steps_against_a_count_by_hand():
    told = job("ncl", "a", train_set="sim-casia", count=2000, steps=3600)
    twin = job("ncl", "b", train_set="sim-casia", count=2000, steps=0, epochs=3, batch_size=8)
    both = job("ncl", "c", train_set="sim-casia", count=2000, epochs=3, batch_size=8, with_authentic=True)
    real = job("ncl", "d", train_set="casia2", epochs=70, batch_size=4)
    joined = job("ncl", "e", train_set="nist16-random+casia2", epochs=1, batch_size=4)
    few = job("ncl", "f", train_set="sim-casia", epochs=2, batch_size=8, train_count=60)
    found = [plan.steps(one) for one in (told, twin, both, real, joined, few)]
    assert found == [3600, 3 * 75, 3 * 150, 70 * (5123 // 4), (564 + 5123) // 4, 2 * 7]
    assert plan.steps(job("data", "sim-toy")) == 0
    assert math.isnan(plan.steps(job("bridge", "g", method="wang", train_set="dolos-p2", epochs=2)))


@pytest.mark.parametrize("method, passes", [("wang", 8), ("transcam", 8), ("teacher", 4 * 2), ("late", 4 * 2 + 4 * 8)])
def test_passes_of_bridging(method, passes):
    given = dict(
        method=method, train_set="sim-x", count=2000, epochs=8, teacher_epochs=4, teacher_passes=2, batch_size=16
    )
    assert plan.steps(job("bridge", method, **given)) == passes * (1200 // 16)


def test_durations_are_those_measured_of_the_row_then_of_the_notebook_then_by_steps():
    durations = plan.Durations({"ncl/run": 0.01})
    one, two, other = (job("ncl", name, steps=1000) for name in ("base_seed0", "base_seed1", "pc_seed0"))
    assert durations.of(one) == plan.START + 10
    durations.note(one, 40.0)
    assert durations.of(two) == 40 and durations.of(other) == pytest.approx(40.0)
    assert durations.of(job("ncl", "fcn_seed0", steps=3000)) == pytest.approx(2 * (plan.START + 30))


def test_a_schedule_by_hand():
    durations = plan.Durations()
    nrr = job("inr", "nrr_seed0", notebook="nrr", steps=1)
    runs = [
        job("ncl", "a_seed0", steps=1),
        nrr,
        job("inr", "b_seed0", after=[nrr], steps=1),
        job("ncl", "c_seed0", steps=1),
    ]
    for one, seconds in zip(runs, (30.0, 10.0, 15.0, 20.0)):
        durations.rows[plan.row_of(one)] = seconds
    found = plan.schedule(runs, durations, 2, 40.0)
    assert [(one.name, start, end) for one, start, end in found] == [
        ("a_seed0", 0, 30), ("nrr_seed0", 0, 10), ("b_seed0", 10, 25),
    ]  # fmt: skip
    assert plan.schedule(runs, durations, 2, 45.0)[-1][1:] == (25, 45)
    assert plan.schedule(runs[2:3], durations, 1, 99.0) == []  # what it waits for is not there
    table = plan.fitting(found)
    assert table["ends"].tolist() == [30, 10, 25] and table["runs"].tolist() == [1, 1, 1]


def test_how_many_side_by_side_is_the_number_that_makes_most_steps_and_slows_each_of_them():
    rows = [dict(what="together", count=n, value=rate, speedup=rate / 10) for n, rate in ((1, 10), (4, 30), (8, 28))]
    rows.append(dict(what="step", network="ncl/run small", notebook="ncl/run", seconds=0.1))
    rows.append(dict(what="step", network="ncl/run paper", notebook="ncl/run", seconds=9.0))
    speed = pd.DataFrame(rows)
    assert plan.measured(speed) == (4, {"ncl/run": pytest.approx(0.1 * 4 / 3)})
    assert plan.measured(speed, 8) == (8, {"ncl/run": pytest.approx(0.1 * 8 / 2.8)})
    assert plan.measured(pd.DataFrame({"what": []})) == (1, {})


def test_costs_by_hand():
    jobs = [job("ncl", f"a_seed{k}", k, steps=3600) for k in (0, 1)]
    jobs += [job("bridge", "late_seed0", method="late", train_set="dolos-p2")]
    table = plan.costs(jobs, {"ncl/run": 0.5, "bridge/run": 1.0}, {"ncl/run": (2048, 512), "bridge/run": (1024, 256)})
    ncl, bridge, whole = table.to_dict("records")
    assert (ncl["gpu_hours"], ncl["memory_gb"], ncl["disk_gb"]) == (1.0, 2.0, 1.0)
    assert (bridge["unknown"], bridge["gpu_hours"], bridge["disk_gb"]) == (1, 0.0, 0.25)
    assert (whole["runs"], whole["gpu_hours"], whole["memory_gb"], whole["disk_gb"]) == (3, 1.0, 2.0, 1.25)


def test_every_training_of_the_whole_paper_is_planned_and_its_sizes_are_the_papers():
    jobs = Planner("paper").jobs.values()
    found = plan.representatives(jobs)
    assert set(found) == {one.notebook for one in jobs if plan.trains(one)}
    assert found["ncl/run"].params["backbone"] == "resnet101" and found["ncl/run"].side == 512
    assert found["bridge/run"].params["conformer"] == [64, 384, 12, 6] and found["bridge/run"].turns == 5


def test_operations_of_a_convolution_by_hand():
    piece = pieces.of_run("inr/nrr", {}, batch_size=2, crop=32)
    more = pieces.of_run("inr/nrr", {}, batch_size=4, crop=32)
    assert pieces.operations(more) == 2 * pieces.operations(piece) > 0
    assert pieces.operations(piece) == pytest.approx(pieces.counted(piece, "cpu"))  # with and without contents
