"""Page: an executed notebook as HTML in parts that open, with contents that stay in view; needs no network, no script, no other file.

The parts are what stands below each heading of the second order; nbconvert makes HTML of their cells. It and nbformat take seconds to
be imported and are, where a page is written: training notebooks show figures with the same room.
"""

import html
import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files as resources
from pathlib import Path
from typing import TYPE_CHECKING

from imdlib import files

if TYPE_CHECKING:
    from nbconvert import HTMLExporter
    from nbformat import NotebookNode

CLOSED = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"  # nothing is loaded and no script runs, whatever data holds
ABSENT = "*This profile has no runs for this.*"  # what a cell says whose exhibits have nothing to show
READS = "reads"  # tag of a text that only reads the exhibits before it
PAPER = re.compile(r"(Table|Figure) \d|.*verdict", re.I)  # parts that are open at first: what has a number in the paper
PART = re.compile(r'<details class="part" id="([^"]*)"[^>]*><summary>(.*?)</summary>')
HEADING = re.compile(r'<h2 id="([^"]*)">(.*?)</h2>')
EXHIBIT = re.compile(r'data-file="((?:data/)?)(tables|figures)/([^"]*)"')  # below the page, or of its data sets


@dataclass(frozen=True)
class Part:
    """What stands below one heading. title: '' for what stands before the first; body: HTML."""

    title: str
    body: str

    @property
    def id(self) -> str:
        """For links, as notebooks write them."""
        return anchor(self.title)


def anchor(title: str) -> str:
    """A heading's address, as notebooks write it."""
    return re.sub(r"\s+", "-", title.strip())


def parts(notebook: Path | str) -> list[Part]:
    """The parts of an executed notebook; its code, what was printed, and texts about exhibits without runs are left out."""
    import nbformat

    book = nbformat.read(notebook, as_version=4)
    groups = [("", [])]
    for cell in book.cells:
        if cell.cell_type == "code":
            cell.outputs = [one for one in cell.outputs if one.output_type != "stream"]
        source = cell.source
        found = re.match(r"##\s+(.+)", source) if cell.cell_type == "markdown" else None
        if found:
            groups.append((found[1].strip(), []))
            cell.source = source[found.end() :].strip()
        groups[-1][1].append(cell)
    return [Part(title, body(book, there(cells))) for title, cells in groups]


def there(cells: "list[NotebookNode]") -> "list[NotebookNode]":
    """Cells without texts tagged READS where all exhibits since the text before are ABSENT, of which one line stands for several."""
    kept, absent = [], []  # whether each exhibit since the last text is absent
    for cell in cells:
        if cell.cell_type == "code":
            if not cell.outputs:
                continue
            lacks = all(one.get("data", {}).get("text/markdown") == ABSENT for one in cell.outputs)
            if not (lacks and absent and all(absent)):
                kept.append(cell)
            absent.append(lacks)
        elif not (absent and all(absent) and READS in cell.metadata.get("tags", [])):
            kept.append(cell)
            absent = []
    return kept


@cache
def exporter() -> "HTMLExporter":
    """nbconvert's, without code."""
    from nbconvert import HTMLExporter

    hidden = dict(exclude_input=True, exclude_input_prompt=True, exclude_output_prompt=True)
    return HTMLExporter(template_name="basic", **hidden)


def body(book: "NotebookNode", cells: "list[NotebookNode]") -> str:
    """Cells as HTML; each exhibit is followed by its files and how long it took to draw."""
    from nbformat import v4

    found = []
    for cell in cells:
        text, _ = exporter().from_notebook_node(v4.new_notebook(cells=[cell], metadata=book.metadata))
        text = re.sub(r' id="cell-id=[^"]*"', "", text)  # notebooks that are joined have cells of one name
        found.append(filed(text, cell.metadata.get("papermill", {}).get("duration")))
    return "\n".join(found)


def filed(text: str, seconds: float | None) -> str:
    """Below each exhibit the files that it left, and how long its cell took."""

    def links(found: re.Match) -> str:
        """To the files beside a table or figure."""
        kinds = {"tables": ("csv", "md", "tex"), "figures": ("csv", "png", "pdf")}[found[2]]
        name = f"{found[2]}/{found[3]}"
        shown = " · ".join(f'<a href="{found[1]}{name}.{kind}">{kind}</a>' for kind in kinds)
        took = f"; drawn in {seconds:.1f} s" if seconds else ""
        return f'{found[0]} data-links="{html.escape(f"{name}: {shown}{took}")}"'

    marked = EXHIBIT.sub(links, text)
    pattern = r'(<(div|figure) class="exhibit"[^>]*?) data-links="([^"]*)"([^>]*>)(.*?)(<!-- end of exhibit -->)'
    return re.sub(
        pattern, lambda m: f'{m[1]}{m[4]}{m[5]}<p class="files">{html.unescape(m[3])}</p>', marked, flags=re.S
    )


def opening(part: Part, prefix: str = "") -> str:
    """A part as an element that opens; what has a number in the paper is open at first."""
    state = " open" if PAPER.match(part.title) else ""
    title, name = html.escape(part.title), html.escape(prefix + part.id)
    return f'<details class="part" id="{name}"{state}><summary>{title}</summary>\n{part.body}\n</details>'


def chapter(notebook: Path) -> str:
    """An executed notebook of a study as part of a page one folder above: addresses and links lead to it."""
    study = notebook.parent.name
    found = parts(notebook)
    text = re.sub(r"<h1\b.*?</h1>", "", found[0].body, flags=re.S)  # the chapter has a heading
    text += "\n".join(opening(part, f"{study}/") for part in found[1:])
    text = re.sub(r'href="(tables|figures)/', rf'href="{study}/\1/', text)
    text = re.sub(r'(<h[3-6]\b[^>]*?) id="', rf'\1 id="{study}/', text)
    return re.sub(r'href="#(?!claim-)', f'href="#{study}/', text)


def contents(text: str) -> str:
    """The list of headings and parts of a page, in their order, as links."""
    found = sorted(
        [(m.start(), 0, m[1], m[2]) for m in HEADING.finditer(text)]
        + [(m.start(), 1, m[1], m[2]) for m in PART.finditer(text)]
    )
    items, depth = [], 0
    for _, level, name, title in found:
        items.append("<ul>" if level > depth else "</ul>" if level < depth else "")
        items.append(f'<li><a href="#{name}">{title}</a></li>')
        depth = level
    return "<ul>" + "\n".join(filter(None, items)) + "</ul>" * (1 + depth)


def write(notebook: Path | str, page: Path | str) -> Path:
    """Turn an executed notebook into the HTML file `page`; returns its path. The title is that of the notebook's first heading."""
    import nbformat

    found = parts(notebook)
    cells = nbformat.read(notebook, as_version=4).cells
    headings = [line for cell in cells for line in cell.source.splitlines() if line.startswith("# ")]
    title = html.escape(headings[0].removeprefix("# ") if headings else Path(notebook).stem)
    joins = 'class="chapter"' in "".join(part.body for part in found)
    shown = [heading(part) if joins else opening(part) for part in found[1:]]
    text = "\n".join([found[0].body, *shown])
    listed, style = contents(text), resources("imdlib.pages").joinpath("page.css").read_text(encoding="utf-8")
    return files.write_text(
        page,
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f'<meta http-equiv="Content-Security-Policy" content="{CLOSED}"><title>{title}</title><style>{style}</style></head>\n<body>\n'
        f'<nav class="contents side" aria-label="Contents">{listed}</nav>\n'
        f'<nav class="contents top" aria-label="Contents"><details><summary>Contents</summary>{listed}</details></nav>\n'
        f"<main>\n{text}\n</main>\n</body></html>\n",
    )


def heading(part: Part) -> str:
    """A part of a page that joins several notebooks: always open."""
    return f'<h2 id="{html.escape(part.id)}">{html.escape(part.title)}</h2>\n{part.body}'
