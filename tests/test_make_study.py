"""A tiny study from data to the page, as `make study` makes it: Snakemake runs every notebook, then nothing is left to do."""

import html
import json
import os
import re
import shutil
import subprocess
import sys

import pandas as pd
import pytest
import yaml

from imdlib import archive, runs, store
from imdlib.bridge.labels import CLASSES
from imdlib.bridge.measures import probe
from imdlib.bridge.methods import METHODS as BRIDGE_METHODS
from imdlib.inr.methods import METHODS as INR_METHODS
from imdlib.inr.premise import INSIDE, OUTSIDE
from imdlib.ncl.grid import METHODS as NCL_METHODS
from imdlib.pages import claims, tables
from imdlib.places import REPO
from imdlib.protocol import verdicts
from imdlib.study import STUDIES
from tests.cells import execute
from tests.pages.test_report import self_contained

TRIVIAL = ["all-ones map", "random map", "centre blob", "average training mask"]
TWIN = "sim-dolos-nearest"
PROFILE = {
    "count": 60, "size": 64, "examples": 3, "crop": 48, "cost_repeats": 1, "batch_size": 8,
    "ncl.seeds": [0], "ncl.test_sets": ["sim-casia"], "ncl.benchmark_sets": ["sim-casia"], "ncl.epochs": 1,
    "inr.seeds": [0], "inr.train_set": "sim-casia", "inr.test_sets": ["sim-casia", "sim-iedit"],
    "inr.rows": ["base", "nrr+scl+agap"], "inr.without_selection": False, "inr.recompressed": 75,
    "inr/nrr.steps": 14, "inr/run.steps": 6, "inr/run.width": 0.25, "inr/run.proj": [8, 8],
    "bridge.seeds": [0], "bridge.train_sets": [TWIN], "bridge.test_sets": [TWIN], "bridge.methods": ["wang", "late"],
    "bridge.epochs": 1, "bridge.teacher_epochs": 1, "bridge.distillation": [16, 1, 2], "bridge.conformer": [8, 16, 3, 2],
    "bridge.stem_stride": 2, "bridge.backbone_width": 0.125, "bridge.spectrum_images": 2, "bridge.perplexities": [5],
}  # fmt: skip
NCL_RUNS = ["base_sim-casia_seed0", "pivot-pc_sim-casia_seed0"]
INR_RUNS = [
    "weak_base_sim-casia_seed0",
    "weak_nrr-scl-agap_sim-casia_seed0",
    "unsupervised_nrr-scl-agap_sim-casia_seed0",
]
NRR = "nrr_sim-casia_seed0"
BRIDGE_RUNS = [f"wang_{TWIN}_seed0", f"late_{TWIN}_seed0"]

pytestmark = pytest.mark.slow


def make(project):
    """What `make study` does in a copy of the project; its output."""
    command = [
        sys.executable,
        "-m",
        "snakemake",
        "--cores",
        "2",
        "--quiet",
        "host",
        "reason",
        "--config",
        "profile=tiny",
    ]
    environment = os.environ | {"PYTHONPATH": str(project), "IMDLIB_CACHE": str(project / "cache")}
    environment |= {"XDG_CACHE_HOME": str(project / "cache")}
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-5000:]
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """Folder of the results of a study of one profile, in a copy of the project."""
    project = tmp_path_factory.mktemp("study") / "project"
    for name in ("imdlib", "notebooks"):
        shutil.copytree(REPO / name, project / name, ignore=shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints"))
    for name in ("Snakefile", "requirements.lock", "CITATION.cff"):
        shutil.copy(REPO / name, project)
    (project / "profiles").mkdir()
    (project / "profiles" / "tiny.yaml").write_text(yaml.safe_dump(PROFILE))
    make(project)
    return project / "results" / "tiny"


def stamp_of(results, study, run=""):
    return json.loads((results / study / (f"runs/{run}" if run else "") / "stamp.json").read_text())


def scores_of(results, study, run):
    return store.read(results / study / "runs" / run / "scores.parquet")


def table_of(results, study, name):
    return pd.read_csv(results / study / "tables" / f"{name}.csv", keep_default_na=False, na_values=[""])


def modified(folder):
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file() and path.name != ".lock"}


# ---- what is done, and that it is done once ------------------------------------------------------------------------------------


def test_every_run_is_there_and_no_other_and_nothing_is_left_to_do(results):
    found = {study: {path.name for path in (results / study / "runs").iterdir()} for study in (*STUDIES, "data")}
    assert found["ncl"] == set(NCL_RUNS) and found["inr"] == {NRR, *INR_RUNS} and found["bridge"] == set(BRIDGE_RUNS)
    assert found["data"] == {"sim-casia", "sim-iedit", TWIN}
    before = modified(results)
    assert "notebooks/" not in make(results.parents[1])
    assert modified(results) == before


@pytest.mark.parametrize(
    "study, run", [("ncl", NCL_RUNS[0]), ("inr", NRR), ("inr", INR_RUNS[1]), ("bridge", BRIDGE_RUNS[1])]
)
def test_a_finished_run_that_is_opened_by_hand_is_not_trained_again(results, study, run, monkeypatch):
    monkeypatch.setenv("IMDLIB_CACHE", str(results.parents[1] / "cache"))
    needs, before = stamp_of(results, study, run)["needs"], modified(results / study / "runs" / run)
    names = execute(needs["notebook"], **needs["parameters"], results=str(results), run=run)
    assert names["record"].finished and modified(results / study / "runs" / run) == before


def test_stamps_say_what_was_used_and_nothing_private(results):
    stamps = {run: stamp_of(results, "inr", run) for run in (NRR, *INR_RUNS)}
    assert all(stamps[run]["needs"]["uses"] == {"nrr": stamps[NRR]["key"]} for run in INR_RUNS)
    assert set(stamps[NRR]["needs"]["data"]) == {"sim-casia", "sim-iedit"}
    assert all(str(results.parents[1]) not in path.read_text() for path in results.rglob("stamp.json"))


# ---- what runs leave -----------------------------------------------------------------------------------------------------------


def test_a_run_leaves_scores_history_weights_and_maps(results):
    left = {"scores.parquet", "history.parquet", "weights.safetensors", "maps.npz", "stamp.json", "begun.json"}
    for study, some in (("ncl", NCL_RUNS), ("inr", [NRR, *INR_RUNS]), ("bridge", BRIDGE_RUNS[1:])):
        for run in some:
            assert left <= {path.name for path in (results / study / "runs" / run).iterdir()}, run
            kept = runs.pictures(results, study, run)
            plain = [name for name, one in kept.items() if not one["mask"].any() and "/authentic " in name]
            assert len(plain) == (2 if run == NRR else 0), run
            assert len(kept) - len(plain) in (3, 6)  # of one set, or of both that were scored
    assert "points.npz" in stamp_of(results, "bridge", BRIDGE_RUNS[1])["sums"]


def test_an_nrr_run_leaves_its_error_map_beside_filters_that_were_never_trained(results):
    scores, stamp = scores_of(results, "inr", NRR), stamp_of(results, "inr", NRR)
    assert scores.groupby("predictor").size().nunique() == 1 and scores["predictor"].nunique() == 12
    decibels = scores["predictor"].isin([INSIDE, OUTSIDE])
    assert (
        scores.loc[~decibels, ["auc", "auc_shuffled"]].notna().all(axis=None)
        and scores.loc[decibels, "psnr"].notna().all()
    )
    assert set(scores["dataset"]) == {"sim-casia"}  # the other set has no masks
    assert stamp["error_scale"] > 0
    assert stamp["psnr_gap"] == pytest.approx(stamp["psnr_outside"] - stamp["psnr_tampered"])
    history = store.read(results / "inr" / "runs" / NRR / "history.parquet")
    assert {"psnr_authentic", "psnr_gap", "loss"} <= set(history)


@pytest.mark.parametrize("run", INR_RUNS)
def test_a_detector_s_run_scores_images_and_maps(results, run):
    scores = scores_of(results, "inr", run)
    assert scores["score"].between(0, 1).all() and set(scores["label"]) == {0, 1}
    masked = (scores["dataset"] == "sim-casia") & (scores["label"] == 1)
    assert scores.loc[masked, ["f1", "auc", "auc_shuffled"]].notna().all(axis=None)
    assert scores.loc[~masked, "f1"].isna().all()
    assert set(scores["attack"]) == {"none", "jpeg 75"} | (
        {"redrawn by NRR", "blurred as much"} if "base" in run else set()
    )
    assert ("collapsed_epochs" in stamp_of(results, "inr", run)) == run.startswith("unsupervised")


def test_a_run_of_bridging_scores_classes_and_every_map_of_partly_fake_images(results):
    scores = scores_of(results, "bridge", BRIDGE_RUNS[1])
    assert set(scores["predicted"]) <= set(CLASSES)
    partly = scores["kind"] == "edit"
    for prefix in ("", "drawn_", "plain_"):
        counts = scores.loc[partly, [prefix + name for name in ("tp", "fp", "fn", "tn")]].sum(axis=1)
        assert (counts == 64 * 64).all() and scores.loc[~partly, prefix + "tp"].isna().all()
    history = store.read(results / "bridge" / "runs" / BRIDGE_RUNS[1] / "history.parquet")
    assert {"d1_ff", "d2_pf", "val_recall", "val_teacher_recall", "classifier_loss"} <= set(history)
    scores = scores_of(results, "bridge", BRIDGE_RUNS[0])
    assert scores["p_partly"].isna().all() and set(scores["predicted"]) <= {"real", "fake"}
    assert stamp_of(results, "bridge", BRIDGE_RUNS[0])["tower"] == ""


# ---- reports -------------------------------------------------------------------------------------------------------------------


def test_the_ncl_report_sets_the_ablation_beside_all_trivial_rows(results):
    rows = table_of(results, "ncl", "table5")
    assert rows.columns.tolist() == tables.WRITTEN
    assert set(rows["method"]) == {*TRIVIAL, NCL_METHODS["base"], NCL_METHODS["pivot+pc"]}
    assert set(rows["metric"]) == set(tables.NAMES.values())
    assert len(rows) == 6 * len(tables.NAMES) and rows["value"].notna().all()
    ours = rows[rows["method"] == NCL_METHODS["pivot+pc"]].set_index("metric")
    assert ours["published"].isna().all()  # a number of the real set does not stand beside one of its twin
    assert "paper 0.598" in ours.loc["pixel F1", "note"] and "paper 0.864" in ours.loc["pixel AUC", "note"]
    ones = rows[(rows["method"] == "all-ones map") & (rows["metric"] == "pixel AUC")]
    assert ones["value"].tolist() == [0.5]
    for kind in ("md", "tex"):
        assert "centre blob" in (results / "ncl" / "tables" / f"table5.{kind}").read_text()


def test_the_inr_report_sets_the_paper_s_tables_beside_all_trivial_rows(results):
    for number in (1, 2, 4):
        rows = table_of(results, "inr", f"table{number}")
        assert rows.columns.tolist() == tables.WRITTEN and len(rows)
    weak = table_of(results, "inr", "table2").set_index(["method", "test_set", "metric"])
    named = {*TRIVIAL, "always tampered, all-ones map", "random minority", "NRR error, Otsu"}
    assert named | {INR_METHODS["base"], INR_METHODS["nrr+scl+agap"]} <= set(weak.index.get_level_values("method"))
    assert weak.loc[("always tampered, all-ones map", "sim-casia", "image AUC"), "value"] == 0.5
    assert "paper 0.122" in weak.loc[(INR_METHODS["base"], "sim-casia", "pixel F1"), "note"]


def test_the_bridging_report_sets_a_linear_probe_and_what_looks_at_nothing_beside_the_methods(results):
    learned = table_of(results, "bridge", "table_calibration")
    assert learned.columns.tolist() == tables.WRITTEN
    assert {probe.METHOD, "always fake", BRIDGE_METHODS["wang"], BRIDGE_METHODS["late"]} <= set(learned["method"])
    assert len(table_of(results, "bridge", "table1")) and len(table_of(results, "bridge", "table_costs"))


@pytest.mark.parametrize(
    "study, decided, untested",
    [
        ("ncl", [f"{name}-auc_shuffled" for name in ("ncl", "base-blob", "ncl-blob")], "contrast"),
        ("inr", ["whole-f1", "whole-labels-image_auc", "error-auc_shuffled", "whole-blob-auc_shuffled"], "pool-"),
        ("bridge", ["home-wang-image_auc", "map-blob-auc_shuffled"], "unseen"),
    ],
)  # fmt: skip
def test_effects_are_those_of_the_runs_that_there_are_and_one_seed_gives_no_verdict(results, study, decided, untested):
    found = claims.read(results).set_index("id")
    assert set(found["study"]) == set(STUDIES) and found.index.is_unique
    own = found[found["study"] == study]
    tested = own.loc[[f"{study}-{name}" for name in decided]]
    assert tested["effect"].notna().all() and (tested["seeds"] == 1).all() and (tested["n"] > 1).all()
    assert own.filter(like=untested, axis=0)["effect"].isna().all() and len(own.filter(like=untested, axis=0))
    assert (own["verdict"] == verdicts.UNTESTED).all()


@pytest.mark.parametrize(
    "study, names",
    [
        ("ncl", ["figure3", "figure_ablation", "figure_curves"]),
        ("inr", ["figure1", "figure2", "figure4", "figure_premise", "figure_pseudo_labels"]),
        ("bridge", ["figure_spectra", "figure2", "figure_costs", "figure_claims"]),
    ],
)
def test_figures_are_left_in_every_form(results, study, names):
    for name in names:
        assert all(
            (results / study / "figures" / f"{name}.{kind}").stat().st_size > 50 for kind in ("png", "pdf", "csv")
        )


def test_the_end_is_one_page(results):
    page = (results / "report.html").read_text(encoding="utf-8")
    assert self_contained(page) and len(re.findall("data:image/(?:png|webp);base64,", page)) >= 6
    for words in ("centre blob", NCL_METHODS["pivot+pc"], INR_METHODS["nrr+scl+agap"], TWIN, "sim-iedit"):
        assert words in page
    for study in STUDIES:
        assert self_contained((results / study / "report.html").read_text(encoding="utf-8"))


def test_every_link_of_every_page_leads_somewhere(results):
    for page in [results / "report.html", *(results / study / "report.html" for study in STUDIES)]:
        text = page.read_text(encoding="utf-8")
        places = {html.unescape(name) for name in re.findall(r' id="([^"]+)"', text)}
        links = {html.unescape(link) for link in re.findall(r'href="([^"]+)"', text) if not link.startswith("http")}
        lost = [link for link in links if link.startswith("#") and link[1:] not in places]
        lost += [link for link in links if not link.startswith("#") and not (page.parent / link.split("#")[0]).exists()]
        assert len(links) > 30 and not lost, (page.name, sorted(lost))


def test_what_git_holds_is_enough_for_a_fresh_clone(results, tmp_path):
    """The columnar files alone give every table that the folders of runs give."""
    for study in STUDIES:
        (tmp_path / study).mkdir()
        for path in (results / study).glob("*"):
            if path.suffix == ".parquet" or path.name == store.SUMS:
                shutil.copy(path, tmp_path / study)
        settings, here = archive.gather(results, study)
        others, kept = archive.gather(tmp_path, study)
        assert settings["key"].tolist() == others["key"].tolist() and set(here) == set(kept)
        for name, rows in here.items():
            pd.testing.assert_frame_equal(rows, kept[name])


# ---- finished runs, used again -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "study, run, dataset",
    [
        ("ncl", NCL_RUNS[1], "sim-casia"),
        ("inr", INR_RUNS[1], "sim-casia"),
        ("inr", INR_RUNS[2], "sim-iedit"),
        ("inr", NRR, "sim-casia"),
        ("bridge", BRIDGE_RUNS[0], TWIN),
        ("bridge", BRIDGE_RUNS[1], TWIN),
    ],
)
def test_a_finished_run_that_is_scored_again_gives_its_scores_to_the_digit(results, study, run, dataset, monkeypatch):
    monkeypatch.setenv("IMDLIB_CACHE", str(results.parents[1] / "cache"))
    before = modified(results / study / "runs" / run)
    names = execute("score", results=str(results), run=f"{study}/{run}", dataset=dataset)
    found, kept = names["record"].scores(), scores_of(results, study, run)
    kept = kept[(kept["dataset"] == dataset) & (kept["attack"] == "none" if "attack" in kept else True)]
    kept = kept[kept["predictor"].isin(found["predictor"])] if "predictor" in kept else kept
    by = [name for name in ("predictor", "image") if name in kept]
    found, kept = (rows.sort_values(by, ignore_index=True).dropna(axis=1, how="all") for rows in (found, kept))
    pd.testing.assert_frame_equal(found[kept.columns], kept, check_dtype=False, check_exact=True)
    assert modified(results / study / "runs" / run) == before
    stamp = json.loads((names["record"].folder / "stamp.json").read_text())
    assert (
        stamp["needs"]["uses"] == {"run": stamp_of(results, study, run)["key"]} and stamp["scored"] == f"{study}/{run}"
    )
    assert {"all-ones map", "centre blob"} <= set(names["found"]["method"])
    shown = names["whole"][names["whole"]["method"].str.startswith(f"{study}/{run}")]
    assert shown["low"].notna().any() and shown["test_set"].str.startswith(dataset).all()


def test_runs_of_all_studies_look_at_a_photo_side_by_side(results, tmp_path, monkeypatch):
    monkeypatch.setenv("IMDLIB_CACHE", str(results.parents[1] / "cache"))
    (tmp_path / "photos").mkdir()
    for name in ("$_1 ($_57).png", "z.png"):
        shutil.copy(next((results.parents[1] / "cache").rglob("000005.*")), tmp_path / "photos" / name)
    asked = [
        f"ncl/{NCL_RUNS[1]}",
        f"inr/{INR_RUNS[1]}",
        f"inr/{NRR}",
        f"bridge/{BRIDGE_RUNS[0]}",
        f"bridge/{BRIDGE_RUNS[1]}",
    ]
    names = execute("try_it", results=str(results), runs=asked, photo=str(tmp_path / "photos"), tile=64, overlap=32)
    rows = names["rows"]
    assert not len(names["problems"]) and len(rows) == 10 and rows["score"].between(0, 1).all()
    late = rows[rows["run"] == f"bridge/{BRIDGE_RUNS[1]}"]
    assert late["class"].isin(CLASSES).all() and late[["d1", "d2"]].notna().all(axis=None)
    assert (rows["map"] == "").sum() == 2  # Wang et al. draw none
    assert all((names["folder"] / path).is_file() for path in [*rows["figure"], *rows.loc[rows["map"] != "", "map"]])
