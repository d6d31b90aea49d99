"""The notebook of a run on a set that has neither partly fake images nor masks: what it leaves, and that it says what it is."""

import json

import numpy as np
import pytest
from PIL import Image

from imdlib import store
from tests.cells import execute

TINY = dict(size=32, epochs=1, teacher_epochs=1, batch_size=8, examples=1, distillation=[16, 1, 2])
TINY |= dict(conformer=[8, 16, 3, 2], stem_stride=2)


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
def test_a_set_of_two_classes_without_masks(cifake, tmp_path, monkeypatch):
    monkeypatch.setenv("IMDLIB_CACHE", str(tmp_path / "cache"))
    options = dict(data=str(cifake), train_set="cifake", test_sets=["cifake"], test_count=10, run="mine")
    record = execute("bridge/run", results=str(tmp_path), **TINY, **options)["record"]
    assert {path.name for path in record.folder.iterdir()} > {"history.parquet", "scores.parquet", "stamp.json"}
    scores = store.read(record.folder / "scores.parquet")
    assert len(scores) == 10 and set(scores["kind"]) == {"authentic", "generated"} and "auc" not in scores
    assert scores[["d1", "d2", "d1_start", "d2_start"]].notna().all(axis=None)
    stamp = json.loads((record.folder / "stamp.json").read_text())
    assert stamp["train_images"] > 20 and "stand-in" in stamp["tower"] and list(stamp["needs"]["data"]) == ["cifake"]
    assert str(tmp_path) not in json.dumps(stamp)
