"""Plan: in which order runs are worth their time, which of them fit into the seconds at hand, and what a whole profile costs.

As a command: python -m benchmarks.gpu.plan [--profile paper] [--speed results/gpu/<card>/speed.csv] [--tflops 400]
GPU hours, memory and disk of a profile, from the steps that a card was measured at, or from counted operations and a speed.
"""

import argparse
import heapq
import re
import statistics
from collections.abc import Iterable, Mapping
from pathlib import Path

import pandas as pd

from benchmarks.gpu import pieces
from imdlib import parameters
from imdlib.bridge.methods import BINARY
from imdlib.bridge.networks import epochs_of, passes_in_all
from imdlib.checks.findings import EXPECTED
from imdlib.planner import Job, Planner
from imdlib.protocol.verdicts import LEAST_SEEDS
from imdlib.study import STUDIES, ProfileError

START = 10.0  # seconds of a run beside its steps, before any was measured: kernel, imports, scoring
SHARE = 0.6  # of a twin's images that are in its train split
ON_CARD = re.compile(r"_(run|nrr)$")  # rules whose runs train networks; the others need processors alone


def trains(job: Job) -> bool:
    """Whether a job is a training, which needs the card."""
    return bool(ON_CARD.search(job.rule))


def row_of(job: Job) -> str:
    """'<rule> <run without its seed>': what runs of several seeds share."""
    return f"{job.rule} {re.sub(r'_seed[0-9]+$', '', job.name)}"


def ordered(jobs: Iterable[Job]) -> list[Job]:
    """Trainings, most valuable first. Fewer than LEAST_SEEDS seeds of a row give no verdict, so seeds come in blocks of so many;
    in a block rows stand as the profile has them, the studies take turns.
    """
    training = [job for job in jobs if trains(job)]
    places = {study: [] for study in STUDIES}
    for job in training:
        rows = places[job.notebook.split("/")[0]]
        rows += [row_of(job)] if row_of(job) not in rows else []
    seeds = sorted({job.parameters["seed"] for job in training})

    def key(job):
        study, rank = job.notebook.split("/")[0], seeds.index(job.parameters["seed"])
        return rank // LEAST_SEEDS, places[study].index(row_of(job)), STUDIES.index(study), rank

    return sorted(training, key=key)


# ---- how long ------------------------------------------------------------------------------------------------------


def images(train_set: str, count: int, tampered_alone: bool) -> float:
    """Training images of a set, or of several joined by +: of a twin those of its train split, of a real one at most all that it
    has; NaN where nobody has published how many these are.
    """
    total = 0.0
    for name in train_set.split("+"):
        authentic, tampered = EXPECTED.get(name.removesuffix("-random"), (float("nan"), float("nan")))
        authentic, tampered = (SHARE * count / 2,) * 2 if name.startswith("sim-") else (authentic, tampered)
        total += tampered + (0 if tampered_alone else authentic or 0)
    return total


def steps(job: Job) -> float:
    """Training steps of a run at most; NaN where the number of its images is not known, 0 of what trains nothing."""
    if not trains(job):
        return 0.0
    p = parameters.declared(job.notebook) | job.parameters
    if p.get("steps"):
        return float(p["steps"])
    study = job.notebook.split("/")[0]
    found = p.get("train_count") or images(p["train_set"], p["count"], study == "ncl" and not p["with_authentic"])
    return passes(p) * (found // p["batch_size"])


def passes(p: dict) -> int:
    """Passes over its images that a run with these parameters makes, all stages together."""
    if "method" not in p:
        return p["epochs"]
    if p["method"] == "teacher":
        return min(p["teacher_epochs"], p["epochs"]) * p["teacher_passes"]
    return epochs_of(p) if p["method"] in (*BINARY, "transcam") else passes_in_all(p)


class Durations:
    """Seconds of runs: of a row that has ended as measured; of others by their steps, corrected by what their notebook's took.

    per_step: {notebook: seconds of a step, as many runs side by side as there will be}.
    """

    def __init__(self, per_step: Mapping[str, float] | None = None) -> None:
        self.per_step, self.rows, self.factors = dict(per_step or {}), {}, {}

    def guess(self, job: Job) -> float:
        """From steps alone."""
        return START + steps(job) * self.per_step.get(job.notebook, 0.0)

    def note(self, job: Job, seconds: float) -> None:
        """A run has ended after so many."""
        self.rows[row_of(job)] = max(seconds, self.rows.get(row_of(job), 0.0))
        self.factors.setdefault(job.notebook, []).append(seconds / self.guess(job))

    def of(self, job: Job) -> float:
        """How long a run will take."""
        if row_of(job) in self.rows:
            return self.rows[row_of(job)]
        return self.guess(job) * statistics.median(self.factors.get(job.notebook, [1.0]))


def measured(speed: pd.DataFrame, together: int = 0) -> tuple[int, dict[str, float]]:
    """(runs side by side, {notebook: seconds of a step when so many run}) of a table of `speed`.

    together: how many are wanted; 0: as many as make the most steps in a second, one where nobody looked.
    """
    several = speed[speed["what"] == "together"]
    best = int(together or (several.loc[several["value"].idxmax(), "count"] if len(several) else 1))
    rates = dict(zip(several["count"], several["speedup"])) if len(several) else {}
    slower = best / rates.get(best, 1.0)  # a number that nobody measured: as if they took turns
    steps = speed[speed["what"] == "step"]
    small = [one for one in steps.itertuples() if one.network == f"{one.notebook} small" and one.seconds == one.seconds]
    return best, {one.notebook: one.seconds * slower for one in small}


def schedule(jobs: list[Job], durations: Durations, together: int, seconds: float) -> list[tuple[Job, float, float]]:
    """(run, start, end) of the runs that end in time, `together` side by side; a run begins after those that it waits for."""
    lanes, ends, found = [0.0] * together, {}, []
    for job in jobs:
        waits = [ends.get(id(one)) for one in job.after if trains(one) and not one.done]
        start = max([lanes[0], *(one for one in waits if one is not None)])
        end = start + durations.of(job)
        if None in waits or not end <= seconds:  # NaN fits into nothing
            continue
        heapq.heapreplace(lanes, end)
        ends[id(job)] = end
        found.append((job, start, end))
    return found


def fitting(found: list[tuple[Job, float, float]]) -> pd.DataFrame:
    """What fits, a line per study and row: seeds, seconds of one run, and when the last of them ends."""
    lines = [dict(row=row_of(job), seconds=end - start, ends=end) for job, start, end in found]
    table = pd.DataFrame(lines, columns=["row", "seconds", "ends"]).groupby("row", sort=False)
    return table.agg(runs=("row", "size"), seconds=("seconds", "mean"), ends=("ends", "max")).round(1).reset_index()


# ---- what a profile costs ------------------------------------------------------------------------------------------


def costs(jobs: Iterable[Job], seconds: Mapping[str, float], megabytes: Mapping[str, tuple]) -> pd.DataFrame:
    """A line per notebook and one of all: runs, steps, GPU hours, memory in GB and disk in GB.

    seconds: {notebook: of a step}; megabytes: {notebook: (memory of a step, weights of a run)}. Runs whose images nobody has
    counted are in `unknown` and in no sum.
    """
    lines = []
    some = [job for job in jobs if trains(job)]
    for notebook in dict.fromkeys(job.notebook for job in some):
        counted = [steps(job) for job in some if job.notebook == notebook]
        known = [one for one in counted if one == one]
        memory, weights = megabytes[notebook]
        hours = sum(known) * seconds[notebook] / 3600
        line = dict(notebook=notebook, runs=len(counted), unknown=len(counted) - len(known), steps=sum(known))
        lines.append(line | dict(gpu_hours=hours, memory_gb=memory / 1024, disk_gb=len(counted) * weights / 1024))
    table = pd.DataFrame(lines)
    whole = dict(notebook="all", memory_gb=table["memory_gb"].max())
    sums = table[["runs", "unknown", "steps", "gpu_hours", "disk_gb"]].sum().to_dict()
    return pd.concat([table, pd.DataFrame([whole | sums])], ignore_index=True)


def representatives(jobs: Iterable[Job]) -> dict[str, pieces.Piece]:
    """{notebook: piece of its first run}; of Bridging's the whole method, whose step is the mean over its stages."""
    found = {}
    for job in filter(trains, jobs):
        more = {"method": "late"} if job.notebook == "bridge/run" else {}
        beside = next((one.parameters for one in job.after if one.notebook == "inr/nrr"), None)
        if job.notebook not in found:
            found[job.notebook] = pieces.of_run(job.notebook, job.parameters, beside, **more)
    return found


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--profile", default="paper")
    parser.add_argument("--speed", default="", help="speed.csv of a card that was measured")
    parser.add_argument("--tflops", type=float, default=100.0, help="else: what a card does in training, in TFLOP/s")
    options = parser.parse_args(arguments)
    try:
        planner = Planner(options.profile)
    except ProfileError as error:
        raise SystemExit(str(error)) from None
    first = representatives(planner.jobs.values())
    if options.speed:
        table = pd.read_csv(Path(options.speed)).query("what == 'step'").set_index("network")["seconds"]
        seconds = {notebook: table[f"{notebook} paper"] for notebook in first}
        source = f"steps as measured: {options.speed}"
    else:
        seconds = {name: pieces.operations(piece) / (1e12 * options.tflops) for name, piece in first.items()}
        source = f"steps from counted operations at {options.tflops:g} TFLOP/s, an assumption"
    megabytes = {name: (pieces.memory(piece), pieces.weights(piece)) for name, piece in first.items()}
    print(f"profile {options.profile}, one run's network a notebook; {source}")
    print(costs(planner.jobs.values(), seconds, megabytes).to_string(index=False, float_format="{:.4g}".format))


if __name__ == "__main__":
    main()
