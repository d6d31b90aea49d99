"""Shared by the tests of Bridging: a notebook run by Papermill, and no figure left open."""

import os
import subprocess
import sys
from pathlib import Path

import matplotlib
import pytest
import yaml
from matplotlib import pyplot as plt

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
