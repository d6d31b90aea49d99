"""Store: tables come back as they were, are written whole or not at all, and tell when they were damaged."""

import os
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest

from imdlib import files, store

ROWS = pd.DataFrame(
    {
        "image": ["a.png", "ü/b.png", None],
        "label": [0, 1, 1],
        "auc": [np.nan, 1 / 3, 0.25],
        "pixels": [2.0**24 + 1, np.nan, 3],
        "seen": [True, False, True],
        "kind": pd.Categorical(["x", "y", "x"]),
        "count": pd.array([2**40 + 1, None, 3], "Int64"),
        "share": pd.array([0.5, None, 0.25], "Float64"),
        "flag": pd.Series([True, None, False], dtype=object),
    }
)


def test_round_trip_keeps_rows_types_and_large_counts(tmp_path):
    path = store.write(ROWS, tmp_path / "new" / "rows.parquet")
    found = store.read(path)
    pd.testing.assert_frame_equal(found.drop(columns=["share", "auc"]), ROWS.drop(columns=["share", "auc"]), rtol=1e-6)
    assert found["pixels"][0] == 2**24 + 1 and found["count"][0] == 2**40 + 1
    assert found["share"].dropna().tolist() == [0.5, 0.25] and found["image"][2] is None
    assert abs(found["auc"][1] - 1 / 3) < 2e-5 and found["auc"].dtype == "float64" and found["label"].dtype == "int64"


@pytest.mark.parametrize("value", [np.inf, -np.inf, 1e39, -3e300, 1.5, float(2**53)])
def test_numbers_of_any_size_come_back(tmp_path, value):
    frame = pd.DataFrame({"x": [value, 0.5, np.nan]})
    pd.testing.assert_frame_equal(store.read(store.write(frame, tmp_path / "x.parquet")), frame, rtol=1e-7)


@pytest.mark.parametrize("value", [2**31 - 1, 2**31, -(2**31), 2**62])
def test_whole_numbers_of_any_size_come_back(tmp_path, value):
    frame = pd.DataFrame({"x": [value, 0, -1]})
    pd.testing.assert_frame_equal(store.read(store.write(frame, tmp_path / "x.parquet")), frame)


def test_a_fraction_keeps_six_digits_and_one_that_is_only_averaged_four(tmp_path):
    values = np.random.default_rng(0).random(1000)
    found = store.read(store.write(pd.DataFrame({"score": values, "f1": values}), tmp_path / "x.parquet"))
    assert (found["score"] / values - 1).abs().max() < 1.1 * 2**-20 and (
        found["f1"] / values - 1
    ).abs().max() < 1.1 * 2**-14
    assert abs((found["f1"] - values).mean()) < 2e-6
    third = store.read(store.write(pd.DataFrame({"lr": [1 / 3], "iou": [1 / 3]}), tmp_path / "y.parquet")).iloc[0]
    assert 1e-7 < abs(third["lr"] - 1 / 3) < 1e-6 < abs(third["iou"] - 1 / 3) < 1e-4  # and no more of them


@pytest.mark.parametrize("frame", [ROWS.head(0), ROWS[[]].head(0), pd.DataFrame({"a": pd.Series([], dtype=float)})])
def test_empty_tables_keep_their_columns(tmp_path, frame):
    found = store.read(store.write(frame, tmp_path / "x.parquet"))
    assert found.columns.tolist() == frame.columns.tolist() and len(found) == 0


def test_same_rows_are_the_same_bytes_at_any_time_and_of_any_index(tmp_path, monkeypatch):
    first = store.write(ROWS, tmp_path / "a.parquet").read_bytes()
    monkeypatch.setattr("time.time", lambda: 4e9)
    assert store.write(ROWS.set_axis([7, 8, 9]), tmp_path / "b.parquet").read_bytes() == first
    assert store.write(ROWS.assign(label=[0, 1, 0]), tmp_path / "b.parquet").read_bytes() != first


# ---- writing in one step -------------------------------------------------------------------------------------------


def listed(folder):
    return sorted(path.name for path in folder.iterdir())


def no_space(*_, **__):
    raise OSError(28, "No space left on device")


@pytest.mark.parametrize("place", ["os.fsync", "pyarrow.parquet.write_table", "os.chmod", "tempfile.mkstemp"])
def test_a_full_disk_keeps_the_older_file(tmp_path, monkeypatch, place):
    path = store.write(ROWS, tmp_path / "rows.parquet")
    before = path.read_bytes()
    with monkeypatch.context() as patched, pytest.raises(OSError, match="No space"):
        patched.setattr(place, no_space)
        store.write(ROWS.head(1), path)
    assert path.read_bytes() == before and listed(tmp_path) == ["rows.parquet"]


@pytest.mark.parametrize("frame", [pd.DataFrame({"a": [1, "x"]}), pd.DataFrame([[1.0, 2.0]], columns=["a", "a"])],
                         ids=["mixed types", "two columns of one name"])  # fmt: skip
def test_what_no_table_can_hold_is_refused_and_the_older_file_stays(tmp_path, frame):
    path = store.write(ROWS, tmp_path / "rows.parquet")
    before = path.read_bytes()
    with pytest.raises(ValueError):
        store.write(frame, path)
    assert path.read_bytes() == before and listed(tmp_path) == ["rows.parquet"]


KILLED = """
import os, signal, sys
sys.path.insert(0, {repo!r})
from imdlib import files
with files.replacing({path!r}) as draft:
    draft.write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_killed_writer_leaves_the_older_file_and_its_draft_goes_in_time(tmp_path):
    path = files.write_text(tmp_path / "a[1].txt", "whole")
    repo = os.path.dirname(os.path.dirname(store.__file__))
    assert subprocess.run([sys.executable, "-c", KILLED.format(repo=repo, path=str(path))]).returncode == -9
    assert path.read_text() == "whole"
    (draft,) = [tmp_path / name for name in listed(tmp_path) if name.endswith(".part")]
    files.write_text(path, "newer")
    assert draft.exists()  # for all we know it is being written
    os.utime(draft, (time.time() - 2 * files.ABANDONED,) * 2)
    files.write_text(path, "newest")
    assert listed(tmp_path) == ["a[1].txt"] and path.read_text() == "newest"


# ---- damage --------------------------------------------------------------------------------------------------------


def test_sums_notice_every_changed_byte_and_reading_every_changed_number(tmp_path):
    """Without sums, `read` itself vouches for the numbers: pages have checksums. Names in the file's footer have none."""
    frame = pd.DataFrame({"image": ["a", "b"] * 30, "auc": np.random.default_rng(0).random(60)})
    path = store.write(frame, tmp_path / "rows.parquet")
    store.write_sums(tmp_path, [path.name])
    store.check_sums(tmp_path)
    whole, right = path.read_bytes(), store.read(path)
    for at in np.linspace(0, len(whole) - 1, 50).astype(int):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0x10]) + whole[at + 1 :])
        with pytest.raises(store.DamagedFile, match=f"{path}: its sum"):
            store.check_sums(tmp_path)
        try:
            found = store.read(path)
        except store.DamagedFile as error:
            assert str(path) in str(error)
        else:
            assert found.to_numpy().tolist() == right.to_numpy().tolist()
    for size in (0, 3, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:size])
        with pytest.raises(store.DamagedFile, match="delete it"):
            store.read(path)


def test_a_missing_table_is_no_damaged_one(tmp_path):
    with pytest.raises(FileNotFoundError):
        store.read(tmp_path / "none.parquet")


@pytest.mark.parametrize(
    "listing, match",
    [
        (b"", "is empty"),
        (b"no two words", "cannot be read"),
        (b"\xff\xfe", "cannot be read"),
        (None, "cannot be read"),
        (b"0" * 64 + b"  a.txt\n", "a.txt: its sum"),
        (b"0" * 64 + b"  b.txt\n", "b.txt: is missing"),
    ],
)
def test_damaged_sums_are_damage(tmp_path, listing, match):
    files.write_text(tmp_path / "a.txt", "text")
    if listing is not None:
        (tmp_path / store.SUMS).write_bytes(listing)
    with pytest.raises(store.DamagedFile, match=match):
        store.check_sums(tmp_path)


def test_a_file_without_a_sum_does_not_pass(tmp_path):
    for name in ("a.txt", "b.txt"):
        files.write_text(tmp_path / name, name)
    store.write_sums(tmp_path, ["a.txt"])
    with pytest.raises(store.DamagedFile, match="no sum of b.txt"):
        store.check_sums(tmp_path, ["a.txt", "b.txt"])


def test_a_sealed_text_that_was_changed_is_none(tmp_path):
    path = files.write_sealed(tmp_path / "a.txt", "one\ntwo\n")
    assert files.read_sealed(path) == "one\ntwo\n"
    whole = path.read_bytes()
    for text in (b"", whole[:-1], whole + b"x", whole.replace(b"one", b"ome"), b"\xff", whole.split(b"\n")[0]):
        path.write_bytes(text)
        assert files.read_sealed(path) is None
    assert files.read_sealed(tmp_path / "absent") is None
