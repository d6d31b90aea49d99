"""Runs: parameters checked strictly, a folder per run, a stamp on it, and a finished run used again while nothing changed.

A run folder `<results>/<study>/runs/<run>/` holds `begun.json` (what the run depends on, written first), the tables of the run
(scores, history), weights and maps, and `stamp.json`, written last: what it depends on, where and when it was made, and the
sums of its files. What counts is kept a second time in one columnar file a study (`keep`), which is what git holds.
"""

import fcntl
import importlib.metadata
import json
import os
import platform
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from imdlib import choices, store
from imdlib.files import free_aside, replacing, sha256, write_text
from imdlib.freshness import contents, sources
from imdlib.parameters import PLACES
from imdlib.places import REPO, results_folder, run_folder

LOGS = ("log.txt", "run.ipynb", ".lock")  # being written while a run is about to begin: they cannot be set aside
STAMP, BEGUN, WEIGHTS = "stamp.json", "begun.json", "weights.safetensors"
AGAIN = "run `make study` again: it is made anew, and what is there is set aside"
NAMED = ("torch", "torchvision", "numpy", "pandas", "opencv-python-headless", "papermill")  # in every stamp


class RunError(RuntimeError):
    """A run that cannot be used or begun; the message names its folder and says what to do."""


# ---- what a run depends on -----------------------------------------------------------------------------------------


def needs(notebook: str, params: dict, *, data: dict, uses: dict | None = None) -> dict:
    """Everything that a run depends on: parameters, code and package versions, contents of its data sets, other runs.

    data: {data set: identity} of `imdlib.data.identities`; uses: {parameter: key of the run that it names}.
    """
    counted = {name: value for name, value in params.items() if name not in PLACES}
    found = sources.of_notebook(notebook, sources.STOPS)
    return {"notebook": notebook, "parameters": counted, **found, "data": data, "uses": uses or {}}


def key_of(needed: dict) -> str:
    """Twelve characters that stand for what a run depends on."""
    return sources.digest(needed)


def differences(old: dict, new: dict) -> list[str]:
    """What changed between two `needs`, in words: 'parameters: steps', 'code: imdlib.train', 'data: sim-casia'."""
    found = []
    for part in ("parameters", "code", "packages", "data", "uses"):
        one, two = (about.get(part) if isinstance(about.get(part), dict) else {} for about in (old, new))
        digests = [{name: sources.digest(value) for name, value in some.items()} for some in (one, two)]
        changed = sorted(str(name) for name in {*one, *two} if digests[0].get(name) != digests[1].get(name))
        if changed:
            few = ", ".join(changed[:4]) + (", ..." if len(changed) > 4 else "")
            found.append(f"{part}: {few}")
    return found


def why_other(old: object, new: dict) -> str:
    """What changed between two `needs` in one text, '' where nothing did; old: whatever a file held."""
    if isinstance(old, dict) and key_of(old) == key_of(new):
        return ""
    return "; ".join(differences(old if isinstance(old, dict) else {}, new)) or "something"


# ---- the state of a run --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class State:
    """What lies in a run's folder. word: absent, begun, finished, outdated or damaged; why: in words; stamp: if readable."""

    word: str
    why: str = ""
    stamp: dict = field(default_factory=dict)


def state(folder: Path, needed: dict | None = None) -> State:
    """State of a run's folder, its files held against the sums in its stamp; needed: what it has to depend on, None = whatever."""
    path = folder / STAMP
    if not path.exists():
        return State("begun" if (folder / BEGUN).exists() else "absent")
    try:
        stamp = whole(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return State("damaged", f"{path} cannot be read (a full disk may have left it empty), or was changed")
    wrong = damaged(folder, stamp["sums"])
    if wrong:
        return State("damaged", wrong, stamp)
    why = why_other(stamp["needs"], needed) if needed is not None else ""
    return State("outdated" if why else "finished", why, stamp)


def whole(stamp: dict) -> dict:
    """A stamp as it was written, or an error: its key has to be that of its needs, its seal that of all that it says."""
    known = (key_of(stamp["needs"]), sealed(stamp)["seal"])
    if not isinstance(stamp["sums"], dict) or known != (stamp["key"], stamp["seal"]):
        raise ValueError("changed since it was written")
    return stamp


def sealed(stamp: dict) -> dict:
    """A stamp with `seal`, twelve characters that stand for everything else in it as a file holds it."""
    plain = {name: value for name, value in stamp.items() if name != "seal"}
    plain = json.loads(json.dumps(plain, default=lambda one: one.item()))  # facts may be numbers of numpy or torch
    return plain | {"seal": sources.digest(plain)}


def damaged(folder: Path, sums: dict) -> str:
    """What is wrong with the files of a finished run, '' where they are what the stamp says."""
    missing = [name for name in sums if not (folder / name).exists()]
    if missing:
        return f"{folder / missing[0]} is missing"
    try:
        found = dict(zip(sums, contents.digests(folder / name for name in sums)))
    except OSError as error:
        return f"{error.filename or folder} cannot be read ({error.strerror})"
    changed = [name for name in sums if found[name] != sums[name]]
    return f"{folder / changed[0]} is not what the stamp beside it says: changed or damaged since" if changed else ""


# ---- a run ---------------------------------------------------------------------------------------------------------


@dataclass
class Run:
    """One training and its scores, in a folder of its own, which no other process may write meanwhile."""

    folder: Path
    needs: dict
    finished: bool
    started: float = field(default_factory=time.perf_counter)

    def table(self, name: str) -> pd.DataFrame:
        """A table of a finished run: 'scores' has one row per (data set, attack, image), 'history' one per epoch."""
        return store.read(self.folder / f"{name}.parquet")

    def scores(self) -> pd.DataFrame:
        """The scores of a finished run."""
        return self.table("scores")

    def finish(
        self,
        *,
        model: Any = None,
        pictures: dict[str, np.ndarray] | None = None,
        tables: dict[str, pd.DataFrame] | None = None,
        files: Iterable[str] = (),
        **facts: Any,
    ) -> Path:
        """Write everything, the stamp last: from then on the run counts as finished.

        model: whose weights are kept; pictures: {name: map in [0,1] or bytes}; tables: {name: DataFrame}; files: names of files
        that the notebook has written itself; facts: more to be said in the stamp.
        """
        written = [*files]
        if model is not None:
            from safetensors.torch import save_file

            state = {k: v.detach().cpu().contiguous() for k, v in model.state_dict().items()}
            with replacing(self.folder / WEIGHTS) as draft:
                save_file(state, draft)
            written.append(WEIGHTS)
        for name, table in (tables or {}).items():
            written.append(store.write(table, self.folder / f"{name}.parquet").name)
        if pictures is not None:
            with replacing(self.folder / "maps.npz") as draft, open(draft, "wb") as file:
                np.savez_compressed(file, **{k: as_bytes(v) for k, v in pictures.items()})
            written.append("maps.npz")
        sums = {name: sha256(self.folder / name) for name in sorted(written)}
        about = {**stamp(self), **facts, "key": key_of(self.needs), "needs": self.needs, "sums": sums}
        write_text(self.folder / STAMP, json.dumps(sealed(about), indent=1) + "\n")
        done_with = (
            "checkpoint.pt",
            "checkpoint.draft",
            ".*.part",
            ".tmp*",
        )  # the last three: of writers that were killed
        for path in [path for pattern in done_with for path in self.folder.glob(pattern)]:
            path.unlink()
        self.finished = True
        return self.folder


def as_bytes(picture: np.ndarray) -> np.ndarray:
    """A map in [0,1] as 0..255; bytes stay as they are."""
    return picture if picture.dtype == np.uint8 else np.round(255 * picture).astype(np.uint8)


def open_run(study: str, name: str, notebook: str, params: dict, *, data: dict, uses: dict | None = None) -> Run:
    """The run `name` of `study`: continued when it was begun with all that it depends on unchanged, else begun anew.

    params: of `parameters`, with `results` among them; data, uses: of `needs`. What lies in the same place and is outdated,
    damaged or of unknown origin is set aside as `<name>~` (`~~`, ...), never deleted; LOGS stay. Raises RunError while
    another process works in the folder.
    """
    folder = folder_of(params["results"], study, name)
    needed = needs(notebook, params, data=data, uses=uses)
    found = state(folder, needed)
    held = [path for path in folder.glob("*") if path.name not in LOGS]
    why = found.why if found.word in ("outdated", "damaged") else unknown(folder, needed)
    if held and why and found.word != "finished":
        set_aside(folder, held, why)
    if found.word != "finished":
        place = (
            os.path.relpath(params["data"], REPO) if params.get("data") else ""
        )  # no private paths: runs get published
        write_text(folder / BEGUN, json.dumps({"needs": needed, "data": place}, indent=1) + "\n")
    return Run(folder, needed, found.word == "finished")


def folder_of(results: Path | str, study: str, name: str) -> Path:
    """The folder of a run, there and taken for this process; RunError where that cannot be."""
    folder = run_folder(results, study, name)
    if not choices.plain(name) or name.endswith("~"):
        raise RunError(f"{folder}: a run cannot be named {name!r}: no '/', no '.' at the beginning, no '~' at the end")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock(folder)
    except OSError as error:
        raise RunError(
            f"{folder}: nothing can be written there ({error.strerror}): choose another `results`"
        ) from error
    return folder


def unknown(folder: Path, needed: dict) -> str:
    """Why an unfinished run cannot be continued, '' where it can."""
    try:
        return why_other(json.loads((folder / BEGUN).read_text(encoding="utf-8"))["needs"], needed)
    except (OSError, ValueError, KeyError, TypeError):
        return f"{folder / BEGUN} does not say what it was begun with"


def set_aside(folder: Path, held: Iterable[Path], why: str) -> None:
    """Move files of a run to `<name>~`, so that it begins anew."""
    aside = free_aside(folder)
    aside.mkdir()
    for path in sorted(held, key=lambda path: path.name == BEGUN):  # the last to go: without it nothing is continued
        path.rename(aside / path.name)
    print(f"{folder.name}: begun anew, since it changed or broke ({why}); the older one is set aside as {aside.name}")


LOCKS = {}  # folders that this process works in: their lock files, open until it ends


def lock(folder: Path) -> None:
    """Take a run's folder for this process, until it ends however it ends; RunError where another one has it."""
    folder = folder.resolve()
    path = folder / ".lock"
    if folder in LOCKS and path.exists() and os.path.samestat(os.fstat(LOCKS[folder].fileno()), path.stat()):
        return
    file = open(path, "w")  # noqa: SIM115
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        raise RunError(
            f"{folder}: another process is working on this run. Wait for it, or give this one a name of its own with the "
            "parameter `run`"
        ) from None
    LOCKS[folder] = file


# ---- what finished runs left ---------------------------------------------------------------------------------------


def pictures(results: Path | str, study: str, run: str) -> dict:
    """{'<dataset>/<file>': {map, image, mask}} kept by a run; empty where maps.npz is absent, as in a fresh clone."""
    folder, found = run_folder(results, study, run), {}
    path = folder / "maps.npz"
    if not path.exists():
        return found
    lies = state(folder)
    if lies.word == "begun" or (lies.stamp and path.name not in lies.stamp["sums"]):
        return found  # of a run that was never finished
    if lies.word == "damaged" and (not lies.stamp or damaged(folder, {path.name: lies.stamp["sums"][path.name]})):
        raise store.DamagedFile(f"{lies.why}; {AGAIN}")
    try:
        with np.load(path) as kept:
            arrays = {name: kept[name] for name in kept.files}
        for name, array in arrays.items():
            key, part = name.rsplit("/", 1)
            found.setdefault(key, {})[part] = array / np.float32(255) if part == "map" else array
    except Exception as error:  # whatever a reader makes of wrong bytes
        raise store.DamagedFile(f"{path}: its pictures cannot be read ({error}); {store.REMEDY}") from error
    return found


def trained(folder: Path) -> tuple[dict, dict]:
    """(weights, stamp) of a finished run, held against the sum in its stamp; RunError where they are not what was trained."""
    from safetensors.torch import load_file

    found = state(folder)
    if found.word != "finished" or WEIGHTS not in found.stamp["sums"]:
        raise RunError(f"{folder}: no finished run with weights ({found.why or found.word}); {AGAIN}")
    return load_file(folder / WEIGHTS), found.stamp


def newest(results: Path | str, study: str, fits: Callable[[dict], bool] = lambda stamp: True) -> Path | None:
    """Folder of the run of a study that was finished last, of those that have their weights and whose stamp `fits`."""
    folders = [path.parent for path in results_folder(results, study).glob(f"runs/*[!~]/{STAMP}")]
    found = [(state(folder), folder) for folder in folders if (folder / WEIGHTS).exists()]
    found = [(one.stamp["finished"], folder) for one, folder in found if one.word == "finished" and fits(one.stamp)]
    return max(found)[1] if found else None


# ---- the stamp -----------------------------------------------------------------------------------------------------


def stamp(run: Run) -> dict:
    """What has to be known to believe a number: commit, versions, device, seed, seconds, peak memory, precision."""
    torch = sys.modules.get("torch")
    cuda = torch is not None and torch.cuda.is_available()
    peak = (
        torch.cuda.max_memory_allocated()
        if cuda
        else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    )
    return {
        "commit": commit(),
        "device": torch.cuda.get_device_name() if cuda else cpu_name(),
        "seed": run.needs["parameters"].get("seed"),
        "seconds": round(time.perf_counter() - run.started, 1),
        "peak_memory_mb": round(peak / 2**20),
        "precision": precision(run.needs["parameters"].get("precision", "")),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": {name: importlib.metadata.version(name) for name in NAMED} | run.needs["packages"],
        "finished": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }


def precision(asked: str) -> str:
    """What a run trained in: what its parameter says, or what was chosen for the device where that is 'auto'; '' of what trains nothing."""
    settings = sys.modules.get("imdlib.training.settings")  # of a notebook that trains
    return settings.best_precision() if asked == "auto" and settings else asked


def commit() -> str:
    """The git commit of the code, with '+changes' when the work tree differs from it; outside git $IMDLIB_COMMIT, or 'unknown'."""
    git = ["git", "-C", str(REPO)]
    try:
        name = subprocess.run(
            [*git, "rev-parse", "--short=12", "HEAD"], capture_output=True, text=True, check=True
        ).stdout.strip()
        changes = subprocess.run(
            [*git, "status", "--porcelain", "imdlib", "notebooks"], capture_output=True, text=True, check=True
        ).stdout
    except (OSError, subprocess.CalledProcessError):
        return os.environ.get("IMDLIB_COMMIT", "unknown")
    return name + ("+changes" if changes.strip() else "")


def cpu_name() -> str:
    """The processor's name and number of usable cores."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        model = next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        model = platform.processor() or platform.machine()
    return f"{model}, {cores} cores"
