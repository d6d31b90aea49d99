"""Splices of photographs by many cameras: exact masks, no camera on two splits, nothing but the pixels tells the label."""

import shutil
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from imdlib import data
from imdlib.checks import facts, findings, resemblance, shortcuts
from imdlib.data import catalog
from imdlib.data.catalog import CatalogError
from imdlib.data.images import load_image, load_mask
from imdlib.twins import cameras, folders
from imdlib.twins.camera import CAMERAS, develop, encode
from imdlib.twins.scenes import scene


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory, monkeypatch):
    monkeypatch.setenv(
        "IMDLIB_CACHE", str(tmp_path_factory.getbasetemp() / "cameras-cache")
    )  # built once for all tests


def photograph(folder, name, camera, height, width, seed):
    """Write a photograph by a simulated camera, and return its line of the list."""
    rng = np.random.default_rng(seed)
    linear = scene(rng, max(height, width), "train")[:height, :width]
    (folder / "photos").mkdir(parents=True, exist_ok=True)
    pixels = develop(linear, camera, rng, compress=False)
    (folder / "photos" / name).write_bytes(encode(pixels, ".jpg", camera.quality))
    return {"photo": name, "make": "test", "model": camera.name}


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """Twelve photographs of 528x544, two by each of six cameras, the last of them smaller and one twice as wide."""
    folder = tmp_path_factory.mktemp("sets") / "CAMERAS"
    shapes = {10: (528, 1088), 11: (272, 300)}
    lines = [photograph(folder, f"p{i:02d}.jpg", CAMERAS[i % 6], *shapes.get(i, (528, 544)), seed=i) for i in range(12)]
    pd.DataFrame(lines).to_csv(folder / "cameras.csv", index=False)
    return folder


def background(home, image):
    """The tile of the photograph that a picture was made of."""
    name, number = Path(image).stem.rsplit("-", 1)
    photo = cameras.Photo(name, "", cameras.part(load_image(home / "photos" / f"{name}.jpg")))
    return cameras.window(photo, *cameras.tiles(photo)[int(number)])


def test_the_manifest_is_one_of_the_house(home):
    manifest = data.load("cameras", str(home.parent))
    assert list(manifest.columns[:9]) == catalog.COLUMNS and manifest["dataset"].eq("cameras").all()
    assert len(manifest) == 10 * 4 + 6 + 1  # no more than 768 pixels of the wide one are used
    assert not catalog.verify(manifest, progress=False).size
    assert manifest["kind"].map({"authentic": 0, "splicing": 1}).eq(manifest["label"]).all()
    assert abs(manifest["label"].mean() - 0.5) < 0.03 and (manifest["mask"] != "").eq(manifest["label"] == 1).all()
    spliced = manifest[manifest["label"] == 1]
    assert set(spliced["visibility"]) == {"obvious", "matched"} and set(spliced["grid"]) == {"aligned", "unaligned"}
    assert data.identity("cameras", str(home)) == data.identity("cameras", str(home.parent)) != ""


def test_a_picture_differs_from_its_background_inside_the_mask_alone(home):
    manifest = data.load("cameras-png", str(home))
    for row in manifest.itertuples():
        changed = (load_image(row.image) != background(home, row.image)).any(2)
        mask = load_mask(row.mask) > 0 if row.mask else np.zeros_like(changed)
        assert not changed[~mask].any()
        assert not row.mask or changed[mask].mean() > 0.9


def test_no_camera_of_either_side_is_on_two_splits(home):
    manifest = catalog.read("cameras", home)
    sides = pd.concat([manifest[["scene", "split"]], manifest[["donor", "split"]].set_axis(["scene", "split"], axis=1)])
    sides = sides[sides["scene"] != ""]
    assert sides.groupby("scene")["split"].nunique().eq(1).all()
    assert set(manifest["split"]) == {"train", "val", "test"}
    assert (manifest["donor"] != manifest["scene"]).all()
    assert set(catalog.read("cameras", home, split="test")["split"]) == {"test"}
    with pytest.raises(ValueError, match="'camera'.*'test'.*'random'"):
        catalog.read("cameras", home, split="random")


def test_forms_hold_the_same_pictures_and_the_whole_has_each_once(home):
    png, jpeg, whole = (catalog.read(name, home) for name in ("cameras-png", "cameras-jpeg", "cameras"))
    columns = ["mask", "label", "scene", "split", "visibility", "donor", "grid"]
    pd.testing.assert_frame_equal(png[columns], jpeg[columns])
    pd.testing.assert_frame_equal(png[columns], whole[columns])
    assert set(whole["image"]) < {*png["image"], *jpeg["image"]} and set(whole["quality"]) == {0, *cameras.QUALITIES}
    for frame, form in ((png, "PNG"), (jpeg, "JPEG")):
        assert {Image.open(name).format for name in frame["image"]} == {form}
    assert len(data.load("cameras-png+cameras-jpeg", str(home))) == 2 * len(whole)


def test_the_bytes_follow_from_photographs_and_seed(home, tmp_path):
    photos = [
        cameras.Photo(file.stem, f"c{i}", cameras.part(load_image(file)[:272]))
        for i, file in enumerate(sorted((home / "photos").glob("*.jpg"))[:6])
    ]
    splits, made = cameras.deal(photo.camera for photo in photos), {}
    for name, seed, workers in (("one", 0, 1), ("many", 0, 3), ("other", 1, 2)):
        for inner in ("images", "masks"):
            (tmp_path / name / inner).mkdir(parents=True)
        rows = cameras.write_all(tmp_path / name, photos, splits, seed, workers)
        pd.DataFrame(rows).to_csv(tmp_path / name / "manifest.csv", index=False)
        made[name] = folders.contents(tmp_path / name)
    assert made["one"] == made["many"] != made["other"]


def test_donors_lie_on_the_grid_or_off_it():
    photo, rng = cameras.Photo("p", "c", np.zeros((300, 272, 3), np.uint8)), np.random.default_rng(0)
    for off in ((0, 0), (7, 7), (0, 3)):
        places = {cameras.corner(photo, off, rng) for _ in range(50)}
        assert {(top % cameras.GRID, left % cameras.GRID) for top, left in places} == {off}
        assert all(cameras.window(photo, *place).shape == (cameras.SIDE, cameras.SIDE, 3) for place in places)


def test_a_matched_donor_is_the_likest_of_many():
    bright, dark = (np.full((272, 272, 3), value, np.uint8) for value in (200, 60))
    donors = [cameras.Photo("bright", "bright", bright), cameras.Photo("dark", "dark", dark)]
    tile, rng = np.full((256, 256, 3), 65, np.uint8), np.random.default_rng(0)
    facts_of = [cameras.splice(tile, donors, rng)[2] for _ in range(60)]
    chosen = pd.DataFrame(facts_of).groupby("visibility")["donor"].unique()
    assert list(chosen["matched"]) == ["dark"] and set(chosen["obvious"]) == {"bright", "dark"}


def test_splits_are_of_cameras_and_none_is_without_a_pair():
    for count in (6, 7, 13, 66):
        splits = pd.Series(cameras.deal(f"camera {i}" for i in range(count))).value_counts()
        assert splits.min() >= cameras.PAIR and splits.sum() == count
    assert splits.to_dict() == {"train": 39, "test": 20, "val": 7}
    with pytest.raises(ValueError, match="at least 6 cameras.*got 5"):
        cameras.deal("abcde")


def test_the_middle_of_a_photograph_is_cut_on_its_grid():
    rows, columns = np.mgrid[:1000, :2000]
    cut = cameras.part(np.stack([rows // 8, columns // 8, rows], axis=2).astype(np.uint8))
    assert cut.shape == (768, 768, 3) and (cut[:8, :, 0] == cut[0, 0, 0]).all() and (cut[8, :, 0] != cut[0, 0, 0]).all()
    assert cut[0, 0, 2] == 112 and cut[0, 0, 1] == 608 // 8


# ---- what is refused -------------------------------------------------------------------------------------------------


def small(folder, count=7):
    """Photographs of 272x272 by as many cameras, and their list as a DataFrame."""
    noise = np.random.default_rng(0).integers(0, 256, (count, 272, 272, 3), dtype=np.uint8)
    (folder / "photos").mkdir(parents=True)
    for i, pixels in enumerate(noise):
        (folder / "photos" / f"p{i}.jpg").write_bytes(encode(pixels, ".jpg"))
    return pd.DataFrame(
        {"photo": [f"p{i}.jpg" for i in range(count)], "make": "", "model": [f"C{i}" for i in range(count)]}
    )


def test_a_missing_or_wrong_list_is_named(tmp_path):
    lines = small(tmp_path)
    with pytest.raises(CatalogError, match="cameras.csv: is missing; expected a table with photo, make, model; get it"):
        catalog.read("cameras", tmp_path)
    lines.drop(columns="model").to_csv(tmp_path / "cameras.csv", index=False)
    with pytest.raises(CatalogError, match="cameras.csv: the columns photo, make; expected"):
        catalog.read("cameras-png", tmp_path)
    (tmp_path / "cameras.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(CatalogError, match="cameras.csv: cannot be read"):
        catalog.read("cameras", tmp_path)
    assert data.identity("cameras", str(tmp_path)).startswith("cannot be read")


def test_everything_wrong_is_listed_and_left_out(tmp_path):
    lines = small(tmp_path, 11)
    file = tmp_path / "photos" / "p7.jpg"
    file.write_bytes(file.read_bytes()[:2000])
    (tmp_path / "photos" / "p8.jpg").write_bytes(encode(np.zeros((200, 900, 3), np.uint8), ".jpg"))
    lines.loc[9, "model"] = " "
    shutil.copy(tmp_path / "photos" / "p0.jpg", tmp_path / "photos" / "p99.jpg")
    more = pd.DataFrame({"photo": ["p99.jpg", "gone.jpg", "../p0.jpg", "p1.jpg"], "make": "m", "model": "C0"})
    pd.concat([lines[lines["photo"] != "p10.jpg"], more]).to_csv(tmp_path / "cameras.csv", index=False)
    with pytest.raises(CatalogError) as caught:
        catalog.read("cameras", tmp_path)
    for words in (
        "p7.jpg: truncated",
        "p8.jpg: 768x200 pixels; expected at least 272",
        "p9.jpg: no model",
        "p10.jpg: no line",
        "gone.jpg: missing",
        "p0.jpg: missing",
        "p1.jpg: a second p1",
    ):
        assert words in str(caught.value)
    manifest = catalog.read("cameras", tmp_path, on_error="skip")
    assert len(manifest) == 7 and len(catalog.problems(manifest)) == 7 == len(caught.value.problems)
    assert manifest.attrs["excluded"] == [[str(tmp_path / "photos" / "p99.jpg"), "the same file as p0.jpg"]]


def test_every_file_beside_the_photographs_is_left_out_by_name(tmp_path):
    lines = small(tmp_path)
    lines.to_csv(tmp_path / "cameras.csv", index=False)
    strays = [tmp_path / "README.txt", tmp_path / "photos" / "p0.xmp", tmp_path / "more" / "beach.jpg"]
    for file in strays:
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(b"x")
    left = catalog.left_out(catalog.read("cameras", tmp_path))
    assert set(left["file"]) == set(map(str, strays)) and left["why"].str.contains("not used").all()


def test_too_few_cameras_are_refused(tmp_path):
    lines = small(tmp_path, 6)
    lines.loc[5, "model"] = "c0 "  # the same camera
    lines.to_csv(tmp_path / "cameras.csv", index=False)
    for on_error in ("raise", "skip"):
        with pytest.raises(CatalogError, match="cameras.csv: 5 cameras.*expected at least 6, 2 for each split; add"):
            catalog.read("cameras", tmp_path, on_error=on_error)
    assert len(catalog.read("cameras", tmp_path, split="test")) == 6


# ---- real photographs ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def real(tmp_path_factory):
    """Folder with 18 of the real photographs; the test is skipped where they are absent."""
    source = Path(__file__).resolve().parents[3] / "shared" / "data" / "CAMERAS"
    if not source.is_dir():
        pytest.skip(f"real photographs not found: {source} does not exist")
    folder = tmp_path_factory.mktemp("real") / "CAMERAS"
    (folder / "photos").mkdir(parents=True)
    lines = pd.read_csv(source / "cameras.csv", dtype=str, keep_default_na=False).head(18)
    lines.to_csv(folder / "cameras.csv", index=False)
    for name in lines["photo"]:
        shutil.copy(source / "photos" / name, folder / "photos" / name)
    return folder


def test_real_photographs_are_spliced_exactly_and_by_camera(real):
    manifest = catalog.read("cameras-png", real)
    assert {load_image(name).shape for name in manifest["image"]} == {(256, 256, 3)} and len(manifest) == 9 * 18
    test_a_picture_differs_from_its_background_inside_the_mask_alone(real)
    test_no_camera_of_either_side_is_on_two_splits(real)


def test_the_centre_blob_is_at_chance(real, blob_auc):
    masks = [cv2.imread(name, 0) for name in catalog.read("cameras", real)["mask"] if name]
    assert abs(blob_auc(np.stack(masks)).mean() - 0.5) < 0.05


@pytest.mark.parametrize("dataset", ["cameras", "cameras-png", "cameras-jpeg"])
def test_the_form_of_a_file_says_nothing_about_its_label(real, dataset):
    manifest = findings.load(dataset, str(real))
    seen = facts.measure(manifest, progress=False)
    form = shortcuts.predictors(seen, manifest["label"], manifest["scene"])
    assert ((form["auc"] - 0.5).abs() < 0.1).all()
    pairs = resemblance.neighbours(seen)
    masks = resemblance.changed_masks(manifest, seen, pairs)
    leaks = resemblance.leaks(manifest, pairs)
    wrong = findings.defects(manifest, seen)
    found = findings.findings(dataset, manifest, facts=seen, wrong=wrong, pairs=leaks, masks=masks, form=form)
    states = found.set_index("check")["state"]
    assert states["images"] == "not checked" and not {"fails"} & set(states)
    assert states["scenes across splits"] == states["label from the files' form"] == "ok"
