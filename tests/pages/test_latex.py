"""LaTeX: every table that was ever written compiles alone and inside an article of one and of two columns, and fits its place."""

import re
import shutil
import subprocess

import pandas as pd
import pytest

from imdlib.pages import captions, latex, plots, tables
from imdlib.places import REPO

WORST = 'a_b & c% #1 ~ ^ {x} \\y $z$ <q> | "t" ω² ≈ → – −'
KEPT = sorted(
    folder
    for folder in REPO.glob("results/*/*/tables")
    if any(path.read_text(encoding="utf-8").startswith(latex.HEAD) for path in folder.glob("*.tex"))
)  # those that are of this form
needs_tex = pytest.mark.skipif(not shutil.which("pdflatex"), reason="pdflatex is not installed")


def compiled(folder, name):
    """What pdflatex says about a file; fails where it gives no pdf or a box is too wide."""
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", name]
    said = subprocess.run(command, cwd=folder, capture_output=True, text=True, errors="replace").stdout
    assert "Output written" in said, said[-1500:]
    wide = [float(points) for points in re.findall(r"Overfull \\hbox \(([\d.]+)pt", said)]
    assert max(wide, default=0) < 1, said[-1500:]
    assert "Float too large" not in said
    return said


def article(columns, names):
    """An article that takes in files."""
    head = f"\\documentclass[{columns}]{{article}}\\usepackage{{booktabs,graphicx}}\\begin{{document}}\n"
    return head + "".join(f"\\input{{{name}}}\\clearpage\n" for name in names) + "\\end{document}\n"


@pytest.fixture
def written(tmp_path):
    """A folder with tables of every shape: wide, long, of odd names, without intervals; and a figure."""
    lines = [
        (f"method_{m}", f"set_{s}" if s else WORST, metric, 0.1 * m + 0.01 * s)
        for m in range(6)
        for s in range(9)
        for metric in ("pixel F1", "shuffled AUC")
    ]
    rows = pd.DataFrame(lines, columns=["method", "test_set", "metric", "value"])
    rows = rows.assign(low=rows["value"] - 0.02, high=rows["value"] + 0.02, train_set="x_y", n=60, seeds=3)
    by_metric = dict(index=("metric", "method"), columns=("test_set",))
    tables.save(rows, tmp_path, "table1", WORST, **by_metric)
    tables.save(rows.query("metric == 'pixel F1'"), tmp_path, "table2", "All in one line")
    tables.save(rows, tmp_path, "table3", "Long", index=("test_set", "method"), columns=("metric",))
    many = rows.assign(method=rows["method"] + rows["test_set"].str[-1] + rows["metric"], test_set="s", metric="F1")
    tables.save(many, tmp_path, "table4", "Very long", index=("method",), columns=("metric",))
    tables.save(rows.head(3).drop(columns=["low", "high"]), tmp_path, "table_small", "Small", index=("method",))
    return tmp_path / "tables"


@needs_tex
def test_tables_compile_alone_and_in_articles_of_one_and_two_columns(written):
    names = sorted(path.name for path in written.glob("*.tex"))
    for name in names:
        compiled(written, name)
    for columns in ("onecolumn", "twocolumn"):
        (written / f"{columns}.tex").write_text(article(columns, names))
        compiled(written, f"{columns}.tex")


@needs_tex
def test_captions_show_their_figures(tmp_path):
    figure, axis = plots.plt.subplots(figsize=(plots.COLUMN, 1))
    axis.plot([0, 1])
    plots.save(figure, {"x": [0]}, tmp_path, "figure_x", what=WORST)
    plots.plt.close(figure)
    compiled(tmp_path / "figures", captions.TOGETHER)


@needs_tex
@pytest.mark.parametrize("folder", KEPT, ids=lambda path: path.parent.relative_to(REPO / "results").as_posix())
def test_all_tables_that_git_holds_compile_together(folder, tmp_path):
    (tmp_path / "all.tex").write_text(article("twocolumn", sorted(folder.glob("*.tex"))))
    compiled(tmp_path, "all.tex")


def test_escape_leaves_no_sign_that_latex_reads():
    assert latex.escape("a_b 5% <x>") == r"a\_b 5\% $<$x$>$"
    assert latex.wrapped("pixel F1 best threshold") == ["pixel F1 best", "threshold"]
    assert latex.parts("**0.6** ≈ [0.5, 0.7]") == (r"\textbf{0.6} $\approx$", r"{\footnotesize [0.5, 0.7]}")
