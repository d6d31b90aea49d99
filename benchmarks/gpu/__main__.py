"""Spend some seconds of one card on evidence: python -m benchmarks.gpu --seconds 900 [--profiles gpu] [--data folder] [--device cuda].

Checks, speed, then runs, most valuable first; tables go to <results>/<card>/, runs to results/<profile>/, and what a clone needs of
both to <results>/<card>/back.zip. docs/gpu.md says how to read it.
"""

import argparse
import contextlib
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import psutil
import torch

from benchmarks.gpu import kept, pack, plan
from benchmarks.gpu.queue import GRACE, Queue, of_process
from benchmarks.run import machine
from imdlib import parameters
from imdlib.places import REPO
from imdlib.planner import Job, Planner
from imdlib.study import ProfileError

MEASURED, MOST = 2 / 15, 120.0  # share of the seconds that checks get, and speed likewise; at most so many
END = 0.03  # share that is left for writing what was found, at least LEAST_END seconds
LEAST_END, EVERY = 10.0, 120.0  # EVERY: seconds after which the rows of finished runs are written again


def card(device: str) -> str:
    """Name of the card, or of the processor, for a folder."""
    if device == "cpu":
        return machine()
    if not torch.cuda.is_available():
        raise SystemExit("no CUDA device is at hand: --device cpu does the same on the processor")
    return "-".join(torch.cuda.get_device_name().lower().replace("/", " ").split())


def jobs_of(profiles: list[str], data: str, trials: bool = False, only: Sequence[str] = ()) -> list[Job]:
    """What is to be done for some profiles: data sets and what no card is needed for, then their runs in order of value.

    trials: those of the search, and what they use, in place of the final runs; the reconstructions of final runs, which no setting
    changes, stand last, so that no card waits for the last trial. only: patterns of `<study>/<run>`; these and what they use.
    """
    found = []
    for name in profiles:
        try:
            planner = Planner(name, data=data)
            wanted = planner.named(only) if only else [*planner.jobs.values()]
        except ProfileError as error:
            raise SystemExit(str(error)) from None
        todo = [job for job in wanted if not job.page and (job.parameters.get("trial", -1) >= 0) == trials]
        todo = [job for job in (planner.needed_by(todo) if trials or only else todo) if not job.done]
        found += [job for job in todo if not plan.trains(job)] + plan.ordered(todo)
        if trials:
            waits = [job for job in wanted if job.notebook.endswith("/nrr") and not job.done]
            found += [job for job in plan.ordered(waits) if not any(job is other for other in todo)]
    return found


def others(jobs: list[Job]) -> list[str]:
    """'package version, locked version' of all that results depend on and that is here in another version than the lock names."""
    packages = {name: version for job in jobs for name, version in job.needs.get("packages", {}).items()}
    return [f"{name} {version}" for name, version in sorted(packages.items()) if ", locked " in version]


def sets_of(training: list[Job]) -> list[tuple[str, int, int]]:
    """(twin, images, side) that runs need and whose checks are there, kept from elsewhere: these generate none of them."""
    needed = {}
    for job in training:
        shape = parameters.declared(job.notebook) | job.parameters
        names = [one.name for one in job.after if one.rule == "data" and one.done]
        needed |= {(name, shape["count"], shape["size"]): None for name in names if name.startswith("sim-")}
    return [*needed]


def generate(sets: list[tuple[str, int, int]], workers: int) -> list[subprocess.Popen]:
    """At most so many processes that generate these twins, or find them, so that runs that need one at once need not wait for it."""
    load = (
        "import json, sys; from imdlib import data; "
        "[data.load(name, count=count, size=size) for name, count, size in json.loads(sys.argv[1])]"
    )
    shares = [some for k in range(workers) if (some := sets[k::workers])]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    options = dict(cwd=REPO, env=environment, stdout=subprocess.DEVNULL)
    return [subprocess.Popen([sys.executable, "-c", load, json.dumps(some)], **options) for some in shares]


def wait_for(generated: list[subprocess.Popen], queue: Queue) -> None:
    """Until these have ended, or are ended since the time is over; the queue goes on."""
    while any(one.poll() is None for one in generated) and time.monotonic() < queue.until:
        queue.tick()
        time.sleep(0.2)
    for one in generated:
        one.terminate()


def measure(part: str, seconds: float, place: Path, device: str, queue: Queue) -> pd.DataFrame:
    """Run `benchmarks.gpu.<part>` for some seconds while the queue goes on; the table that it left, as far as it came, or, for no
    second at all, the one that an earlier call left.
    """
    path = place / f"{part}.csv"
    if seconds == 0:
        return pd.read_csv(path) if path.exists() else pd.DataFrame({"what": []})
    command = [sys.executable, "-m", f"benchmarks.gpu.{part}", "--seconds", f"{seconds:.0f}", "--device", device]
    path.unlink(missing_ok=True)
    process = subprocess.Popen([*command, "--out", str(path)], cwd=REPO)
    limit = time.monotonic() + seconds + GRACE
    try:
        while process.poll() is None and time.monotonic() < limit:
            queue.tick()
            time.sleep(0.2)
    finally:
        for one in of_process(process):
            with contextlib.suppress(psutil.NoSuchProcess):
                one.kill()
        process.wait()
    return pd.read_csv(path) if path.exists() else pd.DataFrame({"what": []})


def spend(queue: Queue, folders: list[str], every: float) -> None:
    """Go on with the queue to its end, writing the rows of finished runs now and then."""
    written = time.monotonic()
    while not queue.over():
        queue.tick()
        if time.monotonic() - written > every:
            list(map(kept.keep, folders))
            written = time.monotonic()
        time.sleep(0.2)


def worst(checks: pd.DataFrame) -> pd.DataFrame:
    """A line per kind of comparison: how many, how many held, the largest error and whose it is; then those that did not hold."""
    if checks.empty:
        return checks
    ordered = checks.fillna({"error": float("inf"), "notebook": ""}).sort_values("error", ascending=False)
    kinds = ordered.groupby(["part", "precision"], sort=False)
    lines = kinds.agg(
        count=("held", "size"),
        held=("held", "sum"),
        error=("error", "first"),
        notebook=("notebook", "first"),
        case=("case", "first"),
    )
    return pd.concat([lines.reset_index(), ordered[~ordered["held"].astype(bool)]]).reset_index(drop=True)


def say(title: str, table: pd.DataFrame) -> None:
    """A table under a title."""
    print(f"-- {title}\n{table.to_string(index=False) if len(table) else 'nothing'}", flush=True)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=900.0, help="everything together, the writing of results too")
    parser.add_argument("--profiles", nargs="+", default=["gpu"], help="the runs, profile after profile")
    parser.add_argument("--trials", action="store_true", help="the search that a profile asks for, not its final runs")
    parser.add_argument("--runs", type=str.split, default=[], help="these alone, such as 'inr/*', and what they use")
    parser.add_argument(
        "--measure", type=float, default=-1.0, help="seconds of checks, and of speed; 0: those that lie there"
    )
    parser.add_argument("--data", default="", help="folder of real data sets")
    parser.add_argument("--results", default="results/gpu", help="where tables about this card go")
    parser.add_argument("--device", choices=["cuda", "cpu"], default="cuda")
    parser.add_argument("--together", type=int, default=0, help="runs side by side; 0: as measured")
    options = parser.parse_args(arguments)
    began = time.monotonic() - (time.time() - psutil.Process().create_time())  # imports are time, too
    place = REPO / options.results / card(options.device)
    place.mkdir(parents=True, exist_ok=True)
    pack.check_packages()
    os.environ.update(pack.commit_of())
    cores = len(os.sched_getaffinity(0))
    end = began + options.seconds - max(LEAST_END, END * options.seconds)
    data = str(Path(options.data).expanduser().resolve()) if options.data else ""
    jobs = jobs_of(options.profiles, data, options.trials, options.runs)
    if found := others(jobs):
        print(
            f"-- packages in other versions than the lock's, so that rows made here count as older at home: {', '.join(found)}"
        )
    environment = {"CUDA_VISIBLE_DEVICES": ""} if options.device == "cpu" else {}
    queue = Queue(jobs, end, plan.Durations(), card=0, processors=max(1, cores - 1), environment=environment)
    try:
        evidence(queue, options, place, began)
    finally:
        queue.stop()
    folders = [f"results/{name}" for name in options.profiles]
    list(map(kept.keep, folders))
    found = queue.table()
    found.to_csv(place / "runs.csv", index=False)
    facts = dict(
        card=place.name, cores=cores, torch=torch.__version__, cuda=torch.version.cuda, python=platform.python_version()
    )
    facts |= dict(seconds=options.seconds, together=queue.card, profiles=" ".join(options.profiles))
    pd.DataFrame(facts.items(), columns=["what", "value"]).to_csv(place / "machine.csv", index=False)
    say(
        "runs", found.groupby(["rule", "outcome"], as_index=False).agg(runs=("run", "size"), seconds=("seconds", "sum"))
    )
    print(f"-- done after {time.monotonic() - began:.0f} s: {kept.pack(folders, place)}")
    return int((found["outcome"] == "failed").any())


def evidence(queue: Queue, options: argparse.Namespace, place: Path, began: float) -> None:
    """Checks, speed, plan and runs, in this order."""
    share, cores = min(MOST, MEASURED * options.seconds), len(os.sched_getaffinity(0))
    share = share if options.measure < 0 else options.measure
    training = [job for job in queue.jobs if plan.trains(job)]
    generated = generate(sets_of(training), max(1, cores - 1))
    print(f"-- {place.name}, {cores} cores, {options.seconds:.0f} s: checks and speed {share:.0f} s each, then")
    print(f"   {len(training)} runs of {', '.join(options.profiles)} in this order, as far as they fit:")
    print("   " + ", ".join(list(dict.fromkeys(map(plan.row_of, training)))[:12]) + ", ...", flush=True)
    say("checks", worst(measure("checks", share, place, options.device, queue)))
    speed = measure("speed", share, place, options.device, queue)
    say("speed", speed)
    wait_for(generated, queue)
    queue.card, per_step = plan.measured(speed, options.together)
    queue.processors = max(1, cores - queue.card)
    queue.durations = plan.Durations(per_step)
    left = queue.until - time.monotonic()
    fits = plan.fitting(plan.schedule(training, queue.durations, queue.card, left))
    fits.to_csv(place / "plan.csv", index=False)
    say(f"plan: {queue.card} side by side, {left:.0f} s left of {time.monotonic() - began + left:.0f}", fits)
    spend(queue, [f"results/{name}" for name in options.profiles], EVERY)


if __name__ == "__main__":
    sys.exit(main())
