"""Reports: an executed notebook as one HTML page that needs no network and no other file.

As a command: python -m imdlib.pages.report executed.ipynb page.html <what the page depends on, base64 of JSON>
"""

import base64
import html
import io
import json
import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pandas as pd
from IPython.display import HTML, Markdown, display
from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from nbconvert import HTMLExporter
from PIL import Image

from imdlib import archive, files, runs

WIDE = 1000  # pixels, of a picture in a page
LARGE = 20_000  # bytes of a PNG beyond which WebP takes half the room

STYLE = """
:root { color-scheme: light; }
body { font: 16px/1.55 system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif;
       color: #1b1f24; background: #fff; max-width: 72rem; margin: 2.5rem auto; padding: 0 1.25rem; }
h1 { font-size: 2rem; line-height: 1.2; margin: 0 0 1rem; } 
h2 { margin: 2.5rem 0 .6rem; border-bottom: 1px solid #d8dee4; padding-bottom: .3rem; }
h3 { margin: 1.6rem 0 .4rem; } a { color: #0b62b0; } a.anchor-link { display: none; }
img { max-width: 100%; height: auto; } code { background: #f3f5f7; padding: .1em .3em; border-radius: 4px; font-size: .9em; }
.jp-OutputArea-output, .output_html, .rendered_html { overflow-x: auto; }
table { border-collapse: collapse; font-size: .82rem; margin: .8rem 0; font-variant-numeric: tabular-nums; }
th, td { padding: .3rem .6rem; border-bottom: 1px solid #e4e8ec; text-align: left !important; vertical-align: top; }
small { color: #57606a; white-space: nowrap; }
td:first-child, td:nth-child(2):not(:last-child) { max-width: 14rem; }
thead th { white-space: nowrap; border-bottom: 2px solid #8b949e; }
tbody tr:hover { background: #f6f8fa; }
figure { margin: 1.2rem 0; } figcaption { font-size: .75rem; color: #57606a; }
pre { white-space: pre-wrap; font-size: .8rem; background: #f6f8fa; padding: .6rem .8rem; border-radius: 6px; }
.jp-OutputPrompt, .jp-InputPrompt, .prompt { display: none; }
"""


ABSENT = "*This profile has no runs for this.*"
ELSEWHERE = Markdown(
    "*No maps or features of runs are kept here (a fresh clone holds none): this stands as it was drawn.*"
)


def show(*exhibits: Figure | HTML | Markdown | None) -> None:
    """Display what an exhibit returned, tables and figures in order; one that had nothing to show (None) says so.

    Figures are closed, so that none is drawn twice.
    """
    for found in exhibits:
        display(Markdown(ABSENT) if found is None else found)
        if isinstance(found, Figure):
            plt.close(found)


def begin(folder: Path) -> None:
    """Clear a study's tables and figures before they are drawn, so that none of another profile or method stays behind.

    All stay where no run has its maps, as in a fresh clone: what needs maps or features then stands as it was drawn.
    """
    folder = Path(folder)
    if any(folder.glob("runs/*/maps.npz")):
        for path in [*folder.glob("tables/*.*"), *folder.glob("figures/*.*")]:
            path.unlink()


def write(notebook: Path | str, page: Path | str) -> Path:
    """Turn an executed notebook (path) into the HTML file `page` without its code; pictures are embedded. Returns the path.

    The page takes its title from the notebook's first heading. The notebook's own pictures are first reduced to 256 colours, which
    takes a third of the room.
    """
    shrink(notebook)
    cells = json.loads(Path(notebook).read_text(encoding="utf-8"))["cells"]
    headings = [line for cell in cells for line in "".join(cell["source"]).splitlines() if line.startswith("# ")]
    title = headings[0].removeprefix("# ") if headings else Path(notebook).stem
    exporter = HTMLExporter(
        template_name="basic", exclude_input=True, exclude_input_prompt=True, exclude_output_prompt=True
    )
    body, _ = exporter.from_filename(str(notebook))
    return files.write_text(
        page,
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>{html.escape(title)}</title><style>{STYLE}</style></head>\n<body>\n{body}\n</body></html>\n",
    )


def shrink(notebook: Path | str) -> None:
    """Reduce the PNG pictures among the outputs of an executed notebook (path) to 256 colours, in place."""
    book = json.loads(Path(notebook).read_text(encoding="utf-8"))
    outputs = [output.get("data", {}) for cell in book["cells"] for output in cell.get("outputs", [])]
    for data in outputs:
        if "image/png" in data:
            content = base64.b64decode("".join(data["image/png"]))
            with Image.open(io.BytesIO(content)) as picture:
                small = encoded(picture.convert("RGB").quantize(256), "PNG", optimize=True)
            data["image/png"] = base64.b64encode(min(small, content, key=len)).decode()
    files.write_text(notebook, json.dumps(book, indent=1, ensure_ascii=False) + "\n")


def encoded(picture: Image.Image, kind: str, **options: Any) -> bytes:
    """A PIL image as the bytes of a file of that kind."""
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def overview(folder: Path, studies: Iterable[str]) -> pd.DataFrame:
    """What stands behind the results in `folder`, one row per study: runs, minutes, peak memory, devices, commits, last run."""
    rows = []
    for study in studies:
        stamps = list(archive.stamps(folder, study).values())
        if not stamps:
            continue
        rows.append(
            {
                "study": study,
                "runs": len(stamps),
                "minutes in all": round(sum(s["seconds"] for s in stamps) / 60, 1),
                "peak memory, MB": max(s["peak_memory_mb"] for s in stamps),
                "device": "; ".join(sorted({s["device"] for s in stamps})),
                "commit": ", ".join(sorted({s["commit"] for s in stamps})),
                "finished": max(s["finished"] for s in stamps),
            }
        )
    return pd.DataFrame(rows)


def provenance(settings: pd.DataFrame) -> Markdown:
    """Where the numbers of a page come from, and which of its runs are older than what they depend on.

    settings: a row per run, of `archive.gather`.
    """
    commits, devices = (", ".join(sorted(set(settings[name].astype(str)))) for name in ("commit", "device"))
    lines = [f"{len(settings)} runs, made at commit {commits} on {devices}."]
    old = settings[settings["outdated"]]
    if len(old):
        lines.append(
            f"**{len(old)} of {len(settings)} runs are older than the code, data or parameters at hand** (commits "
            f"{', '.join(sorted(set(old['commit'])))}): their numbers stand as they were made and will be made anew."
        )
    return Markdown("\n\n".join(lines))


def notes(folder: Path | str) -> Markdown:
    """The text of `<folder>/notes.md`: what a reader has to know about results that were made before something changed; often empty."""
    path = Path(folder) / "notes.md"
    return Markdown(path.read_text(encoding="utf-8") if path.exists() else "")


def exhibits(folder: Path | str, figures: bool = True) -> list[HTML | Markdown]:
    """Every table and figure of one study as things to display: numbered ones first, in the paper's order; without the figure of
    its verdicts, which the report draws for itself."""
    drawn = Path(folder).glob("figures/*.png") if figures else []
    files = sorted([*Path(folder).glob("tables/*.md"), *drawn], key=paper_order)
    files = [path for path in files if path.stem != "figure_claims"]
    return [table(path) if path.suffix == ".md" else embedded(path) for path in files]


def table(path: Path) -> Markdown:
    """A saved md table, its intervals on a line of their own."""
    return Markdown(
        re.sub(r" (\[[-\d., ]+\][^|\n]*?) *(?=\|)", r"<br><small>\1</small> ", path.read_text(encoding="utf-8"))
    )


def paper_order(path: Path) -> tuple[bool, bool, int, str]:
    """Sort key: table1 .. table9, then other tables, then figures likewise."""
    number = path.stem.removeprefix("table").removeprefix("figure")
    return (path.suffix != ".md", not number.isdigit(), int(number) if number.isdigit() else 0, path.stem)


def embedded(path: Path) -> HTML:
    """A picture inside the page, as PNG or, where that is large, as WebP at most WIDE pixels wide, with its file name for those who
    want the pdf or the csv beside it."""
    content, kind = path.read_bytes(), "png"
    if len(content) > LARGE:
        with Image.open(path) as picture:
            shown = picture.convert("RGB")
            if shown.width > WIDE:
                shown = shown.resize((WIDE, round(WIDE * shown.height / shown.width)), Image.Resampling.LANCZOS)
            content, kind = encoded(shown, "WEBP", quality=60, method=6), "webp"
    data, caption = base64.b64encode(content).decode(), html.escape(f"{path.parent.name}/{path.stem}")
    return HTML(f'<figure><img src="data:image/{kind};base64,{data}"><figcaption>{caption}</figcaption></figure>')


def stamp(page: Path, needed: dict) -> Path:
    """Say beside a page what it was drawn from, with the sums of all that was drawn: written last, as the stamp of a run."""
    folder = page.parent
    drawn = [
        *folder.glob("tables/*.*"),
        *folder.glob("figures/*.*"),
        *folder.glob("*.csv"),
        *folder.glob("*.parquet"),
        page,
    ]
    sums = {path.relative_to(folder).as_posix(): files.sha256(path) for path in sorted(drawn)}
    about = {"key": runs.key_of(needed), "commit": runs.commit(), "needs": needed, "sums": sums}
    return files.write_text(folder / runs.STAMP, json.dumps(runs.sealed(about), indent=1) + "\n")


if __name__ == "__main__":
    executed, target, words = sys.argv[1:4]  # words: what the page depends on, of imdlib.planner
    stamp(write(executed, target), json.loads(base64.b64decode(words)))
