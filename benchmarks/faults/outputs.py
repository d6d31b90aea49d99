"""What comes out: runs, kept rows, checkpoints and features, as subjects of mutations."""

import shutil

import numpy as np
import pandas as pd
import torch
from torch import nn

from benchmarks.faults.subject import Refused, Subject, joined
from imdlib import archive, parameters, runs, store
from imdlib.bridge.towers import cache
from imdlib.training import checkpoints


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
    torch.save(
        {"epoch": 1, "history": [{"loss": 1.0}], "kept": None, "flat": None, "states": {"model": model.state_dict()}},
        path,
    )

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
