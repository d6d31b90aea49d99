"""Each reader on a small tree of its data set's official shape, with the set's known defects in it."""

import json

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from imdlib import data
from imdlib.bridge.labels import FULLY, PARTLY, three_classes
from imdlib.data import catalog
from imdlib.data.catalog import CatalogError
from imdlib.data.groups import linked, name_groups
from imdlib.data.readers import columbia, gier
from imdlib.data.splits import by_count, by_hash, published
from tests.data.disk import mask, photo, region, row, stored

pytestmark = pytest.mark.usefixtures("own_cache")


def read(dataset, root, decode=True, **options):
    """The manifest, after checking what holds for every data set; decode=False spares the many real files."""
    manifest = catalog.read(dataset, root, **options)
    assert list(manifest.columns[:9]) == catalog.COLUMNS and (manifest["dataset"] == dataset).all()
    assert (manifest.groupby("scene")["split"].nunique() == 1).all()
    assert (manifest["label"] == (manifest["kind"] != "authentic")).all()
    assert set(manifest["split"]) <= {"train", "val", "test"}
    if decode:
        assert not catalog.verify(manifest, progress=False).size
    for name in manifest.loc[manifest["mask"] != "", "image"] if decode else []:
        stored(manifest, name.rsplit("/", 1)[-1])
    return manifest


# ---- CASIA v1 --------------------------------------------------------------------------------------------------------


def casia1_tree(root, au="Au", tp="Tp", gt="Gt"):
    photo(root / au / "Au_nat_0089.jpg")
    photo(root / au / "Au_ani_0002.jpg")
    for name in ("Sp_D_CNN_A_ani0001_nat0089_0097", "Sp_S_NNN_A_ani0002_ani0002_0198"):
        photo(root / tp / f"{name}.jpg")
        mask(root / gt / f"{name}_gt.png")
    photo(root / tp / "Sp_D_CNN_A_sec0012_ani0007_0275.jpg")
    mask(root / gt / "Sp_D_CNN_A_sec0012_ani0007_0275_gt.png", np.rot90(region(), -1), "RGBA")
    photo(root / tp / "Sp_D_NNN_A_cha0039_nat0019_0320.jpg")
    mask(root / gt / "Sp_D_NNN_A_cha0039_nat0019_0320_gt.png")
    photo(root / tp / "Sp_D_NRN_A_cha0011_sec0011_0542.jpg")
    photo(root / tp / "Sp_D_NNN_A_ani0099_ani0100.0288.jpg")
    mask(root / gt / "Sp_D_NNN_A_ani0099_ani0100_0288_gt.png", mode="RGB")
    return root


def test_casia1(tmp_path):
    root = casia1_tree(tmp_path / "CASIA1")
    manifest = read("casia1", root)
    assert manifest["kind"].value_counts().to_dict() == {"splicing": 4, "authentic": 2, "copy-move": 1}
    spliced = row(manifest, "Sp_D_CNN_A_ani0001_nat0089_0097.jpg")
    assert spliced["scene"] == row(manifest, "Au_nat_0089.jpg")["scene"] == "ani0001"  # linked
    assert spliced["mask"] == str(root / "Gt" / "Sp_D_CNN_A_ani0001_nat0089_0097_gt.png")  # used as it lies
    assert "turned" in row(manifest, "Sp_D_CNN_A_sec0012_ani0007_0275.jpg")["note"]
    for name in ("Sp_D_CNN_A_sec0012_ani0007_0275.jpg", "Sp_D_NNN_A_ani0099_ani0100.0288.jpg"):
        assert np.array_equal(stored(manifest, name), region())
    assert row(manifest, "Sp_D_NNN_A_cha0039_nat0019_0320.jpg")["note"] == "doubtful polarity"
    assert [name.rsplit("/", 1)[-1] for name, _ in manifest.attrs["excluded"]] == [
        "Sp_D_NRN_A_cha0011_sec0011_0542.jpg"
    ]


@pytest.mark.parametrize(
    "names",
    [
        {"au": "CASIA 1.0 dataset/Au", "tp": "CASIA 1.0 dataset/Modified Tp/Tp/Sp", "gt": "CASIA 1.0 groundtruth/Sp"},
        {"au": "CASIA1.0/au", "tp": "CASIA1.0/tp", "gt": "CASIA1.0/mask"},
        {"au": "CASIA_v1/x/AU", "tp": "CASIA_v1/x/TP", "gt": "CASIA_v1/y"},
    ],
)
def test_casia1_in_other_folders(tmp_path, names):
    casia1_tree(tmp_path / "sets", **names)
    photo(tmp_path / "sets" / "CASIA2" / "Au" / "Au_ani_0003.jpg")  # another set beside it is not looked at
    assert len(read("casia1", tmp_path / "sets")) == 7


def test_casia1_on_real_files(real_data):
    manifest = read("casia1", real_data, decode=False)
    assert manifest["kind"].value_counts().to_dict() == {"authentic": 521, "splicing": 296, "copy-move": 286}
    assert manifest["split"].value_counts(normalize=True).round(1).to_dict() == {"train": 0.6, "test": 0.3, "val": 0.1}
    assert manifest["note"].ne("").sum() == 2
    fraction = np.array([np.asarray(Image.open(name)).mean() / 255 for name in manifest["mask"] if name])
    assert len(fraction) == 582
    assert np.mean(2 * fraction / (1 + fraction)) == pytest.approx(0.1532, abs=5e-5)
    assert fraction.mean() == pytest.approx(0.0877, abs=5e-5)


# ---- CASIA v2 --------------------------------------------------------------------------------------------------------


def test_casia2(tmp_path):
    root = tmp_path / "CASIA2"
    photo(root / "Au" / "Au_ani_00001.jpg")
    photo(root / "Au" / "Au_nat_30198.bmp")
    photo(root / "Tp" / "Tp_D_NRN_S_N_ani00001_nat30198_00138.tif")
    mask(root / "CASIA 2 Groundtruth" / "Tp_S_NRN_S_N_ani00001_ani00001_00138_gt.png")  # renamed in another release
    photo(root / "Tp" / "Tp_S_NNN_S_N_sec00012_sec00012_11230.jpg")
    mask(root / "CASIA 2 Groundtruth" / "Tp_S_NNN_S_N_sec00012_sec00012_11230_gt.png", np.rot90(region(), -1))
    photo(root / "Tp" / "Tp_S_NNN_S_N_sec00074_sec00074_00751.tif")
    mask(root / "CASIA 2 Groundtruth" / "Tp_S_NNN_S_N_sec00074_sec00074_00751_gt.png", region(24, 35))
    manifest = read("casia2", tmp_path)
    assert len(manifest) == 4
    renamed = row(manifest, "Tp_D_NRN_S_N_ani00001_nat30198_00138.tif")
    assert renamed["kind"] == "splicing" and "joined by its number" in renamed["note"]
    assert row(manifest, "Au_ani_00001.jpg")["scene"] == row(manifest, "Au_nat_30198.bmp")["scene"] == renamed["scene"]
    sideways = "Tp_S_NNN_S_N_sec00012_sec00012_11230.jpg"
    assert row(manifest, sideways)["kind"] == "copy-move" and np.array_equal(stored(manifest, sideways), region())
    assert len(left := catalog.left_out(manifest)) == 2 and left["file"].str.contains("00751").all()  # image and mask

    assert len(catalog.read("casia2", root)) == 4  # its own folder, though one in it has the set's name too
    mask(tmp_path / "CASIA2" / "Corrected" / "Tp_S_NNN_S_N_sec00074_sec00074_00751_gt.png")
    assert len(read("casia2", tmp_path)) == 5


# ---- Columbia, COVERAGE ----------------------------------------------------------------------------------------------


def test_columbia(tmp_path):
    photo(tmp_path / "4cam_auth" / "canong3_02_sub_01.tif")
    photo(tmp_path / "4cam_splc" / "canong3_canonxt_sub_05.tif")
    colours = np.zeros((24, 36, 3), np.uint8)
    colours[..., 0] = 200  # regular red everywhere, then both greens, and bright red at the seam
    colours[8:16, 8:24] = (0, 200, 0)
    colours[8:16, 16:24] = (0, 255, 0)
    colours[:, 24:32] = (255, 0, 0)
    edges = tmp_path / "4cam_splc" / "edgemask"
    edges.mkdir()
    Image.fromarray(colours).save(edges / "canong3_canonxt_sub_05_edgemask.jpg", quality=90, subsampling=0)
    Image.fromarray(255 - colours).save(edges / "canong3_canonxt_sub_05_edgemask_3.jpg")
    manifest = read("columbia", tmp_path)
    assert manifest["kind"].tolist() == ["authentic", "splicing"]
    assert np.array_equal(stored(manifest, "canong3_canonxt_sub_05.tif"), region(box=(8, 16, 8, 24)))
    assert row(manifest, "canong3_canonxt_sub_05.tif")["split"] == published("columbia")["canong3_canonxt_sub_05"]


def test_columbia_green_is_the_nearest_colour(tmp_path):
    colours = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    Image.fromarray(colours).save(tmp_path / "mask.png")
    four = np.array([(255, 0, 0), (200, 0, 0), (0, 255, 0), (0, 200, 0)])
    nearest = ((colours[:, :, None].astype(int) - four) ** 2).sum(-1).argmin(-1)
    differ = colours[..., 0] != colours[..., 1]
    assert np.array_equal(columbia.green_is_tampered(tmp_path / "mask.png", None)[differ], (nearest >= 2)[differ])


def test_coverage(tmp_path):
    for number in (1, 2, 41):
        photo(tmp_path / "image" / f"{number}.tif", seed=number)
        photo(tmp_path / "image" / f"{number}t.tif", seed=number + 200)
        mask(tmp_path / "mask" / f"{number}forged.tif")
        for other in ("copy", "paste"):
            mask(tmp_path / "mask" / f"{number}{other}.tif", invert=True)
    manifest = read("coverage", tmp_path)
    assert len(manifest) == 6 and manifest["kind"].value_counts().to_dict() == {"authentic": 3, "copy-move": 3}
    assert np.array_equal(stored(manifest, "1t.tif"), region())
    assert len(catalog.left_out(manifest)) == 6  # copy and paste

    mask(tmp_path / "mask" / "2forged.tif", region(25, 36))  # not one of the nine that are known
    with pytest.raises(CatalogError, match="2forged.tif: a mask of 36x25 pixels; expected 36x24"):
        catalog.read("coverage", tmp_path)


# ---- NIST16 ----------------------------------------------------------------------------------------------------------


def nist16_official(root):
    lines = []
    for number, kind in ((1, "Removal"), (2, "Splice"), (3, "CopyClone")):
        probe = f"probe/NC2016_{number:04}.jpg"
        target = f"reference/manipulation/mask/NC2016_{number:04}_x.png"
        photo(root / probe, seed=number)
        mask(root / target, invert=True)
        types = {f"IsManipulationType{k}": "NY"[k == kind] for k in ("Removal", "Splice", "CopyClone")}
        lines.append({"ProbeFileName": probe, "ProbeMaskFileName": target, "IsTarget": "Y", **types})
    photo(root / "world" / "NC2016_0009.jpg")
    lines.append(
        {"ProbeFileName": "probe/NC2016_0009.jpg", "ProbeMaskFileName": "", "IsTarget": "N", **dict.fromkeys(types, "")}
    )
    pd.DataFrame(lines).to_csv(root / "reference/manipulation/NC2016-manipulation-ref.csv", sep="|", index=False)
    return root


def test_nist16_official(tmp_path):
    nist16_official(tmp_path / "NC2016_Test0613")
    manifest = read("nist16", tmp_path)
    assert manifest["kind"].tolist() == ["removal", "splicing", "copy-move"]
    for name in ("NC2016_0001.jpg", "NC2016_0002.jpg"):
        assert np.array_equal(stored(manifest, name), region())  # black was tampered
    (tmp_path / "NC2016_Test0613").rename(tmp_path / "renamed")
    assert len(catalog.read("nist16", tmp_path)) == len(catalog.read("nist16", tmp_path / "renamed")) == 3
    (tmp_path / "renamed/probe/NC2016_0002.jpg").unlink()
    with pytest.raises(CatalogError, match="NC2016_0002.jpg: is missing"):
        catalog.read("nist16", tmp_path)


def test_nist16_copy_keeps_near_duplicates_together(tmp_path):
    base = np.kron(np.random.default_rng(0).integers(0, 256, (8, 8, 3)), np.ones((8, 8, 1))).astype(np.uint8)
    (tmp_path / "Tp").mkdir()
    for number in range(6):
        picture = base.copy() if number < 3 else np.roll(base, 20 * number, (0, 1))
        picture[:16, : 8 * number] = 255 - picture[:16, : 8 * number]
        Image.fromarray(picture).save(tmp_path / "Tp" / f"NC2016_000{number}.jpg")
        mask(tmp_path / "Gt" / f"NC2016_000{number}_mask.jpg", region(64, 64, (8, 24, 8, 40)))
    manifest = read("nist16", tmp_path)
    assert manifest["kind"].eq("tampered").all()
    assert manifest["scene"].tolist() == ["NC2016_0000"] * 3 + ["NC2016_0003", "NC2016_0004", "NC2016_0005"]
    assert np.array_equal(stored(manifest, "NC2016_0001.jpg"), region(64, 64, (8, 24, 8, 40)))
    with pytest.raises(ValueError, match="split must be"):
        catalog.read("nist16", tmp_path, split="radom")
    (tmp_path / "Tp" / "NC2016_0005.jpg").write_bytes(b"")  # cannot be compared with others, and is reported
    with pytest.raises(CatalogError, match="NC2016_0005.jpg: the file is empty"):
        catalog.read("nist16", tmp_path)


def test_nist16_on_real_files(real_data):
    manifest = read("nist16", real_data, decode=False)
    assert len(manifest) == 383 and manifest["scene"].nunique() == 68
    assert set(manifest["scene"]) == set(published("nist16_groups").values())
    assert manifest["split"].value_counts(normalize=True)["train"] == pytest.approx(0.6, abs=0.1)
    drawn = catalog.read("nist16", real_data, split="random")
    named = catalog.read("nist16-random", real_data)
    assert set(named["dataset"]) == {"nist16-random"} and named["split"].tolist() == drawn["split"].tolist()
    assert drawn["split"].value_counts().to_dict() == {"train": 247, "test": 109, "val": 27}
    assert drawn.groupby("scene")["split"].nunique().max() > 1  # what the random split of the papers leaks
    assert set(catalog.read("nist16", real_data, split="published")["split"]) == {"train", "val"}


def test_the_random_split_has_the_papers_numbers():
    drawn = by_count([f"NC2016_{i:04}" for i in range(564)], "nist16", {"train": 364, "val": 40, "test": 160})
    assert pd.Series(drawn).value_counts().to_dict() == {"train": 364, "test": 160, "val": 40}


# ---- DEFACTO, IMD2020 ------------------------------------------------------------------------------------------------


def test_defacto(tmp_path):
    places = {
        "copymove_img/img": "copymove_annotations/probe_mask",
        "inpainting_img/img": "inpainting_annotations/probe_mask",
        "Splicing-images-2/img": "Splicing-annotations-2/probe_mask",
        "splicing_3_img/img": "splicing_3_annotations/probe_mask",
    }
    for images, masks in places.items():
        photo(tmp_path / images / "0_000000000071.tif", 40, 48)
        mask(tmp_path / masks / "0_000000000071.jpg", region(40, 48, (8, 16, 8, 24)))
        mask(tmp_path / masks.replace("probe", "donor") / "0_000000000071.tif", region(40, 48, (0, 8, 0, 8)))
    photo(tmp_path / "test2014" / "COCO_test2014_000000000071.jpg")
    photo(tmp_path / "test2014" / "COCO_test2014_000000000099.jpg")
    manifest = read_twice_named(tmp_path)
    assert manifest["kind"].value_counts().to_dict() == {"splicing": 2, "authentic": 2, "copy-move": 1, "removal": 1}
    assert manifest.loc[manifest["scene"] == "000000000071", "split"].nunique() == 1
    for name in manifest.loc[manifest["label"] == 1, "mask"]:
        assert np.array_equal(np.asarray(Image.open(name)) // 255, region(40, 48, (8, 16, 8, 24)))
    assert len(catalog.read("defacto", tmp_path, limit=1)) == 4


def read_twice_named(root):
    """DEFACTO's parts use the same file names, so rows are told apart by their folders only."""
    manifest = catalog.read("defacto", root)
    assert manifest["mask"][manifest["label"] == 1].is_unique and manifest["image"].is_unique
    return manifest


def test_imd2020(tmp_path):
    photo(tmp_path / "1a1ogs" / "1a1ogs_orig.jpg")
    photo(tmp_path / "1a1ogs" / "c8tf5mq_0.png")
    faint = mask(tmp_path / "1a1ogs" / "c8tf5mq_0_mask.png")
    Image.fromarray(region() * np.uint8(7)).save(faint)  # any value above 0 counts
    photo(tmp_path / "z14" / "00030_fake.jpg")
    mask(tmp_path / "z14" / "00030_fake_mask.png", region(30, 36))
    photo(tmp_path / "z28" / "00065_fake.jpg")
    mask(tmp_path / "z28" / "00065_fake_mask.png")
    manifest = read("imd2020", tmp_path)
    assert manifest["kind"].tolist() == ["authentic", "tampered", "tampered"]
    assert np.array_equal(stored(manifest, "c8tf5mq_0.png"), region())
    assert "00030_fake" in manifest.attrs["excluded"][0][0]
    mask(tmp_path / "z14" / "00030_fake_mask.png")
    assert len(read("imd2020", tmp_path)) == 4


# ---- GIER, MagicBrush ------------------------------------------------------------------------------------------------


def lengths(values):
    """COCO run lengths of a mask, as numbers, by a plain loop down the columns."""
    runs, value, count = [], 0, 0
    for pixel in values.T.ravel():
        if pixel != value:
            runs.append(count)
            value, count = pixel, 0
        count += 1
    return [*runs, count]


def text(counts):
    """The text form of run lengths, as COCO's own encoder writes it."""
    out = ""
    for i, number in enumerate(counts):
        x, more = number - counts[i - 2] if i > 2 else number, True
        while more:
            group = x & 31
            x >>= 5
            more = x != (-1 if group & 16 else 0)
            out += chr((group | 32 if more else group) + 48)
    return out


def test_run_lengths():
    assert text([6, 1, 40, 4, 5, 4, 5, 4, 21]) == "61X13mN000`0"  # the example in COCO's own description
    for seed in range(20):
        generator = np.random.default_rng(seed)
        values = (generator.random((generator.integers(1, 90), 40)) < generator.random()).astype(np.uint8)
        counts = lengths(values)
        for form in (counts, text(counts)):
            assert np.array_equal(gier.run_lengths({"size": list(values.shape), "counts": form}), values)


def test_gier(tmp_path):
    local, whole = {"local": True, "ids": [0, 2]}, {"local": False, "ids": []}
    pairs = [
        ("a", "b", 24, {"tint": local}),
        ("c", "d", 48, {"tint": local}),
        ("e", "f", 24, {"tint": local, "hue": whole}),
    ]
    pairs += [("g", "h", 20, {"crop": local})] + [(f"x{i}", f"y{i}", 24, {"hue": whole}) for i in range(6)]
    parts = [region(), region(box=(0, 2, 0, 2)), region(box=(12, 20, 25, 30))]
    entries = []
    for source, target, height, operators in pairs:
        photo(tmp_path / "images" / f"{source}_{source}.jpg")
        photo(tmp_path / "images" / f"{source}_{target}.jpg", height, height * 36 // 24)
        path = tmp_path / "masks" / f"{source}_{source}_mask.json"
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps([{"size": [24, 36], "counts": text(lengths(part))} for part in parts]))
        entries.append({"input": f"{source}_{source}.jpg", "output": f"{source}_{target}.jpg", "operator": operators})
    (tmp_path / "GIER.json").write_text(json.dumps(entries))
    manifest = read("gier", tmp_path)
    both = parts[0] | parts[2]
    assert np.array_equal(stored(manifest, "a_b.jpg"), both)
    assert np.array_equal(stored(manifest, "c_d.jpg"), np.kron(both, np.ones((2, 2), np.uint8)))
    assert "resized" in row(manifest, "c_d.jpg")["note"]
    assert row(manifest, "e_f.jpg")["mask"] == "" and "no mask" in row(manifest, "e_f.jpg")["note"]
    assert "g_h.jpg" in manifest.attrs["excluded"][0][0]
    assert gier.official(6179).count("train") == 4943 and gier.official(6179).count("val") == 618

    (tmp_path / "masks" / "a_a_mask.json").write_text("[")
    (tmp_path / "masks" / "c_c_mask.json").write_text(json.dumps([{"size": [24, 36], "counts": [5]}] * 3))
    with pytest.raises(CatalogError) as caught:
        catalog.read("gier", tmp_path)
    assert "a_a_mask.json" in str(caught.value) and "c_c_mask.json" in str(caught.value)


def test_magicbrush(tmp_path):
    folder = tmp_path / "MagicBrush" / "dev" / "images" / "327807"
    first, second = region(), region(box=(12, 20, 25, 30))
    for seed, name in enumerate(("input", "output1", "output2")):
        photo(folder / f"327807-{name}.png", seed=seed)
    before = np.asarray(Image.open(folder / "327807-input.png")).copy()
    clear = np.dstack([before, 255 * (1 - first)]).astype(np.uint8)
    Image.fromarray(clear).save(folder / "327807-mask1.png")  # a transparent region
    before = np.asarray(Image.open(folder / "327807-output1.png")).copy()
    before[second == 1] = 255  # a white region
    Image.fromarray(before).save(folder / "327807-mask2.png")
    manifest = read("magicbrush", tmp_path)
    assert manifest["kind"].tolist() == ["authentic", "edit", "edit"] and set(manifest["split"]) == {"val"}
    assert np.array_equal(stored(manifest, "327807-output1.png"), first)
    assert np.array_equal(stored(manifest, "327807-output2.png"), first | second)
    assert row(manifest, "327807-output2.png")["generator"] == "dalle2"
    (folder / "327807-mask1.png").unlink()
    with pytest.raises(CatalogError, match="327807-mask1.png: is missing"):
        catalog.read("magicbrush", folder.parents[1])


# ---- Dolos, ArtiFact, CIFAKE -----------------------------------------------------------------------------------------


def test_dolos(tmp_path):
    root = tmp_path / "dolos" / "data"
    for split in ("train", "valid", "test"):
        photo(root / "celebahq/real" / split / f"{split}1.png")
        photo(root / "celebahq/fake/p2" / split / f"{split}1.png")
        photo(root / "celebahq/fake/lama/images" / split / f"{split}1.png")
        mask(root / "celebahq/fake/lama/masks" / split / f"{split}1.png", mode="RGB", invert=True)
    photo(root / "ffhq/real/train/1.png")
    manifest = catalog.read("dolos", tmp_path)
    assert manifest["kind"].value_counts().to_dict() == {"authentic": 4, "generated": 3, "edit": 3}
    assert (manifest.groupby("scene")["split"].nunique() == 1).all() and set(manifest["split"]) == {
        "train",
        "val",
        "test",
    }
    assert np.bincount(three_classes(manifest)).tolist() == [4, 3, 3]
    edits = manifest[manifest["kind"] == "edit"]
    assert edits["generator"].eq("lama").all() and manifest["mask"].ne("").sum() == 3
    for name in edits["mask"]:
        assert np.array_equal(np.asarray(Image.open(name)) // 255, region())  # 0 was fake
    assert catalog.read("dolos", root)["image"].equals(manifest["image"])  # its own folder, or one above
    lama = catalog.read("dolos-lama", tmp_path)
    assert lama["kind"].value_counts().to_dict() == {"authentic": 4, "edit": 3} and set(lama["dataset"]) == {
        "dolos-lama"
    }
    both = data.load("dolos-lama+dolos-p2", str(tmp_path))
    assert sorted(both["image"]) == sorted(manifest["image"])  # authentic images that both have are there once
    with pytest.raises(catalog.CatalogError, match="of the generator 'ldm'. Found: lama, p2"):
        catalog.read("dolos-ldm", tmp_path)
    photo(root / "celebahq/real/test/test2.png")
    assert len(catalog.read("dolos", tmp_path)) == 11 and len(catalog.read("dolos", tmp_path, limit=1)) == 10


def test_artifact(tmp_path):
    for folder, target in (("coco", 0), ("stable_diffusion", 6), ("generative_inpainting", 3)):
        names = [f"{folder}-{i}/img{i}.jpg" for i in range(4)]
        for name in names:
            photo(tmp_path / folder / name)
        table = {"filename": names, "image_path": names, "target": target, "category": "x"}
        pd.DataFrame(table).to_csv(tmp_path / folder / "metadata.csv", index=False)
    manifest = read("artifact", tmp_path)
    assert manifest["kind"].value_counts().to_dict() == {"authentic": 4, "edit": 4, "generated": 4}
    assert manifest.groupby("kind")["generator"].first().to_dict() == {
        "authentic": "",
        "edit": "generative_inpainting",
        "generated": "stable_diffusion",
    }
    inpainted = manifest["generator"] == "generative_inpainting"
    assert manifest.loc[inpainted, "note"].str.contains("no mask").all() and manifest["mask"].eq("").all()
    assert (three_classes(manifest)[inpainted] == PARTLY).all()
    assert read("artifact", tmp_path, limit=2)["kind"].value_counts().to_dict() == {
        "authentic": 2,
        "edit": 2,
        "generated": 2,
    }
    (tmp_path / "coco/coco-0/img0.jpg").unlink()
    with pytest.raises(CatalogError, match="img0.jpg: there is no such file"):
        catalog.read("artifact", tmp_path)


@pytest.mark.parametrize("folder", ["generative_inpainting", "lama", "mat", "palette", "star_gan", "cycle_gan"])
def test_artifacts_inpainters_are_partly_fake(tmp_path, folder):
    photo(tmp_path / folder / "a.jpg")
    pd.DataFrame({"image_path": ["a.jpg"], "target": [1]}).to_csv(tmp_path / folder / "metadata.csv", index=False)
    expected = FULLY if folder.endswith("_gan") else PARTLY
    assert three_classes(read("artifact", tmp_path)).tolist() == [expected]


def test_cifake(tmp_path):
    for part in ("train", "test"):
        for folder in ("REAL", "FAKE"):
            photo(tmp_path / part / folder / "0000 (2).jpg", 32, 32)
    manifest = read("cifake", tmp_path)
    assert manifest["kind"].value_counts().to_dict() == {"authentic": 2, "generated": 2}
    assert (manifest["split"] == "test").sum() == 2


def test_cifake_on_real_files(real_data):
    manifest = catalog.read("cifake", real_data)
    assert manifest["label"].value_counts().to_dict() == {0: 3000, 1: 3000}
    assert np.bincount(three_classes(manifest)).tolist() == [3000, 0, 3000]
    assert manifest["split"].value_counts(normalize=True).round(1).to_dict() == {"train": 0.6, "test": 0.3, "val": 0.1}


# ---- a plain folder --------------------------------------------------------------------------------------------------


def test_folder_without_a_list(tmp_path):
    for name in ("a.jpg", "b.png", "in/c.tif", "d.webp"):
        photo(tmp_path / "images" / name)
    mask(tmp_path / "masks" / "a_gt.png")
    mask(tmp_path / "masks" / "in" / "c.bmp")
    mask(tmp_path / "masks" / "d.png", np.zeros((24, 36), np.uint8))  # all black: authentic
    manifest = read("folder", tmp_path)
    assert dict(zip(manifest["scene"], manifest["kind"])) == {
        "a": "tampered",
        "b": "authentic",
        "d": "authentic",
        "in/c": "tampered",
    }
    mask(tmp_path / "masks" / "b2.png")
    with pytest.raises(CatalogError, match="b2.png: no image of its name"):
        catalog.read("folder", tmp_path)


def test_folder_with_a_list(tmp_path):
    for name in ("a.jpg", "b.jpg", "c.jpg", "left_out.jpg"):
        photo(tmp_path / "images" / name)
    mask(tmp_path / "masks" / "odd name.png")
    lines = ["image,mask,label,kind,scene,split", "a.jpg,odd name.png,1,removal,s,test"]
    (tmp_path / "images.csv").write_text("\n".join([*lines, "b.jpg,,0,,s,test", "c.jpg,,1,generated,t,train"]))
    manifest = read("folder", tmp_path)
    assert manifest["kind"].tolist() == ["removal", "authentic", "generated"]
    assert manifest["scene"].tolist() == ["s", "s", "t"]

    bad = ["a.jpg,,1,,s,test", "b.jpg,,0,splicing,s,test", "c.jpg,,,wrong,t,train", "gone.jpg,,,,,"]
    (tmp_path / "images.csv").write_text("\n".join([lines[0], *bad]))
    with pytest.raises(CatalogError) as caught:
        catalog.read("folder", tmp_path)
    for words in ("a.jpg: no mask", "label 0 and kind splicing", "kind 'wrong'", "names gone.jpg"):
        assert words in str(caught.value)


# ---- what readers stand on -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dataset", sorted(catalog.DATASETS))
def test_every_reader_refuses_a_wrong_folder_and_draws_its_tree(dataset, tmp_path):
    assert "/" in catalog.DATASETS[dataset].__doc__
    photo(tmp_path / "holiday" / "beach.jpg")
    for root in (tmp_path, tmp_path / "holiday"):
        with pytest.raises(CatalogError, match=dataset) as caught:
            catalog.read(dataset, root)
        assert str(root) in str(caught.value) and "expected" in str(caught.value)


def test_published_lists_are_what_the_seed_gives():
    for name, counts in (("coverage", (67, 8, 25)), ("columbia", (117, 13, 50))):
        names = published(name)
        assert names == by_count(names, name, dict(zip(("train", "val", "test"), counts)))


def test_hashed_splits():
    splits = pd.Series([by_hash(str(i), "salt") for i in range(20000)]).value_counts(normalize=True)
    assert splits["train"] == pytest.approx(0.6, abs=0.01) and splits["val"] == pytest.approx(0.1, abs=0.01)
    assert by_hash("nat0089", "casia1") == "train"  # the same on every machine, today and later
    assert {by_hash("x", str(salt)) for salt in range(50)} == {"train", "val", "test"}


def test_near_duplicates_are_transitive_and_named_by_the_first():
    base = np.random.default_rng(0).choice([20, 230], (256, 3)).astype(np.float32)
    near, nearer, other = base.copy(), base.copy(), 255 - base
    near[:100] += 60
    nearer[:100] += 60
    nearer[100:160] -= 60  # agrees with `near` in 196 cells, with `base` in 96: fewer than half
    apart = base.copy()
    apart[:130] = 255 - apart[:130]  # agrees with `base` in 126 cells of 256: just fewer than half
    apart[130:140] -= 10  # differences below the tolerance count for nothing
    assert name_groups(["b", "c", "a", "d"], [base, near, nearer, other]) == {"a": "a", "b": "a", "c": "a", "d": "d"}
    assert name_groups(["x", "y"], [base, apart]) == {"x": "x", "y": "y"}
    assert name_groups([], []) == {}


def test_linked_names():
    assert linked([["d", "c"], ["a"], ["c", "b"], ["e", "f"], ["f", "g"]]) == {
        **dict.fromkeys("bcd", "b"),
        "a": "a",
        **dict.fromkeys("efg", "e"),
    }
