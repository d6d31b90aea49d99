"""Pages of the lessons: what is executed is readable, folds are closed, and the index knows every notebook."""

import ast
import re

import nbformat
import pytest

from imdlib.freshness import sources
from imdlib.lessons import pages
from imdlib.places import REPO


def test_the_index_tells_of_every_lesson_and_is_the_one_in_docs():
    text = pages.index("../notebooks/{}.ipynb")
    assert all(f"(../notebooks/{name}.ipynb)" in text for name in pages.notebooks())
    assert (REPO / "docs" / "lessons.md").read_text(encoding="utf-8") == text, (
        "make it anew: write pages.index('../notebooks/{}.ipynb') into docs/lessons.md"
    )


@pytest.mark.parametrize("name", pages.notebooks())
def test_a_first_cell_has_title_question_and_time(name):
    title, question, needs = pages.told(name)
    assert title and question.endswith("?") and "minute" in needs


@pytest.mark.parametrize("name", pages.notebooks())
def test_source_is_shown_whole_and_no_import_is_overwritten(name):
    code = [sources.source(cell) for cell in sources.cells(name) if cell["cell_type"] == "code"]
    assert not [one for one in code if re.search(r"getsource\([^()]+\)\s*\.split", one)]
    nodes = [node for one in code for node in ast.walk(ast.parse(one))]
    imports = [alias for node in nodes if isinstance(node, ast.Import | ast.ImportFrom) for alias in node.names]
    stored = {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    assert not stored & {alias.asname or alias.name for alias in imports}


def test_folds_and_links_and_code():
    text = "see [b](2_b.ipynb), [c](../ncl/3_c.ipynb)\n\n<details><summary>Solution</summary>\n\n```python\nx = 1\n```\n\nso\n</details>"
    page = pages.html(nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell(text)]))
    fold = page[page.index("<details>") : page.index("</details>")]
    assert "so" in fold and "x" in fold and "FOLD" not in page and "monospace" in page
    assert 'href="2_b.html"' in page and 'href="../ncl/3_c.html"' in page


def test_formulas_are_readable_without_a_network_and_code_is_left_alone():
    text = "the loss $L_1$, in code `$x$`:\n\n$$L = \\frac{1}{N}\n\\sum_i x_i .$$\n\n```python\ny = '$z$ $w$'\n```"
    page = pages.html(nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell(text)]))
    assert page.count("<math") == 2 and "<mfrac>" in page and 'display="block"' in page
    shown = re.sub(r"<[^>]+>", "", page)
    assert "$x$" in shown and "$z$ $w$" in shown and "\\frac" not in shown
    assert not re.findall(r'<(?:script|link|img)[^>]+(?:src|href)="https?://', page)


@pytest.mark.slow
def test_a_lesson_becomes_a_page(tmp_path, monkeypatch):
    monkeypatch.delenv("MPLBACKEND", raising=False)  # of the tests: with it a kernel shows no figure
    path = pages.build(tmp_path, ["bridge/6_five_stages"])
    page = (tmp_path / "lessons" / "bridge" / "6_five_stages.html").read_text(encoding="utf-8")
    shown = re.sub(r"<[^>]+>", "", page)
    assert page.count("<img") == 2 and "def heads" in shown and "Traceback (most recent call last)" not in shown
    assert 'href="bridge/6_five_stages.html"' in path.read_text(encoding="utf-8")
