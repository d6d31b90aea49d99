"""The checks find every defect planted in a broken copy of real images, and none in the copy before it was broken."""

import re
import shutil

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from imdlib.checks import facts, findings, gallery, polarity, resemblance, shortcuts
from imdlib.data.catalog import CatalogError
from imdlib.data.images import load_mask
from imdlib.data.splits import by_hash
from tests.data.disk import photo


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("IMDLIB_CACHE", str(tmp_path_factory.mktemp("cache")))


def examine(root, dataset="casia1", **options):
    """All checks of a data set as data.ipynb makes them."""
    manifest = findings.load(dataset, str(root))
    seen = facts.measure(manifest, progress=False)
    pairs = resemblance.neighbours(seen)
    result = {
        "facts": seen,
        "wrong": findings.defects(manifest, seen, **options),
        "pairs": resemblance.leaks(manifest, pairs),
        "masks": resemblance.changed_masks(manifest, seen, pairs),
        "form": shortcuts.predictors(seen, manifest["label"], manifest["scene"]),
    }
    found = findings.findings(dataset, manifest, **result)
    return {
        **result,
        "manifest": manifest,
        "found": found,
        "verdict": findings.verdict(found, manifest, result["wrong"]),
    }


@pytest.fixture
def copied(real_data, tmp_path):
    """(folder, names) of twelve forgeries of CASIA v1 of one size, with their originals."""
    root, names, scenes = real_data / "CASIA1", [], set()
    for image in sorted((root / "Tp").glob("Sp_S_*.jpg")):
        scene = re.search(r"_([a-z]{3})(\d{4})_\d+$", image.stem)
        original = root / "Au" / f"Au_{scene[1]}_{scene[2]}.jpg"
        if scene[0][:8] in scenes or not original.exists() or Image.open(image).size != (384, 256):
            continue
        scenes.add(scene[0][:8])
        names.append(image.stem)
        for file in (image, original, root / "Gt" / f"{image.stem}_gt.png"):
            (tmp_path / file.parent.name).mkdir(exist_ok=True)
            shutil.copy(file, tmp_path / file.parent.name / file.name)
        if len(names) == 12:
            return tmp_path, names


def original(root, name):
    """The original of a copied forgery."""
    category, number = re.search(r"_([a-z]{3})(\d{4})_\d+$", name).groups()
    return root / "Au" / f"Au_{category}_{number}.jpg"


def apart(root, names):
    """Two forgeries whose masks do not overlap."""
    masks = {name: load_mask(root / "Gt" / f"{name}_gt.png") for name in names}
    return next((a, b) for a in names for b in names if a < b and not (masks[a] & masks[b]).any())


def break_it(root, names):
    """Plant one defect of each kind; {defect: name of the forgery, or the names of both images concerned}."""
    one, other = apart(root, names)
    rest = iter(name for name in names if name not in (one, other))
    gt = {name: root / "Gt" / f"{name}_gt.png" for name in names}
    planted = {"swapped": (one, other), **{defect: next(rest) for defect in ("inverted", "resized", "missing")}}
    first = gt[one].read_bytes()
    gt[one].write_bytes(gt[other].read_bytes())
    gt[other].write_bytes(first)
    inverted = load_mask(gt[planted["inverted"]]) ^ 1
    Image.fromarray(inverted * np.uint8(255)).save(gt[planted["inverted"]])
    Image.fromarray(load_mask(gt[planted["resized"]]) * np.uint8(255)).resize((192, 128)).save(gt[planted["resized"]])
    gt[planted["missing"]].unlink()
    broken = original(root, next(rest))
    broken.write_bytes(broken.read_bytes()[: broken.stat().st_size // 2])
    source = original(root, next(rest))
    side = by_hash("".join(source.stem.split("_")[1:]), "casia1")
    number = next(n for n in range(9000, 9999) if by_hash(f"nat{n}", "casia1") != side)
    shutil.copy(source, root / "Au" / f"Au_nat_{number}.jpg")
    return planted | {"truncated": broken.name, "duplicated": (source.name, f"Au_nat_{number}.jpg")}


def test_a_clean_copy_has_no_defects(copied):
    root, names = copied
    result = examine(root)
    assert len(result["manifest"]) == 24 and result["wrong"].empty and result["pairs"].empty
    assert len(result["masks"]) == 12 and set(result["masks"]["reading"]) == {"fits"}
    assert result["verdict"].startswith("**Ready.**")
    findings.refuse("casia1", result["wrong"])


def test_every_planted_defect_is_found(copied):
    root, names = copied
    planted = break_it(root, names)
    result = examine(root)
    wrong = result["wrong"].assign(name=result["wrong"]["file"].map(findings.short)).set_index("name")["problem"]
    masks = result["masks"].assign(**{c: result["masks"][c].map(findings.short) for c in ("image", "fits")})
    masks = masks.set_index("image")
    said = {name: [text for file, text in wrong.items() if name in file] for name in names}

    assert "is tampered" in said[planted["inverted"]][0]
    assert masks.loc[planted["inverted"] + ".jpg", "reading"] == "inverted"
    assert "a mask of 192x128 pixels" in said[planted["resized"]][0]
    assert said[planted["missing"]] == ["no mask"]
    one, other = (name + ".jpg" for name in planted["swapped"])
    assert masks.loc[one, ["reading", "fits"]].tolist() == ["belongs elsewhere", other]
    assert masks.loc[other, ["reading", "fits"]].tolist() == ["belongs elsewhere", one]
    assert "truncated" in wrong[planted["truncated"]]
    pairs = [{findings.short(r.image), findings.short(r.other)} for r in result["pairs"].itertuples()]
    assert set(planted["duplicated"]) in pairs and result["pairs"]["agreement"].max() == 1

    assert len(wrong) == 4  # and nothing else is called a defect: inverted, resized, missing, truncated
    assert (masks["reading"] != "fits").sum() == 3
    assert result["verdict"].startswith("**Not usable**")
    with pytest.raises(CatalogError, match="4 problems"):
        findings.refuse("casia1", result["wrong"])
    accepted = examine(root, large_masks=True)["wrong"]
    assert len(accepted) == 3 and not accepted["file"].str.contains(planted["inverted"]).any()


def test_a_set_that_is_not_there_gets_a_verdict_and_not_a_traceback(tmp_path):
    for result in (examine(tmp_path / "nowhere"), examine(tmp_path), examine("")):
        assert result["verdict"].startswith("**Not usable**") and len(result["wrong"]) == 1
        assert result["manifest"].empty and result["masks"].empty and result["pairs"].empty


def labels_only(root, real="jpg", fake="png"):
    """A set of whole-image labels, whose classes may have different formats."""
    for i in range(20):
        photo(root / "REAL" / f"{i}.{real}", seed=i)
        photo(root / "FAKE" / f"{i}.{fake}", seed=100 + i)
    return root


def test_labels_without_masks_and_a_format_that_gives_them_away(tmp_path):
    result = examine(labels_only(tmp_path / "a"), "cifake")
    assert result["wrong"].empty and result["masks"].empty
    form = result["form"].set_index("predictor")
    assert form.loc["file format", "auc"] == 1 and form.loc["file format", "accuracy"] == 1
    states = result["found"].set_index("check")["state"]
    assert states["label from the files' form"] == "reservation" and states["images"] == "partial"
    alike = examine(labels_only(tmp_path / "b", fake="jpg"), "cifake")
    assert set(alike["form"]["predictor"]) == {"bytes per pixel"}
    assert alike["found"].set_index("check").loc["label from the files' form", "state"] == "ok"
    assert len(gallery.gallery(result["manifest"], 6).axes) == 8
    assert gallery.pick(result["manifest"], 6)["kind"].value_counts().tolist() == [3, 3]


def test_neighbours_agree_with_a_naive_loop():
    rng = np.random.default_rng(0)
    base = rng.integers(0, 256, (4, 64, 64, 3)).astype(np.float64)
    blocks = base.reshape(4, 16, 4, 16, 4, 3).mean((2, 4)).repeat(4, 1).repeat(4, 2) * 3 - 256
    pictures = [blocks[k % 4] + rng.normal(0, 8 * (k // 4), (64, 64, 3)).round() for k in range(12)]
    pictures = [np.clip(p, 0, 255).astype(np.uint8) for p in pictures]
    pictures[3][:40] = rng.integers(0, 256, (40, 64, 3))
    seen = pd.DataFrame({"picture": pictures + [None]})
    cells = [p.reshape(16, 4, 16, 4, 3).astype(float).mean((1, 3)) for p in pictures]
    naive = {
        (i, j)
        for i in range(12)
        for j in range(i + 1, 12)
        if np.mean([np.abs(cells[i][y, x] - cells[j][y, x]).max() < 16 for y in range(16) for x in range(16)]) >= 0.5
    }
    found = resemblance.neighbours(seen)
    assert naive and set(zip(found["first"], found["second"])) == naive and len(naive) < 66
    assert resemblance.neighbours(seen.iloc[[12]]).empty and resemblance.neighbours(seen.iloc[:0]).empty
    assert len(resemblance.neighbours(seen, most=2)) <= 1


def test_leaks_are_only_between_splits():
    manifest = pd.DataFrame(
        {"image": list("abc"), "split": ["train", "train", "test"], "label": [0, 1, 1], "dataset": "x"}
    )
    pairs = pd.DataFrame({"first": [0, 1], "second": [1, 2], "agreement": [1.0, 0.6]})
    found = resemblance.leaks(manifest, pairs)
    assert found[["image", "other"]].to_numpy().tolist() == [["b", "c"]] and resemblance.leaked(found) == 1


def test_state_of_the_counts():
    def images(authentic, tampered):
        return pd.DataFrame({"label": [0] * authentic + [1] * tampered})

    assert findings.counts(images(100, 100), "coverage")["state"].tolist() == ["ok", "ok"]
    assert findings.counts(images(99, 101), "coverage")["state"].tolist() == ["partial", "reservation"]
    assert findings.counts(images(1, 1), "folder")["state"].tolist() == ["not checked", "not checked"]


def test_overlaps_between_two_sets_are_found(copied):
    """The same photographs in two sets are pairs whatever their splits."""
    root, names = copied
    (root / "mine" / "images").mkdir(parents=True)
    taken = sorted((root / "Au").iterdir())[:3]
    for file in taken:
        shutil.copy(file, root / "mine" / "images" / f"my {file.name}")
    result = examine(root, "casia1+folder:mine")
    between = result["pairs"][result["pairs"]["dataset"] != result["pairs"]["other_dataset"]]
    assert {name.removeprefix("my ") for name in between["other"].map(findings.short)} == {file.name for file in taken}
    said = result["found"].set_index("check").loc["near-duplicates across splits and sets"]
    assert said["state"] == "reservation" and f"{len(between)} of them between data sets" in said["found"]
    assert result["wrong"].empty and len(result["manifest"]) == 27


def test_polarity_of_a_whole_set():
    def facts_of(frames):
        return pd.DataFrame({"frame": frames})

    none, inverted = pd.DataFrame({"reading": []}), pd.DataFrame({"reading": ["inverted"] * 3 + ["fits"]})
    assert polarity.polarity(facts_of([]), none) == ("not checked", "no masks")
    assert polarity.polarity(facts_of([0.0] * 99 + [1.0, np.nan]), none)[0] == "ok"
    assert polarity.polarity(facts_of([0.9] * 12 + [0.2] * 8), none)[0] == "reservation"
    assert polarity.polarity(facts_of([0.0] * 20), inverted)[0] == "reservation"
    frame = np.zeros((4, 5), np.uint8)
    frame[0], frame[1:3, 1:4] = 1, 1  # 5 of 14 outermost pixels
    assert polarity.frame_share(frame) == pytest.approx(5 / 14)


def test_what_is_left_out_is_said(copied):
    root, names = copied
    (root / "readme.txt").write_text("mine")
    state = examine(root)["found"].set_index("check").loc["every file accounted for"]
    assert state["state"] == "ok" and state["found"] == "1 files or folders left out"
    shutil.copy(root / "Tp" / f"{names[0]}.jpg", root / "Tp" / "holiday.jpg")
    state = examine(root)["found"].set_index("check").loc["every file accounted for"]
    assert state["state"] == "reservation" and "1 of them images of no known name or place" in state["found"]
