"""Shared by the tests of Bridging: rows of made-up runs, a notebook run by Papermill, and no figure left open."""

import os
import subprocess
import sys
from pathlib import Path

import matplotlib
import pytest
import yaml
from matplotlib import pyplot as plt

from imdlib.bridge.rows import Rows
from tests.bridge import made_up

matplotlib.use("agg")
NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks" / "bridge"


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    plt.close("all")


@pytest.fixture
def figures_of(tmp_path):
    """figures_of(name, **parameters): run notebooks/bridge/<name>.ipynb; the folder of the figures that it left."""

    def run(name, **parameters):
        given = yaml.safe_dump(dict(results=str(tmp_path / "results")) | parameters)
        command = [sys.executable, "-m", "papermill", "--no-progress-bar", "--log-level", "ERROR"]
        command += [str(NOTEBOOKS / f"{name}.ipynb"), str(tmp_path / "out.ipynb"), "-y", given]
        environment = os.environ | {"OMP_NUM_THREADS": "1"}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, cwd=tmp_path)
        assert done.returncode == 0, done.stderr[-3000:]
        return tmp_path / "results" / "bridge" / "figures"

    return run


@pytest.fixture(scope="session")
def all_runs(tmp_path_factory):
    """Rows of every kind of run on two data sets, beside maps that look at no image."""
    folder, tables = (
        tmp_path_factory.mktemp("all"),
        {name: made_up.images(name) for name in (made_up.HOME, made_up.AWAY)},
    )
    made_up.write_runs(folder, made_up.all_cells(), tables)
    made_up.write_trivial(folder, tables)
    return Rows.gather(folder)


@pytest.fixture(scope="session")
def two_runs(tmp_path_factory):
    """Rows of a detector and of the whole method, on one data set of two classes without masks, as CIFAKE is."""
    folder, table = tmp_path_factory.mktemp("two"), made_up.images(made_up.HOME)
    cells = {name: dict(method=name, seed=0, train_set=made_up.HOME) for name in ("wang", "late")}
    made_up.write_runs(folder, cells, {made_up.HOME: table[table["kind"] != "edit"]})
    return Rows.gather(folder)
