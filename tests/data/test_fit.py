"""Sizes and frames: a mask is turned, cropped or resized where something says so, and refused by name otherwise."""

import numpy as np
import pytest
from PIL import Image

from imdlib.checks import mended
from imdlib.data import catalog
from imdlib.data.catalog import CatalogError
from imdlib.data.images import load_image
from imdlib.data.readers import coverage
from imdlib.data.readers.fit import TURNS, window
from tests.data.disk import mask, photo, region, row, stored

pytestmark = pytest.mark.usefixtures("own_cache")


def tagged(path, pixels, orientation):
    path.parent.mkdir(parents=True, exist_ok=True)
    tags = Image.Exif()
    tags[0x0112] = orientation
    Image.fromarray(pixels).save(path, exif=tags)


# ---- EXIF ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("orientation", range(2, 9))
@pytest.mark.parametrize("square", [True, False])
def test_exif_orientations(tmp_path, orientation, square):
    """With the image's own tag a mask is turned alike; without, only where the two sizes say how it was stored."""
    shape = (24, 24) if square else (24, 36)
    values, picture = region(*shape), np.full((*shape, 3), 90, np.uint8)
    picture[values == 1] = 220
    tagged(tmp_path / "images" / "a.png", picture, orientation)
    tagged(tmp_path / "masks" / "a.png", values * np.uint8(255), orientation)
    upright = load_image(tmp_path / "images" / "a.png")[..., 0] > 150
    manifest = catalog.read("folder", tmp_path)
    assert np.array_equal(stored(manifest, "a.png"), upright) and "alike" in row(manifest, "a.png")["note"]

    mask(tmp_path / "masks" / "a.png", values)  # in the stored frame, without the tag
    if square or orientation < 5:
        with pytest.raises(
            CatalogError, match=f"masks/a.png: .*EXIF orientation {orientation}.*it may be turned or not"
        ):
            catalog.read("folder", tmp_path)
        mask(tmp_path / "masks" / "a.png", np.ones(shape, np.uint8))  # the same either way
        assert stored(catalog.read("folder", tmp_path), "a.png").all()
    else:
        assert np.array_equal(stored(catalog.read("folder", tmp_path), "a.png"), upright)
        mask(tmp_path / "masks" / "a.png", upright.astype(np.uint8))  # in the upright frame
        assert np.array_equal(stored(catalog.read("folder", tmp_path), "a.png"), upright)


def test_turns_are_what_pillow_does(tmp_path):
    values = np.arange(6, dtype=np.uint8).reshape(2, 3)
    for orientation, turn in TURNS.items():
        tagged(tmp_path / "a.png", np.dstack([values] * 3), orientation)
        assert np.array_equal(turn(values), load_image(tmp_path / "a.png")[..., 0])


# ---- another size ----------------------------------------------------------------------------------------------------


def test_a_mask_of_the_same_aspect_is_resized(tmp_path):
    photo(tmp_path / "images" / "a.png", 24, 36)
    mask(tmp_path / "masks" / "a.png", np.kron(region(), np.ones((3, 3), np.uint8)))
    manifest = catalog.read("folder", tmp_path)
    assert np.array_equal(stored(manifest, "a.png"), region())
    assert row(manifest, "a.png")["note"] == "mask of 108x72 resized to its image's 36x24 (nearest)"
    mask(tmp_path / "masks" / "a.png", region(26, 36))
    with pytest.raises(CatalogError, match="masks/a.png: a mask of 36x26 pixels; expected 36x24"):
        catalog.read("folder", tmp_path)


def test_nist16_shrunken_images_with_whole_masks(tmp_path):
    photo(tmp_path / "Tp" / "NC2016_0001.jpg", 24, 36)
    mask(tmp_path / "Gt" / "NC2016_0001_mask.png", np.kron(region(), np.ones((4, 4), np.uint8)))
    assert np.array_equal(stored(catalog.read("nist16", tmp_path), "NC2016_0001.jpg"), region())


def test_window():
    values = region(6, 8, (2, 4, 3, 6))
    for top, left in ((0, 0), (1, 2), (-2, 1), (2, -3)):
        naive = np.zeros((5, 7), int)
        for y in range(5):
            for x in range(7):
                inside = 0 <= y + top < 6 and 0 <= x + left < 8
                naive[y, x] = values[y + top, x + left] if inside else 0
        assert np.array_equal(window(values, (top, left), (5, 7)), naive)


# ---- COVERAGE --------------------------------------------------------------------------------------------------------


def forgery(root, number, full, cut, stored_size=None):
    """A forgery whose image is the part `cut` (rows, columns) of a picture of which the mask was made, and its original."""
    rows, columns = cut
    shape = full.shape
    before = np.random.default_rng(number).integers(0, 200, (*shape, 3), dtype=np.uint8)
    after = np.where(full[..., None], before + 40, before).astype(np.uint8)
    for name, picture in ((f"{number}", before), (f"{number}t", after)):
        path = root / "image" / f"{name}.tif"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture[rows, columns]).save(path)
    picture = Image.fromarray(full * np.uint8(255))
    (root / "mask").mkdir(exist_ok=True)
    picture = picture.resize(stored_size, Image.Resampling.NEAREST) if stored_size else picture
    picture.save(root / "mask" / f"{number}forged.tif")
    return full[rows, columns]


def test_coverage_s_masks_are_cropped_or_stretched_as_the_originals_say(tmp_path):
    root = tmp_path / "COVERAGE"
    whole = slice(None)
    full = {
        n: region(60, 80, box) for n, box in ((41, (10, 22, 50, 70)), (48, (30, 50, 8, 20)), (57, (20, 34, 20, 34)))
    }
    expected = {
        41: forgery(root, 41, full[41], (whole, slice(14, 80))),  # columns cut off on the left
        48: forgery(root, 48, full[48], (slice(9, 52), whole)),  # rows above and below
        57: forgery(root, 57, full[57], (slice(3, 58), slice(2, 70))),  # both
        55: forgery(root, 55, full[57], (whole, whole), (160, 118)),  # scaled, a little unevenly
        56: forgery(root, 56, full[48], (whole, whole), (103, 77)),  # uncut, its region would hold the whole change
        1: forgery(root, 1, full[41], (whole, whole)),
    }
    manifest = catalog.read("coverage", root)
    for number in (41, 48, 57, 1):
        assert np.array_equal(stored(manifest, f"{number}t.tif"), expected[number]), number
    for number in (55, 56):
        assert (stored(manifest, f"{number}t.tif") != expected[number]).mean() < 0.02
    notes = {n: row(manifest, f"{n}t.tif")["note"] for n in expected}
    assert "1.00 of the changed pixels inside when cropped" in notes[41] and "row 0, column 14 is" in notes[41]
    assert "row 9, column 0 is" in notes[48] and "row 3, column 2 is" in notes[57]
    assert "resized to its image's 80x60" in notes[55] and notes[1] == ""
    shown = mended.pairs(manifest)
    assert len(shown) == 5 and len(mended.mended(shown).axes) == 10 and mended.mended(shown.head(0)).axes
    assert catalog.left_out(manifest).empty


def test_coverage_s_misfits_that_nothing_decides(tmp_path):
    root = tmp_path / "COVERAGE"
    forgery(root, 1, region(60, 80), (slice(None), slice(None)))
    forgery(root, 58, region(60, 80), (slice(None), slice(14, 80)))
    right = root / "mask" / "58forged.tif"
    mask(right, region(60, 80, (40, 50, 60, 70)))  # not where the change is
    left = catalog.left_out(catalog.read("coverage", root))
    assert {path.rsplit("/", 1)[1] for path in left["file"]} == {"58t.tif", "58forged.tif"}
    assert left["why"].str.contains("does not lie on the change").all()
    (root / "image" / "58.tif").unlink()
    assert "no original" in catalog.left_out(catalog.read("coverage", root))["why"][0]

    mask(root / "corrected masks" / "58forged.tif", region(60, 66))  # the corrected release, where a user has it
    manifest = catalog.read("coverage", root)
    assert np.array_equal(stored(manifest, "58t.tif"), region(60, 66)) and row(manifest, "58t.tif")["note"] == ""
    assert "replaced by the corrected" in catalog.left_out(manifest)["why"][0]


def test_best_corner_agrees_with_a_naive_search():
    generator = np.random.default_rng(0)
    for shape in ((12, 15), (9, 15), (12, 8)):
        values = (generator.random(shape) < 0.4).astype(np.uint8)
        changed = generator.random((10, 11)) < 0.4
        overlaps = {}
        for top in range(min(0, shape[0] - 10), max(0, shape[0] - 10) + 1):
            for left in range(min(0, shape[1] - 11), max(0, shape[1] - 11) + 1):
                part = window(values, (top, left), (10, 11)) > 0
                overlaps[top, left] = (part & changed).sum() / (part | changed).sum()
        assert overlaps[coverage.best_corner(values, changed)] == pytest.approx(max(overlaps.values()))
