"""The report by Papermill over runs that were made up: every section with all of its runs, and with hardly any."""

import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import yaml

from imdlib import data as datasets
from imdlib.bridge.exhibits.points import write_points
from imdlib.bridge.measures import probe
from imdlib.bridge.methods import METHODS
from imdlib.pages import claims, tables
from imdlib.places import REPO, run_folder
from imdlib.scoring.evaluate import short_names
from tests.bridge.made_up import AWAY, HOME, all_cells, write_runs, write_trivial

SMALL = dict(count=80, size=64, distillation=[16, 1, 2], conformer=[8, 16, 3, 2], stem_stride=2)
SMALL |= dict(backbone_width=0.125, batch_size=8, epochs=2)


def execute(results, cache, **parameters):
    """Run the report; its verdicts by id."""
    given = yaml.safe_dump(dict(results=str(results), cost_repeats=1) | parameters)
    command = [sys.executable, "-m", "papermill", "--no-progress-bar", "--log-level", "ERROR"]
    command += [str(REPO / "notebooks" / "bridge" / "report.ipynb"), str(results / "report.ipynb"), "-y", given]
    environment = os.environ | {"IMDLIB_CACHE": str(cache), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, cwd=results)
    assert done.returncode == 0, done.stderr[-3000:]
    return claims.read(results).set_index("id")["verdict"]


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    """Cache with both twins, and what is known of their test images: (folder, {name: table})."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("IMDLIB_CACHE", str(folder))
        loaded = {name: datasets.load(name, count=SMALL["count"], size=SMALL["size"]) for name in (HOME, AWAY)}
    tables = {}
    for name, manifest in loaded.items():
        tested = manifest[manifest["split"] == "test"].reset_index(drop=True)
        tables[name] = tested[["dataset", "kind", "label", "generator"]].assign(image=short_names(tested))
    return folder, tables


@pytest.mark.slow
def test_all_runs(tmp_path, cache):
    folder, images = cache
    write_runs(tmp_path, all_cells(), images, **SMALL)
    write_trivial(tmp_path, images)
    points = run_folder(tmp_path, "bridge", f"late_{HOME}_seed0") / "points.npz"
    points.parent.mkdir(parents=True)
    rng, kinds = np.random.default_rng(0), ("extractor", "final")
    random = [{which: rng.random((len(rows), 4)) for which in kinds} for rows in images.values()]
    write_points(points, pd.concat(images.values()), random)
    verdict = execute(tmp_path, folder, spectrum_images=2, perplexities=[5])
    made = tmp_path / "bridge"
    for name in ("figure_spectra", "figure4", "figure4_perplexities", "figure_costs", "figure_claims"):
        assert all((made / "figures" / f"{name}.{kind}").exists() for kind in ("png", "pdf", "csv")), name
    learned = pd.read_csv(made / "tables" / "table_calibration.csv")
    assert learned.columns.tolist() == tables.COLUMNS
    assert {probe.METHOD, "always fake", *METHODS.values()} <= set(learned["method"])
    assert len(pd.read_csv(made / "tables" / "table1.csv")) and len(pd.read_csv(made / "tables" / "table_costs.csv"))
    assert verdict.index.is_unique and (verdict != claims.UNTESTED).all()


@pytest.mark.slow
def test_two_classes_without_masks(tmp_path, cache):
    """As on CIFAKE: fully fake images alone, no mask, one set."""
    folder, images = cache
    alone = {HOME: images[HOME][images[HOME]["kind"] != "edit"]}
    cells = {method: dict(method=method, seed=0, train_set=HOME) for method in ("wang", "transcam", "late")}
    write_runs(tmp_path, cells, alone, **SMALL)
    verdict = execute(tmp_path, folder, spectrum_images=0, linear_probe=False)
    assert verdict["bridge-home-wang-correct"] != claims.UNTESTED and verdict["bridge-map-blob-f1"] == claims.UNTESTED
    assert not (tmp_path / "bridge" / "tables" / "table_localization.csv").exists()
