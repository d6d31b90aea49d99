"""How long a fresh process waits for the library and for the heaviest study's networks, beside what they are allowed to take."""

import subprocess
import sys
from functools import partial

from benchmarks.jobs.job import Job
from imdlib.places import REPO


def milliseconds(name):
    """Of a process that imports a module, without what Python itself needs to begin."""
    code = f"import time; start = time.perf_counter(); import {name}; print(time.perf_counter() - start)"
    done = subprocess.run([sys.executable, "-c", code], cwd=REPO, check=True, capture_output=True, text=True)
    return 1000 * float(done.stdout)


def waited(name, bound):
    return Job(
        f"import {name}", f"{bound:g} s", 1.0, partial(milliseconds, name), lambda: 1000 * bound, None, "ms in all"
    )


def library(scale):
    return waited("imdlib", 1.0)


def networks_of_bridge(scale):
    return waited("imdlib.bridge.networks", 2.5)


JOBS = [library, networks_of_bridge]
