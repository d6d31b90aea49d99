"""What goes in: data sets, profiles, what ships with the library and what is remembered, as subjects of mutations."""

import shutil

import numpy as np
import pandas as pd
from PIL import Image

from benchmarks.faults.subject import Refused, Subject, joined
from imdlib import places
from imdlib.data import catalog, groups
from imdlib.data.images import load_image, load_mask
from imdlib.files import read_sealed
from imdlib.freshness import contents, sources
from imdlib.pages import published
from imdlib.planner import Planner
from imdlib.twins import build, generators
from imdlib.twins.identity import recipe_digest


def photographs(folder):
    """Images, masks and the list of a data set of one's own."""
    rng = np.random.default_rng(0)
    (folder / "images").mkdir(parents=True)
    (folder / "masks").mkdir()
    rows = []
    for number, ending in enumerate(("jpg", "png", "tif", "bmp", "webp", "png")):
        name, mask = f"photo{number}.{ending}", np.zeros((40, 56), np.uint8)
        pixels = (
            rng.integers(0, 65536, (40, 56)).astype(np.uint16) if number == 5 else rng.integers(0, 256, (40, 56, 3))
        )
        Image.fromarray(pixels if number == 5 else pixels.astype(np.uint8)).save(folder / "images" / name)
        mask[8:20, 4 * number : 30] = 255
        Image.fromarray(mask).save(folder / "masks" / f"photo{number}.png")
        rows.append(
            {"image": name, "mask": f"photo{number}.png", "label": 1, "kind": "splicing", "scene": f"s{number}"}
        )
        rows[-1]["split"] = ("train", "test")[number % 2]
    pd.DataFrame(rows).to_csv(folder / "images.csv", index=False)

    def look(path):
        manifest = catalog.read("folder", folder)
        found = catalog.verify(manifest, progress=False)
        if len(found):
            raise Refused("; ".join(f"{row.file}: {row.problem}" for row in found.itertuples()))
        read = load_mask if path.parent.name == "masks" else load_image
        seen = manifest[["label", "kind", "scene", "split", "image"]].to_csv() if path.suffix == ".csv" else ""
        return seen or read(path).tobytes(), contents.fingerprint(manifest)

    images, masks = sorted((folder / "images").iterdir()), sorted((folder / "masks").iterdir())
    return [
        Subject("image", images, look),
        Subject("mask", masks, look),
        Subject("list of images", [folder / "images.csv"], look, True),
    ]


def twin(folder):
    """The files of an embedded twin, built before."""
    ask = dict(root=folder, count=12, size=32, workers=1, progress=False)
    place = build.build("sim-casia", **ask)

    def look(path):
        manifest = catalog.read("sim-casia", build.build("sim-casia", **ask))
        rows = manifest.replace(str(place), "", regex=True).to_csv()
        return rows + "".join(contents.digests([f for f in [*manifest["image"], *manifest["mask"]] if f])), "a twin"

    pictures = sorted([*place.glob("images/*"), *place.glob("masks/*")])
    texts = [place / "manifest.csv", place / "fingerprint.txt"]
    return [Subject("picture of a twin", pictures, look), Subject("list of a twin", texts, look, True)]


def memory(folder):
    """What is remembered of data to save time: digests of files, groups of near duplicates."""
    folder.mkdir()
    names = {}
    for number in range(3):
        names[f"{number}.png"] = folder / f"{number}.png"
        Image.fromarray(np.full((16, 16, 3), 80 * number, np.uint8)).save(names[f"{number}.png"])

    def look(path):
        found = (
            groups.cached_groups("faults", names) if path.parent.name == "groups" else contents.digests(names.values())
        )
        return repr(found), "a memory"

    contents.remember(str(folder), {name: [1, 1, 1, 1, "of another file"] for name in names})
    groups.cached_groups("faults", names)
    files = [contents.memory_of(str(folder)), *places.cache_folder("groups").glob("faults-*")]
    assert all(read_sealed(path) for path in files)
    return [Subject("memory", files, look)]


def profile(folder):
    """A profile, as the planner reads it."""
    shutil.copy(places.REPO / "profiles" / "quick.yaml", places.REPO / "profiles" / "faults.yaml")

    def look(path):
        planner = Planner("faults", results=str(folder))
        values = {key: value for key, value in planner.values.items() if key != "threads"}
        return repr(values), repr([job.key for job in planner.jobs.values()]) + repr(list(planner.jobs))

    return [Subject("profile", [places.REPO / "profiles" / "faults.yaml"], look, True)]


def papers(folder):
    """The papers' own numbers, on which pages depend by the bytes of the files."""

    def look(path):
        home = sources.module(f"imdlib.{path.parts[-3]}.published")
        rows = published.read(path.parent, int(path.stem.removeprefix("table")))
        return rows.to_csv(), repr(sources.files_of(home))

    return [Subject("published numbers", sorted(places.REPO.glob("imdlib/*/published/table*.csv")), look, True)]


def shipped(folder):
    """Weights of the twins' generators that come with the package."""

    def look(path):
        network = generators.generator.__wrapped__(path.stem)
        sources.forget()
        recipe_digest.cache_clear()
        return joined(network.state_dict()), recipe_digest(f"sim-dolos-{path.stem}")

    return [Subject("shipped weights", sorted(places.REPO.glob("imdlib/twins/weights/*.safetensors"))[:2], look)]
