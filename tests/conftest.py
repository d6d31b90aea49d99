"""Shared fixtures."""

from pathlib import Path

import pytest
import torch

REPO = Path(__file__).resolve().parents[1]


@pytest.fixture
def real_data():
    """Folder of the real benchmark images, `../shared/data` beside the repository; the test is skipped where it is absent."""
    folder = REPO.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"real images not found: {folder} does not exist")
    return folder


@pytest.fixture(autouse=True)
def _seeded():
    torch.manual_seed(0)
