"""Inputs that went wrong once, as users reported them of other tools: each has its right result."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from imdlib import data
from imdlib.checks import facts, findings, resemblance, shortcuts
from imdlib.data import catalog
from imdlib.data.catalog import CatalogError
from imdlib.data.images import load_mask
from tests.data.disk import row, stored

pytestmark = pytest.mark.usefixtures("own_cache")

FOLDER = Path(__file__).resolve().parents[3] / "shared" / "inputs"


@pytest.fixture
def given(tmp_path):
    """Function: name of an input -> a copy of it."""

    def copy(name):
        if not (FOLDER / name).is_dir():
            pytest.skip(f"inputs not found: {FOLDER / name} does not exist")
        return Path(shutil.copytree(FOLDER / name, tmp_path / name))

    return copy


@pytest.mark.parametrize("name", ["m01_voc_palette", "m04_red_rgb", "p04_npy_mask"])
def test_masks_that_are_read(given, name):
    manifest = catalog.read("folder", given(name))
    tampered = stored(manifest, "t.png" if name[0] == "m" else "a.jpg")
    assert tampered.sum() == tampered[20:60, 30:80].sum() == 2000


@pytest.mark.parametrize("name", ["m03_alpha_only", "m09_u16_0_4095", "m13_labels_3classes"])
def test_masks_that_are_refused(given, name):
    root = given(name)
    with pytest.raises(CatalogError, match="masks/t.png: "):
        catalog.read("folder", root)
    assert "t.png" not in set(catalog.read("folder", root, on_error="skip")["image"].map(findings.short))


def test_joins_that_are_refused(given):
    for name, words in (
        ("p01_same_name_two_folders", "1.png: one mask for 2 images"),
        ("p02_same_stem_jpg_png", "a.png: one"),
    ):
        with pytest.raises(CatalogError, match=words):
            catalog.read("folder", given(name))
    with pytest.raises(
        CatalogError, match="images/a.jpg: authentic in images.csv, but its mask a.png has tampered pixels"
    ):
        catalog.read("folder", given("p16_csv_label0_with_mask"))


def test_joins_that_are_made(given):
    manifest = catalog.read("folder", given("p10_gt_prefix_suffix_like_name"))
    assert row(manifest, "cat.jpg")["label"] == 0 and row(manifest, "cat_mask.jpg")["label"] == 1
    assert len(catalog.read("folder", given("p06_jfif_image"))) == 3


def test_exif_of_the_image_alone(given):
    with pytest.raises(CatalogError, match="masks/a.png: the image has the EXIF orientation 3"):
        catalog.read("folder", given("e_exif3"))


@pytest.mark.parametrize("name", ["c01_rgb_tiff", "c03_grey_tiff"])
def test_a_mask_corrected_in_place(given, name):
    """Same size, same length, other pixels: it is read anew, and what was made with the old one is outdated."""
    root = given(name)
    path = root / "masks" / "a.tif"
    before, known = load_mask(row(catalog.read("folder", root), "a.png")["mask"]), data.identity("folder", str(root))
    length, pixels = path.stat().st_size, np.asarray(Image.open(path))
    content = path.read_bytes()
    start = content.index(pixels.tobytes())
    moved = np.roll(pixels, 40, axis=1).tobytes()
    with open(path, "r+b") as file:
        file.seek(start)
        file.write(moved)
    assert path.stat().st_size == length
    after = load_mask(row(catalog.read("folder", root), "a.png")["mask"])
    assert np.array_equal(after, np.roll(before, 40, axis=1)) and not np.array_equal(after, before)
    assert data.identity("folder", str(root)) != known


def test_a_whole_set_turned_round(given):
    manifest = findings.load("folder", str(given("d02_set_inverted")))
    seen = facts.measure(manifest, progress=False)
    pairs = resemblance.neighbours(seen)
    result = {
        "facts": seen,
        "wrong": findings.defects(manifest, seen),
        "pairs": resemblance.leaks(manifest, pairs),
        "masks": resemblance.changed_masks(manifest, seen, pairs),
        "form": shortcuts.predictors(seen, manifest["label"], manifest["scene"]),
    }
    found = findings.findings("folder", manifest, **result)
    assert found.set_index("check").loc["polarity of the whole set", "state"] == "reservation"
    assert "their polarity may be inverted" in findings.verdict(found, manifest, result["wrong"])
