"""The embedded benchmark: what is on disk, that it repeats to the byte, and that nothing gives the answer away."""

import errno
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import matplotlib
import numpy as np
import pandas as pd
import pytest
from PIL import Image
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import roc_auc_score

from imdlib.checks.sheets import contact_sheet
from imdlib.twins import build, folders, recipes
from imdlib.twins.identity import recipe_digest

matplotlib.use("Agg")
COLUMNS = ["image", "mask", "label", "kind", "scene", "split", "dataset", "visibility", "note"]


def read(folder):
    return pd.read_csv(folder / "manifest.csv", keep_default_na=False)


def contents(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="session")
def built(tmp_path_factory):
    """Every twin with 400 images of 64x64, built once for the whole run of tests: name -> folder."""
    root = tmp_path_factory.mktemp("twins")
    return {name: build.build(name, root, count=400, size=64, progress=False) for name in recipes.TWINS}


@pytest.mark.parametrize("name", recipes.TWINS)
def test_manifest_and_files_agree(built, name):
    folder, recipe = built[name], recipes.TWINS[name]
    manifest = read(folder)
    assert folder.name == f"{name}-400x64-seed0" and list(manifest.columns) == COLUMNS and len(manifest) == 400
    assert {p.name for p in (folder / "images").iterdir()} == {Path(p).name for p in manifest["image"]}
    assert {p.name for p in (folder / "masks").iterdir()} == {Path(p).name for p in manifest["mask"] if p}
    for row in manifest.itertuples():
        with Image.open(folder / row.image) as image:
            assert image.size == (64, 64) and image.mode == "RGB"
            assert image.format == {".jpg": "JPEG", ".tif": "TIFF"}[recipe.suffix]
            assert image.info.get("compression", "raw") == "raw"  # TIFF: uncompressed
        assert (row.label == 1) == (row.kind != "authentic") == bool(row.visibility)
        assert bool(row.mask) == (row.label == 1 and not recipe.whole)
        if row.mask:
            with Image.open(folder / row.mask) as mask:
                assert mask.mode == "L" and mask.size == (64, 64)
                assert set(np.unique(np.asarray(mask))) == {0, 255}


@pytest.mark.parametrize("name", recipes.TWINS)
def test_the_mix_is_that_of_the_recipe(built, name):
    recipe, manifest = recipes.TWINS[name], read(built[name])
    tampered = manifest[manifest["label"] == 1]
    assert len(tampered) == 400 * len(recipe.tampered) / recipes.PER_SCENE
    for column, shares in [("kind", recipe.kinds), ("visibility", dict(zip(recipes.LEVELS, recipe.visibility)))]:
        found = tampered[column].value_counts(normalize=True)
        assert set(found.index) == set(shares)
        assert all(abs(found[key] - share) < 0.09 for key, share in shares.items())


@pytest.mark.parametrize("name", recipes.TWINS)
def test_splits_share_no_scene_and_are_60_10_30(built, name):
    manifest = read(built[name])
    assert manifest.groupby("scene")["split"].nunique().max() == 1
    assert manifest.groupby("scene").size().eq(recipes.PER_SCENE).all()
    assert manifest["split"].value_counts(normalize=True).to_dict() == pytest.approx(
        {"train": 0.6, "val": 0.1, "test": 0.3}
    )
    assert set(manifest["split"].iloc[:12]) == {"train", "val", "test"}  # also the smallest sets have all three


@pytest.mark.parametrize("name", [name for name, recipe in recipes.TWINS.items() if not recipe.whole])
def test_the_centre_blob_is_at_chance(built, name, blob_auc):
    manifest = read(built[name])
    masks = np.stack([cv2.imread(str(built[name] / path), 0) for path in manifest["mask"] if path])
    assert abs(blob_auc(masks).mean() - 0.5) < 0.05


@pytest.mark.parametrize("name", [name for name, recipe in recipes.TWINS.items() if recipe.suffix == ".jpg"])
def test_the_file_format_tells_nothing_about_the_label(built, name):
    manifest = read(built[name])
    tables = {0: [], 1: []}
    for row in manifest.itertuples():
        with Image.open(built[name] / row.image) as image:
            tables[row.label].append((str(image.quantization), str(image.layer)))
    assert set(tables[0]) == set(tables[1]) and len(set(tables[0])) == len(recipes.FINAL_QUALITIES)
    for table in set(tables[0]):
        assert abs(tables[0].count(table) / len(tables[0]) - tables[1].count(table) / len(tables[1])) < 0.15


def test_same_seed_same_bytes_with_any_number_of_workers_and_images(tmp_path):
    one = build.build("sim-casia", tmp_path / "a", count=24, size=48, seed=3, workers=1, progress=False)
    many = build.build("sim-casia", tmp_path / "b", count=24, size=48, seed=3, workers=4, progress=False)
    assert contents(one) == contents(many)
    longer = contents(build.build("sim-casia", tmp_path / "a", count=30, size=48, seed=3, progress=False))
    shorter = {name: data for name, data in contents(one).items() if name.startswith(("images", "masks"))}
    assert shorter == {name: longer[name] for name in shorter}
    other = contents(build.build("sim-casia", tmp_path / "a", count=24, size=48, seed=4, progress=False))
    assert not {data for name, data in other.items() if name.startswith("images")} & set(shorter.values())


@pytest.fixture(scope="module")
def trace_splices():
    """By level, `trace` and `obvious`: 240 splices (B, 64, 64, 3) uint8 and their masks (B, 64, 64) bool."""
    sets = {}
    for level in ("trace", "obvious"):
        shares = tuple(float(level == name) for name in recipes.LEVELS)
        recipe = recipes.Twin({"splicing": 1.0}, shares, ".jpg", True, tampered=(0, 1, 2, 3), area=0.12)
        with pytest.MonkeyPatch.context() as patch:
            patch.setitem(recipes.TWINS, "sim-probe", recipe)
            made = [recipes.make_image("sim-probe", 0, index, 64) for index in range(240)]
        sets[level] = np.stack([image for image, _, _ in made]), np.stack([mask > 0 for _, mask, _ in made])
    return sets


def forest_auc(maps, masks):
    """Mean per-image AUC on the second half of the (B, H, W, F) maps of a random forest fitted to the first half."""
    maps, masks = maps[:, ::2, ::2], masks[:, ::2, ::2]
    half, features = len(maps) // 2, maps.shape[-1]
    forest = RandomForestClassifier(40, min_samples_leaf=50, max_samples=0.2, random_state=0, class_weight="balanced")
    forest.fit(maps[:half].reshape(-1, features), masks[:half].ravel())
    scores = forest.predict_proba(maps[half:].reshape(-1, features))[:, 1].reshape(len(maps) - half, -1)
    truth = masks[half:].reshape(len(scores), -1)
    return np.mean([roc_auc_score(t, s) for t, s in zip(truth, scores) if t.any()])


def colours(images):
    """Smoothed colour of each pixel relative to its image's mean, and how far away that is: (B, H, W, 4)."""
    smooth = np.stack([cv2.GaussianBlur(image.astype(np.float32), (0, 0), 3) for image in images])
    relative = smooth - smooth.mean((1, 2), keepdims=True)
    return np.concatenate([relative, np.linalg.norm(relative, axis=3, keepdims=True)], axis=3)


def flatness(images):
    """How free of fine detail a pixel's surroundings are, relative to the image's median: signed, absolute."""
    maps = []
    for image in images.astype(np.float32):
        detail = np.abs(image - cv2.blur(image, (3, 3))).mean(2)
        maps.append(cv2.GaussianBlur(np.exp(-detail / 2), (0, 0), 4))
    relative = np.stack(maps) - np.median(maps, axis=(1, 2))[:, None, None]
    return np.stack([relative, np.abs(relative)], axis=3)


def test_colour_sees_nothing_of_trace_splices_and_fine_detail_does(trace_splices):
    images, masks = trace_splices["trace"]
    blind, seeing = forest_auc(colours(images), masks), forest_auc(flatness(images), masks)
    assert abs(blind - 0.5) < 0.04
    assert seeing > 0.65
    obvious = forest_auc(colours(trace_splices["obvious"][0]), trace_splices["obvious"][1])
    assert obvious > 0.6  # the detector of colours is no straw man: where colours differ it finds them


def test_every_camera_has_others_to_be_spliced_with():
    for camera in recipes.CAMERAS:
        assert len(recipes.unlike(camera)) >= 2 and camera not in recipes.unlike(camera)


@pytest.mark.parametrize("noted", [b"older code\n", b"\xff\xfe", b""])
def test_a_finished_set_is_returned_and_one_of_older_code_is_made_anew(tmp_path, noted):
    folder = build.build("sim-columbia", tmp_path, count=6, size=48, progress=False)
    before = contents(folder), (folder / "manifest.csv").stat().st_mtime_ns
    assert build.build("sim-columbia", tmp_path, count=6, size=48, progress=False) == folder
    assert (folder / "manifest.csv").stat().st_mtime_ns == before[1]
    (folder / "fingerprint.txt").write_bytes(noted)
    (folder / "images" / "000000.tif").write_bytes(b"")
    build.build("sim-columbia", tmp_path, count=6, size=48, progress=False)
    assert contents(folder) == before[0] and [p.name for p in tmp_path.iterdir()] == [folder.name]


def test_a_full_disk_is_reported_and_leaves_nothing(tmp_path, monkeypatch):
    def full(self, data):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="disk is full while building sim-casia.* 8 images.*IMDLIB_CACHE"):
        build.build("sim-casia", tmp_path, count=8, size=48, progress=False)
    assert not list(tmp_path.iterdir())


def test_a_killed_build_leaves_nothing_that_looks_finished(tmp_path, monkeypatch):
    code = f"from imdlib.twins.build import build; build('sim-casia', {str(tmp_path)!r}, count=100000, size=32)"
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while not list(tmp_path.glob(".*/images/000004.jpg")) and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    (rest,) = tmp_path.iterdir()
    assert rest.name.startswith(".sim-casia-100000x32-seed0.") and not list(rest.glob("manifest*"))
    folders.sweep(tmp_path, "sim-casia-100000x32-seed0")
    assert rest.exists()  # it might belong to a build that is running
    monkeypatch.setattr(folders, "ABANDONED", -1)
    folders.sweep(tmp_path, "sim-casia-100000x32-seed0")
    assert not list(tmp_path.iterdir())


def test_of_two_builders_at_once_the_first_stays(tmp_path):
    folder = build.build("sim-coverage", tmp_path, count=4, size=48, progress=False)
    second = tmp_path / ".second"
    second.mkdir()
    (second / "manifest.csv").write_text("late\n")
    folders.publish(second, folder, recipe_digest("sim-coverage"))
    assert "late" not in (folder / "manifest.csv").read_text()


def test_wrong_arguments_are_refused_by_name(tmp_path):
    with pytest.raises(ValueError, match="did you mean 'sim-casia'"):
        build.build("sim-cassia", tmp_path)
    for wrong in ({"count": 0}, {"size": 16}, {"workers": 0}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            build.build("sim-casia", tmp_path, **wrong)


def test_contact_sheet_shows_every_kind_and_level_and_needs_a_tampered_image(built):
    folder = built["sim-defacto"]
    manifest = read(folder)
    for column in ("image", "mask"):
        manifest[column] = [str(folder / path) if path else "" for path in manifest[column]]
    figure = contact_sheet(manifest, rows=4)
    titles = {axes.get_title(loc="left") for axes in figure.axes} - {""}
    assert len(figure.axes) == 4 * 4 * 3 and len(titles) == 9
    matplotlib.pyplot.close(figure)
    half = manifest.assign(mask=manifest["mask"].where(manifest["kind"] != "removal", ""), visibility="")
    matplotlib.pyplot.close(contact_sheet(half.replace({"kind": {"removal": "generated"}})))  # a label without a mask
    with pytest.raises(ValueError, match="at least one tampered"):
        contact_sheet(manifest[manifest["label"] == 0])


def test_names_joined_by_a_plus_give_the_images_of_all_sets(monkeypatch, tmp_path):
    monkeypatch.setenv("IMDLIB_CACHE", str(tmp_path))
    from imdlib import data

    both = data.load("sim-casia+sim-coverage", count=12, size=48)
    apart = [data.load(name, count=12, size=48) for name in ("sim-casia", "sim-coverage")]
    assert both["dataset"].value_counts().to_dict() == {"sim-casia": 12, "sim-coverage": 12}
    assert both["image"].tolist() == [*apart[0]["image"], *apart[1]["image"]] and both.index.is_unique
