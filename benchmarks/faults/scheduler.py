"""The scheduler and what it started, killed and doubled: cases of `injected`, in copies of the project with a small profile."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import yaml

REPO = Path(__file__).resolve().parents[2]
PROFILE = {"count": 60, "size": 64, "examples": 3, "crop": 48, "cost_repeats": 1, "batch_size": 8, "ncl.seeds": [0],
           "ncl.test_sets": ["sim-casia"], "ncl.benchmark_sets": ["sim-casia"], "ncl.epochs": 2}  # fmt: skip


def project(folder, *profiles):
    """A copy of the project with these small profiles."""
    for name in ("imdlib", "notebooks"):
        shutil.copytree(REPO / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints"))
    for name in ("Snakefile", "requirements.lock", "Makefile"):
        shutil.copy(REPO / name, folder)
    (folder / "profiles").mkdir()
    for name in profiles or ("tiny",):
        (folder / "profiles" / f"{name}.yaml").write_text(yaml.safe_dump(PROFILE))


def study(folder, profile="tiny"):
    """What `make study` starts, in a process group of its own."""
    command = [sys.executable, "-m", "snakemake", "--cores", "2", "--nolock", "--quiet", "host", "reason"]
    environment = os.environ | {
        "PYTHONPATH": str(folder),
        "IMDLIB_CACHE": str(folder / "cache"),
        "XDG_CACHE_HOME": str(folder / "cache"),
    }
    log = open(folder / f"log_{profile}.txt", "a")  # noqa: SIM115
    return subprocess.Popen(
        [*command, "--config", f"profile={profile}"],
        cwd=folder,
        env=environment,
        stdout=log,
        stderr=log,
        start_new_session=True,
    )


def training(folder, patience=300):
    """Wait until a run of NCL is being trained; False where none was within `patience` seconds."""
    until = time.monotonic() + patience
    while time.monotonic() < until:
        if any(folder.glob("results/tiny/ncl/runs/*/begun.json")):
            return True
        time.sleep(0.1)
    return False


def page(folder, profile="tiny"):
    """Whether the end was reached."""
    return (folder / "results" / profile / "report.html").exists()


def scheduler_killed(folder):
    """kill -9 of the scheduler alone while a notebook trains; then of what it started; then the same command goes on."""
    project(folder)
    first = study(folder)
    begun = training(folder)
    os.kill(first.pid, signal.SIGKILL)
    first.wait()
    with contextlib.suppress(ProcessLookupError):
        os.killpg(first.pid, signal.SIGKILL)
    code = study(folder).wait(timeout=600)
    return (True, 0, True), (begun, code, page(folder))


def group_terminated(folder):
    """SIGTERM to the whole group, as a cluster or a closed terminal sends it: it ends within a minute, and goes on later."""
    project(folder)
    first = study(folder)
    begun = training(folder)
    os.killpg(first.pid, signal.SIGTERM)
    try:
        first.wait(timeout=60)
        ended = True
    except subprocess.TimeoutExpired:
        ended = False
        os.killpg(first.pid, signal.SIGKILL)
    code = study(folder).wait(timeout=600)
    return (True, True, 0, True), (begun, ended, code, page(folder))


def kernel_killed(folder):
    """The kernel of a notebook dies: the job fails with a word, the next call ends."""
    project(folder)
    first = study(folder)
    begun = training(folder)
    kernels = [
        one for one in psutil.Process(first.pid).children(recursive=True) if "ipykernel" in " ".join(one.cmdline())
    ]
    for one in kernels:  # each in a session of its own
        one.kill()
    failed = first.wait(timeout=300) != 0
    said = (
        "Kernel died" in (folder / "log_tiny.txt").read_text() or "DeadKernel" in (folder / "log_tiny.txt").read_text()
    )
    code = study(folder).wait(timeout=600)
    return (True, True, True, 0), (begun, failed, said, code)


def two_studies(folder):
    """`make study` twice in one folder, and a second profile that shares the cache: no result is wrong, the end is reached."""
    project(folder, "tiny", "other")
    all_of_them = [study(folder), study(folder), study(folder, "other")]
    codes = [one.wait(timeout=600) for one in all_of_them]
    last = study(folder).wait(timeout=600)
    said = "another process is working on this run" in (folder / "log_tiny.txt").read_text() or codes[:2] == [0, 0]
    return (True, 0, 0, True), (0 in codes[:2] or said, codes[2], last, page(folder) and page(folder, "other"))
