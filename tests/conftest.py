"""Shared fixtures, one thread for each process of the suite, and the longest files first."""

import os
import sys

os.environ["OMP_NUM_THREADS"] = "1"  # before numpy and torch are loaded; as many processes as cores run at once
os.environ["MPLBACKEND"] = "agg"


import numpy as np
import pytest
import torch

from imdlib import parameters
from imdlib.freshness import sources
from imdlib.places import REPO
from tests.toy_runs import CODE, DEFAULTS, free

LONGEST = "test_make_study.py"


def pytest_collection_modifyitems(items):
    """Files are handed out in this order: the longest one, others with slow tests, the rest."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: (item.path.name != LONGEST, item.path not in slow))


@pytest.fixture
def real_data():
    """Folder of the real benchmark images, `../shared/data` beside the repository; the test is skipped where it is absent."""
    folder = REPO.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"real images not found: {folder} does not exist")
    return folder


@pytest.fixture(autouse=True)
def _seeded():
    """The same random numbers for every test, and one thread, whatever an earlier test (a notebook) has set."""
    torch.manual_seed(0)
    torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def _figures_closed():
    """No figure is left open by a test."""
    yield
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")


@pytest.fixture(scope="session")
def blob_auc():
    """Function: masks (B, H, W) -> AUC (B,) of the centre blob exp(-(dx^2 + dy^2) / (2 * 0.25^2)), from its ranks."""

    def auc(masks):
        height, width = masks.shape[1:]
        y, x = np.mgrid[:height, :width]
        dx, dy = (x + 0.5) / width - 0.5, (y + 0.5) / height - 0.5
        blob = np.exp(-(dx**2 + dy**2) / (2 * 0.25**2)).ravel()
        values, inverse, counts = np.unique(blob.round(12), return_inverse=True, return_counts=True)
        rank = (np.cumsum(counts) - (counts - 1) / 2)[inverse]  # mean rank of ties, from 1
        inside = (masks > 0).reshape(len(masks), -1)
        positive = inside.sum(1)
        negative = inside.shape[1] - positive
        return ((inside * rank).sum(1) - positive * (positive + 1) / 2) / (positive * negative)

    return auc


@pytest.fixture
def toy_runs(tmp_path, monkeypatch):
    """The notebook of `tests.toy_runs`, a cache of its own, and folders that are free again after a test."""
    monkeypatch.setattr(parameters, "declared", lambda notebook: dict(DEFAULTS))
    monkeypatch.setattr(sources, "of_notebook", lambda notebook, stops=(): CODE)
    monkeypatch.setenv("IMDLIB_CACHE", str(tmp_path / "cache"))
    yield
    free()
