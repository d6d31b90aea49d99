"""Folders of prediction maps: matching by name, every format, and refusals that name every file."""

import os
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from imdlib.pages import map_protocols
from imdlib.scoring import maps, protocols
from tests.cells import execute


def make(tmp_path, names=("a", "b c", "é"), label=1, shape=(20, 30)):
    """A manifest of images of this shape, and an empty folder for maps."""
    (tmp_path / "images").mkdir(exist_ok=True)
    (tmp_path / "maps").mkdir(exist_ok=True)
    paths = [tmp_path / "images" / f"{name}.jpg" for name in names]
    for path in paths:
        Image.fromarray(np.zeros((*shape, 3), np.uint8)).save(path)
    return pd.DataFrame({"image": [str(p) for p in paths], "mask": "", "label": label}), tmp_path / "maps"


def values(shape=(20, 30)):
    return np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)


def test_no_folder_and_no_match_say_what_to_do(tmp_path):
    manifest, folder = make(tmp_path)
    for wrong in ("", folder / "nowhere"):
        with pytest.raises(maps.MapError, match="parameter `maps`"):
            maps.match(manifest, wrong)
    np.save(folder / "other.npy", np.zeros((20, 30)))
    with pytest.raises(maps.MapError, match=r"other\.npy.*a\.jpg.*suffixes"):
        maps.match(manifest, folder)


def test_maps_are_found_by_name_with_and_without_endings(tmp_path):
    manifest, folder = make(tmp_path)
    for name in ("a.jpg.npy", "deep/b c_pred.npy", "é.npy", "unrelated.npy"):
        (folder / name).parent.mkdir(exist_ok=True)
        np.save(folder / name, np.zeros((20, 30)))
    rows = maps.match(manifest, folder, ["_pred"])
    assert [path.rsplit("/", 1)[-1] for path in rows["map"]] == ["a.jpg.npy", "b c_pred.npy", "é.npy"]


def test_missing_maps_are_all_named_or_skipped_when_told_so(tmp_path):
    manifest, folder = make(tmp_path)
    np.save(folder / "a.npy", np.zeros((20, 30)))
    with pytest.raises(maps.MapError, match=r'2 of 3.*b c\.jpg.*é\.jpg.*missing = "skip"'):
        maps.match(manifest, folder)
    rows = maps.match(manifest, folder, on_missing="skip")
    assert len(rows) == 1 and rows.attrs["unmatched"] == ["b c.jpg", "é.jpg"]


def test_authentic_images_may_be_without_maps_but_only_all_of_them(tmp_path):
    manifest, folder = make(tmp_path)
    manifest["label"] = [1, 0, 0]
    np.save(folder / "a.npy", np.zeros((20, 30)))
    assert maps.match(manifest, folder).attrs["unmatched"] == ["b c.jpg", "é.jpg"]
    np.save(folder / "é.npy", np.zeros((20, 30)))
    with pytest.raises(maps.MapError, match=r"b c\.jpg"):
        maps.match(manifest, folder)


def test_two_maps_for_an_image_and_one_map_for_two_images_are_refused(tmp_path):
    manifest, folder = make(tmp_path)
    for name in ("a.npy", "a_pred.npy", "b c.npy", "é.npy"):
        np.save(folder / name, np.zeros((20, 30)))
    with pytest.raises(maps.MapError, match=r"several maps.*a\.npy.*a_pred\.npy"):
        maps.match(manifest, folder, ["_pred"])
    other = tmp_path / "second"
    other.mkdir()
    (other / "a.jpg").write_bytes((tmp_path / "images" / "a.jpg").read_bytes())
    both = pd.concat([manifest.iloc[:1], manifest.iloc[:1].assign(image=str(other / "a.jpg"))], ignore_index=True)
    with pytest.raises(maps.MapError, match=r"one map for several images.*images/a\.jpg.*second/a\.jpg"):
        maps.match(both, folder)
    for name in ("images", "second"):
        (folder / name).mkdir()
        np.save(folder / name / "a.npy", np.zeros((20, 30)))
    (folder / "a.npy").unlink()
    assert [path.split("/")[-2] for path in maps.match(both, folder)["map"]] == ["images", "second"]


def written(path, array):
    """Save an 8-bit array in the form that the name asks for."""
    kind, name = path
    full = name / f"a.{kind.split()[0]}"
    probability = array / np.float32(255)
    if kind in ("png", "tif"):
        cv2.imwrite(str(full), array)
    elif kind in ("png 16", "tif 16"):
        cv2.imwrite(str(full), array.astype(np.uint16) * 257)
    elif kind == "tif float":
        Image.fromarray(probability).save(full)
    elif kind == "png rgb":
        Image.fromarray(np.repeat(array[..., None], 3, 2)).save(full)
    elif kind == "png palette":
        Image.fromarray(array).convert("P").save(full)
    elif kind == "npz":
        np.savez(full, map=probability, conf=np.zeros((3, 3)), score=0.25)
    else:
        dtype = {"npy 8": array, "npy 16": array.astype(np.uint16) * 257, "npy half": probability.astype(np.float16)}
        np.save(full, dtype.get(kind, probability[None, ..., None]))


@pytest.mark.parametrize(
    "kind",
    [
        "png",
        "tif",
        "png 16",
        "tif 16",
        "tif float",
        "png rgb",
        "png palette",
        "npy",
        "npy 8",
        "npy 16",
        "npy half",
        "npz",
    ],
)
def test_every_format_gives_the_same_probabilities(tmp_path, kind):
    manifest, folder = make(tmp_path, names=("a",))
    written((kind, folder), values())
    rows = maps.check(maps.match(manifest, folder))
    found = maps.load(rows["map"][0], (20, 30), rows["scale"][0])
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, values() / 255, atol=3e-4 if "half" in kind else 1e-6)
    assert (rows["own_score"][0] == 0.25) if kind == "npz" else np.isnan(rows["own_score"][0])


def test_a_folder_of_zeros_and_ones_is_labels_but_one_dark_map_is_not(tmp_path):
    manifest, folder = make(tmp_path, names=("a", "b"))
    labels = (values() > 128).astype(np.uint8)
    for name in "ab":
        cv2.imwrite(str(folder / f"{name}.png"), labels)
    assert maps.check(maps.match(manifest, folder))["scale"].tolist() == [1, 1]
    cv2.imwrite(str(folder / "b.png"), values())
    assert maps.check(maps.match(manifest, folder))["scale"].tolist() == [255, 255]


def test_sixteen_bits_that_hold_eight_are_read_as_eight_and_dark_labels_are_pointed_at(tmp_path):
    manifest, folder = make(tmp_path, names=("a", "b"))
    for name in "ab":
        np.save(folder / f"{name}.npy", values().astype(np.uint16))
    assert maps.check(maps.match(manifest, folder))["scale"].tolist() == [255, 255]
    np.save(folder / "b.npy", values().astype(np.uint16) * 257)
    rows = maps.check(maps.match(manifest, folder))
    assert rows["scale"].tolist() == [65535, 65535] and rows["doubt"].tolist() == ["", ""]
    np.save(folder / "a.npy", (values() > 128).astype(np.uint8))
    rows = maps.check(maps.match(manifest, folder))
    assert rows["scale"].tolist() == [255, 65535] and "multiply by 255" in rows["doubt"][0] and not rows["doubt"][1]


def test_a_turned_photograph_leaves_a_doubt(tmp_path):
    manifest, folder = make(tmp_path, names=("a",))
    exif = Image.Exif()
    exif[0x0112] = 3
    Image.fromarray(np.zeros((20, 30, 3), np.uint8)).save(manifest["image"][0], exif=exif)
    np.save(folder / "a.npy", values() / 255)
    assert "EXIF orientation 3" in maps.check(maps.match(manifest, folder))["doubt"][0]


@pytest.mark.parametrize("scores, said", [([0.2, 2.5], "b.npz: expected `score`.*got 2.5"), ([0.2, np.nan], "got nan"),
                                          ([0.2, [0.1, 0.2]], r"shape \(2,\)"), ([0.2, None], "1 of 2 maps hold no score")])  # fmt: skip
def test_scores_of_images_are_all_probabilities_or_none(tmp_path, scores, said):
    manifest, folder = make(tmp_path, names=("a", "b"))
    for name, score in zip("ab", scores):
        np.savez(folder / f"{name}.npz", map=values() / 255, **({} if score is None else {"score": score}))
    with pytest.raises(maps.MapError, match=said):
        maps.check(maps.match(manifest, folder))


def test_alpha_pages_and_scales_that_are_not_known_are_refused(tmp_path):
    manifest, folder = make(tmp_path, names=("alpha", "pages", "high"))
    Image.merge("LA", [Image.new("L", (30, 20)), Image.fromarray(values())]).save(folder / "alpha.png")
    one = Image.fromarray(values())
    one.save(folder / "pages.tif", save_all=True, append_images=[one])
    np.save(folder / "high.npy", np.linspace(0.7, 1.3, 600).reshape(20, 30))
    with pytest.raises(
        maps.MapError, match=r"(?s)alpha\.png.*alpha channel.*pages\.tif.*several.*high\.npy.*largest value"
    ):
        maps.check(maps.match(manifest, folder))
    Image.merge("LA", [one, Image.new("L", (30, 20), 255)]).save(folder / "alpha.png")  # opaque: nothing is lost
    assert (maps.read(folder / "alpha.png")[0] == values()).all()


def test_mirrored_trees_exact_names_and_other_forms_of_letters_are_matched(tmp_path):
    rows = []
    for outer in "xy":
        for top in ("images", "maps"):
            (tmp_path / top / outer / "1").mkdir(parents=True)
        rows.append(str(tmp_path / "images" / outer / "1" / "a.png"))
        np.save(tmp_path / "maps" / outer / "1" / "a.npy", np.zeros((20, 30)))
    found = maps.match(pd.DataFrame({"image": rows, "mask": "", "label": 1}), tmp_path / "maps")["map"]
    assert [path.split("/")[-3] for path in found] == ["x", "y"]
    (tmp_path / "own").mkdir()
    manifest, folder = make(tmp_path / "own", names=("a", "a_pred", "\u00e9"))
    for name in ("a", "a_pred", "e\u0301"):
        np.save(folder / f"{name}.npy", np.zeros((20, 30)))
    found = maps.match(manifest, folder, ["_pred"])["map"]
    assert [Path(path).stem for path in found] == ["a", "a_pred", "e\u0301"]


def test_a_folder_of_maps_that_cannot_be_looked_into_is_named(tmp_path, monkeypatch):
    manifest, folder = make(tmp_path)

    def walk(top, onerror, **options):
        onerror(PermissionError(13, "Permission denied", str(folder / "closed")))

    monkeypatch.setattr(os, "walk", walk)
    with pytest.raises(ValueError, match="^/.*closed: cannot be looked into"):
        maps.match(manifest, folder, on_missing="skip")


def test_other_sizes_are_resized_where_the_aspect_agrees_and_reported(tmp_path):
    manifest, folder = make(tmp_path, names=("a",))
    np.save(folder / "a.npy", (values((10, 15)) / 255))
    rows = maps.check(maps.match(manifest, folder))
    expected = cv2.resize(np.float32(values((10, 15)) / 255), (30, 20), interpolation=cv2.INTER_LINEAR)
    assert rows["resized"].tolist() == ["15x10"]
    np.testing.assert_allclose(maps.load(rows["map"][0], (20, 30), 1.0), expected, atol=1e-6)


def test_everything_wrong_is_listed_at_once(tmp_path):
    names = ("logits", "bytes", "nan", "turned", "square", "colour", "pickle", "bands", "cut")
    manifest, folder = make(tmp_path, names=names)
    np.save(folder / "logits.npy", np.linspace(-4, 4, 600).reshape(20, 30))
    np.save(folder / "bytes.npy", values().astype(np.float32))
    np.save(folder / "nan.npy", np.full((20, 30), np.nan))
    np.save(folder / "turned.npy", np.zeros((30, 20)))
    np.save(folder / "square.npy", np.zeros((16, 16)))
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (20, 30, 3)).astype(np.uint8)).save(folder / "colour.png")
    np.save(folder / "pickle.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    np.save(folder / "bands.npy", np.zeros((2, 20, 30)))
    (folder / "cut.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    with pytest.raises(maps.MapError) as error:
        maps.check(maps.match(manifest, folder))
    lines = {name: next(line for line in str(error.value).splitlines() if f"{name}." in line) for name in names}
    for name, way in dict(
        logits="sigmoid", bytes="255", nan="NaN", turned="90 degrees", square="back to the image", colour="coloured",
        pickle="numpy.save", bands="tampered class alone", cut="",
    ).items():  # fmt: skip
        assert way in lines[name], lines[name]


def test_masks_of_authentic_images_are_empty(tmp_path):
    manifest, _ = make(tmp_path, names=("a",), label=0)
    mask = next(maps.masks(manifest))
    assert mask.shape == (20, 30) and not mask.any()


@pytest.mark.slow
@pytest.mark.parametrize("source", ["shared", "own"])
def test_a_set_of_authentic_images_alone_has_image_level_scores_and_says_so(tmp_path, source):
    root = Path(__file__).resolve().parents[3] / "shared" / "inputs" / "d06_all_authentic"
    if source == "own":
        root, folder = tmp_path, make(tmp_path, label=0)[1]
        for name in ("a", "b c", "é"):
            np.save(folder / f"{name}.npy", values() / 255)
    elif not root.is_dir():
        pytest.skip(f"{root} does not exist")
    given = dict(results=str(tmp_path / "results"), data=str(root), dataset="folder", maps=str(root / "maps"))
    names = execute("score_maps", **given)
    assert not len(names["table"]) and map_protocols.why(names["table"], "x", 3) == map_protocols.UNDEFINED
    own = names["image_level"].loc["my method"]
    assert own["spe"] == own["acc"] and own[["auc", "f1", "sen"]].isna().all() and own["n_tampered"] == 0
    assert {path.name for path in names["folder"].rglob("*.csv*")} >= {"scores.csv.gz", "table_images.csv"}


@pytest.mark.slow
def test_partly_and_wholly_generated_images_are_scored_together_and_nothing_older_stays(tmp_path):
    rng, rows = np.random.default_rng(0), ["image,label,kind"]
    for top in ("images", "masks", "maps"):
        (tmp_path / "set" / top).mkdir(parents=True)
    for k, kind in enumerate(["splicing"] * 5 + ["generated"] * 2 + ["authentic"] * 2):
        mask = np.zeros((40, 48), np.uint8)
        mask[8:24, 8:32] = 255 * (kind == "splicing")
        Image.fromarray(rng.integers(0, 256, (40, 48, 3)).astype(np.uint8)).save(tmp_path / f"set/images/im{k}.png")
        if kind == "splicing":
            Image.fromarray(mask).save(tmp_path / f"set/masks/im{k}.png")
        np.save(tmp_path / f"set/maps/im{k}.npy", (mask / 255 * (0.5 + k / 10)).clip(0.1 * k, 1).astype(np.float32))
        rows.append(f"im{k}.png,{int(kind != 'authentic')},{kind}")
    (tmp_path / "set" / "images.csv").write_text("\n".join(rows) + "\n")
    given = dict(
        results=str(tmp_path / "r"), data=str(tmp_path / "set"), dataset="folder", maps=str(tmp_path / "set/maps")
    )
    names = execute("score_maps", **given)
    scores = pd.read_csv(names["folder"] / "protocols.csv.gz").query("method == 'my method'").set_index("image")
    generated = scores[scores["kind"] == "generated"]
    pixels = [name for name in protocols.PROTOCOLS if name in scores]
    assert len(generated) == 2 and generated[["tp", "fp", "fn", "tn", *pixels]].isna().all(axis=None)
    assert scores.loc[scores["kind"] == "splicing", "f1_set"].notna().all()
    assert scores.loc[scores["kind"] == "authentic", "f1_zero"].eq(0).all()
    drawn = pd.read_csv(names["folder"] / "figures" / "figure_maps.csv")["image"]
    assert len(drawn) == 5 and drawn.is_unique
    (tmp_path / "set" / "images.csv").write_text("\n".join([rows[0], *rows[-2:]]) + "\n")
    again = execute("score_maps", **given)["folder"]  # the same call, where nothing is tampered any more
    assert not (again / "tables" / "table_protocols.csv").exists() and (again / "scores.csv.gz").exists()
    other = execute("score_maps", **given | {"missing": "skip"})["folder"]
    assert other == again and (other.parent / "folder~" / "scores.csv.gz").exists()
