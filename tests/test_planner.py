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

import numpy as np
import pytest
from PIL import Image

from imdlib.places import REPO
from imdlib.planner import KEPT, Job, bring_weights
from imdlib.runs import State
from imdlib.study import STUDIES
from tests.data.disk import mask, photo, region
from tests.data.test_readers import casia1_tree

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
from imdlib import archive, files, runs, store
from imdlib.freshness import contents
from imdlib.planner import Planner

def finish(job, written):
    sums = {name: files.sha256(job.folder / name) for name in written}
    about = dict(key=job.key, needs=job.needs, sums=sums, commit="c", device="d", seconds=1.0, peak_memory_mb=1, finished="f")
    files.write_text(job.folder / runs.STAMP, json.dumps(runs.sealed(about)))

for page in (False, True, True):  # a page's key follows from those of what it shows
    for job in Planner(sys.argv[1], data=sys.argv[2]).jobs.values():
        if job.page and page and not job.done:
            files.write_text(job.folder / "report.html", job.name)
            finish(job, ["report.html"])
        if not job.page and not page:
            scores = pd.DataFrame({"image": ["a.png", "b.png"], "dataset": "toy", "f1": [0.1234567, 0.7654321]})
            store.write(scores, job.folder / "scores.parquet")
            files.write_text(job.folder / "weights.safetensors", "weights of " + job.name)
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


NCL, INR, BRIDGE = {"ncl_run": 12}, {"inr_nrr": 2, "inr_run": 8}, {"bridge_run": 5}
PAGES = {"ncl_report": 1, "inr_report": 1, "bridge_report": 1, "report": 1}
NCL_PAGES, BRIDGE_PAGES = ({f"{s}_report": 1, "report": 1} for s in ("ncl", "bridge"))
ALL_RUNS, DATA, NOTHING = NCL | INR | BRIDGE, {"data": 6}, {}
SCORED = ALL_RUNS | {"ncl_classic": 2}  # and what is scored without training

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
    # code
    "a reader: what it gives is known by its rows and files": (
        "imdlib/data/readers/casia2.py",
        'SHARES = {"train": 0.95',
        'SHARES = {"train": 0.94',
        DATA | PAGES,
    ),
    "a loss": ("imdlib/ncl/losses.py", "EPS = 1e-6", "EPS = 1e-5", NCL | NCL_PAGES),
    "the training loop": (
        "imdlib/training/optimizers.py",
        "power: float = 0.9",
        "power: float = 0.8",
        ALL_RUNS | PAGES,
    ),
    "a metric": (
        "imdlib/scoring/metrics.py",
        "threshold: float = 0.5",
        "threshold: float = 0.4",
        DATA | SCORED | PAGES,
    ),
    "a verdict": (
        "imdlib/protocol/verdicts.py",
        "return SUPPORTED if positive",
        "return INCONCLUSIVE if positive",
        PAGES,
    ),
    "the bootstrap": ("imdlib/scoring/intervals.py", "[0.025, 0.975]", "[0.05, 0.95]", DATA | PAGES),
    "a table's cells": ("imdlib/pages/wide.py", "row.value:.3f}", "row.value:.2f}", DATA | PAGES),
    "how results are gathered": ("imdlib/archive.py", "if not wanted:", "if wanted == {}:", PAGES),
    "a twin's camera": ("imdlib/twins/recipes.py", "PER_SCENE = ", "PER_SCENE = 0 + ", DATA | SCORED | PAGES),
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
    "the lock": ("requirements.lock", "\ntorch==", "\ntorch==9.", DATA | SCORED | PAGES),
    # profiles
    "more seeds": ("profiles/quick.yaml", "ncl.seeds: [0]", "ncl.seeds: [0, 1]", {"ncl_run": 12} | NCL_PAGES),
    "another omega": ("profiles/quick.yaml", "ncl.omegas: [0.1]", "ncl.omegas: [0.2]", {"ncl_run": 1} | NCL_PAGES),
    "one method less": ("profiles/quick.yaml", "[wang, transcam, ", "[wang, ", BRIDGE_PAGES),
    "more steps": ("profiles/quick.yaml", "ncl.steps: 100", "ncl.steps: 101", NCL | NCL_PAGES),
    "threads": ("profiles/quick.yaml", "threads: 1", "threads: 2", SCORED | PAGES),
    "another test set": (
        "profiles/quick.yaml",
        "ncl.test_sets: [sim-casia, sim-coverage]",
        "ncl.test_sets: [sim-casia]",
        {"ncl_run": 7, "ncl_classic": 2} | NCL_PAGES,  # runs that turn something are scored on their own set alone
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("what", EDITS)
def test_an_edit_undoes_what_depends_on_it_and_nothing_else(project, what):
    file, old, new, expected = EDITS[what]
    project.edit(file, old, new)
    assert Counter({rule: len(names) for rule, names in project.todo().items()}) == Counter(expected)


# ---- results ---------------------------------------------------------------------------------------------------------------


def spoil(path, how):
    """Damage a file in one of the ways that disks and people do."""
    content = path.read_bytes()
    if how == "empty":
        path.write_bytes(b"")
    elif how == "gone":
        path.unlink()
    else:
        path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))


@pytest.mark.slow
def test_a_damaged_result_is_made_again_with_what_is_drawn_from_it(project):
    folder = project.folder / "results" / "quick"
    cases = [("base_sim-casia_seed0", "scores.parquet", "flipped"), ("pivot_sim-casia_seed0", "stamp.json", "empty")]
    cases += [
        ("contrast_sim-casia_seed0", "weights.safetensors", "flipped"),
        ("pivot-pc_sim-casia_seed0", "scores.parquet", "gone"),
    ]
    for run, file, how in cases:
        spoil(folder / "ncl" / "runs" / run / file, how)
    found = project.todo()
    assert sorted(found.pop("ncl_run")) == sorted(run for run, _, _ in cases)
    assert {rule: len(names) for rule, names in found.items()} == NCL_PAGES


@pytest.mark.slow
def test_a_detector_is_made_again_when_its_nrr_is(project):
    spoil(project.folder / "results/quick/inr/runs/nrr_sim-columbia_seed0/weights.safetensors", "flipped")
    found = project.todo()
    assert found["inr_nrr"] == ["nrr_sim-columbia_seed0"] and "inr_run" not in found  # the same NRR will come of it
    project.edit("notebooks/inr/nrr.ipynb", "hidden = [32, 32, 32]", "hidden = [32, 32]")
    found = project.todo()
    assert len(found["inr_nrr"]) == 2 and all(
        "nrr" in name or "base" in name or "unsupervised" in name for name in found["inr_run"]
    )


@pytest.mark.slow
def test_a_page_is_drawn_again_when_a_file_of_it_is_edited_or_deleted(project):
    folder = project.folder / "results" / "quick"
    (folder / "inr" / "report.html").write_text("another")
    assert project.todo() == {"inr_report": ["inr"], "report": ["page"]}
    (folder / "report.html").unlink()
    (folder / "notes.md").write_text("what a reader has to know")
    assert set(project.todo()) == set(PAGES)


@pytest.mark.slow
def test_what_a_profile_no_longer_asks_for_is_not_asked_of_its_report(project):
    project.edit("profiles/quick.yaml", "ncl.omegas: [0.1]", "ncl.omegas: []")
    script = TODO.replace("print(", "print(json.dumps(planner.jobs['ncl_report', 'ncl'].parameters['runs'])); print(")
    runs = json.loads(project.run(script).splitlines()[-2])
    assert len(runs) == 13 and not any("omega" in name for name in runs)
    assert project.todo() == {"ncl_report": ["ncl"], "report": ["page"]}


BESIDE = """
import json, sys
from imdlib.planner import Planner
jobs = Planner(sys.argv[1]).jobs
print(json.dumps({name: jobs[rule, name].needs["data"] for rule, name in (("report", "page"), ("ncl_report", "ncl"))}))
"""


@pytest.mark.slow
def test_a_page_depends_on_what_it_shows_beside_its_own_rows(project):
    """The claims of the profile on real images, and tuned settings, which no job makes."""
    claims, settings = project.folder / "results/real/claims.csv", project.folder / "profiles/tuned/ncl.yaml"
    for path in (claims, settings):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("base: {learning_rate: 0.001}")
    before = json.loads(project.run(BESIDE, profile="laptop"))
    for path in (claims, settings):
        path.write_text("base: {learning_rate: 0.002}")
    after = json.loads(project.run(BESIDE, profile="laptop"))
    assert before["page"]["real"] != after["page"]["real"] and before["ncl"]["tuned"] != after["ncl"]["tuned"]
    assert before["page"]["notes"] == after["page"]["notes"]


def test_a_run_of_which_rows_alone_are_kept_is_made_again_where_a_job_needs_its_weights():
    def one(word, why=""):
        return Job("inr_nrr", "nrr", "inr/nrr", {}, Path("nowhere"), {}, State(word, why, {"key": "k"}))

    for asking, wanted in ((one("finished"), ["finished"] * 2), (one("absent"), ["absent", "finished"])):
        kept, near = one("finished", KEPT), one("finished")
        bring_weights(asking, [kept, near])
        assert [kept.state.word, near.state.word] == wanted


KEEP = """
import sys
from imdlib import archive
from imdlib.planner import Planner
from imdlib.study import STUDIES
planner = Planner(sys.argv[1])
for study in ("data", *STUDIES):
    rule = (lambda job: job.rule == "data") if study == "data" else (lambda job: job.rule.startswith(study) and not job.page)
    archive.keep(planner.results, study, {job.name: job.key for job in planner.jobs.values() if rule(job)})
"""


@pytest.mark.slow
def test_a_clone_that_holds_what_was_kept_draws_pages_alone_and_an_edit_counts_there_too(project):
    """Of an NRR rows alone are kept: a detector that is made again needs its weights, so the NRR is made again as well."""
    project.run(KEEP)
    for study in ("data", *STUDIES):
        shutil.rmtree(project.folder / "results/quick" / study / "runs")
        (project.folder / "results/quick" / study / "stamp.json").unlink(missing_ok=True)
    assert {rule: len(names) for rule, names in project.todo().items()} == PAGES
    project.edit("imdlib/ncl/losses.py", "EPS = 1e-6", "EPS = 1e-5")
    project.edit("profiles/quick.yaml", "inr/run.steps: 30", "inr/run.steps: 31")
    assert {rule: len(names) for rule, names in project.todo().items()} == PAGES | NCL | {"inr_run": 8, "inr_nrr": 1}
    spoil(project.folder / "results/quick/bridge/scores.parquet", "flipped")
    found = json.loads(project.run(TODO).splitlines()[-1])
    assert sum(rule == "bridge_run" for rule, _, _ in found["todo"]) == 5
    assert any("bridge/scores.parquet" in warning for warning in found["warnings"])


SHOWN = """
import json, sys
from imdlib.planner import Planner
from imdlib.study import STUDIES
found = {}
for pages in (False, True):
    planner = Planner(sys.argv[1], pages=pages)
    report = planner.jobs["ncl_report", "ncl"].parameters
    drawn = sorted(study for _, study in planner.jobs if study in STUDIES)
    found[str(pages)] = [sorted(report["runs"]), report.get("absent", 0), drawn, planner.warnings]
print(json.dumps(found))
"""


@pytest.mark.slow
def test_pages_alone_are_drawn_of_the_runs_that_are_there_and_the_others_are_counted(project):
    shutil.rmtree(project.folder / "results/quick/ncl/runs/pc_sim-casia_seed0")
    shutil.rmtree(project.folder / "results/quick/bridge")
    found = json.loads(project.run(SHOWN).splitlines()[-1])
    every, absent, drawn, none = found["False"]
    assert none == [] and absent == 0 and drawn == sorted(STUDIES)
    there, absent, drawn, words = found["True"]
    assert set(every) - set(there) == {"pc_sim-casia_seed0"} and absent == 1
    assert drawn == sorted({*STUDIES} - {"bridge"}), "a study of which nothing was made has no page yet"
    assert words == [f"ncl: runs: 1 of {len(every)} were never made, the page is without them"]
    for run in (project.folder / "results/quick/inr/runs").iterdir():
        shutil.rmtree(run) if not run.name.startswith("nrr_") else None
    drawn = json.loads(project.run(SHOWN).splitlines()[-1])["True"][2]
    assert drawn == ["ncl"], "nor has one without a final training, such as INR with its NRRs alone"


# ---- data ------------------------------------------------------------------------------------------------------------------

PROFILE = """
ncl.seeds: [0]
ncl.ablation_sets: [casia1]
ncl.test_sets: [casia1, folder]
inr.seeds: [0]
inr.train_set: casia1
inr.test_sets: [casia1]
inr.rows: [base]
inr.unsupervised: false
bridge.seeds: [0]
bridge.train_sets: [casia1]
bridge.test_sets: [casia1]
bridge.methods: [wang]
"""


@pytest.mark.slow
def test_data_corrected_in_place_undo_every_run_that_saw_them(project, tmp_path):
    """A mask of a set that is only tested on, the tail of a large image, and a file that is swapped without a trace in time."""
    casia1_tree(tmp_path / "CASIA1")
    large = photo(tmp_path / "images" / "large.png", 300, 400)  # far more than any 64 KB
    changed = mask(tmp_path / "masks" / "large.bmp", region(300, 400))
    photo(tmp_path / "images" / "authentic.png")
    (project.folder / "profiles" / "mine.yaml").write_text(PROFILE)
    given = dict(profile="mine", data=tmp_path)
    project.run(FINISH, **given)
    assert project.todo(**given) == {}
    state = changed.stat()
    mask(changed, region(300, 400, (100, 200, 100, 300)))
    os.utime(changed, ns=(state.st_atime_ns, state.st_mtime_ns + 1))
    assert changed.stat().st_size == state.st_size
    found = {rule: len(names) for rule, names in project.todo(**given).items()}
    assert found == {"data": 1, "ncl_run": 4, "ncl_report": 1, "report": 1}
    project.run(FINISH, **given)
    large.write_bytes(large.read_bytes() + b"\0")  # after the end of the picture
    assert {rule: len(names) for rule, names in project.todo(**given).items()} == found
    inverted = next((tmp_path / "CASIA1").rglob("*_gt.png"))
    with Image.open(inverted) as picture:
        values = np.array(picture.convert("L"))
    Image.fromarray(255 - values).save(inverted)
    found = {rule: len(names) for rule, names in project.todo(**given).items()}
    assert found == {"data": 2, "ncl_run": 4, "inr_nrr": 1, "inr_run": 1, "bridge_run": 1} | PAGES


# ---- Snakemake -------------------------------------------------------------------------------------------------------------


NAMED = """
import json, sys
from imdlib.planner import Planner
from imdlib.study import ProfileError
planner = Planner(sys.argv[1])
print(json.dumps([job.name for job in planner.needed_by(planner.named(["inr/weak_nrr_*", "ncl/base_*"]))]))
try:
    planner.named(["ncl/best_*"])
except ProfileError as error:
    assert "RUNS=ncl/best_*" in str(error)
"""


@pytest.mark.slow
def test_runs_can_be_asked_for_by_name_and_bring_what_they_need(project):
    shutil.rmtree(project.folder / "results")
    found = json.loads(project.run(NAMED))
    assert {"nrr_sim-columbia_seed0", "weak_nrr_sim-columbia_seed0", "sim-columbia", "base_sim-casia_seed0"} <= set(
        found
    )
    assert not [
        name for name in found if name.startswith(("pivot", "wang", "unsupervised", "weak_base")) or name in STUDIES
    ]


@pytest.mark.slow
def test_snakemake_schedules_what_the_planner_says(project):
    project.edit("imdlib/ncl/losses.py", "EPS = 1e-6", "EPS = 1e-5")
    command = [sys.executable, "-m", "snakemake", "-n", "--config", "profile=quick"]
    environment = os.environ | {"PYTHONPATH": str(project.folder), "IMDLIB_CACHE": str(project.folder / ".cache")}
    done = subprocess.run(command, cwd=project.folder, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr[-3000:]
    counts = dict(
        line.split()
        for line in (done.stdout + done.stderr).splitlines()
        if len(line.split()) == 2 and line.split()[1].isdigit()
    )
    assert {
        rule: int(count) for rule, count in counts.items() if rule in NCL | NCL_PAGES or "_" in rule
    } == NCL | NCL_PAGES
