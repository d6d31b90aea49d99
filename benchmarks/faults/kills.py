"""Kills: `kill -9` at seeded moments between the first file and the page; nothing is lost but the epoch in flight.

As a command: python -m benchmarks.faults.kills <empty folder> <count> <seed> <csv>
"""

import os
import signal
import sys
import time
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from benchmarks.faults.chain import EPOCHS, PHASES, chain, left


def started(folder, log=None):
    """(process id, pipe that tells the phases) of a chain in a process of its own; log: what it says, else <folder>/log.txt."""
    reads, writes = os.pipe()
    child = os.fork()
    if child:
        os.close(writes)
        return child, reads
    try:
        with open(log or folder / "log.txt", "a") as file:
            os.dup2(file.fileno(), 1)
            os.dup2(file.fileno(), 2)
        torch.set_num_threads(1)
        chain(folder, lambda phase: os.write(writes, bytes([PHASES.index(phase)])))
        os._exit(0)
    except BaseException as error:  # the parent reads it in the log
        print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)
        os._exit(1)


def whole(folder, log=None):
    """(exit code, {phase: seconds}) of a chain that runs to its end."""
    child, reads = started(folder, log)
    times, now, phase = {}, time.perf_counter(), None
    while byte := os.read(reads, 1):
        then, now = now, time.perf_counter()
        if phase:
            times[phase] = now - then
        phase = PHASES[byte[0]]
    os.close(reads)
    return os.waitpid(child, 0)[1], times


def killed(folder, phase, delay):
    """The phase in which a chain was killed, `delay` seconds after `phase` began; '' where it had ended before."""
    child, reads = started(folder)
    seen = ""
    while byte := os.read(reads, 1):
        seen = PHASES[byte[0]]
        if PHASES.index(seen) >= PHASES.index(phase):
            time.sleep(delay)
            os.kill(child, signal.SIGKILL)
    os.close(reads)
    ended = os.waitpid(child, 0)[1]
    return seen if os.WIFSIGNALED(ended) else f"exit {ended}" if ended else ""


def epochs_in(folder):
    """How many epochs the checkpoint holds."""
    path = folder / "ncl" / "runs" / "one" / "checkpoint.pt"
    return torch.load(path, weights_only=True)["epoch"] if path.exists() and zipfile.is_zipfile(path) else 0


def trained(folder):
    """How many epochs were trained to their end, those of killed attempts included."""
    path = folder / "epochs.txt"
    return len(path.read_text().splitlines()) if path.exists() else 0


def work(folder, count, seed, each=6):
    """A row per kill: phase, epochs kept before and after, and whether the chain that was killed ended as an unkilled one.

    A chain is killed up to `each` times, then runs to its end and is compared with one that was never killed.
    """
    folder, rng, rows = Path(folder), np.random.default_rng(seed), []
    (folder / "never").mkdir(parents=True)
    ended, times = whole(folder / "never")
    assert ended == 0, (folder / "never" / "log.txt").read_text()
    right, number = left(folder / "never"), 0
    while len(rows) < count:
        place, some = folder / f"chain{number}", []
        place.mkdir()
        for phase in sorted(rng.choice(PHASES[:-1], each), key=PHASES.index)[: count - len(rows)]:
            before = epochs_in(place)
            done = killed(place, phase, rng.random() * times[phase])
            some.append(
                {
                    "chain": number,
                    "phase": done or "ended before",
                    "epochs": before,
                    "lost": before > epochs_in(place) > 0,
                }
            )
        ended, _ = whole(place)
        again = trained(place) - EPOCHS  # epochs that were trained twice
        found = left(place) if ended == 0 else {}
        same = [name for name in {*found, *right} if found.get(name) != right.get(name)]
        fits = not same and again <= sum(row["phase"] == "training" for row in some)
        rows += [
            row | {"repeated": again, "same": fits, "differs": " ".join(sorted(same)[:3])}
            for row in some
            if row["phase"] != "ended before"
        ]
        number += 1
    return pd.DataFrame(rows)


if __name__ == "__main__":
    place, count, seed, target = sys.argv[1:]
    work(place, int(count), int(seed)).to_csv(target, index=False)
