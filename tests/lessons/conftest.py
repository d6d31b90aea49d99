"""Shared by the tests of the lessons: a student's notebook is run."""

import pytest

from tests.cells import execute


@pytest.fixture
def figures_of(tmp_path):
    """figures_of(name, **parameters): run notebooks/<name>.ipynb; the folder of the figures that it left, and nothing else."""

    def run(name, **parameters):
        execute(name, results=str(tmp_path), **parameters)
        folder = tmp_path / "lessons" / name.split("/")[0] / "figures"
        left = {path for path in tmp_path.rglob("*") if path.is_file() and "cache" not in path.parts}
        assert left == set(folder.glob("*.*")), "a lesson writes figures and nothing else"
        return folder

    return run
