"""Notebooks: the rules of the house, and the whole chain from data to report by Papermill, small enough for a test."""

import ast
import inspect
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
from pathlib import Path

import nbformat
import pandas as pd
import papermill
import pytest
import yaml

from imdlib import runs
from imdlib.bridge import grid as bridge_grid
from imdlib.inr import METHODS as INR_METHODS
from imdlib.inr import grid as inr_grid
from imdlib.ncl import grid as ncl_grid
from imdlib.pages import claims, tables
from tests.pages.test_report import self_contained

REPO = Path(__file__).resolve().parents[1]
FOLDER = REPO / "notebooks"
NAMES = sorted(path.relative_to(FOLDER).with_suffix("").as_posix() for path in FOLDER.glob("**/*.ipynb"))
GRIDS = {"ncl": ncl_grid, "inr": inr_grid, "bridge": bridge_grid}
KEYS = {study: set(inspect.signature(grid.configurations).parameters) for study, grid in GRIDS.items()}
GRID = set().union(*KEYS.values())  # keys of a profile that say which runs there are
TRIVIAL = ["all-ones map", "random map", "centre blob", "average training mask"]


# ---- rules of the house --------------------------------------------------------------------------------------------------------


@pytest.fixture(params=NAMES)
def name(request):
    return request.param


@pytest.fixture
def book(name):
    return nbformat.read(FOLDER / f"{name}.ipynb", as_version=4)


def code(book):
    return [cell for cell in book.cells if cell.cell_type == "code"]


def is_parameters(cell):
    return "parameters" in cell.metadata.get("tags", [])


def nodes(book, *kinds):
    return [node for cell in code(book) for node in ast.walk(ast.parse(cell.source)) if isinstance(node, kinds)]


def test_the_notebooks_are_there():
    studies = {"ncl/run", "ncl/report", "inr/nrr", "inr/run", "inr/report", "bridge/run", "bridge/report"}
    assert {"data", "report"} | studies <= set(NAMES)


def test_is_committed_without_outputs(book):
    nbformat.validate(book)
    assert not any(cell.outputs or cell.execution_count for cell in code(book))


def test_runs_on_any_python3_kernel(book):
    assert book.metadata.kernelspec.name == "python3"


def test_has_exactly_one_parameters_cell(book):
    assert sum(is_parameters(cell) for cell in book.cells) == 1


def test_every_parameter_is_a_literal_with_a_comment(book, name):
    source = next(cell.source for cell in book.cells if is_parameters(cell))
    found = runs.declared(name)
    assert found["results"] == "results/quick"
    assert len(found) == len(ast.parse(source).body) == len(source.splitlines())
    for line in source.splitlines():
        assert re.fullmatch(r"\w+ = .+  # \S.+", line), f"a parameter without a comment: {line}"


def test_checks_its_own_parameters(book, name):
    calls = re.findall(r"runs\.parameters\((.+?)\)", "\n".join(cell.source for cell in code(book)))
    assert calls == [f'"{name}", globals(']


def test_papermill_reads_every_parameter(book, name):
    """Its parser is not Python's: it skips a line with a second `=`, be it in the comment, and warns when that parameter is given."""
    found = papermill.inspect_notebook(str(FOLDER / f"{name}.ipynb"))
    assert set(found) == set(runs.declared(name))
    assert all(parameter["help"] for parameter in found.values())


def test_code_cells_are_short(book):
    """Lists of parameters are as long as they must be; every other cell can be seen at once."""
    lines = [len(cell.source.splitlines()) for cell in code(book)]
    assert statistics.median(lines) <= 8
    assert max(len(cell.source.splitlines()) for cell in code(book) if not is_parameters(cell)) <= 20


def test_defines_no_class_and_no_long_function(book):
    assert not nodes(book, ast.ClassDef)
    long = [
        node.name for node in nodes(book, ast.FunctionDef, ast.AsyncFunctionDef) if node.end_lineno > node.lineno + 1
    ]
    assert not long, f"functions of more than two lines belong into imdlib: {long}"


def test_is_plain_python(book):
    """`ast.parse` refuses magics and shell commands; get_ipython would be the way around."""
    assert not [node for node in nodes(book, ast.Name) if node.id == "get_ipython"]


def test_imports_stand_in_one_cell_that_holds_nothing_else(book):
    imports = (ast.Import, ast.ImportFrom)
    cells = [ast.parse(cell.source).body for cell in code(book)]
    importing = [body for body in cells if any(isinstance(node, imports) for node in body)]
    assert len(importing) == 1 and all(isinstance(node, imports) for node in importing[0])
    assert len(nodes(book, *imports)) == len(importing[0])  # none hidden inside a function


# ---- Papermill -----------------------------------------------------------------------------------------------------------------


def execute(notebook, output, cache, **parameters):
    """Run a notebook as Snakemake does; returns the finished process with its output as text."""
    given = [word for name, value in parameters.items() for word in ("-y", yaml.safe_dump({name: value}))]
    command = [sys.executable, "-m", "papermill", "--no-progress-bar", "--log-level", "ERROR"]
    command += [str(FOLDER / notebook), str(output), *given]
    environment = os.environ | {"IMDLIB_CACHE": str(cache), "OMP_NUM_THREADS": "1"}
    return subprocess.run(command, env=environment, capture_output=True, text=True, cwd=output.parent)


@pytest.mark.slow
def test_a_misspelt_parameter_fails_and_suggests_the_right_one(tmp_path):
    output = tmp_path / "out.ipynb"
    command = [sys.executable, "-m", "papermill", "notebooks/ncl/run.ipynb", str(output), "-p", "epocs", "3"]
    done = subprocess.run(
        command, cwd=REPO, capture_output=True, text=True, env=os.environ | {"IMDLIB_CACHE": str(tmp_path)}
    )
    assert done.returncode != 0
    assert "has no parameter 'epocs'. Did you mean 'epochs'?" in done.stdout + done.stderr
    left = nbformat.read(output, as_version=4)
    nbformat.validate(left)
    assert any(out.get("ename") == "ParameterError" for cell in code(left) for out in cell.outputs)
    assert not (tmp_path / "synthetic").exists()  # it failed before anything was built


SMALL = dict(count=60, size=64)
VARIANTS = {"base": "base_sim-casia_seed0", "pivot+pc": "pivot-pc_sim-casia_seed0"}


@pytest.fixture(scope="module")
def chain(tmp_path_factory):
    """Folder of results in which data, two runs, their report and the report were executed one after another."""
    folder = tmp_path_factory.mktemp("chain")
    results, cache = folder / "results", folder / "cache"
    steps = [("data.ipynb", SMALL)]
    steps += [("ncl/run.ipynb", SMALL | dict(variant=name, crop=64, epochs=1, examples=4)) for name in VARIANTS]
    steps += [("ncl/report.ipynb", dict(examples=3)), ("report.ipynb", {})]
    for number, (notebook, parameters) in enumerate(steps):
        done = execute(notebook, folder / f"{number}.ipynb", cache, results=str(results), **parameters)
        assert done.returncode == 0, f"{notebook} failed:\n{done.stderr[-3000:]}"
    command = [
        sys.executable,
        "-m",
        "imdlib.pages.report",
        str(folder / f"{number}.ipynb"),
        str(results / "report.html"),
    ]
    subprocess.run(command, check=True, cwd=REPO)
    return results


@pytest.mark.slow
def test_chain_leaves_two_finished_runs(chain):
    for run in VARIANTS.values():
        names = {path.name for path in (chain / "ncl" / "runs" / run).iterdir()}
        assert {"params.yaml", "history.csv", "scores.csv.gz", "weights.safetensors", "maps.npz", "stamp.json"} <= names
    assert len(list((chain / "ncl" / "runs").iterdir())) == 2
    assert not (chain / "quick").exists() and (chain.parent / "cache" / "synthetic").is_dir()


@pytest.mark.slow
def test_chain_leaves_the_ablation_beside_all_trivial_rows(chain):
    rows = pd.read_csv(chain / "ncl" / "tables" / "table5.csv", keep_default_na=False, na_values=[""])
    assert rows.columns.tolist() == tables.COLUMNS
    assert set(rows["method"]) == {*TRIVIAL, "Base", "Base+Pivot+PC"}
    assert set(rows["metric"]) == set(tables.NAMES.values())
    assert len(rows) == 6 * len(tables.NAMES) and rows["value"].notna().all()
    ours = rows[rows["method"] == "Base+Pivot+PC"].set_index("metric")["published"]
    assert ours["pixel F1"] == 0.598 and ours["pixel AUC"] == 0.864  # of the real set that the twin imitates
    ones = rows[(rows["method"] == "all-ones map") & (rows["metric"] == "pixel AUC")]
    assert ones["value"].tolist() == [0.5]
    for kind in ("md", "tex"):
        assert "centre blob" in (chain / "ncl" / "tables" / f"table5.{kind}").read_text()


@pytest.mark.slow
def test_chain_leaves_verdicts_and_figures(chain):
    found = claims.read(chain)
    assert found.columns.tolist() == claims.COLUMNS and set(found["study"]) == {"ncl"}
    verdict = found.set_index("id")["verdict"]
    decided = [
        f"ncl-{name}-{metric}" for name in ("ncl", "base-blob", "ncl-blob") for metric in ("f1", "auc", "auc_shuffled")
    ]
    assert (verdict[decided] != claims.UNTESTED).all() and found.set_index("id")["effect"][decided].notna().all()
    assert (
        verdict.drop([*decided, *(name for name in verdict.index if name.endswith("f1_best"))]) == claims.UNTESTED
    ).all()
    for name in ("figure3", "figure_ablation", "figure_curves"):
        assert all(
            (chain / "ncl" / "figures" / f"{name}.{kind}").stat().st_size > 100 for kind in ("png", "pdf", "csv")
        )


@pytest.mark.slow
def test_chain_ends_in_one_page(chain):
    page = (chain / "report.html").read_text(encoding="utf-8")
    assert self_contained(page)
    assert (
        len(re.findall("data:image/(?:png|webp);base64,", page)) >= 6
        and "centre blob" in page
        and "Base+Pivot+PC" in page
    )


@pytest.mark.slow
def test_a_finished_run_is_not_trained_again(chain):
    folder = chain / "ncl" / "runs" / VARIANTS["base"]
    before = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    options = SMALL | dict(variant="base", crop=64, epochs=1, examples=4, results=str(chain))
    done = execute("ncl/run.ipynb", chain.parent / "again.ipynb", chain.parent / "cache", **options)
    assert done.returncode == 0, done.stderr[-3000:]
    assert {path.name: path.stat().st_mtime_ns for path in folder.iterdir()} == before


INR_RUNS = {
    "weak_base_sim-casia_seed0": dict(variant="base", redrawn=True),
    "weak_nrr-scl-agap_sim-casia_seed0": {},
    "unsupervised_nrr-scl-agap_sim-casia_seed0": dict(mode="unsupervised"),
}


@pytest.fixture(scope="module")
def inr_chain(tmp_path_factory):
    """Folder of results in which data, an NRR, three detectors and their report were executed one after another."""
    folder = tmp_path_factory.mktemp("inr_chain")
    results, cache, sets = folder / "results", folder / "cache", ["sim-casia", "sim-iedit"]
    small = SMALL | dict(crop=48, steps=14, examples=2, test_sets=sets)
    few = small | dict(crop=64, width=0.25, proj=[8, 8], batch_size=8, steps=6, train_set="sim-casia", recompressed=75)
    steps = [("data.ipynb", SMALL | dict(dataset="sim-casia")), ("inr/nrr.ipynb", small)]
    steps += [("inr/run.ipynb", few | more) for more in INR_RUNS.values()]
    steps += [("inr/report.ipynb", dict(examples=2, cost_repeats=1))]
    for number, (notebook, parameters) in enumerate(steps):
        done = execute(notebook, folder / f"{number}.ipynb", cache, results=str(results), **parameters)
        assert done.returncode == 0, f"{notebook} failed:\n{done.stderr[-3000:]}"
    return results


@pytest.mark.slow
def test_an_nrr_run_leaves_its_error_map_beside_filters_that_were_never_trained(inr_chain):
    folder = inr_chain / "inr" / "runs" / "nrr_sim-casia_seed0"
    scores = pd.read_csv(folder / "scores.csv.gz")
    assert scores.groupby("predictor").size().nunique() == 1 and scores["predictor"].nunique() == 10
    assert scores["auc"].notna().all() and scores["auc_shuffled"].notna().all()
    assert set(scores["dataset"]) == {"sim-casia"}  # the other set has no masks
    stamp = json.loads((folder / "stamp.json").read_text())
    assert stamp["error_scale"] > 0 and stamp["psnr_gap"] == pytest.approx(
        stamp["psnr_outside"] - stamp["psnr_tampered"]
    )
    assert {"psnr_authentic", "psnr_gap", "loss"} <= set(pd.read_csv(folder / "history.csv").columns)


@pytest.mark.slow
def test_a_detector_s_run_scores_images_and_maps(inr_chain):
    for name in INR_RUNS:
        folder = inr_chain / "inr" / "runs" / name
        scores = pd.read_csv(folder / "scores.csv.gz")
        assert scores["score"].between(0, 1).all() and set(scores["label"]) == {0, 1}
        masked = (scores["dataset"] == "sim-casia") & (scores["label"] == 1)
        assert scores.loc[masked, ["f1", "auc", "auc_shuffled"]].notna().all(axis=None)
        assert scores.loc[~masked, "f1"].isna().all()
        attacks = {"none", "jpeg 75"} | ({"redrawn by NRR"} if "base" in name else set())
        assert set(scores["attack"]) == attacks
    assert json.loads((folder / "stamp.json").read_text())["collapsed_epochs"] >= 0


@pytest.mark.slow
def test_the_inr_report_leaves_the_paper_s_tables_beside_all_trivial_rows(inr_chain):
    for number in range(1, 6):
        rows = pd.read_csv(inr_chain / "inr" / "tables" / f"table{number}.csv", keep_default_na=False, na_values=[""])
        assert rows.columns.tolist() == tables.COLUMNS and len(rows)
    weak = pd.read_csv(inr_chain / "inr" / "tables" / "table2.csv").set_index(["method", "test_set", "metric"])
    named = {*TRIVIAL, "always tampered, all-ones map", "random minority", "NRR error, Otsu"}
    assert named | {INR_METHODS["base"], INR_METHODS["nrr+scl+agap"]} <= set(weak.index.get_level_values("method"))
    assert weak.loc[("always tampered, all-ones map", "sim-casia", "image AUC"), "value"] == 0.5
    assert weak.loc[(INR_METHODS["base"], "sim-casia", "pixel F1"), "published"] == 0.122
    found = claims.read(inr_chain).set_index("id")
    assert set(found["study"]) == {"inr"} and found.index.is_unique
    tested = found.loc[["inr-whole-image_auc", "inr-error-auc", "inr-whole-blob-auc_shuffled", "inr-redrawn-f1"]]
    assert (tested["verdict"] != claims.UNTESTED).all()
    assert (found.filter(like="pool-", axis=0)["verdict"] == claims.UNTESTED).all()
    for name in ("figure1", "figure2", "figure4", "figure_premise", "figure_pseudo_labels"):
        assert all((inr_chain / "inr" / "figures" / f"{name}.{kind}").exists() for kind in ("png", "pdf", "csv"))


# ---- Snakemake -----------------------------------------------------------------------------------------------------------------


@pytest.fixture
def project(tmp_path):
    """A folder with the Snakefile, profiles and notebooks, in which nothing has been run."""
    shutil.copy(REPO / "Snakefile", tmp_path)
    for name in ("profiles", "notebooks"):
        shutil.copytree(REPO / name, tmp_path / name)
    return tmp_path


def plan(project, profile):
    """(exit code, output) of a dry run: what Snakemake would do."""
    command = [sys.executable, "-m", "snakemake", "-n", "--config", f"profile={profile}"]
    environment = os.environ | {"XDG_CACHE_HOME": str(project / "cache")}
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, env=environment)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(path.stem for path in (REPO / "profiles").glob("*.yaml")))
def test_snakemake_plans_the_whole_study(project, name):
    profile = yaml.safe_load((REPO / "profiles" / f"{name}.yaml").read_text())
    graph = {s: {key: profile[f"{s}.{key}"] for key in KEYS[s] if f"{s}.{key}" in profile} for s in GRIDS}
    nrr, detectors = inr_grid.configurations(**graph["inr"])
    expected = {"ncl_run": ncl_grid.configurations(**graph["ncl"]), "inr_nrr": nrr, "inr_run": detectors}
    expected["bridge_run"] = bridge_grid.configurations(**graph["bridge"])
    returncode, output = plan(project, name)
    assert returncode == 0, output[-3000:]
    counts = dict(line.split() for line in output.splitlines() if len(line.split()) == 2 and line.split()[1].isdigit())
    assert {rule: int(counts[rule]) for rule in expected} == {rule: len(runs) for rule, runs in expected.items()}
    assert all(counts[rule] == "1" for rule in ("ncl_report", "inr_report", "bridge_report", "report", "all"))
    assert not (project / "results").exists()


@pytest.mark.slow
@pytest.mark.parametrize("key", ["ncl.epocs", "cout"])
def test_a_misspelt_key_of_a_profile_is_refused(project, key):
    text = (project / "profiles" / "quick.yaml").read_text()
    (project / "profiles" / "mine.yaml").write_text(f"{text}\n{key}: 3\n")
    returncode, output = plan(project, "mine")
    assert returncode != 0
    assert "profiles/mine.yaml" in output and key in output


def test_profiles_are_flat_and_name_known_parameters():
    known = {parameter for name in NAMES for parameter in runs.declared(name)}
    for path in (REPO / "profiles").glob("*.yaml"):
        profile = yaml.safe_load(path.read_text())
        assert not any(isinstance(value, dict) for value in profile.values())
        assert {key.split(".")[-1] for key in profile} <= known | GRID, path.name
