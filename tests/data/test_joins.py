"""Joins are one to one, and every file of a data folder ends in exactly one of rows, problems and what is left out."""

import os
from pathlib import Path

import pytest

from imdlib.data import catalog
from imdlib.data.catalog import CatalogError
from imdlib.data.readers import joins
from imdlib.data.readers.build import build
from imdlib.data.readers.common import Found, Row
from tests.data.disk import mask, photo
from tests.data.trees import TREES, again, nist16_official

pytestmark = pytest.mark.usefixtures("own_cache")

CASES = {**TREES, "nist16 official": nist16_official}


def ends(dataset, root):
    """{file below root: the lists that it ends in}, and the manifest."""
    found = catalog.DATASETS[dataset](root)
    manifest = build(dataset, root, found, "skip")
    problems = set(catalog.problems(manifest)["file"])
    left = list(catalog.left_out(manifest)["file"])
    used = {str(f) for row in found.rows for f in joins.files_of(row)} | {str(f) for f in found.used} - problems
    files = [str(path) for path in sorted(root.rglob("*")) if path.is_file()]
    lists = {}
    for file in files:
        lists[file] = ["row"] * (file in used) + ["problem"] * (file in problems)
        lists[file] += ["left out"] * sum(
            file == one or (one.endswith(os.sep) and file.startswith(one)) for one in left
        )
    return lists, manifest


def strays(root):
    """One of each kind of what people leave in data folders."""
    somewhere = sorted({path.parent for path in root.rglob("*.*")})
    for number, folder in enumerate(somewhere):
        (folder / "Thumbs.db").write_bytes(b"x")
        (folder / f"notes{number}.txt").write_text("mine")
        (folder / f"odd{number}.xyz").write_bytes(b"x")
        photo(folder / f"holiday{number}.jpg", seed=50 + number)
        mask(folder / f"holiday{number}_mask9.png")
    photo(root / "elsewhere" / "deep" / "beach.jpg")


@pytest.mark.parametrize("case", CASES)
def test_every_file_ends_in_one_list(case, tmp_path):
    dataset, root = case.split()[0], tmp_path / case.split()[0].upper()
    root.mkdir()
    CASES[case](root)
    clean, before = ends(dataset, root)
    assert all(len(lists) == 1 for lists in clean.values()), clean
    assert catalog.problems(before).empty
    strays(root)
    lists, manifest = ends(dataset, root)
    assert all(len(found) == 1 for found in lists.values()), {k: v for k, v in lists.items() if len(v) != 1}
    if dataset not in ("cifake", "dolos", "folder", "defacto", "imd2020"):  # of these any name is a name
        assert manifest["image"].tolist() == before["image"].tolist()
        assert all(lists[file] == ["left out"] for file in lists if file not in clean)


@pytest.mark.parametrize("case", CASES)
def test_a_second_file_of_a_name_is_noticed(case, tmp_path):
    """The same bytes are left out; other bytes, such as another compression, are refused with both names."""
    dataset, root = case.split()[0], tmp_path / case.split()[0].upper()
    root.mkdir()
    CASES[case](root)
    before = catalog.read(dataset, root)
    image = Path(before["image"].iloc[-1])
    copy = again(image, root)
    lists, manifest = ends(dataset, root)
    assert len(manifest) == len(before) or dataset == "folder"
    assert lists[str(copy)] == ["left out"] or dataset == "folder"
    if case in ("nist16 official", "gier", "artifact", "folder"):  # a list or a folder says which file is meant
        return
    again(image, root, changed=True)
    with pytest.raises(CatalogError, match="the same name as") as caught:
        catalog.read(dataset, root)
    assert str(copy) in str(caught.value) and str(image) in str(caught.value)
    lists, manifest = ends(dataset, root)
    assert all(len(found) == 1 for found in lists.values())
    assert not set(manifest["image"]) & {str(image), str(copy)}


@pytest.mark.parametrize("dataset", ["casia1", "casia2", "columbia", "coverage", "nist16", "imd2020", "defacto"])
def test_two_masks_of_one_name(dataset, tmp_path):
    root = tmp_path / dataset.upper()
    root.mkdir()
    TREES[dataset](root)
    found = catalog.DATASETS[dataset](root)
    first = next(row for row in found.rows if row.mask)
    second = again(first.mask, root, changed=True)
    with pytest.raises(CatalogError, match="the same name as") as caught:
        catalog.read(dataset, root)
    assert str(second) in str(caught.value)
    lists, manifest = ends(dataset, root)
    assert str(first.image) not in set(manifest["image"]) and lists[str(first.image)] == ["left out"]
    assert all(len(found) == 1 for found in lists.values())


def test_a_copied_tree_beside_coverage(tmp_path):
    root = tmp_path / "COVERAGE"
    TREES["coverage"](root)
    for path in sorted((root / "image").glob("*.tif")):
        photo(root / "jpg_80" / f"{path.stem}.jpg", seed=int(path.stem.strip("t")))
    with pytest.raises(CatalogError, match="one of the folders .*image and .*jpg_80"):
        catalog.read("coverage", tmp_path)


def test_one_mask_for_two_rows(tmp_path):
    a, b, shared = photo(tmp_path / "a.png"), photo(tmp_path / "b.png"), mask(tmp_path / "m.png")
    rows = [Row(a, "tampered", "a", "test", mask=shared), Row(b, "tampered", "b", "test", mask=shared)]
    with pytest.raises(CatalogError, match="m.png: one mask for 2 images: .*a.png, .*b.png"):
        build("x", tmp_path, Found([a, b, shared], rows))
    with pytest.raises(CatalogError, match="a.png: is listed 2 times"):
        build("x", tmp_path, Found([a], [Row(a, "authentic", "a", "test") for _ in range(2)]))


def test_many_files_left_out_are_one_entry(tmp_path):
    found = Found(files=[tmp_path / f"{i}.txt" for i in range(joins.MANY + 1)] + [tmp_path / "in" / "a.txt"])
    joins.account(found)
    assert [file for file, _ in found.excluded] == [f"{tmp_path}{os.sep}", str(tmp_path / "in" / "a.txt")]
    assert found.excluded[0][1].startswith("101 files: ")


def test_what_a_limit_leaves_out_is_said(tmp_path):
    TREES["dolos"](tmp_path / "dolos")
    manifest = catalog.read("dolos", tmp_path, limit=1)
    left = catalog.left_out(manifest)
    assert len(manifest) == 3 and len(left) == 4 and left["why"].str.startswith("not among the 1").all()
