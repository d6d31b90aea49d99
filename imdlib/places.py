"""Places: the only room that knows paths. Everything generated lies in the cache, everything found out under `results`."""

import os
from pathlib import Path

REPO = Path(__file__).resolve().parents[1]


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
