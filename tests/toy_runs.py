"""Runs of a notebook that exists in tests alone: begun and finished in no time."""

import numpy as np
import pandas as pd
import torch

from imdlib import runs

DEFAULTS = {"results": "results/quick", "data": "", "run": "", "seed": 3, "epochs": 8, "learning_rate": 0.1,
            "pretrained": False, "rates": [1, 2], "train_set": "toy", "threads": 1}  # fmt: skip
CODE = {"code": {"ncl/run.ipynb": "1", "imdlib.train": "2"}, "packages": {"torch": "1.0"}}


SCORES = pd.DataFrame(
    {
        "image": ["a.png", "b.png"],
        "dataset": "toy",
        "attack": "none",
        "label": [0, 1],
        "f1": [np.nan, 0.5],
        "auc": [np.nan, 1 / 3],
    }
)
HISTORY = pd.DataFrame({"epoch": [1, 2], "loss": [2.0, 1.0]})


def free():
    while runs.LOCKS:
        runs.LOCKS.popitem()[1].close()


def begin(tmp_path, name="base_toy_seed3", data=None, **more):
    params = DEFAULTS | {"results": str(tmp_path / "results"), **more}
    return runs.open_run("ncl", name, "ncl/run", params, data=data or {"toy": "abc"})


def finish(run, scores=SCORES, **facts):
    model = torch.nn.Linear(2, 1)
    pictures = {"toy/b.png/map": np.float32([[0, 0.5], [0.25, 1]]), "toy/b.png/mask": np.uint8([[0, 0], [1, 1]])}
    run.finish(model=model, pictures=pictures, tables={"scores": scores, "history": HISTORY}, **facts)
    return model


def bytes_of(folder):
    return {
        p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file() and p.name != ".lock"
    }


def aside(run, more="~"):
    return run.folder.with_name(run.folder.name + more)


def flip(path, at=-30):
    text = bytearray(path.read_bytes())
    text[at] ^= 1
    path.write_bytes(text)
