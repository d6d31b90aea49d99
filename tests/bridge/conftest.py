"""Shared by the tests of Bridging: rows of made-up runs."""

import pytest

from imdlib.bridge.rows import Rows
from tests.bridge import made_up


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
def searched_runs(tmp_path_factory):
    """Rows of a search of two draws on two data sets, beside final runs of two methods."""
    folder, tables = (
        tmp_path_factory.mktemp("searched"),
        {name: made_up.images(name) for name in (made_up.HOME, made_up.AWAY)},
    )
    cells = made_up.all_cells(seeds=(), train_sets=(made_up.HOME,), trials=2)
    cells |= {f"{name}_0": dict(method=name, seed=0, train_set=made_up.HOME) for name in ("wang", "late")}
    made_up.write_runs(folder, cells, tables)
    return Rows.gather(folder)


@pytest.fixture(scope="session")
def two_runs(tmp_path_factory):
    """Rows of a detector and of the whole method, on one data set of two classes without masks, as CIFAKE is."""
    folder, table = tmp_path_factory.mktemp("two"), made_up.images(made_up.HOME)
    cells = {name: dict(method=name, seed=0, train_set=made_up.HOME) for name in ("wang", "late")}
    made_up.write_runs(folder, cells, {made_up.HOME: table[table["kind"] != "edit"]})
    return Rows.gather(folder)
