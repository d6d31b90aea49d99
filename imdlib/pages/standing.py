"""Standing: figures of maps and features, which runs keep and git does not, in a page that is drawn where no run is.

The png of such a figure names the runs that it shows, with their keys; where a page shows the same runs, it stands as it was drawn.
"""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

import pandas as pd
from IPython.display import HTML, Markdown
from PIL import Image

from imdlib.pages import plots
from imdlib.pages.report import embedded

ELSEWHERE = Markdown(
    "*One more exhibit stands here where the maps or features of its runs are at hand: they are not in git. `make study` makes them.*"
)


def keys(settings: pd.DataFrame, shown: Iterable[str]) -> dict[str, str]:
    """{run: key} of some runs. settings: a row per run, of `archive.gather`."""
    found = settings.set_index("run")["key"]
    return {run: found[run] for run in shown}


def begin(folder: Path | str, settings: pd.DataFrame, beside: Mapping[str, str] = {}) -> None:
    """Clear a study's tables and figures before they are drawn, so that none of another profile or method stays behind.

    settings: a row per run that will be shown. What was drawn of maps of these runs stays, and all does where no run has its maps, as in
    a fresh clone. beside: {table that was made of what a figure shows: the figure}: it stays where that does.
    """
    folder, shown = Path(folder), keys(settings, settings["run"])
    if not any(folder.glob("runs/*/maps.npz")):
        return
    figures = {path: entry(path).items() for path in folder.glob("figures/*.png")}
    stay = {path.stem for path, of in figures.items() if of and of <= shown.items()}
    stay |= {table for table, figure in beside.items() if figure in stay}
    for path in [*folder.glob("tables/*.*"), *folder.glob("figures/*.*")]:
        if path.stem not in stay:
            path.unlink()


def entry(path: Path) -> dict[str, str]:
    """{run: key} of the runs that a png was drawn of; {} where it says nothing."""
    with Image.open(path) as png:
        return json.loads(png.info.get(plots.OF, "{}"))


def stands(folder: Path | str, name: str, of: Mapping[str, str]) -> bool:
    """Whether `<folder>/figures/<name>.png` was drawn of these runs {run: key} and of no others."""
    path = Path(folder) / "figures" / f"{name}.png"
    return bool(of) and path.exists() and entry(path) == dict(of)


def standing(folder: Path | str, name: str, of: Mapping[str, str]) -> HTML | Markdown:
    """The figure that `stands`; ELSEWHERE where none does."""
    return embedded(Path(folder) / "figures" / f"{name}.png") if stands(folder, name, of) else ELSEWHERE
