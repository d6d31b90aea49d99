"""The pack: what a machine lacks, in locked versions, within its limits, unpacked by Python alone; and what comes back."""

import json
import re
import zipfile

import pandas as pd
import pytest

from benchmarks.gpu import kept, pack, unpack
from imdlib import archive, files, runs, store
from imdlib.freshness.packages import locked


def test_what_is_lacking_has_a_kernel_and_papermill_and_neither_torch_nor_what_pages_need():
    found = pack.lacking()
    assert {"papermill", "ipykernel", "jupyter-client", "pyzmq", "lightning-fabric", "nbclient", "rpds-py"} <= set(
        found
    )
    assert not {
        "torch",
        "numpy",
        "pandas",
        "snakemake",
        "umap-learn",
        "jupyterlab",
        "pyarrow",
        "multidict",
        *pack.UNUSED,
    } & set(found)
    assert all(version in locked()[name] for name, version in found.items())
    assert "pyarrow" in pack.lacking(("pyarrow",))


def test_what_is_needed_is_closed():
    own = set(pack.lacking()) | set(pack.UNUSED)
    assert pack.closure(tuple(own)) & set(locked()) <= own | pack.closure(pack.HAS)


@pytest.mark.parametrize(
    "sizes, words", [((41e6, 50e6), "41.0 MB of at most 40"), ((30e6, 68e6), "68.0 MB of at most 67")]
)
def test_too_much_is_refused_with_the_numbers(sizes, words):
    pack.check(40e6, 67e6)
    with pytest.raises(SystemExit, match=re.escape(words)):
        pack.check(*sizes)


def test_the_tree_leaves_room_for_the_pack():
    assert 1e6 < pack.tracked() < pack.MOST_TREE - 26e6  # which the pack takes


def test_wheels_are_unpacked_with_what_they_keep_in_data(tmp_path):
    (tmp_path / "wheels").mkdir()
    with zipfile.ZipFile(tmp_path / "wheels" / "toy-1-py3-none-any.whl", "w") as wheel:
        for name in (
            "toy/__init__.py",
            "toy-1.dist-info/METADATA",
            "toy-1.data/purelib/more.py",
            "toy-1.data/scripts/toy",
        ):
            wheel.writestr(name, f"# {name}")
    site = unpack.unpack(tmp_path)
    assert (
        (site / "toy/__init__.py").exists()
        and (site / "more.py").exists()
        and (site / "toy-1.dist-info/METADATA").exists()
    )
    stamp = site.stat().st_mtime_ns
    assert unpack.unpack(tmp_path) == site and site.stat().st_mtime_ns == stamp
    assert unpack.unpack(tmp_path / "none") == tmp_path / "none" / "site"  # no pack: a folder that nobody misses


def test_stamps_without_git_have_the_commit_of_the_pack_and_say_where_code_differs(tmp_path, monkeypatch):
    monkeypatch.setattr(pack, "PLACE", tmp_path)
    assert pack.commit_of() == {}
    (tmp_path / "pack.json").write_text(json.dumps({"commit": "abc", "code": pack.digest()}))
    assert pack.commit_of() == {"IMDLIB_COMMIT": "abc"}
    monkeypatch.setattr(pack, "digest", lambda: "another")
    assert pack.commit_of() == {"IMDLIB_COMMIT": "abc+changes"}
    monkeypatch.setattr(runs, "REPO", tmp_path)
    monkeypatch.setenv("IMDLIB_COMMIT", "abc")
    assert runs.commit() == "abc"


def test_a_package_that_is_missing_is_named_before_anything_begins(monkeypatch):
    pack.check_packages()
    monkeypatch.setattr(pack, "IMPORTED", ("papermill", "no_such_package"))
    with pytest.raises(SystemExit, match="no_such_package: not installed here"):
        pack.check_packages()


# ---- what comes back -----------------------------------------------------------------------------------------------


def finished(results, study, name, f1):
    """A finished run with one table."""
    folder = results / study / "runs" / name
    store.write(pd.DataFrame({"image": ["a.png"], "f1": [f1]}), folder / "scores.parquet")
    needs = {"parameters": {"seed": 0}}
    sums = {"scores.parquet": files.sha256(folder / "scores.parquet")}
    about = dict(key=runs.key_of(needs), needs=needs, sums=sums, commit="c", device="d", finished="f")
    files.write_text(folder / runs.STAMP, json.dumps(runs.sealed(about)))


def test_rows_of_two_machines_are_joined_at_home_and_one_s_own_come_first(tmp_path):
    home = tmp_path / "results"
    finished(home / "gpu", "ncl", "mine", 0.1)
    for name, run, f1 in (("one", "mine", 0.9), ("one", "theirs", 0.25), ("two", "third", 0.5)):
        finished(tmp_path / name / "gpu", "ncl", run, f1)
    for name in ("one", "two"):
        results, place = tmp_path / name / "gpu", tmp_path / name / "gpu" / f"card-{name}"
        assert kept.keep(results) == ["ncl"]
        place.mkdir()
        (place / "checks.csv").write_text("notebook\n")
        packed = kept.pack([results], place)
        assert kept.unpack(packed, home) == {"gpu": ["ncl"]}
        assert (home / "gpu" / f"card-{name}" / "checks.csv").exists()
    _, tables = archive.gather(home / "gpu", "ncl")
    rows = tables["scores"].set_index("run")["f1"].round(3).to_dict()
    assert rows == {"mine": 0.1, "theirs": 0.25, "third": 0.5}
    store.check_sums(home / "gpu" / "ncl")
