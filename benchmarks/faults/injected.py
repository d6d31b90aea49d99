"""Faults of the machine, injected for real: a full disk, folders that cannot be written, data that vanishes, little memory,
a dead kernel, two of everything at once.

Each case is a function (folder) -> (what is expected, what came); it holds where the two are equal. As a command:
python -m benchmarks.faults.injected <empty folder> <csv> [case ...]
"""

import contextlib
import os
import resource
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd

from benchmarks.faults.chain import left
from benchmarks.faults.kills import started, whole
from benchmarks.faults.scheduler import group_terminated, kernel_killed, scheduler_killed, two_studies

SKIPPED = "skipped"


def log_of(folder):
    return (folder / "log.txt").read_text()[-3000:]


# ---- one process ---------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def small_disk(folder, megabytes):
    """A disk of that size at `folder`."""
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def full_disk(folder):
    """The disk is full while the chain writes; with room again it goes on, and ends as it should."""
    disk, log, says = folder / "disk", folder / "log.txt", []
    disk.mkdir()
    (folder / "never").mkdir()
    if os.geteuid() or subprocess.run(["mount", "-t", "tmpfs", "tmpfs", str(disk)], capture_output=True).returncode:
        return SKIPPED, "no right to mount a small disk here"
    subprocess.run(["umount", str(disk)], check=True)
    with small_disk(disk, 32):
        for free in (0, 60, 150, 300):  # kilobytes that are left at each try
            ballast = disk / "ballast"
            ballast.unlink(missing_ok=True)
            ballast.write_bytes(bytes(max(0, shutil.disk_usage(disk).free - 1024 * free)))
            log.unlink(missing_ok=True)
            code, _ = whole(disk, log)
            said = log.read_text()
            full = any(word in said for word in ("No space left", "disk is full", "could not be written"))
            says.append("ended" if code == 0 else "said" if full else said[-300:])
        ballast.unlink()
        code, _ = whole(disk, log)
        says.append("ended" if code == 0 else log.read_text()[-300:])
        whole(folder / "never")
        says.append("same" if code == 0 and left(disk) == left(folder / "never") else "differs")
    return "fails with a word or ends; then ends the same", summed(says)


def summed(says):
    """The expected sentence, or what was said in its place."""
    fits = all(one in ("said", "ended") for one in says[:-1]) and says[-2:] == ["ended", "same"]
    return "fails with a word or ends; then ends the same" if fits else repr(says)


def read_only_results(folder):
    """Results on a disk that cannot be written: the run's folder is named before anything is trained."""
    if os.geteuid():
        return SKIPPED, "needs the right to mount"
    (folder / "ncl").mkdir()
    subprocess.run(["mount", "--bind", str(folder / "ncl"), str(folder / "ncl")], check=True)
    subprocess.run(["mount", "-o", "remount,ro,bind", str(folder / "ncl")], check=True)
    try:
        code, _ = whole(folder)
    finally:
        subprocess.run(["umount", "-l", str(folder / "ncl")], check=True)
    said = f"{folder}/ncl/runs/one: nothing can be written there" in log_of(folder)
    return (1, True), (os.waitstatus_to_exitcode(code), said)


def vanished_data(folder):
    """The folder of the data vanishes in the middle of training: a second try builds it again and ends the same."""
    child, reads = started(folder)
    while byte := os.read(reads, 1):
        if byte[0] == 2:
            shutil.rmtree(folder / "cache" / "synthetic")
    os.close(reads)
    first = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    named = first == 0 or "cache/synthetic" in log_of(folder)
    code, _ = whole(folder)
    return (True, 0), (named, os.waitstatus_to_exitcode(code))


def little_memory(folder):
    """A limit on memory below what training takes: an error, no hang, and a second try without it ends."""
    (folder / "never").mkdir()
    now = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    resource.setrlimit(resource.RLIMIT_AS, (now + 2**25, hard))
    try:
        code, _ = whole(folder / "never")
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (hard, hard))
    said = log_of(folder / "never")
    again, _ = whole(folder / "never")
    ended = os.waitstatus_to_exitcode(code) == 0  # the limit was wide enough after all
    return ("said", 0), (
        "said" if said.strip() and not ended else f"exit {code} {said[-200:]}",
        os.waitstatus_to_exitcode(again),
    )


def one_run_twice(folder):
    """Two processes ask for one run at the same time: one works, the other says so; the files are those of one alone."""
    both = [started(folder) for _ in range(2)]
    codes = []
    for child, reads in both:
        while os.read(reads, 1):
            pass
        os.close(reads)
        codes.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    said = "another process is working on this run" in log_of(folder) or codes == [0, 0]
    (folder / "never").mkdir()
    whole(folder / "never")
    found = {name: value for name, value in left(folder).items() if not name.startswith("never/")}
    return (True, True, True), (0 in codes, said, found == left(folder / "never"))


CASES = (full_disk, read_only_results, vanished_data, little_memory, one_run_twice)
CASES += (scheduler_killed, group_terminated, kernel_killed, two_studies)


def work(folder, names=()):
    """A row per case: case, what it is, whether it held, what came where it did not."""
    rows = []
    for case in CASES:
        if names and case.__name__ not in names:
            continue
        place = Path(folder) / case.__name__
        place.mkdir(parents=True)
        expected, came = case(place)
        held = SKIPPED if expected == SKIPPED else "yes" if expected == came else "no"
        rows.append(
            {
                "case": case.__name__,
                "what": case.__doc__.splitlines()[0],
                "held": held,
                "came": "" if held == "yes" else str(came),
            }
        )
        print(rows[-1], flush=True)
    return pd.DataFrame(rows)


if __name__ == "__main__":
    place, target, *names = sys.argv[1:]
    work(place, names).to_csv(target, index=False)
