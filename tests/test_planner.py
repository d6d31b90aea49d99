"""The planner: what an edit makes undone, on a finished study of which nothing was trained.

The project is copied, every job of the profile `quick` is given a result by hand, and then one thing at a time is edited; each time
a process of its own says which jobs are not done.
"""

import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

REPO = Path(__file__).resolve().parents[1]
PARTS = ("imdlib", "notebooks", "profiles")
FILES = ("Snakefile", "requirements.lock")
TODO = """
import json, sys
from imdlib.planner import Planner
planner = Planner(sys.argv[1], data=sys.argv[2])
todo = [job for job in planner.jobs.values() if not job.done]
print(json.dumps({"todo": [[job.rule, job.name, job.state.why] for job in todo], "warnings": planner.warnings}))
"""
FINISH = """
import json, sys
import pandas as pd
from imdlib import runs, store
from imdlib.data import contents
from imdlib.planner import Planner

def finish(job, files):
    sums = {name: contents.sha256(job.folder / name) for name in files}
    about = dict(key=job.key, needs=job.needs, sums=sums, commit="c", device="d", seconds=1.0, peak_memory_mb=1, finished="f")
    store.write_text(job.folder / runs.STAMP, json.dumps(about))

for page in (False, True, True):  # a page's key follows from those of what it shows
    for job in Planner(sys.argv[1], data=sys.argv[2]).jobs.values():
        if job.page and page and not job.done:
            store.write_text(job.folder / "report.html", job.name)
            finish(job, ["report.html"])
        if not job.page and not page:
            scores = pd.DataFrame({"image": ["a.png", "b.png"], "dataset": "toy", "f1": [0.1234567, 0.7654321]})
            store.write(scores, job.folder / "scores.parquet")
            store.write_text(job.folder / "weights.safetensors", "weights of " + job.name)
            finish(job, ["scores.parquet", "weights.safetensors"])
"""


class Project:
    """A copy of the project in a folder of its own."""

    def __init__(self, folder):
        self.folder = folder
        for name in PARTS:
            shutil.copytree(
                REPO / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints")
            )
        for name in FILES:
            shutil.copy(REPO / name, folder)

    def run(self, script, profile="quick", data=""):
        """Output of a script in a fresh process that imports the copy."""
        command = [sys.executable, "-c", script, profile, str(data)]
        environment = os.environ | {"PYTHONPATH": str(self.folder), "IMDLIB_CACHE": str(self.folder / ".cache")}
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, env=environment)
        assert done.returncode == 0, done.stderr[-3000:]
        return done.stdout

    def todo(self, **options):
        """{rule: names} of the jobs that are not done."""
        found = {}
        for rule, name, _ in json.loads(self.run(TODO, **options).splitlines()[-1])["todo"]:
            found.setdefault(rule, []).append(name)
        return found

    def edit(self, file, old, new):
        """Replace a piece of a file, which must be there once or more."""
        path = self.folder / file
        text = path.read_text(encoding="utf-8")
        assert old in text, f"{file} does not hold {old!r}"
        path.write_text(text.replace(old, new, 1), encoding="utf-8")


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A Project whose profile `quick` is finished."""
    project = Project(tmp_path_factory.mktemp("planner") / "project")
    project.run(FINISH)
    assert project.todo() == {}
    return project


@pytest.fixture
def project(finished):
    """The same, put back after the test."""
    spare = finished.folder.with_name("spare")
    shutil.copytree(finished.folder, spare, symlinks=True, copy_function=shutil.copy2)
    yield finished
    shutil.rmtree(finished.folder)
    spare.rename(finished.folder)


NCL, INR, BRIDGE = {"ncl_run": 13}, {"inr_nrr": 2, "inr_run": 8}, {"bridge_run": 5}
PAGES = {"ncl_report": 1, "inr_report": 1, "bridge_report": 1, "report": 1}
NCL_PAGES, INR_PAGES, BRIDGE_PAGES = ({f"{s}_report": 1, "report": 1} for s in ("ncl", "inr", "bridge"))
ALL_RUNS, DATA, NOTHING = NCL | INR | BRIDGE, {"data": 6}, {}

EDITS = {
    # prose costs nothing
    "a comment in a loss": ("imdlib/ncl/losses.py", "EPS = 1e-6", "# a comment\nEPS = 1e-6", NOTHING),
    "a comment in the metrics": ("imdlib/scoring/metrics.py", "\nimport numpy", "\n# a comment\nimport numpy", NOTHING),
    "a docstring": ("imdlib/train.py", '"""Training: ', '"""About training: ', NOTHING),
    "a sentence of a notebook": (
        "notebooks/ncl/run.ipynb",
        "# NCL: train and score",
        "# NCL: train, then score",
        NOTHING,
    ),
    "a function that nobody calls": (
        "imdlib/ncl/losses.py",
        "EPS = 1e-6",
        "def unused():\n    return 1\n\n\nEPS = 1e-6",
        NOTHING,
    ),
    "a reader whose set is not used": (
        "imdlib/data/readers/casia2.py",
        "def casia2(",
        "X = 2\n\n\ndef casia2(",
        NOTHING,
    ),
    # code
    "a loss": ("imdlib/ncl/losses.py", "EPS = 1e-6", "EPS = 1e-5", NCL | NCL_PAGES),
    "the training loop": ("imdlib/train.py", "power=0.9", "power=0.8", ALL_RUNS | PAGES),
    "a metric": ("imdlib/scoring/metrics.py", "threshold=0.5", "threshold=0.4", DATA | ALL_RUNS | PAGES),
    "a verdict": ("imdlib/pages/claims.py", "SUPPORTED if low > 0", "CONTRADICTED if low > 0", PAGES),
    "the bootstrap": ("imdlib/scoring/intervals.py", "[0.025, 0.975]", "[0.05, 0.95]", DATA | PAGES),
    "a table's cells": ("imdlib/pages/tables.py", 'f"{row.value:.3f}"', 'f"{row.value:.2f}"', DATA | PAGES),
    "how results are gathered": ("imdlib/runs.py", "if not wanted:", "if wanted == {}:", PAGES),
    "a twin's camera": ("imdlib/twins/recipes.py", "PER_SCENE = ", "PER_SCENE = 0 + ", DATA | ALL_RUNS | PAGES),
    # notebooks
    "a cell that trains": ("notebooks/ncl/run.ipynb", "flips=True", "flips=False", NCL | NCL_PAGES),
    "a cell of a report": ("notebooks/ncl/report.ipynb", "plots.use_style()", "plots.use_style() or None", NCL_PAGES),
    "a default that the profile does not set": (
        "notebooks/ncl/run.ipynb",
        "width = 0.25",
        "width = 0.5",
        NCL | NCL_PAGES,
    ),
    # packages
    "the lock": ("requirements.lock", "\ntorch==", "\ntorch==9.", DATA | ALL_RUNS | PAGES),
    # profiles
    "more seeds": ("profiles/quick.yaml", "ncl.seeds: [0]", "ncl.seeds: [0, 1]", {"ncl_run": 13} | NCL_PAGES),
    "another omega": ("profiles/quick.yaml", "ncl.omegas: [0.1]", "ncl.omegas: [0.2]", {"ncl_run": 1} | NCL_PAGES),
    "one method less": ("profiles/quick.yaml", "[wang, transcam, ", "[wang, ", BRIDGE_PAGES),
    "more steps": ("profiles/quick.yaml", "ncl.steps: 160", "ncl.steps: 161", NCL | NCL_PAGES),
    "threads": ("profiles/quick.yaml", "threads: 1", "threads: 2", ALL_RUNS | PAGES),
    "another test set": (
        "profiles/quick.yaml",
        "ncl.test_sets: [sim-casia, sim-coverage]",
        "ncl.test_sets: [sim-casia]",
        NCL | NCL_PAGES,
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("what", EDITS)
def test_an_edit_undoes_what_depends_on_it_and_nothing_else(project, what):
    file, old, new, expected = EDITS[what]
    project.edit(file, old, new)
    assert Counter({rule: len(names) for rule, names in project.todo().items()}) == Counter(expected)
