"""Speed and memory beside libraries that people would use instead: python -m benchmarks.run [--repeats 9] [--out results/bench].

Both sides take turns in one process (A B A B ...) on as many threads as there are cores; a ratio is the median over the pairs, so that
whatever else the machine does meets both. Writes <out>/<machine>.csv: job, peer, ours, theirs (medians), ratio (below 1: imdlib needs
less), target, unit, equal (whether both found the same; empty where they do different things).
"""

import argparse
import re
import statistics
import time
from pathlib import Path

import pandas as pd

from benchmarks.jobs import JOBS
from imdlib.runs import cpu_name

COLUMNS = ["job", "peer", "ours", "theirs", "ratio", "target", "unit", "equal"]


def machine():
    """Name of this machine for a file: processor and number of cores."""
    return re.sub(r"[^a-z0-9]+", "-", cpu_name().lower()).strip("-")


def measure(job, repeats):
    """One row of COLUMNS; the first turn warms up and is compared."""
    first = job.ours(), job.theirs()
    equal = "" if job.equal is None else job.equal(*first)
    pairs = (
        [first] if job.once else [(reading(job.ours, job.unit), reading(job.theirs, job.unit)) for _ in range(repeats)]
    )
    ours, theirs = (statistics.median(side) for side in zip(*pairs))
    ratio = statistics.median(a / b for a, b in pairs)
    return dict(zip(COLUMNS, (job.job, job.peer, ours, theirs, ratio, job.target, job.unit, equal)))


def reading(work, unit):
    """Milliseconds of work(), or what it returns where the unit is another, such as MB."""
    start = time.perf_counter()
    found = work()
    return 1000 * (time.perf_counter() - start) if unit == "ms" else found


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=9, help="pairs of readings of each job")
    parser.add_argument("--scale", type=float, default=1.0, help="size of the work, for a try; only 1 is written")
    parser.add_argument("--out", default="results/bench", help="folder of the csv")
    options = parser.parse_args(arguments)
    rows = []
    for make in JOBS:
        try:
            job = make(options.scale)
        except ImportError as missing:
            print(f"{make.__name__}: left out, {missing.name} is not installed (pip install -e .[bench])")
            continue
        rows.append(measure(job, options.repeats))
        print("{job}: {ours:.4g} {unit}, {peer} {theirs:.4g}, ratio {ratio:.2f}, equal: {equal}".format(**rows[-1]))
        if options.scale == 1:  # after each row: what was measured before an interruption stays
            write(rows, Path(options.out) / f"{machine()}.csv")


def write(rows, path):
    """The rows so far as a csv."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pd.DataFrame(rows, columns=COLUMNS).to_csv(path, index=False, float_format="%.4g")


if __name__ == "__main__":
    main()
