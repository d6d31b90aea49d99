"""A cache of its own, for the tests that name it."""

import pytest


@pytest.fixture
def own_cache(tmp_path_factory, monkeypatch):
    """No data set that an earlier test has read is remembered."""
    monkeypatch.setenv("IMDLIB_CACHE", str(tmp_path_factory.mktemp("cache")))
