"""notebooks/figures.ipynb on rows that are kept: an author's figure and table beside the page's, of every study."""

import shutil

import pytest

from imdlib.places import REPO
from tests.cells import execute

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("study, only", [("ncl", "table5"), ("inr", "figure_pooling"), ("bridge", "figure_drop")])
def test_one_exhibit_of_each_study_is_drawn_from_kept_rows(study, only, tmp_path):
    for name in ("data", study):
        shutil.copytree(REPO / "results" / "night" / name, tmp_path / "r" / name)
    before = {path: path.read_bytes() for path in (tmp_path / "r").rglob("*") if path.is_file()}
    execute("figures", results=str(tmp_path / "r"), study=study, only=only, width="column")
    made = [path.name for path in (tmp_path / "r" / "figures" / study).rglob(f"{only}.*")]
    assert f"{only}.csv" in made and (f"{only}.pdf" in made or f"{only}.tex" in made)
    assert all(path.read_bytes() == text for path, text in before.items())
