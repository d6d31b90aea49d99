"""Captions of figures, made from what was drawn: what, which metric, how many images and seeds, which interval, how to read it.

Each stands beside its figure as `<name>.txt`, in the page below it, and with all others of its study in `captions.tex`.
"""

from pathlib import Path

import pandas as pd

from imdlib import files
from imdlib.pages import latex
from imdlib.pages.tables import called, counted

INTERVAL = "Lines: 95% intervals (bootstrap over test images and seeds together)."
OF_EFFECTS = "Lines: 95% intervals (Student's, test images and seeds both a sample)."
TOGETHER = "captions.tex"


def caption(what: str, reading: str, data: pd.DataFrame, *, lines: bool = True) -> str:
    """The caption of a figure. what: it shows; reading: how it is read; data: what was drawn, of whose columns `metric`, `low`, `n` and
    `seeds` are looked at where they are there; lines: whether intervals are drawn as such.
    """
    said = [what.rstrip(".") + "."]
    if "metric" in data and data["metric"].nunique():
        found = [str(name).removeprefix("val_") for name in data["metric"].dropna().unique()]
        names = list(map(called, found))
        said.append(f"{'Metric' if len(names) == 1 else 'Metrics'}: {', '.join(names)}.")
    if counts := counted(data):
        said.append(f"{counts}.")
    if lines and {"low", "high"} <= set(data) and data["low"].notna().any():
        said.append(OF_EFFECTS if "effect" in data else INTERVAL)
    return " ".join([*said, reading.strip()]).strip()


def title(name: str) -> str:
    """What a file of a figure or table is called where nobody said more: 'figure3' -> 'Figure 3', 'figure_costs' -> 'Costs'."""
    kind = "table" if name.startswith("table") else "figure"
    rest = name.removeprefix(kind)
    number, words = rest.split("_")[0], rest.strip("_").replace("_", " ")
    numbered = f"{kind.capitalize()} {words.replace(number, f'{number}:', 1).rstrip(':')}"
    return numbered if number.isdigit() else words.capitalize()


def write(folder: Path, name: str, text: str) -> None:
    """Write a caption beside its figure, and all captions of the folder into one LaTeX file that shows the figures with them."""
    files.write_text(folder / f"{name}.txt", text + "\n")
    found = {path.stem: path.read_text(encoding="utf-8").strip() for path in sorted(folder.glob("*.txt"))}
    files.write_text(folder / TOGETHER, latex.figures(found))


def read(picture: Path) -> str:
    """The caption beside a picture; its name where there is none."""
    path = picture.with_suffix(".txt")
    return path.read_text(encoding="utf-8").strip() if path.exists() else title(picture.stem)
