"""What an import brings with it: heavy packages only where they are used. Names are asserted, not times."""

import ast
import subprocess
import sys

import pytest

from imdlib.places import REPO
from imdlib.study import STUDIES

HEAVY = {
    "torch", "torchvision", "timm", "umap", "numba", "skimage", "sklearn", "seaborn", "matplotlib", "cv2", "scipy", "pandas",
    "nbformat", "nbconvert", "papermill", "snakemake", "IPython", "lightning_fabric",
}  # fmt: skip
TABLES = {"pandas"}
NETWORKS = TABLES | {"torch", "torchvision", "timm", "cv2", "scipy"}
FABRIC = {"lightning_fabric", "matplotlib"}  # the latter where torchmetrics is installed, which Fabric then imports
FIGURES = TABLES | {"seaborn", "matplotlib", "scipy", "IPython"}


@pytest.mark.parametrize(
    "module, allowed",
    [
        ("imdlib", set()),
        ("imdlib.ncl", set()),
        ("imdlib.inr", set()),
        ("imdlib.bridge", set()),
        ("imdlib.parameters", set()),
        ("imdlib.choices", set()),
        ("imdlib.study", TABLES),
        (
            "imdlib.planner, imdlib.study; imdlib.planner.Planner('quick')",
            TABLES | {"scipy", "sklearn", "cv2", "skimage"},
        ),
        ("imdlib.runs", TABLES),
        ("imdlib.archive", TABLES),
        ("imdlib.pages.plots", FIGURES),
        ("imdlib.networks.cluster", {"torch"}),
        ("imdlib.ncl.networks", NETWORKS),
        ("imdlib.bridge.networks", NETWORKS | FABRIC | {"sklearn", "skimage"}),
        ("imdlib.scoring.embedding", TABLES | {"torch", "sklearn", "scipy"}),
    ],
)
def test_an_import_brings_no_heavy_package_that_it_does_not_need(module, allowed):
    code = f"import sys, {module}; print(*sorted({HEAVY!r} & set(sys.modules)))"
    found = subprocess.run(
        [sys.executable, "-c", code], cwd=REPO, check=True, capture_output=True, text=True
    ).stdout.split()
    assert set(found) <= allowed


def test_imports_run_one_way_from_studies_to_shared_rooms():
    """A study never imports another, a shared room never a study; lessons stand above both."""
    for path in (REPO / "imdlib").rglob("*.py"):
        room = path.relative_to(REPO / "imdlib").parts[0]
        nodes = [*ast.walk(ast.parse(path.read_text(encoding="utf-8")))]
        froms = [node for node in nodes if isinstance(node, ast.ImportFrom)]
        modules = [f"{node.module}.{name.name}" for node in froms for name in node.names]
        modules += [name.name for node in nodes if isinstance(node, ast.Import) for name in node.names]
        used = {name.split(".")[1] for name in modules if name.startswith("imdlib.")}
        assert room == "lessons" or not used & {*STUDIES, "lessons"} - {room}, path
