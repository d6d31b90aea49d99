"""What git holds under results/: whole, within its limits, and enough to draw from."""

import subprocess

import pandas as pd
import pytest

from imdlib import archive, store
from imdlib.pages import claims
from imdlib.places import REPO

KEPT = sorted((REPO / "results").glob(f"*/*/{store.SUMS}"))
MOST_FILES, MOST_BYTES = 400, 33e6  # of three studies on twins and on real sets, the rows of every trial included


def name(path):
    return path.parent.relative_to(REPO / "results").as_posix()


@pytest.mark.parametrize("sums", KEPT, ids=name)
def test_every_kept_file_is_what_its_sum_says_and_a_flipped_byte_is_found(sums, tmp_path):
    store.check_sums(sums.parent)
    for path in sums.parent.glob("*.parquet"):
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        (tmp_path / path.name).write_bytes(content)
        (tmp_path / store.SUMS).write_bytes(sums.read_bytes())
        with pytest.raises(store.DamagedFile, match=path.name):
            store.check_sums(tmp_path, [path.name])


def test_git_holds_few_and_small_files():
    listed = subprocess.run(["git", "-C", str(REPO), "ls-files", "-z", "results"], capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("not a git work tree")
    files = [REPO / one for one in listed.stdout.split("\0") if one]
    assert len(files) <= MOST_FILES and sum(file.stat().st_size for file in files if file.exists()) <= MOST_BYTES


@pytest.mark.parametrize("profile", sorted({path.parts[-3] for path in KEPT if path.parts[-3] != "quick"}))
def test_the_joined_claims_are_those_of_the_studies_and_their_runs_say_where_they_come_from(profile):
    folder = REPO / "results" / profile
    joined = pd.read_csv(folder / "claims.csv").reindex(columns=claims.COLUMNS)
    pd.testing.assert_frame_equal(joined, claims.read(folder))
    for study in claims.read(folder)["study"].unique():
        settings, tables = archive.gather(folder, study)
        assert set(tables["scores"]["run"]) == set(settings["run"]) and (settings["commit"].str.len() > 0).all()
