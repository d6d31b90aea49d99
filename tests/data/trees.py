"""A small sound tree of each data set's official shape: {data set: function that writes it below a folder}."""

import json
import shutil

import numpy as np
import pandas as pd
from PIL import Image

from tests.data.disk import mask, photo, region


def casia1(root):
    for number in (1, 2):
        photo(root / "Au" / f"Au_nat_000{number}.jpg", seed=number)
        photo(root / "Tp" / f"Sp_S_NNN_A_nat000{number}_nat000{number}_009{number}.jpg", seed=10 + number)
        mask(root / "Gt" / f"Sp_S_NNN_A_nat000{number}_nat000{number}_009{number}_gt.png")


def casia2(root):
    for number in (1, 2):
        photo(root / "Au" / f"Au_nat_0000{number}.jpg", seed=number)
        photo(root / "Tp" / f"Tp_S_NNN_S_N_nat0000{number}_nat0000{number}_0009{number}.tif", seed=10 + number)
        mask(root / "Gt" / f"Tp_S_NNN_S_N_nat0000{number}_nat0000{number}_0009{number}_gt.png")


def columbia(root):
    colours = np.zeros((24, 36, 3), np.uint8)
    colours[..., 0], colours[region() == 1] = 200, (0, 200, 0)
    for number in (1, 2):
        photo(root / "4cam_auth" / f"canong3_02_sub_0{number}.tif", seed=number)
        photo(root / "4cam_splc" / f"canong3_nikond70_sub_0{number}.tif", seed=10 + number)
        edges = root / "4cam_splc" / "edgemask" / f"canong3_nikond70_sub_0{number}_edgemask.png"
        edges.parent.mkdir(exist_ok=True)
        Image.fromarray(colours).save(edges)


def coverage(root):
    for number in (1, 2):
        photo(root / "image" / f"{number}.tif", seed=number)
        photo(root / "image" / f"{number}t.tif", seed=10 + number)
        for name in ("forged", "copy", "paste"):
            mask(root / "mask" / f"{number}{name}.tif")


def nist16(root):
    for number in (1, 2):
        photo(root / "Tp" / f"NC2016_000{number}.jpg", seed=number)
        mask(root / "Gt" / f"NC2016_000{number}_mask.png")


def nist16_official(root):
    lines = []
    for number in (1, 2):
        image, target = f"probe/NC2016_000{number}.jpg", f"reference/manipulation/mask/{number}.png"
        photo(root / image, seed=number)
        mask(root / target, invert=True)
        lines.append({"ProbeFileName": image, "ProbeMaskFileName": target, "IsTarget": "Y"})
    photo(root / "world" / "NC2016_0009.jpg")
    pd.DataFrame(lines).to_csv(root / "reference/manipulation/NC2016-manipulation-ref.csv", sep="|", index=False)


def defacto(root):
    for kind in ("copymove", "splicing_1"):
        for number in (1, 2):
            photo(root / f"{kind}_img" / "img" / f"0_00000000000{number}.tif", seed=number)
            for part in ("probe_mask", "donor_mask"):
                mask(root / f"{kind}_annotations" / part / f"0_00000000000{number}.png")
    photo(root / "test2014" / "COCO_test2014_000000000009.jpg")


def imd2020(root):
    for name in ("1a1ogs", "1b2b2b"):
        photo(root / name / f"{name}_orig.jpg")
        photo(root / name / f"c{name}_0.png")
        mask(root / name / f"c{name}_0_mask.png")


def gier(root):
    local, entries = {"tint": {"local": True, "ids": [0]}}, []
    runs = [[4 * 24 + 2, 2, 24 * 36 - 4 * 24 - 4]]
    for number in (1, 2):
        names = [f"{number}_{part}.jpg" for part in ("in", "out")]
        for name in names:
            photo(root / "images" / name)
        entries.append({"input": names[0], "output": names[1], "operator": local})
        path = root / "masks" / f"{number}_in_mask.json"
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps([{"size": [24, 36], "counts": counts} for counts in runs]))
    (root / "GIER.json").write_text(json.dumps(entries))


def magicbrush(root):
    for number in (1, 2):
        folder = root / "dev" / "images" / f"{number}"
        for name in ("input", "output1"):
            photo(folder / f"{number}-{name}.png", seed=number)
        clear = np.dstack([np.asarray(Image.open(folder / f"{number}-input.png")), 255 * (1 - region())])
        Image.fromarray(clear.astype(np.uint8)).save(folder / f"{number}-mask1.png")


def dolos(root):
    for number in (1, 2):
        photo(root / f"celebahq/real/test/{number}.png", seed=number)
        photo(root / f"celebahq/fake/p2/test/{number}.png", seed=10 + number)
        photo(root / f"celebahq/fake/lama/images/test/{number}.png", seed=20 + number)
        mask(root / f"celebahq/fake/lama/masks/test/{number}.png", invert=True)


def artifact(root):
    for folder, target in (("coco", 0), ("lama", 6)):
        for number in (1, 2):
            photo(root / folder / "a" / f"{number}.jpg", seed=number)
        pd.DataFrame({"image_path": ["a/1.jpg", "a/2.jpg"], "target": target}).to_csv(
            root / folder / "metadata.csv", index=False
        )


def cifake(root):
    for part in ("train", "test"):
        for folder in ("REAL", "FAKE"):
            for number in (1, 2):
                photo(root / part / folder / f"000{number}.jpg", seed=number)


def folder(root):
    for number in (1, 2):
        photo(root / "images" / f"{number}.png", seed=number)
        photo(root / "images" / "in" / f"a{number}.png", seed=10 + number)
        mask(root / "masks" / "in" / f"a{number}.png")


TREES = {
    "casia1": casia1,
    "casia2": casia2,
    "columbia": columbia,
    "coverage": coverage,
    "nist16": nist16,
    "defacto": defacto,
    "imd2020": imd2020,
    "gier": gier,
    "magicbrush": magicbrush,
    "dolos": dolos,
    "artifact": artifact,
    "cifake": cifake,
    "folder": folder,
}


def again(file, root, changed=False):
    """A file of a tree once more, in the same folders below `root`/copy; other bytes if changed."""
    target = root / "copy" / file.relative_to(root)
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(file, target)
    if changed:
        picture = np.asarray(Image.open(file)).copy()
        picture[0] = 255 - picture[0]
        Image.fromarray(picture).save(target)
    return target
