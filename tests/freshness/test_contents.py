"""Contents: a changed byte is always noticed, and whatever happens to the memory costs time alone."""

import errno
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from imdlib.files import sha256
from imdlib.freshness import contents
from imdlib.places import REPO

OLD = time.time() - 1000  # long settled


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """The folder of memories, empty. Files count as settled at once, so that nothing has to wait."""
    monkeypatch.setenv("IMDLIB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(contents, "SETTLED", -1.0)
    return tmp_path / "cache" / "contents"


@pytest.fixture
def reads(monkeypatch):
    """Names of the files that are really read."""
    found, read = [], sha256
    monkeypatch.setattr(contents, "sha256", lambda file: (found.append(Path(file).name), read(file))[1])
    return found


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "set"
    folder.mkdir()
    for name in ("a.png", "b.png", "b_mask.png"):
        (folder / name).write_bytes(name.encode() * 10)
    return folder


def test_what_is_unchanged_is_read_once(folder, reads):
    files = [folder / "a.png", folder / "b.png", folder / "a.png"]
    first = contents.digests(files)
    assert first[0] == first[2] == sha256(files[0]) != first[1]
    reads.clear()
    assert contents.digests(files[::-1]) == first[::-1] and not reads
    assert contents.digests([folder / "b_mask.png"]) and reads == ["b_mask.png"]
    assert contents.digests([]) == []


def in_place(path):
    with open(path, "r+b") as file:
        file.seek(-1, os.SEEK_END)
        file.write(b"!")


def in_place_with_its_time_set_back(path):
    before = path.stat()
    in_place(path)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def by_another_of_the_same_size_and_time(path):
    other = path.with_name("other")
    other.write_bytes(path.read_bytes()[:-1] + b"!")
    os.utime(other, ns=(path.stat().st_atime_ns, path.stat().st_mtime_ns))
    other.replace(path)


def copied_over_with_its_time(path):
    other = path.with_name("other")
    other.write_bytes(path.read_bytes()[:-1] + b"!")
    os.utime(other, ns=(path.stat().st_atime_ns, path.stat().st_mtime_ns))
    shutil.copy2(other, path)


def through_a_link(path):
    other = path.with_name("other")
    other.write_bytes(path.read_bytes()[:-1] + b"!")
    path.unlink()
    path.symlink_to(other)


@pytest.mark.parametrize("change", [in_place, in_place_with_its_time_set_back, by_another_of_the_same_size_and_time,
                                    copied_over_with_its_time, through_a_link])  # fmt: skip
def test_a_changed_last_byte_of_a_large_file_is_noticed(folder, change):
    path = folder / "large.png"
    path.write_bytes(bytes(3_000_000))
    os.utime(path, (OLD, OLD))
    before = contents.digests([path])
    time.sleep(0.02)  # the clock of files ticks every few thousandths of a second
    change(path)
    assert path.stat().st_size == 3_000_000
    assert contents.digests([path]) == [sha256(path)] != before


@pytest.mark.parametrize("clock", [0.0, -500.0, 3600.0], ids=["now", "set back", "of a file from the future"])
def test_edits_within_the_same_instant_are_noticed(folder, monkeypatch, clock):
    """Size, inode and times stay what they were, as on a file system whose clock ticks in seconds."""
    monkeypatch.setattr(contents, "SETTLED", 2.0)
    path = folder / "a.png"
    instant = [30, 7, *[int((time.time() + clock) * 1e9)] * 2] if clock >= 0 else [30, 7, *[time.time_ns()] * 2]
    monkeypatch.setattr(contents, "state", lambda file: list(instant))
    if clock < 0:
        now = time.time_ns()
        monkeypatch.setattr("time.time_ns", lambda: now + int(clock * 1e9))
    before = contents.digests([path])
    path.write_bytes(b"A.png" * 10)
    assert contents.digests([path]) != before


def damages(memory):
    text = memory.read_bytes()
    digit = text.rindex(b'"') - 1
    yield b""
    yield text[: len(text) // 2]
    yield (
        text[:digit] + (b"0" if text[digit : digit + 1] != b"0" else b"1") + text[digit + 1 :]
    )  # of a remembered digest
    yield b"\xff\x00" * 20
    yield b'{"a.png": 3}'
    yield b"[]\n[]"
    yield text.split(b"\n")[1]


def test_a_damaged_memory_is_only_slow(folder, cache, reads):
    right = contents.digests([folder / "a.png", folder / "b.png"])
    (memory,) = cache.glob("*.json")
    for text in damages(memory):
        memory.write_bytes(text)
        reads.clear()
        assert contents.digests([folder / "a.png", folder / "b.png"]) == right
        assert sorted(reads) == ["a.png", "b.png"]
        reads.clear()
        assert contents.digests([folder / "a.png"]) == right[:1] and not reads  # mended


def raising(number):
    def fail(*_, **__):
        raise OSError(number, os.strerror(number))

    return fail


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EACCES, errno.EROFS])
@pytest.mark.parametrize("place", ["tempfile.mkstemp", "os.replace", "pathlib.Path.mkdir"])
def test_a_memory_that_cannot_be_kept_is_only_slow(folder, cache, monkeypatch, reads, place, number):
    right = contents.digests([folder / "a.png"])
    shutil.rmtree(cache)
    with monkeypatch.context() as patched:
        patched.setattr(place, raising(number))
        assert contents.digests([folder / "a.png"]) == right
    assert not list(cache.glob("*")) and reads == ["a.png"] * 2


def test_a_memory_that_is_a_folder_is_only_slow(folder, cache):
    right = contents.digests([folder / "a.png"])
    (memory,) = cache.glob("*.json")
    memory.unlink()
    memory.mkdir()
    assert contents.digests([folder / "a.png"]) == right
    assert not list(cache.glob("*.part"))


WORK = """
import sys
sys.path.insert(0, {repo!r})
from pathlib import Path
from imdlib.files import sha256
from imdlib.freshness import contents
contents.SETTLED = -1.0
files = sorted(Path({folder!r}).iterdir())
for _ in range(10):
    some = files[int(sys.argv[1]) :: 2]
    assert contents.digests(some) == [sha256(file) for file in some]
"""


def test_processes_side_by_side_leave_a_memory_that_is_right(folder, cache):
    for k in range(20):
        (folder / f"{k}.png").write_bytes(bytes([k]) * 100)
    work = [sys.executable, "-c", WORK.format(repo=str(REPO), folder=str(folder))]
    both = [subprocess.Popen([*work, str(k)], env={**os.environ}) for k in range(2)]
    assert [one.wait() for one in both] == [0, 0]
    files = sorted(folder.iterdir())
    assert contents.remembered(str(folder))
    assert contents.digests(files) == [sha256(file) for file in files]


# ---- a manifest ----------------------------------------------------------------------------------------------------


@pytest.fixture
def manifest(folder):
    """Two files that stand for images, one for a mask."""
    rows = [("a.png", "", 0, "authentic"), ("b.png", "b_mask.png", 1, "splicing")]
    rows = [
        (str(folder / i), str(folder / m) if m else "", label, kind, "s", "train", "toy") for i, m, label, kind in rows
    ]
    return pd.DataFrame(rows, columns=["image", "mask", "label", "kind", "scene", "split", "dataset"])


def test_a_fingerprint_is_the_same_at_any_place_and_time(manifest, folder, tmp_path):
    before = contents.fingerprint(manifest)
    moved = manifest.replace(str(folder), str(shutil.copytree(folder, tmp_path / "else wo\n ü")), regex=True)
    os.utime(moved["image"][0], (1, 1))
    assert moved["image"][0] != manifest["image"][0] and contents.fingerprint(moved) == before
    assert contents.fingerprint(manifest.assign(note="seen", visibility="")) == before
    assert contents.fingerprint(manifest[sorted(manifest)].set_axis([8, 9])) == before


@pytest.mark.parametrize(
    "change",
    [
        lambda m: m.assign(split="test"),
        lambda m: m.assign(label=[1, 0]),
        lambda m: m.assign(kind="removal"),
        lambda m: m.assign(generator="one"),
        lambda m: m.iloc[:1],
        lambda m: m.iloc[::-1],
        lambda m: m.assign(mask=""),
        lambda m: m.assign(mask=m["mask"].tolist()[::-1]),
        lambda m: m.assign(image=m["image"].tolist()[::-1]),
    ],
)
def test_a_fingerprint_follows_rows_and_pairs(manifest, change):
    assert contents.fingerprint(change(manifest)) != contents.fingerprint(manifest)


def test_a_mask_corrected_in_place_and_a_renamed_image_are_noticed(manifest, folder):
    before = contents.fingerprint(manifest)
    time.sleep(0.02)
    (folder / "b_mask.png").write_bytes(b"B_mask.png" * 10)  # same name, same length
    corrected = contents.fingerprint(manifest)
    (folder / "a.png").rename(folder / "c.png")
    renamed = contents.fingerprint(manifest.replace(str(folder / "a.png"), str(folder / "c.png")))
    assert len({before, corrected, renamed}) == 3


def test_names_in_no_known_encoding_are_taken(folder):
    path = os.fsdecode(os.fsencode(folder) + b"/\xff.png")
    Path(path).write_bytes(b"x")
    frame = pd.DataFrame({"image": [path], "mask": [""], "scene": [os.path.basename(path)], "label": np.array([0])})
    before = contents.fingerprint(frame)
    time.sleep(0.02)
    Path(path).write_bytes(b"y")
    assert contents.fingerprint(frame) != before
