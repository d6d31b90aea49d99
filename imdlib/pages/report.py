"""Reports: what their notebooks show, and the command that makes a page of an executed one (`pages.page`).

As a command: python -m imdlib.pages.report executed.ipynb page.html <JSON file of what the page depends on>
"""

import base64
import html
import io
import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pandas as pd
import yaml
from IPython.display import HTML, Markdown, display
from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from PIL import Image

from imdlib import archive, files, runs
from imdlib.pages import captions, page, scoreboard, scoreboard_page, style
from imdlib.places import REPO
from imdlib.protocol.verdicts import LEAST_SEEDS

WIDE = 1380  # pixels, of a picture in a page
ON_SCREEN = 130  # pixels that an inch of a figure takes there, so that text of 7 pt can be read

LEGEND = """**+ supported**: the whole 95% interval of the effect (images and seeds are both a sample) lies above zero, p is below 0.05
after Holm's correction over a study's headlines, and, where settings were searched, three of four agree. **− contradicted**: below zero
likewise. **± depends on settings**: clear here, but not in three of four settings. **? inconclusive**: zero is inside, or p too large.
**∅ nothing learned here**: the row that has to have learned does not stand above the best that looks at no image by more than the
interval of that difference (the *gate*), so that a difference says nothing. **· not tested**: no runs, or fewer than three seeds. One
metric decides a claim, fixed before its final runs. Verdicts are about these trainings, of which many were still improving at their end
(*Was it trained to its end?* of each study). """
WORDS = """<details><summary>What the words mean</summary>

- *own test images*: of the set that was trained on; *unseen*: of other sets. Pixels are scored on tampered images that have a mask.
- *shuffled AUC*: the AUC of a map in which authentic pixels count as much as other images' masks lie there. A map that only knows where
  tampering tends to lie has 0.5 or a little less.
- *gate*: two means on own test images, of the row that has to have learned and of the best row that looks at no image. The first is the
  better row of the claim; of a claim about drops the worse one, since what is at chance cannot drop; of *trained without fully fake images*
  the rival.
- *settings*: draws of learning rate, loss weights and the like with which both rows were trained, one seed each; those in which neither
  had learned do not count. The effect in a setting is that on the images of the claim; of claims about other sets, on one of these. The
  effect of a claim is that of each row at its own best setting, with fresh seeds.
- *p*: how often such an effect, or a larger one, is seen where there is none (Student's t); of headlines after Holm's correction, so that
  it can be above 0.05 where the interval, which knows of no correction, leaves 0 out. *detectable from*: before that correction, the
  smallest true effect that eight of ten such studies would find.
- *twins*: embedded pictures, `sim-...`, made by a simulated camera after the data set they are named after.
- *profile*: which runs are made, and how large (`profiles/*.yaml`). `night`: twins, five seeds, every row tuned by itself or
  with the settings of the row that docs/protocol.md names; `real`: real sets, three seeds, the settings that `night` found. `DATA=...` in
  a command is the folder of the real sets.
- *stand-in*: the frozen tower of Bridging's *ours* is not CLIP, but a small network that learned to tell the embedded benchmark's own
  cameras; rivals have no such start. Rows with *ImageNet features* have another.
- *classic detector*: ELA, NOI, CFA1, IVC, MCA, camera traces. Each looks for one trace, and none was trained on these images; *the best* is
  the one with the highest mean of the metric that decides.
- *abbreviations*: ELA error level analysis, NOI noise levels of blocks, CFA1 and IVC traces of the mosaic of colours, MCA a network that
  looks for that mosaic; SRM three fixed high-pass filters; FCN, RRU-Net, MVSS-Net and a ViT (vision transformer) learn from masks, WSCL
  from labels of images; TAR, TransCAM and the detector of Wang et al. tell generated images.
- *against*: the means of the two rows whose difference the effect is; of claims about drops and losses, two changes.
- *–*: nothing to show: not defined there, not searched, not tested or not printed.
- *files* below a table or figure: beside this page. In a fresh copy of the repository lie the csv of every table, and all forms but pdf of
  what has a number in the paper; the others once `make pages` has drawn them there.
</details>"""
UNJUDGED = "Effects of one seed, with what other images would make of them; nothing is judged here. "
DRAWN = "Drawn: effect (dot) and interval (line) against zero, one scale for one metric of a study."
ON_REAL = """On real: three seeds and the settings found on the twins, one each. Bridging has CIFAKE there, which has one generator
and no partly fake image: most of its claims cannot be tested (docs/protocol.md)."""

AWAITED = (
    '<p class="notice">{}. Tables lack their rows, claims about them are <i>not tested</i>, and a claim counts the seeds of the side '
    "that has fewer. The same command goes on from here.</p>"
)


def show(*exhibits: Figure | HTML | Markdown | None, optional: bool = False) -> None:
    """Display what exhibits returned, tables and figures in order; where none had anything to show (None) that is said, unless they are
    optional.

    Figures that were saved are shown from their files, with their captions, and closed, so that none is drawn twice.
    """
    there = [one for one in exhibits if one is not None]
    for found in there or [Markdown(page.ABSENT)] * (not optional):
        if isinstance(found, Figure):
            plt.close(found)
            found = embedded(Path(found.get_gid())) if found.get_gid() else found
        display(found)


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
                "environment": "; ".join(sorted({environment(s) for s in stamps})),
                "commit": ", ".join(sorted({s["commit"] for s in stamps})),
                "finished": max(s["finished"] for s in stamps),
            }
        )
    return pd.DataFrame(rows)


def environment(stamp: dict) -> str:
    """Python and PyTorch of a run's stamp."""
    return f"Python {stamp['python']}, PyTorch {stamp['packages'].get('torch', 'not used')}"


def waiting(absent: int) -> HTML:
    """The notice of a page some of whose runs are still to come; empty where none is. absent: how many."""
    return HTML(AWAITED.format(f"{absent} runs of this profile were not made yet") if absent else "")


def awaited(folder: Path, studies: Iterable[str]) -> HTML:
    """`waiting` of the page that joins studies, those that the profile asks for, which knows it from their stamps."""
    found = {study: runs.state(folder / study).stamp for study in studies}
    absent = {
        study: stamp["needs"]["parameters"].get("absent", 0) if stamp else "all" for study, stamp in found.items()
    }
    said = ", ".join(f"{count} of {study}" for study, count in absent.items() if count)
    return HTML(AWAITED.format(f"Runs of this profile that were not made yet: {said}") if said else "")


def provenance(settings: pd.DataFrame) -> Markdown:
    """Where the numbers of a page come from, and which of its runs are older than what they depend on.

    settings: a row per run and data set, of `archive.gather`; the first level of its index says what it is a row of.
    """
    devices = ", ".join(sorted(set(settings["device"].astype(str))))
    parts = [f"{what} ({len(some)}) at commit {commits(some)}" for what, some in settings.groupby(level=0, sort=False)]
    lines = [f"Made on {devices}: {'; '.join(parts)}; this page at commit {runs.commit()}."]
    old = settings[settings["outdated"]]
    if len(old):
        lines.append(
            f"**{len(old)} of {len(settings)} are older than the code, data or parameters at hand** (commits "
            f"{', '.join(sorted(set(old['commit'])))}): their numbers stand as they were made and will be made anew."
        )
    return Markdown("\n\n".join(lines))


def commits(settings: pd.DataFrame) -> str:
    """`2553bbb81d42 (60), 810929c8e2b7 (3)`: of how many rows each; the hash alone where all are of one."""
    found = settings["commit"].astype(str).value_counts()
    return found.index[0] if len(found) == 1 else ", ".join(f"{name} ({count})" for name, count in found.items())


def notes(*folders: Path | str) -> Markdown:
    """The text of `<folder>/notes.md` of a profile, or of a study in it: what a reader has to know about results that were made before
    something changed; often empty.
    """
    paths = [Path(folder) / "notes.md" for folder in folders]
    return Markdown("\n\n".join(path.read_text(encoding="utf-8") for path in paths if path.exists()))


def chapter(folder: Path, title: str) -> HTML:
    """A study's page as a part of the page that joins all of them; a sentence where it was not drawn. title: of the paper."""
    name, drawn = html.escape(folder.name), Path(folder) / "report.ipynb"
    head = f'<h2 id="{name}">{name}: <i>{html.escape(title)}</i></h2>\n'
    if not drawn.exists():
        return HTML(f"{head}<p>Not drawn here; <code>make pages</code> does it.</p>")
    return HTML(f'{head}<div class="chapter">{page.chapter(drawn)}</div>')


def totals(board: pd.DataFrame, folders: dict[str, Path]) -> HTML:
    """How many headline claims have which verdict, study by study and side by side; nothing for a profile that judges nothing."""
    if not scoreboard.judges(folders):
        return HTML("")
    head = "<p>How many of the papers' headline claims have which verdict:</p>\n"
    return HTML(head + scoreboard_page.totals(scoreboard.totals(board, folders)))


def legend(folders: dict[str, Path]) -> Markdown:
    """What verdicts and drawings mean."""
    real = f" {ON_REAL}" if "real" in folders else ""
    return Markdown((LEGEND if scoreboard.judges(folders) else UNJUDGED) + f"{DRAWN}{real}\n\n{WORDS}")


def verdicts(board: pd.DataFrame, study: str, folders: dict[str, Path]) -> HTML:
    """The headline claims of one study, side by side."""
    return HTML(scoreboard_page.page(board, study, folders))


def seeds(folder: Path, studies: Iterable[str]) -> HTML | None:
    """The notice of a profile whose runs have one seed each: nothing is judged there. None where there are more."""
    found = {stamp["seed"] for study in studies for stamp in archive.stamps(folder, study).values()}
    if len(found) != 1:
        return None
    return HTML(
        '<p class="notice"><b>A demonstration on one seed.</b> It shows what the study does, not what is true: no claim is judged on '
        f"fewer than {LEAST_SEEDS} seeds. <code>make study PROFILE=laptop</code> makes the evidence.</p>"
    )


def citation() -> Markdown:
    """What to cite, of CITATION.cff: this study and the three papers; nothing in a copy without it."""
    path = REPO / "CITATION.cff"
    if not path.exists():
        return Markdown("")
    about = yaml.safe_load(path.read_text(encoding="utf-8"))
    lines = [
        f"{about['message']} *{about['title']}*, version {about['version']}, {about['license']} licence, commit {runs.commit()}."
    ]
    for paper in about["references"]:
        names = ", ".join(f"{one['given-names']} {one['family-names']}" for one in paper["authors"])
        place = paper.get("conference", {}).get("name", "")
        lines.append(f"- {names}: *{paper['title']}*{', ' * bool(place)}{place}.")
    return Markdown(lines[0] + "\n\n" + "\n".join(lines[1:]))


def embedded(path: Path) -> HTML:
    """A picture inside the page with its caption, as WebP at most WIDE pixels wide: lines without loss, maps and photographs with all of
    their colours. Its name leads to the png, the pdf and the csv beside it.
    """
    said = html.escape(captions.read(path), quote=True)
    with Image.open(path) as picture:
        few, inches = picture.mode == "P", picture.width / 300
        shape = round(inches * ON_SCREEN), round(inches * ON_SCREEN * picture.height / picture.width)
        shown = picture.convert("RGB")
        if shown.width > WIDE:
            shown = shown.resize((WIDE, round(WIDE * shown.height / shown.width)), Image.Resampling.LANCZOS)
        options = dict(lossless=True) if few else dict(quality=82)
        shown = style.in_few_colors(shown, 64).convert("RGB") if few else shown
        content = encoded(shown, "WEBP", method=6, **options)
    data = base64.b64encode(content).decode()
    return HTML(
        f'<figure class="exhibit" data-file="figures/{html.escape(path.stem)}">'
        f'<img src="data:image/webp;base64,{data}" alt="{said}" width="{shape[0]}" height="{shape[1]}">'
        f"<figcaption>{said}</figcaption></figure><!-- end of exhibit -->"
    )


def stamp(drawn_page: Path, needed: dict) -> Path:
    """Say beside a page what it was drawn from, with the sums of all that was drawn: written last, as the stamp of a run."""
    folder = drawn_page.parent
    drawn = [
        *folder.glob("tables/*.*"),
        *folder.glob("figures/*.*"),
        *folder.glob("*.csv"),
        *folder.glob("*.parquet"),
        drawn_page,
    ]
    sums = {path.relative_to(folder).as_posix(): files.sha256(path) for path in sorted(drawn)}
    about = {"key": runs.key_of(needed), "commit": runs.commit(), "needs": needed, "sums": sums}
    return files.write_text(folder / runs.STAMP, json.dumps(runs.sealed(about), indent=1) + "\n")


if __name__ == "__main__":
    executed, target, needs = sys.argv[1:4]  # needs: a file of what the page depends on, of imdlib.planner
    stamp(page.write(executed, target), json.loads(Path(needs).read_text(encoding="utf-8")))
