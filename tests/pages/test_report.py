"""Reports: one page that needs neither the network nor another file, made from an executed notebook."""

import base64
import io
import json
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import nbformat
import numpy as np
import pytest
from nbformat import v4
from PIL import Image

from imdlib import archive, runs
from imdlib.pages import report

REPO = Path(__file__).resolve().parents[2]


class Loads(HTMLParser):
    """Collects what a browser would load by itself: (tag, address)."""

    def __init__(self, page):
        super().__init__()
        self.found = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        names = {"link": ["href"], "object": ["data"], "use": ["href", "xlink:href"], "image": ["href", "xlink:href"]}
        self.found += [(tag, value) for key, value in attrs if key in ["src", "srcset", "poster", *names.get(tag, [])]]


def self_contained(page):
    """True when a browser needs nothing but this text: no address but data:, and none in styles or scripts."""
    outside = [(tag, address) for tag, address in Loads(page).found if not (address or "").startswith("data:")]
    return not outside and not re.search(r"@import|url\((?!['\"]?data:)", page)


@pytest.fixture
def picture(tmp_path):
    path = tmp_path / "results" / "ncl" / "figures" / "figure3.png"
    path.parent.mkdir(parents=True)
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (8, 8, 3), dtype=np.uint8)).save(path)
    return path


@pytest.fixture
def executed(tmp_path, picture):
    """A small executed notebook: prose with a link, a picture, a table, a stream."""
    png = base64.b64encode(picture.read_bytes()).decode()
    page = v4.new_output("execute_result", {"text/html": report.embedded(picture).data, "text/plain": "<IPython>"})
    cells = [
        v4.new_markdown_cell(
            "Before.\n\n# What was found & how sure\n\n[The paper](https://arxiv.org/abs/2309.14900), $F_1$."
        ),
        v4.new_code_cell(
            "secret_code = 1", outputs=[v4.new_output("display_data", {"image/png": png, "text/plain": "<Figure>"})]
        ),
        v4.new_code_cell("table", outputs=[page]),
        v4.new_code_cell("print()", outputs=[v4.new_output("stream", text="60 images <ok>")]),
    ]
    path = tmp_path / "executed.ipynb"
    nbformat.write(v4.new_notebook(cells=cells), path)
    return path


def test_page_is_self_contained(executed, tmp_path):
    page = report.write(executed, tmp_path / "report.html").read_text(encoding="utf-8")
    assert self_contained(page)
    assert page.count("data:image/png;base64,") == 2
    assert "<title>What was found &amp; how sure</title>" in page and page.startswith("<!doctype html>")
    assert "secret_code" not in page and "60 images &lt;ok&gt;" in page
    assert 'href="https://arxiv.org/abs/2309.14900"' in page  # a link is clicked, not loaded
    assert not list(tmp_path.glob("*.draft"))


@pytest.mark.parametrize(
    "text",
    ['<script src="https://cdn.example/x.js"></script>', '<img src="figures/figure3.png">', '<link href="a.css">',
     "<style>@import 'a.css'</style>", "<style>b {background: url(https://x/y.png)}</style>"],
)  # fmt: skip
def test_this_test_sees_what_is_not_self_contained(text):
    assert not self_contained(f"<html>{text}</html>")
    assert self_contained('<html><a href="https://x">x</a><img src="data:image/png;base64,AA"></html>')


def test_command_line_says_what_the_page_was_drawn_from(executed, tmp_path):
    needs = {"parameters": {"examples": 3}, "uses": {"ncl_run a": "key"}}
    words = base64.b64encode(json.dumps(needs).encode()).decode()
    (tmp_path / "tables").mkdir()
    (tmp_path / "tables" / "table1.csv").write_text("a\n1\n")
    command = [sys.executable, "-m", "imdlib.pages.report", str(executed), str(tmp_path / "page.html"), words]
    subprocess.run(command, check=True, cwd=REPO)
    assert "60 images" in (tmp_path / "page.html").read_text(encoding="utf-8")
    found = runs.state(tmp_path, needs)
    assert found.word == "finished" and {"page.html", "tables/table1.csv"} <= set(found.stamp["sums"])
    (tmp_path / "tables" / "table1.csv").write_text("a\n2\n")
    assert runs.state(tmp_path, needs).word == "damaged"


def test_a_notebook_without_heading_is_named_after_its_file(tmp_path):
    nbformat.write(v4.new_notebook(cells=[v4.new_markdown_cell("text")]), tmp_path / "small.ipynb")
    assert "<title>small</title>" in report.write(tmp_path / "small.ipynb", tmp_path / "small.html").read_text()


def test_exhibits_come_in_the_papers_order(picture):
    folder = picture.parents[1]
    (folder / "tables").mkdir()
    for name in ("table_costs", "table10", "table5"):
        (folder / "tables" / f"{name}.md").write_text(f"{name}\n")
    (picture.parent / "figure_curves.png").write_bytes(picture.read_bytes())
    shown = [x.data for x in report.exhibits(folder)]
    names = [re.search(r"figures/(\w+)", text)[1] if text.startswith("<figure") else text.strip() for text in shown]
    assert names == ["table5", "table10", "table_costs", "figure3", "figure_curves"]


def test_a_saved_table_is_shown_with_its_intervals_below_the_values(tmp_path):
    (tmp_path / "table5.md").write_text(
        "caption\n\n| method | F1 |\n|:--|:--|\n| Base | 0.612 [0.587, 0.634] (paper 0.598) |\n| [x] | – |\n"
    )
    shown = report.table(tmp_path / "table5.md").data
    assert "| Base | 0.612<br><small>[0.587, 0.634] (paper 0.598)</small> |" in shown
    assert "| [x] | – |" in shown and shown.startswith("caption\n\n")


def test_overview_sums_the_stamps_of_what_was_kept(tmp_path, monkeypatch):
    about = dict(device="cpu", commit="abc", finished="2026-01-01")
    stamps = {"ncl": {"a": about | dict(seconds=60, peak_memory_mb=60)}}
    stamps["ncl"]["b"] = about | dict(seconds=90, peak_memory_mb=90, finished="2026-01-02")
    monkeypatch.setattr(archive, "stamps", lambda folder, study: stamps.get(study, {}))
    found = report.overview(tmp_path, ["ncl", "inr"])
    assert found.to_dict("records") == [
        {
            "study": "ncl",
            "runs": 2,
            "minutes in all": 2.5,
            "peak memory, MB": 90,
            "device": "cpu",
            "commit": "abc",
            "finished": "2026-01-02",
        }
    ]
    assert len(report.overview(tmp_path, [])) == 0


def photograph(path, side):
    noise = np.random.default_rng(0).integers(0, 255, (side, side, 3), dtype=np.uint8)
    Image.fromarray(noise).resize((2 * side, 2 * side)).save(path)
    return path.stat().st_size


def test_large_pictures_go_into_the_page_as_webp(tmp_path):
    size = photograph(tmp_path / "large.png", 200)
    assert size > report.LARGE
    text = report.embedded(tmp_path / "large.png").data
    content = base64.b64decode(re.search(r"data:image/webp;base64,([^\"]+)", text)[1])
    with Image.open(io.BytesIO(content)) as shown:
        assert shown.format == "WEBP" and shown.size == (400, 400)
    assert len(content) < size and self_contained(text)


def test_pictures_of_the_executed_notebook_are_reduced_and_nothing_else(tmp_path, executed):
    photograph(tmp_path / "large.png", 60)
    book = nbformat.read(executed, as_version=4)
    before = base64.b64encode((tmp_path / "large.png").read_bytes()).decode()
    book.cells[1].outputs[0].data["image/png"] = before
    nbformat.write(book, executed)
    report.shrink(executed)
    after = nbformat.read(executed, as_version=4)
    nbformat.validate(after)
    small = after.cells[1].outputs[0].data["image/png"]
    with Image.open(io.BytesIO(base64.b64decode(small))) as picture:
        assert picture.mode == "P" and picture.size == (120, 120)
    assert len(small) < len(before)
    book.cells[1].outputs[0].data["image/png"] = small
    assert after == book


def test_the_name_of_a_figure_is_no_markup_in_a_page(tmp_path):
    path = tmp_path / "figures" / "<img src=x onerror=alert(1)>.png"
    path.parent.mkdir()
    Image.new("RGB", (4, 4)).save(path)
    page = report.embedded(path).data
    assert "<img src=x" not in page and "&lt;img src=x onerror=alert(1)&gt;" in page
