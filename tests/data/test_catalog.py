"""The public door: what a broken data set is told, what is left out, and in which form masks arrive."""

import os

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from imdlib.data import catalog
from imdlib.data.catalog import CatalogError
from imdlib.data.readers.common import files_in
from imdlib.twins import build
from tests.data.disk import mask, photo, region, row, stored

pytestmark = pytest.mark.usefixtures("own_cache")


NAMES = [f"Sp_D_CNN_A_ani000{i}_nat000{i}_009{i}" for i in range(6)]


@pytest.fixture
def casia(tmp_path):
    """Six spliced images and their backgrounds, in the shape of CASIA v1."""
    for i, name in enumerate(NAMES):
        photo(tmp_path / "Au" / f"Au_nat_000{i}.jpg", seed=i)
        photo(tmp_path / "Tp" / f"{name}.jpg", seed=10 + i)
        mask(tmp_path / "Gt" / f"{name}_gt.png")
    return tmp_path


def truncate(path, keep=0.5):
    """Cut a file off after this share of its bytes."""
    path.write_bytes(path.read_bytes()[: int(keep * path.stat().st_size)])


# ---- broken sets -----------------------------------------------------------------------------------------------------


def break_in_five_ways(root):
    """What read must notice: {name of the file: words about it}."""
    (root / "Gt" / f"{NAMES[0]}_gt.png").unlink()
    mask(root / "Gt" / f"{NAMES[1]}_gt.png", region(25, 36))
    (root / "Tp" / f"{NAMES[2]}.jpg").write_bytes(b"")
    (root / "Gt" / f"{NAMES[3]}_gt.png").write_bytes(b"not a mask")
    truncate(root / "Gt" / f"{NAMES[4]}_gt.png")
    return {
        f"{NAMES[0]}.jpg": f"no mask; expected {NAMES[0]}_gt.png",
        f"{NAMES[1]}_gt.png": "a mask of 36x25 pixels; expected 36x24",
        f"{NAMES[2]}.jpg": "0 bytes",
        f"{NAMES[3]}_gt.png": "known format",
        f"{NAMES[4]}_gt.png": "truncated",
    }


def test_all_problems_are_reported_at_once(casia):
    planted = break_in_five_ways(casia)
    with pytest.raises(CatalogError) as caught:
        catalog.read("casia1", casia)
    lines = str(caught.value).splitlines()
    assert lines[0] == "data set 'casia1': 5 problems" and len(lines) == 7 and "on_error='skip'" in lines[-1]
    for name, words in planted.items():
        (line,) = [line for line in lines if f"{name}:" in line]
        assert (
            words in line and "; expected " in line and line.count(";") >= 2
        )  # what came; what was expected; what to do


def test_one_bad_file_does_not_lose_the_rest(casia):
    planted = break_in_five_ways(casia)
    manifest = catalog.read("casia1", casia, on_error="skip")
    assert manifest["label"].value_counts().to_dict() == {0: 6, 1: 1}
    left_out = catalog.problems(manifest)
    assert list(left_out.columns) == ["file", "problem", "expected", "action"]
    assert {name.rsplit("/", 1)[-1] for name in left_out["file"]} == set(planted)
    assert catalog.problems(catalog.read("casia1", casia, on_error="skip")).equals(left_out)  # not only the first time


def test_nothing_wrong(casia):
    manifest = catalog.read("casia1", casia)
    assert len(manifest) == 12 and catalog.problems(manifest).empty and catalog.verify(manifest, progress=False).empty


def test_every_mask_missing(casia):
    for path in (casia / "Gt").iterdir():
        path.unlink()
    with pytest.raises(CatalogError, match="6 problems"):
        catalog.read("casia1", casia)
    assert catalog.read("casia1", casia, on_error="skip")["kind"].eq("authentic").all()


def test_a_long_list_is_cut_in_the_text_only():
    error = CatalogError([catalog.Problem(f"{i}.png", "a", "b", "c") for i in range(250)], "casia1")
    assert len(error.problems) == 250 and len(str(error).splitlines()) == 102 and "150 more" in str(error)


def test_verify_finds_what_heads_do_not_say(casia):
    truncate(casia / "Tp" / f"{NAMES[0]}.jpg", 0.9)
    mask(casia / "Gt" / f"{NAMES[1]}_gt.png", invert=True)
    mask(casia / "Gt" / f"{NAMES[2]}_gt.png", np.zeros((24, 36), np.uint8))
    manifest = catalog.read("casia1", casia)
    assert len(manifest) == 12  # all of it looks well from outside
    mask(casia / "Gt" / f"{NAMES[3]}_gt.png", region(24, 30))  # changed since
    (casia / "Au" / "Au_nat_0004.jpg").unlink()
    found = catalog.verify(manifest, progress=False)
    words = {
        f"{NAMES[0]}.jpg": "truncated",
        f"{NAMES[1]}_gt.png": "is tampered",
        f"{NAMES[2]}_gt.png": "empty mask",
        f"{NAMES[3]}_gt.png": "a mask of 30x24 pixels",
        "Au_nat_0004.jpg": "no such file",
    }
    assert {file.rsplit("/", 1)[-1] for file in found["file"]} == set(words)
    for file, problem in zip(found["file"], found["problem"]):
        assert words[file.rsplit("/", 1)[-1]] in problem


# ---- wrong questions -------------------------------------------------------------------------------------------------


def test_wrong_folders(tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "casia1.zip").write_bytes(b"PK")
    cases = {"gone": "does not exist", "empty": "is empty", "casia1.zip": "unpack it first"}
    for name, words in cases.items():
        with pytest.raises(CatalogError, match=words) as caught:
            catalog.read("casia1", tmp_path / name)
        assert str(tmp_path / name) in str(caught.value)
    with pytest.raises(CatalogError, match="holds only casia1.zip, empty; expected Au/"):
        catalog.read("casia1", tmp_path)


def test_wrong_names():
    with pytest.raises(CatalogError, match="Did you mean 'nist16'"):
        catalog.read("nist", "/tmp")
    with pytest.raises(CatalogError, match="is not embedded: give its folder"):
        catalog.read("casia1")
    with pytest.raises(ValueError, match="on_error must be"):
        catalog.read("casia1", "/tmp", on_error="ignore")
    with pytest.raises(ValueError, match="sim-casai"):
        catalog.read("sim-casai")


# ---- embedded twins --------------------------------------------------------------------------------------------------


def test_twin(tmp_path, monkeypatch):
    root = build.build("sim-casia", root=tmp_path, count=12, size=64, progress=False)
    manifest = catalog.read("sim-casia", root)
    assert len(manifest) == 12 and list(manifest.columns) == catalog.COLUMNS
    assert catalog.verify(manifest, progress=False).empty
    tampered = manifest[manifest["label"] == 1]
    assert tampered["visibility"].isin(["obvious", "matched", "trace"]).all() and tampered["mask"].ne("").all()
    monkeypatch.setattr(build, "build", lambda dataset: root)
    assert catalog.read("sim-casia").equals(manifest)  # no folder: the default one
    with pytest.raises(ValueError, match="'sim-casia': a twin is read whole and takes no options, got limt"):
        catalog.read("sim-casia", root, limt=3)
    with pytest.raises(CatalogError, match="is of 'sim-casia'; expected the manifest of 'sim-coverage'"):
        catalog.read("sim-coverage", root)
    (root / "images").rename(root / "elsewhere")
    with pytest.raises(CatalogError, match="12 problems"):
        catalog.read("sim-casia", root)
    with pytest.raises(CatalogError, match="twins.build.build"):
        catalog.read("sim-casia", tmp_path)


# ---- the form of masks -----------------------------------------------------------------------------------------------


def test_an_exact_mask_is_used_as_it_lies_and_others_are_written_once(casia):
    mask(casia / "Gt" / f"{NAMES[1]}_gt.png", mode="RGBA")
    mask(casia / "Gt" / f"{NAMES[2]}_gt.png", mode="1")
    grey = casia / "Gt" / f"{NAMES[3]}_gt.png"
    Image.fromarray(np.where(region(), 250, 3).astype(np.uint8)).save(grey)
    manifest = catalog.read("casia1", casia)
    assert row(manifest, f"{NAMES[0]}.jpg")["mask"] == str(casia / "Gt" / f"{NAMES[0]}_gt.png")
    for name in NAMES:
        assert np.array_equal(stored(manifest, f"{name}.jpg"), region())
    written = [path for path in manifest["mask"] if path.startswith(os.environ["IMDLIB_CACHE"])]
    assert len(written) == 3
    times = [os.stat(path).st_mtime_ns for path in written]
    assert catalog.read("casia1", casia).equals(manifest)
    assert [os.stat(path).st_mtime_ns for path in written] == times


def test_a_mask_that_changed_is_read_anew(casia):
    path, name = casia / "Gt" / f"{NAMES[0]}_gt.png", f"{NAMES[0]}.jpg"
    when = os.stat(path)
    for values in (region(box=(1, 5, 1, 5)), region(box=(2, 9, 2, 9))):
        for mode in ("RGB", "L"):
            mask(path, values, mode)
            os.utime(path, ns=(when.st_atime_ns, when.st_mtime_ns))  # as archives and copies leave it
            assert np.array_equal(stored(catalog.read("casia1", casia), name), values)


def test_a_mask_is_written_for_the_size_of_its_image(casia):
    mask(casia / "Gt" / f"{NAMES[0]}_gt.png", mode="RGB")
    catalog.read("casia1", casia)
    photo(casia / "Tp" / f"{NAMES[0]}.jpg", 30, 36)
    with pytest.raises(CatalogError, match="expected 36x30"):
        catalog.read("casia1", casia)


def test_exif_rotation_turns_the_mask_too(casia):
    """All eight orientations: a mask in stored layout arrives as the upright picture shows the region, or is refused."""
    pixels = np.full((24, 36, 3), 90, np.uint8)
    pixels[region() == 1] = 220
    for orientation in range(1, 9):
        tags = Image.Exif()
        tags[0x0112] = orientation
        Image.fromarray(pixels).save(casia / "Tp" / f"{NAMES[0]}.jpg", exif=tags, quality=95, subsampling=0)
        if orientation in (2, 3, 4):  # the size says nothing about the mask's frame
            with pytest.raises(CatalogError, match=f"{NAMES[0]}_gt.png: .*EXIF orientation {orientation}"):
                catalog.read("casia1", casia)
            continue
        manifest = catalog.read("casia1", casia)
        upright = catalog.load_image(casia / "Tp" / f"{NAMES[0]}.jpg")[..., 0] > 150
        if orientation >= 5:
            assert np.array_equal(stored(manifest, f"{NAMES[0]}.jpg"), upright)
        assert ("EXIF" in row(manifest, f"{NAMES[0]}.jpg")["note"]) == (orientation > 1)


def test_animations_are_noted(tmp_path):
    (tmp_path / "images").mkdir()
    frames = [Image.fromarray(region() * np.uint8(level)) for level in (100, 200)]
    frames[0].save(tmp_path / "images" / "two.webp", save_all=True, append_images=frames[1:])
    assert "first is used" in catalog.read("folder", tmp_path)["note"][0]


def test_manifests_can_be_joined(casia):
    break_in_five_ways(casia)
    one, other = (catalog.read("casia1", casia, on_error="skip") for _ in range(2))
    other.attrs["problems"] = other.attrs["problems"][:1]
    assert len(pd.concat([one, other])) == 14 and len(one[one["label"] == 0].copy()) == 6


def test_files_below_links_and_circles(tmp_path):
    photo(tmp_path / "real" / "\u00fcber all" / "a.png")
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "link").symlink_to(tmp_path / "real")
    (tmp_path / "set" / "circle").symlink_to(tmp_path / "set")
    (tmp_path / "set" / "._a.png").write_bytes(b"")
    (tmp_path / "set" / "__MACOSX").mkdir()
    photo(tmp_path / "set" / "__MACOSX" / "a.png")
    assert [str(f.relative_to(tmp_path)) for f in files_in(tmp_path / "set")] == ["set/link/\u00fcber all/a.png"]
