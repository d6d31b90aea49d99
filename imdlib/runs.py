"""Runs: parameters checked strictly, a folder per run, a stamp on it, and a finished run used again while nothing changed.

A run folder `<results>/<study>/runs/<run>/` holds `begun.json` (what the run depends on, written first), the tables of the run
(scores, history), weights and maps, and `stamp.json`, written last: what it depends on, where and when it was made, and the
sums of its files. What counts is kept a second time in one columnar file a study (`keep`), which is what git holds.
"""

import ast
import difflib
import fcntl
import importlib.metadata
import json
import os
import platform
import resource
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from imdlib import sources, store
from imdlib.data import contents
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
    found = [node for node in ast.parse(source).body if isinstance(node, ast.Assign)]
    return {node.targets[0].id: ast.literal_eval(node.value) for node in found}


def parameters(notebook: str, namespace: dict) -> dict:
    """The values of a notebook's parameters, checked; call it right after the parameters cell with `globals()`.

    Papermill only warns about a parameter that the notebook does not have. Here that is a ParameterError that names the nearest one, and
    so is a value of another type than the default's (an int is taken for a float).
    """
    known = declared(notebook)
    injected = [cell for cell in namespace.get("In", []) if cell.startswith("# Parameters")]
    given = {name for cell in injected for name in assignments(cell)}
    for name in sorted(given - set(known)):
        raise ParameterError(
            f"{notebook}.ipynb has no parameter '{name}'.{near(name, known)} It has: {', '.join(known)}"
        )
    return {name: typed(f"{notebook}.ipynb", name, namespace[name], default) for name, default in known.items()}


def near(name: str, known) -> str:
    """' Did you mean ...?' for the nearest of the known names, or nothing."""
    found = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f" Did you mean '{found[0]}'?" if found else ""


def typed(place: str, name: str, value, default):
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

    lead: names of parameters whose values stand first. So two runs of different parameters never share a folder.
    """
    skipped = {*PLACES, *lead, "seed", "test_sets", "threads"}
    turned = {
        key: params[key] for key, usual in declared(notebook).items() if params[key] != usual and key not in skipped
    }
    words = [str(params[key]).replace("+", "-") for key in lead]
    words += [f"{key}-{value}" for key, value in turned.items() if isinstance(value, int | float | str)]
    rest = {key: value for key, value in turned.items() if not isinstance(value, int | float | str)}
    words += [sources.digest(rest)] if rest else []
    return "_".join([*words, f"seed{params['seed']}"] if "seed" in params else words).replace("/", "-")


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
        one, two = old.get(part) or {}, new.get(part) or {}
        changed = sorted(name for name in {*one, *two} if one.get(name) != two.get(name))
        if changed:
            few = ", ".join(changed[:4]) + (", ..." if len(changed) > 4 else "")
            found.append(f"{part}: {few}")
    return found


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
        stamp = json.loads(path.read_text(encoding="utf-8"))
        sums, key = stamp["sums"], stamp["key"]
    except (ValueError, KeyError, TypeError):
        return State("damaged", f"{path} cannot be read (a full disk may have left it empty)")
    wrong = damaged(folder, sums)
    if wrong:
        return State("damaged", wrong, stamp)
    if needed is not None and key != key_of(needed):
        return State("outdated", "; ".join(differences(stamp["needs"], needed)) or "something", stamp)
    return State("finished", "", stamp)


def damaged(folder: Path, sums: dict) -> str:
    """What is wrong with the files of a finished run, '' where they are what the stamp says."""
    missing = [name for name in sums if not (folder / name).exists()]
    if missing:
        return f"{folder / missing[0]} is missing"
    found = dict(zip(sums, contents.digests(folder / name for name in sums)))
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

    def finish(self, *, model=None, pictures=None, tables=None, files=(), **facts) -> Path:
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
        text = json.dumps(
            {"key": key_of(self.needs), **stamp(self), **facts, "needs": self.needs, "sums": sums}, indent=1
        )
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
    folder = run_folder(params["results"], study, name)
    folder.mkdir(parents=True, exist_ok=True)
    lock(folder)
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


def unknown(folder: Path, needed: dict) -> str:
    """Why an unfinished run cannot be continued, '' where it can."""
    try:
        begun = json.loads((folder / BEGUN).read_text(encoding="utf-8"))["needs"]
    except (OSError, ValueError, KeyError, TypeError):
        return "it does not say what it was begun with"
    return "; ".join(differences(begun, needed))


def set_aside(folder: Path, held, why: str):
    """Move files of a run to `<name>~`, so that it begins anew."""
    aside = folder.with_name(folder.name + "~")
    while aside.exists():
        aside = aside.with_name(aside.name + "~")
    aside.mkdir()
    for path in held:
        path.rename(aside / path.name)
    print(f"{folder.name}: begun anew, since it changed or broke ({why}); the older one is set aside as {aside.name}")


LOCKS = {}  # folders that this process works in: their lock files, open until it ends


def lock(folder: Path):
    """Take a run's folder for this process, until it ends however it ends; RunError where another one has it."""
    if folder in LOCKS:
        return
    file = open(folder / ".lock", "w")  # noqa: SIM115
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        raise RunError(
            f"{folder}: another process is working on this run. Wait for it, or give this one a name of its own with the "
            "parameter `run`"
        ) from None
    LOCKS[folder] = file


# ---- what finished runs left ---------------------------------------------------------------------------------------


def pictures(results, study: str, run: str) -> dict:
    """{'<dataset>/<file>': {map, image, mask}} kept by a run; empty where maps.npz is absent, as in a fresh clone."""
    path, found = run_folder(results, study, run) / "maps.npz", {}
    if path.exists():
        try:
            with np.load(path) as kept:
                arrays = {name: kept[name] for name in kept.files}
        except (OSError, ValueError, EOFError) as error:
            raise store.DamagedFile(f"{path}: its pictures cannot be read ({error}); {store.REMEDY}") from error
        for name, array in arrays.items():
            key, part = name.rsplit("/", 1)
            found.setdefault(key, {})[part] = array / np.float32(255) if part == "map" else array
    return found


def weights(folder: Path) -> dict:
    """The weights of a finished run, held against the sum in its stamp; RunError where they are not what was trained."""
    from safetensors.torch import load_file

    found = state(folder)
    if found.word != "finished" or "weights.safetensors" not in found.stamp["sums"]:
        raise RunError(f"{folder}: no finished run with weights ({found.why or found.word}); {AGAIN}")
    return load_file(folder / "weights.safetensors")


def gather(results, study: str, runs: dict | None = None) -> tuple[pd.DataFrame, dict]:
    """(runs, tables) of finished runs: a row of parameters and stamp per run, and {name: rows of all runs with `run` named}.

    runs: {name: key} of those that count, in this order; empty or None = all that are there. Each is taken from its folder,
    or from what `keep` left. The column `outdated` says in which rows another key was found than the one asked for: their
    numbers are of other parameters, code or data than those at hand, and a page has to say so.
    Raises RunError for runs that are missing or damaged.
    """
    folder = results_folder(results, study)
    here = {path.parent.name: path.parent for path in sorted(folder.glob(f"runs/*/{STAMP}"))}
    here = {name: path for name, path in here.items() if not name.endswith("~")}
    kept = Kept(folder)
    wanted = runs or dict.fromkeys(sorted({*here, *kept.stamps}))
    if not wanted:
        raise RunError(f"{folder}/runs holds no finished run: `make study` trains them")
    settings, tables = [], {}
    for name, key in wanted.items():
        found = state(here[name]) if name in here else State("absent")
        keys = {
            "here": found.stamp.get("key") if found.word == "finished" else None,
            "kept": kept.stamps.get(name, {}).get("key"),
        }
        places = [place for place, one in keys.items() if one is not None]
        if not places:
            raise RunError(f"{folder}/runs/{name}: {found.why or 'no finished run is there'}; {AGAIN}")
        place = next((one for one in places if keys[one] == key), places[0])
        about = found.stamp if place == "here" else kept.stamps[name]
        settings.append(
            {**about["needs"]["parameters"], **flat(about), "run": name, "outdated": key not in (None, about["key"])}
        )
        parts = read_tables(here[name], about) if place == "here" else kept.tables(name)
        for title, table in parts.items():
            tables.setdefault(title, []).append(table.assign(run=name))
    return pd.DataFrame(settings), {title: pd.concat(some, ignore_index=True) for title, some in tables.items()}


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

    def __init__(self, folder: Path):
        self.folder, self.stamps, self.read = folder, {}, {}
        if (folder / "runs.parquet").exists():
            store.check_sums(folder)
            rows = store.read(folder / "runs.parquet")
            self.stamps = {name: json.loads(text) for name, text in zip(rows["run"], rows["stamp"])}

    def tables(self, run: str) -> dict:
        """{name: rows of one run}, columns that it does not fill left out."""
        if not self.read:
            names = [line.split("  ")[1] for line in (self.folder / store.SUMS).read_text().splitlines()]
            names = [name for name in names if name.endswith(".parquet") and name != "runs.parquet"]
            self.read = {name: dict(list(store.read(self.folder / name).groupby("run", sort=False))) for name in names}
        parts = {name.removesuffix(".parquet"): rows[run] for name, rows in self.read.items() if run in rows}
        return {name: rows.drop(columns="run").dropna(axis=1, how="all") for name, rows in parts.items()}


def kept(results, study: str) -> dict:
    """{run: stamp} of what `keep` left; empty where there is nothing."""
    return Kept(results_folder(results, study)).stamps


def keep(results, study: str, runs: dict | None = None) -> list[Path]:
    """Write what counts of a study's runs into one columnar file a table, with sums beside them; returns the files.

    These are in git: every number of a page can be drawn again from them, in a clone in which nothing was trained.
    """
    folder = results_folder(results, study)
    settings, tables = gather(results, study, runs)
    kept, here = Kept(folder), {}
    for name in settings["run"]:
        found = state(run_folder(results, study, name))
        same = found.stamp.get("key") == settings.loc[settings["run"] == name, "key"].iloc[0]
        here[name] = found.stamp if same else kept.stamps[name]
    stamps = pd.DataFrame({"run": list(here), "stamp": [json.dumps(about, sort_keys=True) for about in here.values()]})
    frames = {"runs": stamps, **tables}
    paths = [store.write(frame, folder / f"{name}.parquet") for name, frame in frames.items()]
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
