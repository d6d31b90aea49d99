"""Queue: runs executed as `make study` executes them, several side by side on one card, until a moment that is given.

A run is a process of Papermill on the run's notebook, so its stamp is what the planner asks for wherever it is looked at. What is
in flight at the limit is ended and costs itself alone: finished runs lie whole on disk, their stamp written last.
"""

import base64
import contextlib
import os
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
import psutil
import yaml

from benchmarks.gpu.plan import Durations, trains
from imdlib import parameters, runs
from imdlib.places import REPO
from imdlib.planner import PAPERMILL, Job

GRACE = 8.0  # seconds between asking a process to end and ending it


@dataclass
class Flight:
    """A run in progress."""

    job: Job
    process: subprocess.Popen
    began: float


@dataclass
class Queue:
    """jobs: what is to be done, most valuable first; until: of time.monotonic; card, processors: how many runs that train, and that
    do not, go side by side, both may be changed at any time.

    ended: {name: (finished, failed, cut off, no time, waits for another or no data; seconds)}; environment: of its processes,
    beside this one's.
    """

    jobs: list[Job]
    until: float
    durations: Durations
    card: int = 0
    processors: int = 1
    environment: dict = field(default_factory=dict)
    flying: list[Flight] = field(default_factory=list)
    ended: dict = field(default_factory=dict)
    idle: bool = False

    def tick(self) -> None:
        """Look after runs that have ended, and begin those that may."""
        self.reap()
        for job in self.waiting():
            lanes = self.card if trains(job) else self.processors
            if sum(trains(one.job) == trains(job) for one in self.flying) < lanes:
                self.consider(job)
        self.idle = (
            not self.flying and self.card > 0
        )  # before the card's lanes are open nothing says that none will begin

    def reap(self) -> None:
        """Note the runs that have ended."""
        for flight in [one for one in self.flying if one.process.poll() is not None]:
            self.flying.remove(flight)
            self.enter(flight, "finished" if flight.process.returncode == 0 else "failed")

    def waiting(self) -> list[Job]:
        """Jobs that have neither begun nor ended."""
        busy = {id(one.job) for one in self.flying}
        return [job for job in self.jobs if id(job) not in busy and name_of(job) not in self.ended]

    def consider(self, job: Job) -> None:
        """Begin a job, leave it out for good, or let it wait for others."""
        before = [one for one in job.after if not one.done]
        words = [self.ended.get(name_of(one), ("",))[0] for one in before]
        if "not at hand" in job.needs["data"].values():
            self.ended[name_of(job)] = "no data", 0.0
        elif any(word not in ("", "finished") for word in words) or not self.known(before):
            self.ended[name_of(job)] = "waits for another", 0.0
        elif "" in words:
            return
        elif time.monotonic() + self.durations.of(job) <= self.until:  # else not now: runs may turn out to be shorter
            self.flying.append(Flight(job, begin(job, self.environment), time.monotonic()))

    def known(self, others: list[Job]) -> bool:
        """Whether all of these are in the queue."""
        mine = {id(job) for job in self.jobs}
        return all(id(one) in mine for one in others)

    def enter(self, flight: Flight, word: str) -> None:
        """Note how a run ended."""
        seconds = time.monotonic() - flight.began
        if word == "finished" and trains(flight.job):
            self.durations.note(flight.job, seconds)
        self.ended[name_of(flight.job)] = word, seconds
        if word == "failed":
            print(f"-- failed: {flight.job.name}\n{last_lines(flight.job)}", flush=True)

    def over(self) -> bool:
        """Whether there is nothing more to be done, or no time for it: where nothing flies and nothing began, nothing will."""
        return time.monotonic() >= self.until or self.idle

    def stop(self) -> None:
        """End what is in flight, politely at first, kernels included; what ended a moment ago is finished all the same."""
        self.reap()
        family = [one for flight in self.flying for one in of_process(flight.process)]
        for one in family:
            with contextlib.suppress(psutil.NoSuchProcess):
                one.terminate()
        _, alive = psutil.wait_procs(family, timeout=GRACE)
        for one in alive:
            with contextlib.suppress(psutil.NoSuchProcess):
                one.kill()
        for flight in self.flying:
            flight.process.wait()
            self.enter(flight, "finished" if whole(flight.job) else "cut off")
        self.flying.clear()

    def table(self) -> pd.DataFrame:
        """A row per job: rule, run, outcome, seconds; those that nobody came to have no time."""
        rows = [(*name_of(job), *self.ended.get(name_of(job), ("no time", 0.0))) for job in self.jobs]
        return pd.DataFrame(rows, columns=["rule", "run", "outcome", "seconds"]).round({"seconds": 1})


def name_of(job: Job) -> tuple[str, str, str]:
    """What a job is known by, also where several profiles are in one queue."""
    return job.rule, f"{job.parameters['results']}/{job.name}"


def begin(job: Job, environment: dict) -> subprocess.Popen:
    """Papermill on a job's notebook, as the Snakefile calls it; what it says goes to log.txt beside the executed copy."""
    job.folder.mkdir(parents=True, exist_ok=True)
    values = base64.b64encode(yaml.safe_dump(job.parameters).encode()).decode()
    command = [sys.executable, *PAPERMILL.split()]
    command += [f"notebooks/{job.notebook}.ipynb", str(job.folder / "run.ipynb"), "-b", values]
    threads = parameters.declared(job.notebook).get("threads", 1)
    given = os.environ | {"OMP_NUM_THREADS": str(job.parameters.get("threads", threads))} | environment
    given |= {} if trains(job) else {"CUDA_VISIBLE_DEVICES": ""}
    with open(job.folder / "log.txt", "w") as log:
        return subprocess.Popen(command, cwd=REPO, env=given, stdout=log, stderr=log, start_new_session=True)


def of_process(process: subprocess.Popen) -> list[psutil.Process]:
    """A process and all that it has started: a kernel has a session of its own, and no signal to the first reaches it."""
    try:
        first = psutil.Process(process.pid)
        return [first, *first.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def last_lines(job: Job, count: int = 8) -> str:
    """The end of what a run said."""
    return "\n".join((job.folder / "log.txt").read_text(errors="replace").splitlines()[-count:])


def whole(job: Job) -> bool:
    """Whether a run's folder holds a finished run of today's causes, its files as the stamp says."""
    return runs.state(Path(job.folder), job.needs).word == "finished"
