"""Places: the only room that knows where the cache and the results are.

Everything generated lies in the cache, everything found out under `results`.
"""

import os
from pathlib import Path

REPO = Path(__file__).resolve().parents[1]
TWINS = ("night", "laptop")  # profiles on the embedded twins, the first that is there counts
REAL = ("real",)
CARDS = ("gpu", "gpu-paper")  # on a card: night's rows with more seeds and steps, and the papers' sizes
CLAIMS = "claims.csv"


def cache_folder(name: str) -> Path:
    """Folder `name` for generated files, created when missing: under $IMDLIB_CACHE, else `.cache` in the repository."""
    folder = Path(os.environ.get("IMDLIB_CACHE", REPO / ".cache")) / name
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def results_folder(results: Path | str, study: str = "") -> Path:
    """Absolute path of `<results>/<study>`; a relative `results` counts from the repository, wherever the notebook runs."""
    return REPO / results / study


def run_folder(results: Path | str, study: str, run: str) -> Path:
    """Folder of a run; a study's runs lie side by side, whichever of its notebooks trains them."""
    return results_folder(results, study) / "runs" / run


def judging(folder: Path) -> list[Path]:
    """Folders whose claims count on one side: its own and, of twins, those of the next of TWINS for studies that were not run there."""
    names = TWINS[TWINS.index(folder.name) + 1 :] if folder.name in TWINS else ()
    return [folder, *(place for name in names if ((place := folder.parent / name) / CLAIMS).exists())]


def sides(results: Path | str) -> dict[str, Path]:
    """{'twins' or 'real' or the profile's name: folder of results} that stand side by side on the page of one of them.

    What a card made stands beside the twins of the processors, which it does not replace: no other page shows it.
    """
    folder = results_folder(results)
    if folder.name in CARDS:
        beside = next((folder.parent / name for name in TWINS if (folder.parent / name / CLAIMS).exists()), None)
        return {folder.name: folder} | ({"twins": beside} if beside else {})
    if folder.name not in (*TWINS, *REAL):
        return {folder.name: folder}
    there = {name: folder.parent / name for name in (*TWINS, *REAL) if (folder.parent / name / CLAIMS).exists()}
    there[folder.name] = folder
    twins = folder.name if folder.name in TWINS else next((name for name in TWINS if name in there), None)
    found = {"twins": there.get(twins), "real": there.get(REAL[0])}
    return {side: path for side, path in found.items() if path}
