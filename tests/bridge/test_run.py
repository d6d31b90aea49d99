"""The notebook of a run by Papermill, small enough for a test: what it leaves, what it refuses, and that it is done once."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from PIL import Image

from imdlib.bridge.labels import CLASSES

REPO = Path(__file__).resolve().parents[2]
TINY = dict(size=32, epochs=1, teacher_epochs=1, batch_size=8, examples=1)
TINY |= dict(distillation=[16, 1, 2], conformer=[8, 16, 3, 2], stem_stride=2, backbone_width=0.125)


def execute(folder, **parameters):
    """(exit code, output) of the notebook; its results are in folder/results."""
    given = yaml.safe_dump(dict(results=str(folder / "results")) | TINY | parameters)
    command = [sys.executable, "-m", "papermill", "--no-progress-bar", "--log-level", "ERROR"]
    command += [str(REPO / "notebooks" / "bridge" / "run.ipynb"), str(folder / "out.ipynb"), "-y", given]
    environment = os.environ | {"IMDLIB_CACHE": str(folder / "cache"), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, cwd=folder)
    return done.returncode, done.stdout + done.stderr


def left(folder, run):
    """Names of the files of a run, its scores and its stamp."""
    path = folder / "results" / "bridge" / "runs" / run
    names = {file.name for file in path.iterdir()}
    return names, pd.read_csv(path / "scores.csv.gz"), json.loads((path / "stamp.json").read_text())


@pytest.fixture
def cifake(tmp_path):
    """A folder in the shape of CIFAKE, of noise: real images dark, generated ones bright."""
    rng = np.random.default_rng(0)
    for name, low in (("REAL", 0), ("FAKE", 128)):
        (tmp_path / "CIFAKE" / name).mkdir(parents=True)
        for i in range(40):
            pixels = rng.integers(low, low + 128, (32, 32, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / "CIFAKE" / name / f"{i:03d}.png")
    return tmp_path / "CIFAKE"


@pytest.mark.slow
def test_a_set_of_two_classes_without_masks(cifake, tmp_path):
    options = dict(data=str(cifake), train_set="cifake", test_sets=["cifake"], test_count=10)
    code, output = execute(tmp_path, **options)
    assert code == 0, output[-3000:]
    names, scores, stamp = left(tmp_path, "late_cifake_seed0")
    assert {"params.yaml", "history.csv", "scores.csv.gz", "weights.safetensors", "stamp.json"} <= names
    assert len(scores) == 10 and set(scores["kind"]) == {"authentic", "generated"} and "auc" not in scores
    assert scores[["d1", "d2", "d1_start", "d2_start"]].notna().all().all()
    assert stamp["train_images"] > 20 and "stand-in" in stamp["tower"]

    code, output = execute(tmp_path, **options, with_fully=False, run="one_class")
    assert code != 0 and "at least two classes, found real" in output


@pytest.mark.slow
def test_a_run_on_a_twin_is_finished_once(tmp_path):
    options = dict(count=48, size=64, test_sets=["sim-dolos-nearest"], embed=True)
    code, output = execute(tmp_path, **options)
    assert code == 0, output[-3000:]
    names, scores, stamp = left(tmp_path, "late_sim-dolos-nearest_seed0")
    assert {"maps.npz", "points.npz", "history.csv"} <= names
    assert set(scores["predicted"]) <= set(CLASSES)
    partly = scores["kind"] == "edit"
    for prefix in ("", "drawn_", "plain_"):
        counts = scores.loc[partly, [prefix + name for name in ("tp", "fp", "fn", "tn")]].sum(axis=1)
        assert (counts == 64 * 64).all() and scores.loc[~partly, prefix + "tp"].isna().all()
    folder = tmp_path / "results" / "bridge" / "runs" / "late_sim-dolos-nearest_seed0"
    history = pd.read_csv(folder / "history.csv")
    assert {"d1_ff", "d2_pf", "val_recall", "val_teacher_recall", "classifier_loss"} <= set(history)
    before = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    code, output = execute(tmp_path, **options)
    assert code == 0, output[-3000:]
    assert {path.name: path.stat().st_mtime_ns for path in folder.iterdir()} == before

    code, output = execute(tmp_path, **options, method="wang")
    assert code == 0, output[-3000:]
    _, scores, stamp = left(tmp_path, "wang_sim-dolos-nearest_seed0")
    assert scores["p_partly"].isna().all() and set(scores["predicted"]) <= {"real", "fake"} and stamp["tower"] == ""
