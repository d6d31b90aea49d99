"""The Snakefile: as many jobs of each rule as the grids of a profile say, planned without leaving a trace."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections import Counter

import pytest
import yaml

from imdlib import study
from imdlib.places import REPO

PLANNED = {"gpu", "gpu-paper"}  # by tests/gpu/test_profiles.py, since make gpu executes them
PROFILES = sorted({path.stem for path in (REPO / "profiles").glob("*.yaml")} - PLANNED)

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A copy of the project in which nothing has been run."""
    folder = tmp_path_factory.mktemp("plan")
    for name in ("imdlib", "notebooks", "profiles"):
        shutil.copytree(REPO / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints"))
    for name in ("Snakefile", "requirements.lock"):
        shutil.copy(REPO / name, folder)
    return folder


def plan(project, *config, flags=("--dry-run",)):
    """(exit code, output) of a dry run: what Snakemake would do; with other flags, of what they ask for."""
    command = [sys.executable, "-m", "snakemake", *flags, "--config", *config]
    environment = os.environ | {"PYTHONPATH": str(project), "IMDLIB_CACHE": str(project / "cache")}
    environment |= {"XDG_CACHE_HOME": str(project / "cache")}
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, env=environment)
    return done.returncode, done.stdout + done.stderr


def counted(output):
    """{rule: number of jobs} of the table at the end of a dry run."""
    lines = output[output.rindex("Job stats:") :].splitlines()
    words = [line.split() for line in lines]
    return {line[0]: int(line[1]) for line in words if len(line) == 2 and line[1].isdigit() and line[0] != "total"}


def expected(profile):
    """The same from the grids of the studies and the data sets that their runs name."""
    found, sets = Counter(all=1, report=1), set()
    for one in study.asked("", profile).values():
        cells = one.configurations(**study.grid(profile, one)).values()
        found.update(f"{one.name}_{cell.notebook}" for cell in cells)
        found[f"{one.name}_report"] = 1
        sets.update(name for cell in cells for name in cell.parameters["train_set"].split("+"))
        sets.update(profile[f"{one.name}.test_sets"])
    return found | {"data": len(sets)}


@pytest.mark.parametrize("name", PROFILES)
def test_the_whole_study_is_planned(project, name):
    returncode, output = plan(project, f"profile={name}")
    assert returncode == 0, output[-3000:]
    assert counted(output) == expected(yaml.safe_load((REPO / "profiles" / f"{name}.yaml").read_text()))
    assert not (project / "results").exists() and not (project / "cache" / "synthetic").exists()


def test_real_sets_are_asked_for_before_anything_runs(project):
    returncode, output = plan(project, "profile=real", flags=("--cores", "1", "--nolock"))
    assert returncode != 0 and "profile real needs casia1, nist16" in output and "DATA=<folder" in output
    returncode, output = plan(project, "profile=quick", "data=2024")  # a folder whose name YAML takes for a number
    assert returncode == 0, output[-3000:]


def test_pages_alone_can_be_asked_for(project):
    returncode, output = plan(project, "profile=quick", "pages=yes")
    assert returncode == 0, output[-3000:]
    assert counted(output) == dict.fromkeys(["all", "report", *(f"{name}_report" for name in study.STUDIES)], 1)


def test_a_misspelt_key_of_a_profile_is_refused(project):
    text = (project / "profiles" / "quick.yaml").read_text()
    (project / "profiles" / "mine.yaml").write_text(f"{text}\nncl.epocs: 3\n")
    returncode, output = plan(project, "profile=mine")
    assert returncode != 0 and "profiles/mine.yaml" in output and "Did you mean 'ncl.epochs'" in output


def test_a_job_that_fails_keeps_no_other_from_being_executed_and_is_named_at_the_end(project, tmp_path):
    copy = shutil.copytree(project, tmp_path / "copy")
    notebook = json.loads((copy / "notebooks" / "data.ipynb").read_text())
    notebook["cells"] = [cell for cell in notebook["cells"] if "parameters" in cell["metadata"].get("tags", [])]
    notebook["cells"] += [
        dict(cell_type="code", execution_count=None, id="fails", metadata={}, outputs=[], source="1 / 0")
    ]
    (copy / "notebooks" / "data.ipynb").write_text(json.dumps(notebook))
    values = {"ncl.seeds": [0], "ncl.ablation_sets": ["sim-casia"], "ncl.test_sets": ["sim-casia", "sim-nist16"]}
    (copy / "profiles" / "mine.yaml").write_text(yaml.safe_dump(values))
    made = re.search(r"^RUN .*/snakemake --cores \S+ (.*) --config", (REPO / "Makefile").read_text(), re.M)[1]
    returncode, output = plan(copy, "profile=mine", flags=["--cores", "1", *made.split()])
    assert returncode != 0 and "Error in rule data" in output
    ending = output[output.index("-- not finished") :]
    assert all(f"data: {name}; why: " in ending for name in ("sim-casia", "sim-nist16")) and "ncl/run" not in ending
