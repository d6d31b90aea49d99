"""The speed table: what a row says, what does not fit is a row, too; and which work is left when rows came from elsewhere."""

import math

import pandas as pd
import pytest
import torch

from benchmarks.gpu import __main__ as command
from benchmarks.gpu import checks, pieces, side_by_side, speed, steps
from imdlib.data.batches import augment, generator_for
from imdlib.planner import Planner
from tests.gpu.jobs import job

TINY = {"crop": 64, "batch_size": 2, "width": 0.125, "head_width": 8}


@pytest.fixture(scope="module")
def table():
    """Rows of a small and a paper-sized step that are both tiny, by what."""
    several = [dict(count=1, value=5.0, speedup=1.0), dict(count=2, value=8.0, speedup=1.6)]
    sizes = {name: pieces.of_run("ncl/run", {}, **TINY) for name in ("ncl/run paper", "ncl/run small")}
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(side_by_side, "measure", lambda device, seconds: iter(several))
        patched.setattr(speed, "SIDES", {"cpu": (64,)})
        patched.setattr(speed, "REPEATS", 1)
        return list(speed.rows("cpu", sizes, lambda: 9.0))


def test_what_the_plan_rests_on_comes_first_and_every_row_has_its_place(table):
    first = [(row["what"], row["network"]) for row in table[:5]]
    assert first == [
        ("matrix", "bf16 product"),
        ("step", "ncl/run small"),
        *[("together", "ncl/run small")] * 2,
        ("step", "ncl/run paper"),
    ]
    assert {row["what"] for row in table} == {"matrix", *speed.KINDS} - {"compiled", "graph"}  # these are a card's
    assert all(set(row) <= set(speed.COLUMNS) for row in table)


def test_some_kinds_alone_are_read_beside_the_matrix_and_a_kind_that_is_none_is_refused(monkeypatch, capsys):
    monkeypatch.setattr(speed, "SIDES", {"cpu": (64,)})
    monkeypatch.setattr(speed, "REPEATS", 1)
    monkeypatch.setattr(side_by_side, "measure", lambda device, seconds: pytest.fail("nobody asked how many fit"))
    sizes = {name: pieces.of_run("ncl/run", {}, **TINY) for name in ("ncl/run paper", "ncl/run small")}
    found = [(row["what"], row["network"]) for row in speed.rows("cpu", sizes, lambda: 9.0, only=("crop", "syncs"))]
    assert found == [("matrix", "bf16 product"), ("syncs", "ncl/run small"), *[("crop", "ncl/run paper")] * 3]
    with pytest.raises(SystemExit):
        speed.main(["--only", "stpe"])
    assert "stpe" in capsys.readouterr().err


def test_share_is_operations_per_second_over_the_best_product(table):
    row = next(row for row in table if row["network"] == "ncl/run small" and row["what"] == "step")
    counted = pieces.counted(pieces.of_run("ncl/run", {}, **TINY), "cpu")
    assert row["share"] == pytest.approx(counted / row["seconds"] / (1e12 * table[0]["value"]), rel=0.02)
    assert row["value"] == pytest.approx(2 / row["seconds"]) and math.isnan(row["memory_mb"])


def test_batches_and_crops_grow_and_what_fails_is_a_row_that_says_so(table):
    assert [row["batch"] for row in table if row["what"] == "batch"] == [4, 8, 16, 32]
    assert [row["crop"] for row in table if row["what"] == "crop"] == [32, 96, 128]

    def full(piece):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20 GiB\nmore")

    row = speed.guarded(full, "batch", "x", pieces.of_run("ncl/run", {}, **TINY))
    assert row["note"].startswith("OutOfMemoryError: CUDA out of memory") and "value" not in row


def test_no_step_waits_for_the_device_but_once_for_the_contour_that_the_pivot_reads(table):
    (row,) = [row for row in table if row["what"] == "syncs"]
    assert row["value"] == 1 and row["note"].startswith("imdlib/ncl/pivot.py")
    for name, piece in speed.sizes_of("cpu").items():
        found = speed.of_syncs(piece, "cpu")
        assert found["value"] == name.startswith("ncl"), found["note"]


def test_a_batch_costs_what_its_crops_and_its_way_cost_and_only_those_of_crops_are_read(table):
    assert [row["network"] for row in table if row["what"] == "data"] == ["ncl/run paper", "ncl/run small"]
    assert all(
        row["value"] == pytest.approx(2 / row["seconds"]) and row["speedup"] > 0
        for row in table
        if row["what"] == "data"
    )
    whole = pieces.of_run("bridge/run", {"method": "late"}, size=64, batch_size=2)
    assert not [
        row
        for row in speed.rows("cpu", {"bridge/run small": whole}, lambda: 9.0, only=("data",))
        if row["what"] == "data"
    ]


def test_batches_of_a_set_on_the_device_are_those_of_one_on_the_processor():
    piece, images = pieces.of_run("ncl/run", {}, **TINY), steps.Set(80, "cpu", count=3)
    image, mask = images.batch(piece, "cpu", 0, 1)  # images 2 and 0
    assert image.shape == (2, 3, 64, 64) and mask.shape == (2, 1, 64, 64) and image.min() >= 0 and image.max() <= 1
    again, other = images.batch(piece, "cpu", 0, 1)[0], images.batch(piece, "cpu", 0, 2)[0]
    assert torch.equal(image, again) and not torch.equal(image, other)
    drawn = augment(images.images[2], images.masks[2], crop=64, flips=True, generator=generator_for(0, 1, 2))
    assert torch.equal((255 * image[0]).round().byte(), drawn[0]) and torch.equal(mask[0], drawn[1])


def test_what_is_printed_of_the_checks_is_the_worst_of_each_kind_and_all_that_did_not_hold():
    held = [checks.row("ncl/run", name, "loss", "float32", error) for name, error in (("a", 1e-7), ("b", 1e-6))]
    broken = checks.row("inr/run", "c", "bf16 loss", "bf16-mixed", math.nan)
    found = command.worst(pd.DataFrame([*held, broken]))
    assert found["case"].tolist() == ["c", "b", "c"] and found["held"].tolist() == [0, 2, False]
    assert command.worst(pd.DataFrame({"what": []})).empty


def test_notebooks_take_turns_so_that_too_little_time_leaves_some_of_each():
    found = checks.in_turn(checks.CASES)
    assert sorted(map(str, found)) == sorted(map(str, checks.CASES))
    assert {notebook for notebook, _ in found[:4]} == {"ncl/run", "inr/nrr", "inr/run", "bridge/run"}


@pytest.fixture
def planned(monkeypatch):
    """The planner of a toy profile: a set, two reconstructions, a trial and a final run on them, and another study's."""
    planner = Planner.__new__(Planner)
    data, tried, final = job("data", "sim-toy"), *(job("inr", f"nrr_seed{k}", k, notebook="nrr") for k in (100, 0))
    tried.after, final.after = [data], [data]
    jobs = [
        data,
        tried,
        final,
        job("inr", "trial", 100, after=[tried], trial=0),
        job("inr", "final", after=[data, final]),
    ]
    jobs += [job("ncl", "other", after=[data]), job("ncl", "other_trial", 100, after=[data], trial=0)]
    planner.name, planner.jobs = "toy", {(one.rule, one.name): one for one in jobs}
    monkeypatch.setattr(command, "Planner", lambda name, data: planner)


def test_the_search_takes_the_trials_what_they_use_and_last_what_final_runs_will(planned):
    found = [one.name for one in command.jobs_of(["toy"], "", trials=True)]
    assert found == ["sim-toy", "other_trial", "nrr_seed100", "trial", "nrr_seed0"]
    assert not any("trial" in one.name for one in command.jobs_of(["toy"], ""))


def test_runs_that_are_named_are_taken_alone_with_what_they_use(planned):
    found = [one.name for one in command.jobs_of(["toy"], "", trials=True, only=["inr/*"])]
    assert found == ["sim-toy", "nrr_seed100", "trial", "nrr_seed0"]
    assert [one.name for one in command.jobs_of(["toy"], "", only=["inr/final"])] == ["sim-toy", "nrr_seed0", "final"]
    with pytest.raises(SystemExit, match="no run of profile toy is called so"):
        command.jobs_of(["toy"], "", only=["inr/another"])


def test_twins_whose_checks_are_there_are_generated_before_many_runs_need_them_at_once():
    checked, other = job("data", "sim-casia", done=True), job("data", "sim-nist16")
    real, shape = job("data", "casia1", done=True), dict(count=80, size=64)
    runs = [job("inr", f"nrr_seed{k}", notebook="nrr", after=[checked, other, real], **shape) for k in range(2)]
    assert command.sets_of(runs) == [("sim-casia", 80, 64)]


def test_twins_are_generated_by_no_more_processes_than_there_are_workers(tmp_path, monkeypatch):
    monkeypatch.setenv("IMDLIB_CACHE", str(tmp_path))
    begun = command.generate([("sim-casia", 12, 64), ("sim-nist16", 12, 64)], workers=1)
    assert [one.wait() for one in begun] == [0]
    assert len([*tmp_path.glob("synthetic/*-12x64-seed1/manifest.csv")]) == 2


def test_only_packages_that_results_depend_on_and_that_are_not_the_lock_s_are_named():
    made = job("inr", "a")
    made.needs["packages"] = {"numpy": "2.5.2, locked 2.4.6", "torch": "2.11.0"}
    assert command.others([made, job("data", "sim-toy")]) == ["numpy 2.5.2, locked 2.4.6"]


def test_what_was_measured_a_moment_before_is_taken_as_it_lies(tmp_path):
    assert command.measure("speed", 0, tmp_path, "cpu", queue=None).empty
    (tmp_path / "speed.csv").write_text("what,value\nmatrix,2\n")
    assert command.measure("speed", 0, tmp_path, "cpu", queue=None)["value"].tolist() == [2]
