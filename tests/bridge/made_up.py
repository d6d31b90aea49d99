"""Results that were made up: runs and data sets as `archive.keep` leaves them, filled with chance or with what a test asks for."""

import json

import numpy as np
import pandas as pd

from imdlib import parameters, store
from imdlib.bridge import grid
from imdlib.bridge.labels import CLASSES
from imdlib.bridge.methods import BINARY, NAMES, parts
from imdlib.places import results_folder

HOME, AWAY = "sim-dolos-nearest", "sim-dolos-haar"
KINDS = ["authentic", "edit", "authentic", "generated"]
PIXELS = ["f1", "iou", "auc", "f1_best", "auc_shuffled"]
FACTS = dict(seconds=9.0, peak_memory_mb=500, device="made up", commit="0", finished="", train_images=48)


def images(dataset=HOME, n=24):
    """What is known of n images: real, partly fake, real and fully fake in turns."""
    table = pd.DataFrame(dict(image=[f"{i:03d}.jpg" for i in range(n)], kind=np.array(KINDS)[np.arange(n) % 4]))
    fake = table["kind"] != "authentic"
    table["scene"] = [f"scene {i // 4}" for i in range(n)]
    return table.assign(dataset=dataset, label=fake.astype(int), generator=np.where(fake, "made", ""))


def scored(method, table, rng):
    """Score rows of a run on images, drawn at random, in the columns that its method has."""
    p, n = rng.dirichlet(np.ones(3), len(table)), len(table)
    table = table.assign(score=1 - p[:, 0], p_real=p[:, 0], p_partly=p[:, 1], p_fully=p[:, 2])
    if method in BINARY:
        called = np.where(table["score"] > 0.5, "fake", CLASSES[0])
        return table.assign(predicted=called, p_partly=np.nan, p_fully=np.nan)
    table["predicted"] = np.array(CLASSES)[p.argmax(1)]
    made = parts(method)
    students = made["distillation"] and made["students"]
    for name in ("d1", "d2", "d1_start", "d2_start", "d1_fresh", "d2_fresh"):
        table[name] = rng.random(n) if students else np.nan
    for name in ("knn_extractor", "knn_final"):
        table[name] = rng.integers(2, size=n).astype(float)
    if made["classifier"] not in ("", "disc"):
        for name in [prefix + one for prefix in ("", "drawn_", "plain_") for one in PIXELS]:
            table[name] = np.where(table["kind"] == "edit", rng.random(n), np.nan)
    return table


def history(kinds, rng):
    """Three epochs at random, with medians of the kinds of images that there are."""
    named = dict(authentic="real", edit="pf", generated="ff")
    columns = [f"d{i}_{one}" for i in (1, 2) for kind, one in named.items() if kind in kinds]
    return pd.DataFrame({"epoch": range(3)} | {key: rng.random(3) for key in [*columns, "val_recall", "students_loss"]})


def write_runs(results, cells, tables, **more):
    """Runs {name: parameters} that scored the images {data set: table}, each at random; more: parameters of all."""
    made = {}
    for number, (name, cell) in enumerate(cells.items()):
        rng = np.random.default_rng(number)
        given = parameters.declared("bridge/run") | dict(test_sets=[*tables]) | more | cell
        scores = pd.concat([scored(given["method"], table, rng) for table in tables.values()])
        made[name] = given, dict(scores=scores, history=history(set(scores["kind"]), rng))
    keep(results, "bridge", made)


def write_trivial(results, tables):
    """What the data notebooks leave of the centre blob and the all-ones map, and of the files' form in the first set."""
    made = {}
    for name, table in tables.items():
        partly = table[table["kind"] == "edit"].drop(columns="generator").assign(seed=0, score=1.0, attack="none")
        blind = [partly.assign(method=m, **dict.fromkeys(PIXELS, 0.3)) for m in ("all-ones map", "centre blob")]
        form = pd.DataFrame(dict(predictor=["bytes"], auc=0.5, accuracy=0.5, n=len(table)))
        made[name] = {"dataset": name}, {"scores": pd.concat(blind)} | ({} if made else {"form": form})
    keep(results, "data", made)


def keep(results, study, made):
    """{name: (parameters, {table: rows})} in the form of `archive.keep`."""
    folder, tables, stamps = results_folder(results, study), {}, {}
    for name, (given, own) in made.items():
        needs = {"parameters": {key: value for key, value in given.items() if key not in parameters.PLACES}}
        stamps[name] = json.dumps(FACTS | dict(key=name, seed=given.get("seed", 0), needs=needs, sums={}))
        for title, rows in own.items():
            tables.setdefault(title, []).append(rows.assign(run=name))
    frames = {title: pd.concat(some, ignore_index=True) for title, some in tables.items()}
    own = [{title: rows.dtypes.astype(str).to_dict() for title, rows in own.items()} for _, own in made.values()]
    columns = [json.dumps(one) for one in own]
    frames["runs"] = pd.DataFrame({"run": list(stamps), "stamp": list(stamps.values()), "columns": columns})
    names = [store.write(frame, folder / f"{title}.parquet").name for title, frame in frames.items()]
    store.write_sums(folder, names)


def all_cells(seeds=(0, 1, 2), train_sets=(HOME, AWAY), trials=0):
    """{name: parameters} of every kind of run that the report knows."""
    turned = dict(without_fully=["wang", "late"], orders=["once"], diverging=[True], compared=["feature"])
    turned |= dict(methods=[*NAMES], with_equal_passes=["wang", "transcam"], transcam_inputs=["rgb"], trials=trials)
    cells = grid.configurations(seeds=[*seeds], train_sets=[*train_sets], **turned)
    return {name: cell.parameters for name, cell in cells.items()}
