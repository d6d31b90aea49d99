"""Runs: parameters checked strictly, a folder per run, a stamp on it, and a finished run used again while nothing changed.

A run folder `<results>/<study>/runs/<run>/` holds `begun.json` (what the run depends on, written first), the tables of the run
(scores, history), weights and maps, and `stamp.json`, written last: what it depends on, where and when it was made, and the
sums of its files. What counts is kept a second time in one columnar file a study (`keep`), which is what git holds.
"""

import ast
import contextlib
import difflib
import fcntl
import importlib.metadata
import json
import os
import platform
import re
import resource
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from imdlib import contents, sources, store
from imdlib.places import REPO, results_folder, run_folder

PLACES = ("results", "data", "run", "workers")  # parameters that say where and how fast, not what
LOGS = (
    "log.txt",
    "run.ipynb",
    ".lock",
)  # of the run that is about to begin: being written, so they cannot be set aside
STAMP, BEGUN = "stamp.json", "begun.json"
AGAIN = "run `make study` again: it is made anew, and what is there is set aside"
NAMED = ("torch", "torchvision", "numpy", "pandas", "opencv-python-headless", "papermill")  # in every stamp


class ParameterError(ValueError):
    """A notebook was given a parameter that it does not have, or a value of the wrong type."""


class RunError(RuntimeError):
    """A run that cannot be used or begun; the message names its folder and says what to do."""


# ---- parameters ----------------------------------------------------------------------------------------------------


def declared(notebook: str) -> dict:
    """{name: default} of the cell tagged `parameters` of `notebooks/<notebook>.ipynb`."""
    found = [cell for cell in sources.cells(notebook) if "parameters" in sources.tags(cell)]
    return assignments(sources.source(found[0])) if found else {}


def assignments(source: str) -> dict:
    """{name: literal value} of the plain assignments in a piece of Python."""
    return {name: ast.literal_eval(value) for name, value in assigned(source).items()}


def assigned(source: str) -> dict:
    """{name: syntax tree of its value} of the plain assignments in a piece of Python, with or without type hints."""
    found = [node for node in ast.parse(source).body if isinstance(node, ast.Assign | ast.AnnAssign) and node.value]
    targets = [node.targets[0] if isinstance(node, ast.Assign) else node.target for node in found]
    return {target.id: node.value for target, node in zip(targets, found) if isinstance(target, ast.Name)}


def parameters(notebook: str, namespace: dict) -> dict:
    """The values of a notebook's parameters, checked; call it right after the parameters cell with `globals()`.

    Papermill only warns about a parameter that the notebook does not have. Here that is a ParameterError that names the nearest one, and
    so is a value of another type than the default's (an int is taken for a float).
    """
    known = declared(notebook)
    injected = [cell for cell in namespace.get("In", []) if cell.startswith("# Parameters")]
    given = {name for cell in injected for name in assigned(cell)}  # whose values need not be literals: float('inf')
    for name in sorted(given - set(known)):
        raise ParameterError(
            f"{notebook}.ipynb has no parameter '{name}'.{near(name, known)} It has: {', '.join(known)}"
        )
    return {name: typed(f"{notebook}.ipynb", name, namespace[name], default) for name, default in known.items()}


def near(name: str, known: Iterable[str]) -> str:
    """' Did you mean ...?' for the nearest of the known names, or nothing."""
    matches = (
        difflib.get_close_matches(name, list(known), n=1, cutoff=cutoff) for cutoff in (0.9, 0.7, 0.5)
    )  # quick first
    found = next(filter(None, matches), None)
    return f" Did you mean '{found[0]}'?" if found else ""


def typed(place: str, name: str, value: Any, default: Any) -> Any:
    """`value` in the type of `default`, or a ParameterError that names place and parameter; lists by their first element."""
    if isinstance(default, float) and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if type(value) is not type(default):
        raise ParameterError(
            f"{place}: parameter '{name}' must be {type(default).__name__} like its default {default!r}, "
            f"got {type(value).__name__} {value!r}"
        )
    if isinstance(default, list) and default:
        return [typed(place, f"{name}[{k}]", one, default[0]) for k, one in enumerate(value)]
    return value


def name_of(notebook: str, params: dict, *lead: str) -> str:
    """Default name of a run: what leads, then every other parameter that is not the notebook's default, then the seed.

    lead: names of parameters whose values stand first. So two runs of different parameters never share a folder: values that no
    folder can be named after, and names that grow too long, are told apart by a digest.
    """
    skipped = {*PLACES, *lead, "seed", "test_sets", "threads"}
    turned = {
        key: params[key] for key, usual in declared(notebook).items() if params[key] != usual and key not in skipped
    }
    words = [str(params[key]).replace("+", "-") for key in lead]
    words += [f"{key}-{value}" for key, value in turned.items() if isinstance(value, int | float | str)]
    rest = {key: value for key, value in turned.items() if not isinstance(value, int | float | str)}
    words += [sources.digest(rest)] if rest else []
    words += [f"seed{params['seed']}"] if "seed" in params else []
    name = "_".join(words)
    if PLAIN.fullmatch(name):
        return name
    clear = "_".join(word for word in words if PLAIN.fullmatch(word))[:100]
    return f"{clear}_{sources.digest([words, rest])}".lstrip("_")


PLAIN = re.compile(r"[A-Za-z0-9][\w.+=-]{0,119}", flags=re.A)  # names that any file system can hold


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
    """A stamp as it was written, or an error: its key has to be that of what it says that the run depends on."""
    if not isinstance(stamp["sums"], dict) or key_of(stamp["needs"]) != stamp["key"]:
        raise ValueError("changed since it was written")
    return stamp


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
            with store.replacing(self.folder / "weights.safetensors") as draft:
                save_file(state, draft)
            written.append("weights.safetensors")
        for name, table in (tables or {}).items():
            written.append(store.write(table, self.folder / f"{name}.parquet").name)
        if pictures is not None:
            with store.replacing(self.folder / "maps.npz") as draft, open(draft, "wb") as file:
                np.savez_compressed(file, **{k: as_bytes(v) for k, v in pictures.items()})
            written.append("maps.npz")
        sums = {name: contents.sha256(self.folder / name) for name in sorted(written)}
        about = {**stamp(self), **facts, "key": key_of(self.needs), "needs": self.needs, "sums": sums}
        text = json.dumps(about, indent=1, default=lambda one: one.item())  # facts may be numbers of numpy or torch
        store.write_text(self.folder / STAMP, text + "\n")
        (self.folder / "checkpoint.pt").unlink(missing_ok=True)
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
        )  # runs get published: no private paths
        store.write_text(folder / BEGUN, json.dumps({"needs": needed, "data": place}, indent=1) + "\n")
    return Run(folder, needed, found.word == "finished")


def folder_of(results: Path | str, study: str, name: str) -> Path:
    """The folder of a run, there and taken for this process; RunError where that cannot be."""
    folder = run_folder(results, study, name)
    if not name or name != Path(name).name or name.startswith(".") or name.endswith("~") or not name.isprintable():
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
        return "it does not say what it was begun with"


def set_aside(folder: Path, held: Iterable[Path], why: str) -> None:
    """Move files of a run to `<name>~`, so that it begins anew."""
    aside = folder.with_name(folder.name + "~")
    while os.path.lexists(aside):
        aside = aside.with_name(aside.name + "~")
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


def weights(folder: Path) -> dict:
    """The weights of a finished run, held against the sum in its stamp; RunError where they are not what was trained."""
    from safetensors.torch import load_file

    found = state(folder)
    if found.word != "finished" or "weights.safetensors" not in found.stamp["sums"]:
        raise RunError(f"{folder}: no finished run with weights ({found.why or found.word}); {AGAIN}")
    return load_file(folder / "weights.safetensors")


def gather(results: Path | str, study: str, runs: dict | None = None) -> tuple[pd.DataFrame, dict]:
    """(runs, tables) of finished runs: a row of parameters and stamp per run, and {name: rows of all runs with `run` named}.

    runs: {name: key} of those that count, in this order; empty or None = all that are there. Each is taken from its folder,
    or from what `keep` left. The column `outdated` says in which rows another key was found than the one asked for: their
    numbers are of other parameters, code or data than those at hand, and a page has to say so.
    Raises RunError for runs that are missing or damaged.
    """
    with held_still(results_folder(results, study), fcntl.LOCK_SH):
        found = collect(results, study, runs)
    settings, tables = [], {}
    for name, (about, parts, outdated) in found.items():
        settings.append({**about["needs"]["parameters"], **flat(about), "run": name, "outdated": outdated})
        for title, table in parts.items():
            tables.setdefault(title, []).append(table.assign(run=name))
    return pd.DataFrame(settings), {title: together(some) for title, some in tables.items()}


@contextlib.contextmanager
def held_still(folder: Path, how: int) -> Iterator[None]:
    """While it lasts, nobody writes what is kept in a folder (LOCK_SH), or nobody else reads or writes it (LOCK_EX)."""
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(OSError):  # no such folder yet, or a file system without locks
            opened = os.open(folder, os.O_RDONLY)
            stack.callback(os.close, opened)
            fcntl.flock(opened, how)
        yield


def together(frames: list) -> pd.DataFrame:
    """Tables under each other; those without rows only add their columns."""
    filled = [frame for frame in frames if len(frame)]
    columns = list(dict.fromkeys(name for frame in frames for name in frame))
    return pd.concat(filled, ignore_index=True).reindex(columns=columns) if filled else frames[0]


def collect(results: Path | str, study: str, runs: dict | None) -> dict:
    """{run: (stamp, its tables, whether it is outdated)} of finished runs, as `gather` describes it."""
    folder = results_folder(results, study)
    here = {path.parent.name: path.parent for path in sorted(folder.glob(f"runs/*/{STAMP}"))}
    here = {name: path for name, path in here.items() if not name.endswith("~")}
    kept, found = None if runs else Kept(folder), {}
    wanted = runs or dict.fromkeys(sorted({*here, *kept.stamps}))
    if not wanted:
        raise RunError(f"{folder}/runs holds no finished run: `make study` trains them")
    for name, key in wanted.items():
        lies = state(here[name]) if name in here else State("absent")
        own = lies.stamp if lies.word == "finished" else None
        if (
            not own or own["key"] != key is not None
        ):  # only then, so that a damaged file can be written anew from the folders
            kept = kept or Kept(folder)
        other = kept.stamps.get(name) if kept else None
        abouts = [about for about in (own, other) if about]
        if not abouts:
            raise RunError(f"{folder}/runs/{name}: {lies.why or 'no finished run is there'}; {AGAIN}")
        about = next((one for one in abouts if one["key"] == key), abouts[0])
        parts = read_tables(here[name], about) if about is own else kept.tables(name)
        found[name] = about, parts, key not in (None, about["key"])
    return found


def flat(about: dict) -> dict:
    """A stamp without what is nested in it."""
    return {name: value for name, value in about.items() if name not in ("needs", "sums")}


def read_tables(folder: Path, about: dict) -> dict:
    """{name: table} of a finished run."""
    return {
        name.removesuffix(".parquet"): store.read(folder / name) for name in about["sums"] if name.endswith(".parquet")
    }


class Kept:
    """What `keep` left of a study's runs in one folder: stamps, and the rows of a run when they are asked for."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.stamps, self.columns, self.read = folder, {}, {}, {}
        if (folder / "runs.parquet").exists():
            store.check_sums(folder)
            store.check_sums(folder, ["runs.parquet"])  # is listed itself
            rows = store.read(folder / "runs.parquet")
            self.stamps = {name: json.loads(text) for name, text in zip(rows["run"], rows["stamp"])}
            if "columns" in rows:
                self.columns = {name: json.loads(text) for name, text in zip(rows["run"], rows["columns"])}

    def tables(self, run: str) -> dict:
        """{name: rows of one run}, in the columns and types that its own table had."""
        titles = [name.removesuffix(".parquet") for name in store.sums(self.folder) if name != "runs.parquet"]
        found = {}
        for title, columns in self.columns.get(run, dict.fromkeys(titles)).items():
            if title not in self.read:
                store.check_sums(self.folder, [f"{title}.parquet"])
                rows = store.read(self.folder / f"{title}.parquet")
                self.read[title] = rows, dict(iter(rows.groupby("run", sort=False)))
            rows, parts = self.read[title]
            own = parts.get(run, rows.head(0)).reset_index(drop=True)
            if columns is not None:
                found[title] = own[list(columns)].astype(columns)
            elif run in parts:  # kept before columns were: those that this run fills
                found[title] = own.drop(columns="run").dropna(axis=1, how="all")
        return found


def kept(results: Path | str, study: str) -> dict:
    """{run: stamp} of what `keep` left; empty where there is nothing."""
    folder = results_folder(results, study)
    with held_still(folder, fcntl.LOCK_SH):
        return Kept(folder).stamps


def keep(results: Path | str, study: str, runs: dict | None = None) -> list[Path]:
    """Write what counts of a study's runs into one columnar file a table, with sums beside them; returns the files.

    These are in git: every number of a page can be drawn again from them, in a clone in which nothing was trained.
    """
    folder = results_folder(results, study)
    with held_still(folder, fcntl.LOCK_EX):
        found, frames = collect(results, study, runs), {}
        for name, (_, parts, _) in found.items():
            for title, table in parts.items():
                frames.setdefault(title, []).append(table.assign(run=name))
        rows = [
            {
                "run": name,
                "stamp": json.dumps(about),
                "columns": json.dumps({title: table.dtypes.astype(str).to_dict() for title, table in parts.items()}),
            }
            for name, (about, parts, _) in found.items()
        ]
        tables = {"runs": pd.DataFrame(rows)} | {title: together(some) for title, some in frames.items()}
        paths = [store.write(frame, folder / f"{title}.parquet") for title, frame in tables.items()]
        store.write_sums(folder, [path.name for path in paths])
    return paths


# ---- the stamp -----------------------------------------------------------------------------------------------------


def stamp(run: Run) -> dict:
    """What has to be known to believe a number: commit, versions, device, seed, seconds, peak memory."""
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
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": {name: importlib.metadata.version(name) for name in NAMED} | run.needs["packages"],
        "finished": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }


def commit() -> str:
    """The git commit of the code, with '+changes' when the work tree differs from it; 'unknown' outside git."""
    git = ["git", "-C", str(REPO)]
    try:
        name = subprocess.run(
            [*git, "rev-parse", "--short=12", "HEAD"], capture_output=True, text=True, check=True
        ).stdout.strip()
        changes = subprocess.run(
            [*git, "status", "--porcelain", "imdlib", "notebooks"], capture_output=True, text=True, check=True
        ).stdout
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
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
