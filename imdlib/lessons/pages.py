"""Executed copies of the student notebooks as HTML, and an index of what each of them teaches.

`make lessons` runs every notebook as it is committed and leaves `results/<profile>/lessons/index.html` with a page for each beside it, for
readers without Python. Title, question and what a notebook needs are read from its first cell.
"""

import re
import sys
from collections.abc import Iterable
from functools import partial
from pathlib import Path

import nbformat
import papermill
from latex2mathml.converter import convert
from nbconvert import HTMLExporter

from imdlib.freshness import sources
from imdlib.places import REPO, results_folder

ROOMS = {
    "lessons": "Before the papers",
    "ncl": "NCL: non-mutually exclusive contrast",
    "inr": "INR: implicit representation, limited supervision",
    "bridge": "Bridging: partly and fully fake",
}
HEAD = """# Lessons

What a student reads, in this order. Each notebook asks one question, shows the library's code beside its equations, and most let
you write the component yourself, checked at hidden inputs. `make lessons` executes all of them into
`results/<profile>/lessons/index.html`, readable without Python; `make lab` opens them live, with sliders.
"""


def notebooks() -> list[str]:
    """Names of the student notebooks, in the order in which they are read."""
    return [
        path.relative_to(REPO / "notebooks").with_suffix("").as_posix()
        for room in ROOMS
        for path in sorted((REPO / "notebooks" / room).glob("[1-9]_*.ipynb"))
    ]


def told(notebook: str) -> tuple[str, str, str]:
    """Title, question, and how long it takes and what it needs, from a notebook's first cell."""
    text = sources.source(sources.cells(notebook)[0])
    title = re.search(r"^# (.+)", text)[1]
    question = re.search(r"\*\*The question: (.+?)\*\*", text, flags=re.S)[1]
    return (
        title,
        " ".join(question.split()),
        re.sub(r"\[(.+?)\]\(.+?\)", r"\1", re.findall(r"^\*([^*].+)\*$", text, flags=re.M)[-1]),
    )


def index(link: str) -> str:
    """The index as Markdown; link: where a notebook lies, with {} for its name."""
    parts = [HEAD]
    for room, name in ROOMS.items():
        rows = [(one, *told(one)) for one in notebooks() if one.startswith(f"{room}/")]
        lines = [f"| [{title}]({link.format(one)}) | {question} | {needs} |" for one, title, question, needs in rows]
        parts.append(
            f"## {name}\n\n| lesson | the question | time, and what it needs |\n|---|---|---|\n"
            + "\n".join(lines)
            + "\n"
        )
    return "\n".join(parts)


def executed(notebook: str, results: Path | str) -> Path:
    """Run a notebook and write its page under `<results>/lessons`; path of the page. A cell that fails raises."""
    page = results_folder(results, "lessons") / f"{notebook}.html"
    page.parent.mkdir(parents=True, exist_ok=True)
    copy = page.with_suffix(".ipynb")
    papermill.execute_notebook(
        REPO / "notebooks" / f"{notebook}.ipynb", copy, {"results": str(results)}, progress_bar=False, cwd=REPO
    )
    page.write_text(html(nbformat.read(copy, as_version=4)), encoding="utf-8")
    return page


def html(book: nbformat.NotebookNode) -> str:
    """An executed notebook as one HTML file, without a network: formulas as MathML, code in a monospace font, links to other
    lessons and to the report to their pages.
    """
    formulas = []  # the converter takes tags apart and closes a fold at its first blank line, so both pass it as plain words
    for cell in book.cells:
        if cell.cell_type == "markdown":
            cell.source = FORMULA.sub(partial(mathml, formulas=formulas), cell.source)
            for tag, word in FOLDS.items():
                cell.source = cell.source.replace(tag, f"\n\n{word}\n\n")
    text, _ = HTMLExporter(template_name="lab", embed_images=True).from_notebook_node(book)
    for tag, word in FOLDS.items():
        text = text.replace(f"<p>{word}</p>", tag)
    text = re.sub(r"FORMULA-(\d+)-", lambda found: formulas[int(found[1])], text)
    text = re.sub(
        r'<script src="https://.*?</script>', "", text, flags=re.S
    )  # of formulas and widgets, which need none
    text = re.sub(r'href="((?:\.\./\w+/)?\d_\w+)\.ipynb"', r'href="\1.html"', text)
    text = text.replace('href="report.ipynb"', 'href="../../report.html"')  # of the profile, which all studies share
    text = re.sub(r'<a href="\w+\.ipynb"[^>]*>(.*?)</a>', r"\1", text)  # notebooks of which there is no page
    return text.replace("</head>", f"<style>{STYLE}</style></head>", 1)


def mathml(found: re.Match, formulas: list[str]) -> str:
    """A word in the place of what FORMULA found, whose MathML is put into the list; code stays as it is."""
    if found["code"]:
        return found["code"]
    block, inline = found["block"], found["inline"]
    formula = convert(block or inline, display="block" if block else "inline")
    formulas.append(
        formula.replace("<mo>&#x02016;", '<mo stretchy="false">&#x02016;')
    )  # bars of a norm as high as a letter
    return f"FORMULA-{len(formulas) - 1}-"


FORMULA = re.compile(r"(?P<code>```.*?```|`[^`]*`)|\$\$(?P<block>.+?)\$\$|\$(?P<inline>[^$\n]+?)\$", flags=re.S)
FOLDS = {"<details><summary>Solution</summary>": "FOLD-BEGINS", "</details>": "FOLD-ENDS"}
STYLE = """
pre, code, .highlight pre { font-family: 'DejaVu Sans Mono', Consolas, Menlo, monospace !important; font-size: 13px; }
body { max-width: 1060px; margin: 0 auto; }
details pre { padding: 8px; background: #f5f5f5; }
"""


def build(results: Path | str, names: Iterable[str]) -> Path:
    """Pages of these notebooks and the index of all; path of the index."""
    for name in names:
        print(f"-- {executed(name, results)}", flush=True)
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell(index("{}.html"))])
    path = results_folder(results, "lessons") / "index.html"
    path.write_text(html(book), encoding="utf-8")
    return path


if __name__ == "__main__":
    print(build(sys.argv[1], sys.argv[2:] or notebooks()))
