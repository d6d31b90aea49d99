"""The report by Papermill over runs that were made up: every section with all of its runs, and with hardly any."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from imdlib import data as datasets
from imdlib import runs
from imdlib.bridge import exhibits, grid, probe
from imdlib.bridge.labels import CLASSES
from imdlib.bridge.methods import BINARY, METHODS, parts
from imdlib.pages import claims, tables
from imdlib.scoring.evaluate import short_names

REPO = Path(__file__).resolve().parents[2]
SETS = ["sim-dolos-nearest", "sim-dolos-haar"]
SMALL = dict(count=80, size=64, distillation=[16, 1, 2], conformer=[8, 16, 3, 2], stem_stride=2)
SMALL |= dict(backbone_width=0.125, batch_size=8, epochs=2, test_sets=SETS)
FACTS = dict(seconds=9.0, peak_memory_mb=500, device="made up", commit="0", threads=1, finished="", train_images=48)
PIXELS = ["f1", "iou", "auc", "f1_best", "auc_shuffled"]


def write_run(results, name, cell, manifests):
    """A run folder as run.ipynb leaves it, filled with chance."""
    rng, folder = np.random.default_rng(len(name) + cell["seed"]), results / "bridge" / "runs" / name
    folder.mkdir(parents=True)
    params = runs.declared("bridge/run") | SMALL | cell | dict(run=name, results=str(results))
    tower = "" if cell["method"] in BINARY else "stand-in tokens centre 32 0123"
    (folder / "params.yaml").write_text(yaml.safe_dump(params))
    (folder / "stamp.json").write_text(json.dumps(FACTS | dict(seed=cell["seed"], tower=tower)))
    scores = pd.concat([score(cell["method"], rows, rng) for rows in manifests.values()])
    scores.to_csv(folder / "scores.csv.gz", index=False)
    medians = [f"d{i}_{one}" for i in (1, 2) for one in ("real", "pf", "ff")]
    history = pd.DataFrame(
        {"epoch": range(3)} | {key: rng.random(3) for key in [*medians, "val_recall", "students_loss"]}
    )
    history.to_csv(folder / "history.csv", index=False)
    if cell.get("embed"):
        points = [
            {which: rng.random((len(rows), 4)) for which in ("extractor", "final")} for rows in manifests.values()
        ]
        exhibits.write_points(folder / "points.npz", scores, points)
    masked = scores[scores["drawn_f1"].notna()] if "drawn_f1" in scores else scores.head(0)
    kept = {}
    for name in masked["dataset"] + "/" + masked["image"]:
        kept |= {f"{name}/{part}": rng.integers(0, 2, (32, 32), dtype=np.uint8) for part in ("map", "mask")}
        kept[f"{name}/image"] = rng.integers(0, 256, (32, 32, 3), dtype=np.uint8)
    np.savez_compressed(folder / "maps.npz", **kept)


def score(method, manifest, rng):
    """Rows of one data set, drawn at random."""
    p, n = rng.dirichlet(np.ones(3), len(manifest)), len(manifest)
    table = manifest[["dataset", "kind", "label", "generator"]].reset_index(drop=True)
    table = table.assign(
        image=short_names(manifest), score=1 - p[:, 0], p_real=p[:, 0], p_partly=p[:, 1], p_fully=p[:, 2]
    )
    if method in BINARY:
        called = np.where(table["score"] > 0.5, "fake", CLASSES[0])
        return table.assign(predicted=called, p_partly=np.nan, p_fully=np.nan)
    table["predicted"] = np.array(CLASSES)[p.argmax(1)]
    made = parts(method)
    students = made["distillation"] and made["students"]
    for name in ("d1", "d2", "d1_start", "d2_start"):
        table[name] = rng.random(n) if students else np.nan
    if made["classifier"] not in ("", "disc"):
        for name in [prefix + one for prefix in ("", "drawn_", "plain_") for one in PIXELS]:
            table[name] = np.where(table["kind"] == "edit", rng.random(n), np.nan)
    return table


def execute(results, cache, **parameters):
    given = yaml.safe_dump(dict(results=str(results), cost_repeats=1) | parameters)
    command = [sys.executable, "-m", "papermill", "--no-progress-bar", "--log-level", "ERROR"]
    command += [str(REPO / "notebooks" / "bridge" / "report.ipynb"), str(results / "report.ipynb"), "-y", given]
    environment = os.environ | {"IMDLIB_CACHE": str(cache), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, cwd=results)
    assert done.returncode == 0, done.stderr[-3000:]


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    """Cache with both twins, and their test images: (folder, {name: manifest})."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("IMDLIB_CACHE", str(folder))
        loaded = {name: datasets.load(name, count=SMALL["count"], size=SMALL["size"]) for name in SETS}
    return folder, {name: manifest[manifest["split"] == "test"] for name, manifest in loaded.items()}


def write_trivial(results, manifests):
    """What the data notebooks leave, for the centre blob and the all-ones map."""
    for name, rows in manifests.items():
        partly = rows[rows["kind"] == "edit"]
        known = partly[["dataset", "kind", "label"]].assign(image=short_names(partly), seed=0, score=1.0, attack="none")
        table = pd.concat(
            [known.assign(method=m, **dict.fromkeys(PIXELS, 0.3)) for m in ("all-ones map", "centre blob")]
        )
        (results / "data" / name).mkdir(parents=True)
        table.to_csv(results / "data" / name / "scores.csv.gz", index=False)


@pytest.mark.slow
def test_all_runs(tmp_path, cache):
    folder, manifests = cache
    cells = grid.configurations(
        seeds=[0, 1], train_sets=[*SETS], without_fully=["wang", "late"], orders=["once"], diverging=[True],
        compared=["feature"], transcam_inputs=["rgb"],
    )  # fmt: skip
    for name, cell in cells.items():
        write_run(tmp_path, name, cell, manifests)
    write_trivial(tmp_path, manifests)
    execute(tmp_path, folder, spectrum_images=2)
    made = tmp_path / "bridge"
    named = ["table1", "table2", "table_threeway", "table_recall", "table_drop", "table_ablation", "table_localization"]
    for name in [*named, "table_ordering", "table_embedding", "table_calibration", "table_training_sets"]:
        found = pd.read_csv(made / "tables" / f"{name}.csv")
        assert found.columns.tolist() == tables.COLUMNS and len(found), name
    figures = ["figure2", "figure3", "figure4", "figure_spectra", "figure_drop", "figure_trajectory", "figure_costs"]
    for name in [*figures, "figure_claims", "figure_ordering", "figure_localization", "figure_ablation"]:
        assert all((made / "figures" / f"{name}.{kind}").exists() for kind in ("png", "pdf", "csv")), name
    two = pd.read_csv(made / "tables" / "table2.csv").set_index(["method", "test_set", "metric"])
    assert two.loc[("Ours", "partly fake: trained generator", "F1"), "published"] == 0.81
    assert two.loc[("always fake", "partly fake: haar", "F1"), "value"] == pytest.approx(0.5)
    learned = pd.read_csv(made / "tables" / "table_calibration.csv")
    assert {probe.METHOD, "always fake", *METHODS.values()} <= set(learned["method"])
    verdicts = claims.read(tmp_path)
    assert set(verdicts["study"]) == {"bridge"} and verdicts["id"].is_unique
    assert (verdicts["verdict"] != claims.UNTESTED).all()


@pytest.mark.slow
def test_two_runs_on_one_set(tmp_path, cache):
    folder, manifests = cache
    alone = {SETS[0]: manifests[SETS[0]]}
    for method in ("wang", "late"):
        write_run(tmp_path, f"{method}_0", dict(method=method, seed=0, train_set=SETS[0]), alone)
    write_trivial(tmp_path, alone)
    execute(tmp_path, folder, spectrum_images=0, linear_probe=False)
    verdict = claims.read(tmp_path).set_index("id")["verdict"]
    assert verdict["bridge-home-wang-correct"] != claims.UNTESTED
    assert verdict["bridge-unseen-wang-correct"] == verdict["bridge-drop-wang-correct"] == claims.UNTESTED
    assert not (tmp_path / "bridge" / "tables" / "table_drop.csv").exists()


@pytest.mark.slow
def test_two_classes_without_masks(tmp_path, cache):
    """As on CIFAKE: fully fake images alone, no mask, one set."""
    folder, manifests = cache
    rows = manifests[SETS[0]]
    alone = {SETS[0]: rows[rows["kind"] != "edit"]}
    for method in ("wang", "transcam", "late"):
        write_run(tmp_path, f"{method}_0", dict(method=method, seed=0, train_set=SETS[0]), alone)
    execute(tmp_path, folder, spectrum_images=0, linear_probe=False)
    verdict = claims.read(tmp_path).set_index("id")["verdict"]
    assert verdict["bridge-home-wang-correct"] != claims.UNTESTED and verdict["bridge-map-blob-f1"] == claims.UNTESTED
    assert verdict["bridge-order-2-ordered"] != claims.UNTESTED and verdict["bridge-order-0-ordered"] == claims.UNTESTED
    assert not (tmp_path / "bridge" / "tables" / "table_localization.csv").exists()
