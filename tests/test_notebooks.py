"""Notebooks: the rules of the house, and a parameter that was misspelt."""

import ast
import os
import re
import statistics
import subprocess
import sys

import nbformat
import papermill
import pytest

from imdlib import parameters
from imdlib.freshness import sources
from imdlib.pages import page
from imdlib.places import REPO

FOLDER = REPO / "notebooks"
NAMES = sorted(path.relative_to(FOLDER).with_suffix("").as_posix() for path in FOLDER.glob("**/*.ipynb"))


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
    found = parameters.declared(name)
    assert found["results"] == "results/quick"
    assert len(found) == len(ast.parse(source).body) == len(source.splitlines())
    for line in source.splitlines():
        assert re.fullmatch(r"\w+ = .+  # \S.+", line), f"a parameter without a comment: {line}"


def test_checks_its_own_parameters(book, name):
    calls = re.findall(r"parameters\.checked\((.+?)\)", "\n".join(cell.source for cell in code(book)))
    assert calls == [f'"{name}", globals(']


def test_papermill_reads_every_parameter(book, name):
    """Its parser is not Python's: it skips a line with a second `=`, be it in the comment, and warns when that parameter is given."""
    found = papermill.inspect_notebook(str(FOLDER / f"{name}.ipynb"))
    assert set(found) == set(parameters.declared(name))
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


def test_is_formatted_like_the_library():
    """Ruff knows notebooks; the whole folder at once, since it starts in a moment."""
    done = subprocess.run(
        [sys.executable, "-m", "ruff", "format", "--check", str(FOLDER)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_no_line_of_code_is_longer_than_the_library_s(book):
    long = [line for cell in code(book) for line in cell.source.splitlines() if len(line) > 120]
    assert not long


def test_cells_that_only_look_leave_nothing_that_counts(book):
    """No result depends on cells tagged `look`, so what they name is not read by a cell that counts."""
    named = set()
    for cell in code(book):
        found = [node for node in ast.walk(ast.parse(cell.source)) if isinstance(node, ast.Name)]
        if sources.LOOK in cell.metadata.get("tags", []):
            named |= {node.id for node in found if isinstance(node.ctx, ast.Store)}
        else:
            read = {node.id for node in found if isinstance(node.ctx, ast.Load)}
            assert not read & named, cell.source


def test_only_names_of_tags_that_mean_something(book):
    allowed = {"code": {"parameters", sources.LOOK}, "markdown": {page.READS}}
    assert all(set(cell.metadata.get("tags", [])) <= allowed[cell.cell_type] for cell in book.cells)


# ---- Papermill -----------------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_misspelt_parameter_fails_and_suggests_the_right_one(tmp_path):
    output = tmp_path / "out.ipynb"
    command = [sys.executable, "-m", "papermill", "notebooks/ncl/run.ipynb", str(output), "-p", "epocs", "3"]
    environment = os.environ | {"IMDLIB_CACHE": str(tmp_path)}
    done = subprocess.run(command, cwd=REPO, capture_output=True, text=True, env=environment)
    assert done.returncode != 0
    assert "has no parameter 'epocs'. Did you mean 'epochs'?" in done.stdout + done.stderr
    left = nbformat.read(output, as_version=4)
    nbformat.validate(left)
    assert any(out.get("ename") == "ParameterError" for cell in code(left) for out in cell.outputs)
    assert {path.name for path in tmp_path.iterdir()} == {"out.ipynb"}  # it failed before anything was built
