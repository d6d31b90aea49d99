"""Official sets as people hold them: original names, grey masks, one flat folder; read, or refused with the sentence that helps."""

import json
import os

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from imdlib.data import catalog, groups
from imdlib.data.catalog import CatalogError
from tests.data.disk import mask, photo, region, row, stored
from tests.data.trees import TREES

pytestmark = pytest.mark.usefixtures("own_cache")


OLD, NEW = "Sp_D_NNN_A_nat0001_ani0001_0301", "Sp_D_NND_A_nat0002_ani0005_0301"


@pytest.fixture
def original_names(tmp_path):
    """CASIA v1 with one image under its original name and its mask under the corrected one."""
    TREES["casia1"](tmp_path)
    photo(tmp_path / "Tp" / f"{OLD}.jpg")
    mask(tmp_path / "Gt" / f"{NEW}_gt.png")
    return tmp_path


def test_casia1_under_original_names_without_the_table(original_names):
    with pytest.raises(
        CatalogError, match=f"{OLD}.jpg: no mask of its name .{NEW}_gt.png has its number.*table of new names"
    ):
        catalog.read("casia1", original_names)
    manifest = catalog.read("casia1", original_names, on_error="skip")
    assert len(manifest) == 4 and catalog.left_out(manifest)["file"].tolist() == [f"{original_names}/Gt/{NEW}_gt.png"]
    (original_names / "rename.xlsx").write_bytes(b"PK")
    left = catalog.left_out(catalog.read("casia1", original_names, on_error="skip")).set_index("file")["why"]
    assert "save its table of new names as csv" in left[f"{original_names}/rename.xlsx"]


@pytest.mark.parametrize("line", ["{old}.jpg,{new}.jpg", 'ren "{old}.jpg" "{new}.jpg"', "{old} {new}", "{new};{old}"])
def test_casia1_under_original_names_with_the_table(original_names, line):
    text = "old,new\nSp_D_x.jpg\n" + line.format(old=OLD, new=NEW) + "\n"
    (original_names / "names.csv").write_text(text)
    manifest = catalog.read("casia1", original_names)
    found = row(manifest, f"{OLD}.jpg")
    assert found["note"] == f"mask joined by the table of new names: {NEW}_gt.png" and found["kind"] == "splicing"
    assert found["scene"] == row(manifest, "Au_nat_0002.jpg")["scene"] != row(manifest, "Au_nat_0001.jpg")["scene"]
    assert np.array_equal(stored(manifest, f"{OLD}.jpg"), region()) and catalog.left_out(manifest).empty


def test_columbia_with_grey_masks(tmp_path):
    TREES["columbia"](tmp_path)
    edges = tmp_path / "4cam_splc" / "edgemask"
    name = "canong3_nikond70_sub_01"
    (edges / f"{name}_edgemask.png").unlink()
    target = mask(tmp_path / "gt" / f"{name}_gt.png")
    assert np.array_equal(stored(catalog.read("columbia", tmp_path), f"{name}.tif"), region())
    four = np.array([76, 60, 150, 117], np.uint8)[np.arange(36) * 4 // 36][None].repeat(24, 0)
    Image.fromarray(four).save(target)  # what is left of red and green when colours are thrown away
    with pytest.raises(CatalogError, match=f"{name}_gt.png: a mask of 75% of its pixels grey"):
        catalog.read("columbia", tmp_path)


def test_imd2020_in_one_folder(tmp_path):
    """Scenes are groups of near-duplicates where folders do not tell them apart."""
    root = tmp_path / "IMD2020"
    base = np.random.default_rng(0).integers(0, 256, (4, 16, 16, 3), dtype=np.uint8).repeat(4, 1).repeat(4, 2)
    root.mkdir()
    for number, picture in enumerate(base):
        Image.fromarray(picture).save(root / f"id{number}_orig.png")
        forged = picture.copy()
        forged[:16, :16] = 255 - forged[:16, :16]
        Image.fromarray(forged).save(root / f"c{number}_0.png")
        mask(root / f"c{number}_0_mask.png", region(64, 64, (0, 16, 0, 16)))
    manifest = catalog.read("imd2020", tmp_path)
    assert manifest["scene"].nunique() == 4 and (manifest.groupby("scene").size() == 2).all()
    assert (manifest.groupby("scene")["label"].nunique() == 2).all()
    assert (manifest.groupby("scene")["split"].nunique() == 1).all()


def test_groups_are_of_contents_not_of_names_and_sizes(tmp_path):
    base = np.random.default_rng(0).integers(0, 256, (2, 64, 64, 3), dtype=np.uint8)
    files = {name: tmp_path / f"{name}.bmp" for name in "ab"}
    for name, picture in zip(files, (base[0], base[0])):
        Image.fromarray(picture).save(files[name])
    assert groups.cached_groups("x", files) == {"a": "a", "b": "a"}
    when = os.stat(files["b"])
    Image.fromarray(255 - base[0].repeat(1, 0)).save(files["b"])  # the same size and length
    os.utime(files["b"], ns=(when.st_atime_ns, when.st_mtime_ns))
    assert files["b"].stat().st_size == when.st_size
    assert groups.cached_groups("x", files) == {"a": "a", "b": "b"}


def test_magicbrush_looks_at_every_turn_again(tmp_path):
    """The mask of a later output holds the earlier ones: correcting an earlier one changes it."""
    folder = tmp_path / "dev" / "images" / "1"
    for seed, name in enumerate(("input", "output1", "output2")):
        photo(folder / f"1-{name}.png", seed=seed)

    def clear(turn, before, part):
        picture = np.dstack([np.asarray(Image.open(folder / f"1-{before}.png")), 255 * (1 - part)])
        Image.fromarray(picture.astype(np.uint8)).save(folder / f"1-mask{turn}.png")

    first, second, other = region(), region(box=(12, 20, 25, 30)), region(box=(0, 3, 0, 3))
    clear(1, "input", first)
    clear(2, "output1", second)
    assert np.array_equal(stored(catalog.read("magicbrush", tmp_path), "1-output2.png"), first | second)
    clear(1, "input", other)
    assert np.array_equal(stored(catalog.read("magicbrush", tmp_path), "1-output2.png"), other | second)


# ---- lists that come with a set --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text", ["[{", "{}", '[{"input": "a.jpg"}]', '[{"input": "a", "output": "b", "operator": {"x": {}}}]']
)
def test_gier_s_list_is_named(tmp_path, text):
    TREES["gier"](tmp_path)
    (tmp_path / "GIER.json").write_text(text)
    with pytest.raises(CatalogError, match="GIER.json: "):
        catalog.read("gier", tmp_path)


def test_lists_may_not_lead_outside(tmp_path):
    TREES["gier"](tmp_path / "GIER")
    entries = json.loads((tmp_path / "GIER" / "GIER.json").read_text())
    entries[0]["output"] = "../../secret.jpg"
    photo(tmp_path / "secret.jpg")
    (tmp_path / "GIER" / "GIER.json").write_text(json.dumps(entries))
    with pytest.raises(CatalogError, match="GIER.json: names 1_in.jpg, ../../secret.jpg"):
        catalog.read("gier", tmp_path / "GIER")
    TREES["artifact"](tmp_path / "artifact")
    table = pd.DataFrame({"image_path": ["a/1.jpg", "../../secret.jpg", "a/2.jpg"], "target": ["0", "0", "real"]})
    table.to_csv(tmp_path / "artifact" / "coco" / "metadata.csv", index=False)
    with pytest.raises(CatalogError, match="metadata.csv: says target '0' of '../../secret.jpg'") as caught:
        catalog.read("artifact", tmp_path / "artifact")
    assert "metadata.csv: says target 'real' of 'a/2.jpg'" in str(caught.value)


def test_a_list_that_is_broken_is_named(tmp_path):
    TREES["artifact"](tmp_path)
    (tmp_path / "coco" / "metadata.csv").write_bytes(b"")
    with pytest.raises(CatalogError, match="coco/metadata.csv: cannot be read"):
        catalog.read("artifact", tmp_path)
    (tmp_path / "coco" / "metadata.csv").write_text("path,target\na,0\n")
    with pytest.raises(CatalogError, match="coco/metadata.csv: has no column image_path"):
        catalog.read("artifact", tmp_path)
