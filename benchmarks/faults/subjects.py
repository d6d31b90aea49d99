"""Subjects: the kinds of files that results rest on, and for each what the library reads from it and knows it by.

`look` of a subject returns (contents, identity) of one file as the library reads it, or raises what the library raises.
Where the identity is another one, every result of it is outdated: `make study` says so and makes it anew.
"""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from PIL import Image
from torch import nn

from imdlib import archive, parameters, places, runs, store
from imdlib.bridge.towers import cache
from imdlib.data import catalog, groups
from imdlib.data.images import load_image, load_mask
from imdlib.files import read_sealed
from imdlib.freshness import contents, sources
from imdlib.pages import published
from imdlib.planner import Planner
from imdlib.training import checkpoints
from imdlib.twins import build, generators
from imdlib.twins.identity import recipe_digest


class Refused(ValueError):
    """What the library says without an exception: a problem in a list, the state of a run."""


@dataclass
class Subject:
    """kind: in the table; files: that are changed; look(file): see above; written: a text that people edit."""

    kind: str
    files: list
    look: Callable
    written: bool = False


def all_of_them(folder):
    """Every Subject, its files made in `folder` or those of this copy of the project."""
    makers = (photographs, twin, profile, run, kept, checkpoint, features, shipped, papers, memory)
    return [subject for make in makers for subject in make(Path(folder) / make.__name__)]


# ---- data ----------------------------------------------------------------------------------------------------------


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


# ---- what is asked for ---------------------------------------------------------------------------------------------


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


# ---- results -------------------------------------------------------------------------------------------------------


def finished(results):
    """A finished run of NCL's notebook with made-up numbers, and what it depends on."""
    params = parameters.declared("ncl/run") | {"results": str(results)}
    record = runs.open_run("ncl", "one", "ncl/run", params, data={"sim-casia": "abc"})
    rng = np.random.default_rng(0)
    scores = pd.DataFrame({"image": [f"{k}.png" for k in range(20)], "label": [0, 1] * 10, "auc": rng.random(20)})
    history = pd.DataFrame({"epoch": [1, 2], "loss": [1.0, 0.5]})
    pictures = {"sim-casia/1.png/map": rng.random((9, 9)).astype(np.float32)}
    facts = dict(model=nn.Linear(8, 4), tables={"scores": scores, "history": history}, pictures=pictures)
    record.finish(**facts, train_images=7, error_scale=0.25)
    return record


def run(folder):
    """The files of a finished run, as the planner, pages and other runs read them."""
    record = finished(folder)

    def look(path):
        if path.name == runs.BEGUN:  # read while a run is not finished
            why = runs.unknown(record.folder, record.needs)
            if why.startswith(str(path)):
                raise Refused(why)
            return why, why
        found = runs.state(record.folder, record.needs)
        if found.word == "damaged":
            raise Refused(found.why)
        weights, stamp = runs.trained(record.folder)
        maps = runs.pictures(folder, "ncl", "one")
        return joined(weights) + repr(stamp) + repr(maps) + record.scores().to_csv(), found.word + found.why

    names = {
        "stamp": runs.STAMP,
        "begun": runs.BEGUN,
        "scores": "scores.parquet",
        "weights": runs.WEIGHTS,
        "maps": "maps.npz",
    }
    return [Subject(kind, [record.folder / name], look, name.endswith("json")) for kind, name in names.items()]


def kept(folder):
    """The columnar files that git holds, in a clone without runs."""
    finished(folder)
    archive.keep(folder, "ncl")
    shutil.rmtree(folder / "ncl" / "runs")

    def look(path):
        settings, tables = archive.gather(folder, "ncl")
        return settings.to_csv() + "".join(table.to_csv() for table in tables.values()), "kept"

    files = [folder / "ncl" / name for name in (archive.RUNS, "scores.parquet", "history.parquet", store.SUMS)]
    return [Subject("kept rows", files, look)]


def checkpoint(folder):
    """A run after an epoch."""
    folder.mkdir()
    model, path = nn.Linear(64, 64), folder / "checkpoint.pt"
    torch.save({"epoch": 1, "history": [{"loss": 1.0}], "kept": None, "states": {"model": model.state_dict()}}, path)

    def look(path):
        other = nn.Linear(64, 64)
        state = checkpoints.restore(path, {"model": other}, "cpu")
        return joined(other.state_dict()) + repr((state["epoch"], state["history"], state["kept"])), "a checkpoint"

    return [Subject("checkpoint", [path], look)]


def features(folder):
    """Features of the frozen extractor."""
    tokens, path = torch.arange(80.0).reshape(5, 16).half(), folder / "ab" / "abc.safetensors"
    cache.write(path, tokens)
    return [Subject("features", [path], lambda path: (cache.read(path, (5, 16)).numpy().tobytes(), "features"))]


def joined(state):
    """Weights as text."""
    return "".join(
        f"{name} {contents.hashlib.sha256(value.numpy().tobytes()).hexdigest()}" for name, value in state.items()
    )
