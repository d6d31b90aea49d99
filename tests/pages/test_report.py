"""Reports: one page that needs neither the network nor another file, made from an executed notebook."""

import base64
import io
import json
import re
import subprocess
import sys
from html.parser import HTMLParser

import matplotlib.pyplot as plt
import nbformat
import numpy as np
import pandas as pd
import pytest
from nbformat import v4
from PIL import Image

from imdlib import archive, runs
from imdlib.pages import page, plots, report
from imdlib.places import REPO


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
    """A small executed notebook: prose with a link, a picture, a table, text, and what was printed meanwhile."""
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
        v4.new_code_cell(
            "print()",
            outputs=[
                v4.new_output("execute_result", {"text/plain": "60 images <ok>"}),
                v4.new_output("stream", text="built a set in 2 s"),
                v4.new_output("stream", name="stderr", text="a warning of /a/place"),
            ],
        ),
    ]
    path = tmp_path / "executed.ipynb"
    nbformat.write(v4.new_notebook(cells=cells), path)
    return path


def test_page_is_self_contained(executed, tmp_path):
    text = page.write(executed, tmp_path / "report.html").read_text(encoding="utf-8")
    assert self_contained(text)
    assert text.count("data:image/png;base64,") == 1 and text.count("data:image/webp;base64,") == 1
    assert "<title>What was found &amp; how sure</title>" in text and text.startswith("<!doctype html>")
    assert (
        "secret_code" not in text
        and "60 images &lt;ok&gt;" in text
        and "a warning" not in text
        and "built a set" not in text
    )
    assert 'href="https://arxiv.org/abs/2309.14900"' in text  # a link is clicked, not loaded
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
    (tmp_path / "needs.json").write_text(json.dumps(needs))
    (tmp_path / "tables").mkdir()
    (tmp_path / "tables" / "table1.csv").write_text("a\n1\n")
    command = [sys.executable, "-m", "imdlib.pages.report", executed, tmp_path / "page.html", tmp_path / "needs.json"]
    subprocess.run(command, check=True, cwd=REPO)
    assert "60 images" in (tmp_path / "page.html").read_text(encoding="utf-8")
    found = runs.state(tmp_path, needs)
    assert found.word == "finished" and {"page.html", "tables/table1.csv"} <= set(found.stamp["sums"])
    (tmp_path / "tables" / "table1.csv").write_text("a\n2\n")
    assert runs.state(tmp_path, needs).word == "damaged"


def test_a_notebook_without_heading_is_named_after_its_file(tmp_path):
    nbformat.write(v4.new_notebook(cells=[v4.new_markdown_cell("text")]), tmp_path / "small.ipynb")
    assert "<title>small</title>" in page.write(tmp_path / "small.ipynb", tmp_path / "small.html").read_text()


def test_every_picture_has_a_caption_an_alternative_text_and_its_files(picture):
    picture.with_suffix(".txt").write_text('Maps of "all" <b>variants</b>.\n')
    text = report.embedded(picture).data
    assert 'alt="Maps of &quot;all&quot; &lt;b&gt;variants&lt;/b&gt;."' in text and "<figcaption>Maps of" in text
    shown = page.filed(f"<div>{text}</div>", 2.04)
    assert '<a href="figures/figure3.csv">csv</a>' in shown and "drawn in 2.0 s" in shown and "data-links" not in shown


def test_parts_open_and_the_contents_lead_to_them(tmp_path):
    cells = [
        v4.new_markdown_cell("# Title\n\n[below](#Table-5:-what-&-why)"),
        v4.new_markdown_cell("## Table 5: what & why\n\nRead it."),
    ]
    cells += [v4.new_code_cell("1"), v4.new_markdown_cell("## Costs\n\nFew.")]
    nbformat.write(v4.new_notebook(cells=cells), tmp_path / "x.ipynb")
    text = page.write(tmp_path / "x.ipynb", tmp_path / "x.html").read_text()
    assert '<details class="part" id="Table-5:-what-&amp;-why" open><summary>Table 5: what &amp; why</summary>' in text
    assert '<details class="part" id="Costs"><summary>Costs</summary>' in text
    assert (
        text.count('<a href="#Costs">Costs</a>') == 2 and "Read it." in text
    )  # beside the page, and above it on a phone


def test_a_text_that_reads_an_absent_exhibit_goes_with_it(tmp_path):
    def shown(text):
        return v4.new_code_cell("show()", outputs=[v4.new_output("display_data", {"text/markdown": text})])

    def text(words, *tags):
        return v4.new_markdown_cell(words, metadata={"tags": list(tags)})

    absent, reads = page.ABSENT, page.READS
    cells = [text("## Part\n\nIntroduced."), shown(absent), text("Reads none.", reads), shown(absent), shown("There.")]
    cells += [
        text("Reads it.", reads),
        shown(absent),
        text("Says more."),
        shown("B."),
        shown(absent),
        text("Reads B.", reads),
    ]
    nbformat.write(v4.new_notebook(cells=cells), tmp_path / "x.ipynb")
    (_, part) = page.parts(tmp_path / "x.ipynb")
    words = ["Introduced", "no runs", "There", "Reads it", "no runs", "Says more", "B.", "no runs", "Reads B"]
    places = [match.start() for word in words for match in [re.search(word, part.body)]]
    assert len(places) == len(words) and "Reads none" not in part.body
    assert part.body.count("no runs for this") == 3 and "cell-id" not in part.body


def test_what_has_nothing_to_show_says_so_once(monkeypatch):
    said = []
    monkeypatch.setattr(report, "display", lambda one: said.append(one.data))
    report.show(None, None)
    report.show(None, report.HTML("b"))
    report.show(None, optional=True)
    assert said == [page.ABSENT, "b"]


def test_provenance_counts_what_each_commit_made():
    runs_made = pd.DataFrame({"commit": ["a", "b", "a"], "device": "x", "outdated": False})
    said = report.provenance(pd.concat({"runs": runs_made, "checks of data": runs_made.head(1)})).data
    assert (
        "runs (3) at commit a (2), b (1); checks of data (1) at commit a; this page at commit" in said
        and "older" not in said
    )
    old = runs_made.assign(outdated=[False, True, False])
    assert "**1 of 3 are older" in report.provenance(pd.concat({"runs": old})).data


def test_a_chapter_leads_to_the_files_of_its_study(tmp_path):
    (tmp_path / "ncl").mkdir()
    cells = [
        v4.new_markdown_cell("# NCL"),
        v4.new_markdown_cell("## Table 1: x\n\n[end](#End) [csv](tables/table1.csv)\n\n### What it does"),
    ]
    nbformat.write(v4.new_notebook(cells=cells), tmp_path / "ncl" / "report.ipynb")
    text = report.chapter(tmp_path / "ncl", "A <paper>").data
    assert (
        text.count('"ncl/What-it-does"') == 1 and text.count('"#ncl/What-it-does"') == 1
    )  # its address, and a link to it
    assert 'id="ncl/Table-1:-x"' in text and 'href="#ncl/End"' in text and 'href="ncl/tables/table1.csv"' in text
    assert "A &lt;paper&gt;" in text and '<h2 id="ncl">' in text
    assert "Not drawn here" in report.chapter(tmp_path / "inr", "x").data


def test_nothing_that_data_hold_is_run_as_a_script(tmp_path):
    cells = [v4.new_code_cell("x", outputs=[v4.new_output("display_data", {"text/html": "<script>alert(1)</script>"})])]
    nbformat.write(v4.new_notebook(cells=cells), tmp_path / "x.ipynb")
    head = page.write(tmp_path / "x.ipynb", tmp_path / "x.html").read_text().split("<body>")[0]
    assert f'<meta http-equiv="Content-Security-Policy" content="{page.CLOSED}">' in head
    assert "script" not in page.CLOSED and page.CLOSED.startswith("default-src 'none'")


def test_one_seed_is_a_demonstration(tmp_path, monkeypatch):
    stamps = {"a": dict(seed=0)}
    monkeypatch.setattr(archive, "stamps", lambda folder, study: stamps)
    assert "demonstration on one seed" in report.seeds(tmp_path, ["ncl"]).data
    stamps["b"] = dict(seed=1)
    assert report.seeds(tmp_path, ["ncl"]) is None


def test_overview_sums_the_stamps_of_what_was_kept(tmp_path, monkeypatch):
    about = dict(device="cpu", commit="abc", finished="2026-01-01", python="3.11.7", packages={"torch": "2.11.0"})
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
            "environment": "Python 3.11.7, PyTorch 2.11.0",
            "commit": "abc",
            "finished": "2026-01-02",
        }
    ]
    assert len(report.overview(tmp_path, [])) == 0


def test_a_rare_colour_of_a_figure_keeps_its_hue_in_the_page(tmp_path):
    """The mark of the only contradicted claim among grey ones and text, smoothed at their edges."""
    figure, axis = plt.subplots(figsize=(6.9, 5))
    axis.plot(range(40), range(40), "o", color="0.45", mfc="w")
    axis.plot(20, 5, "<", color="#D55E00", ms=5)
    for k in range(30):
        axis.text(1, k, "what the paper states, in words that take all other greys", fontsize=7)
    plots.save(figure, [], tmp_path, "claims")
    plt.close(figure)
    drawn = report.embedded(tmp_path / "figures" / "claims.png").data
    content = base64.b64decode(re.search(r"base64,([^\"]+)", drawn)[1])
    with Image.open(io.BytesIO(content)) as shown:
        found = np.asarray(shown.convert("RGB"), int)
    assert np.abs(found - [0xD5, 0x5E, 0x00]).max(axis=-1).min() < 16


def test_large_pictures_go_into_the_page_as_webp_in_their_colours(tmp_path):
    ramp = np.linspace(0, 255, 2000).astype(np.uint8)
    picture = np.stack(
        [np.tile(ramp, (300, 1)), np.tile(ramp[::-1], (300, 1)), np.full((300, 2000), 90, np.uint8)], axis=-1
    )
    Image.fromarray(picture).save(tmp_path / "large.png")
    text = report.embedded(tmp_path / "large.png").data
    content = base64.b64decode(re.search(r"data:image/webp;base64,([^\"]+)", text)[1])
    with Image.open(io.BytesIO(content)) as shown:
        assert shown.format == "WEBP" and shown.size == (report.WIDE, 207)
        found = np.asarray(shown.convert("RGB"), int)
    wanted = np.asarray(Image.fromarray(picture).resize((report.WIDE, 207)), int)
    assert np.abs(found - wanted).mean() < 3 and len(np.unique(found[100, :, 0])) > 150  # a slope, no steps
    assert self_contained(text)


def test_the_name_of_a_figure_is_no_markup_in_a_page(tmp_path):
    path = tmp_path / "figures" / "<img src=x onerror=alert(1)>.png"
    path.parent.mkdir()
    Image.new("RGB", (4, 4)).save(path)
    page = report.embedded(path).data
    assert "<img src=x" not in page and "&lt;img src=x onerror=alert(1)&gt;" in page


def test_a_page_says_how_many_runs_are_still_to_come(tmp_path):
    assert report.waiting(0).data == "" and "271 runs of this profile were not made yet" in report.waiting(271).data
    page = tmp_path / "ncl" / "report.html"
    page.parent.mkdir()
    page.write_text("page")
    report.stamp(page, {"parameters": {"absent": 3}})
    assert "were not made yet: 3 of ncl, all of inr." in report.awaited(tmp_path, ["ncl", "inr"]).data
    report.stamp(page, {"parameters": {}})
    assert "not made yet: all of inr." in report.awaited(tmp_path, ["ncl", "inr"]).data
    assert report.awaited(tmp_path, ["ncl"]).data == report.awaited(tmp_path, []).data == ""


def test_the_page_says_what_to_cite():
    said = report.citation().data
    assert "version 0.2.0, MIT licence" in said and said.count("\n- ") == 3
    assert "Jizhe Zhou" in said and "ECCV 2024" in said and "YuSeop Lee" in said
