"""Runs: parameters checked strictly, a folder per run, a stamp on it, and a finished run used again.

The only room that knows paths. A run folder `<results>/<study>/runs/<run>/` holds params.yaml, history.csv, scores.csv.gz, stamp.json (in
git) and weights.safetensors, maps.npz, checkpoint.pt (not in git).
"""

import ast
import difflib
import hashlib
import importlib.metadata
import importlib.util
import json
import os
import platform
import resource
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import nbformat
import numpy as np
import pandas as pd
import yaml

REPO = Path(__file__).resolve().parents[1]
PLACES = ("results", "data", "run", "workers", "threads")  # parameters that say where and how fast, not what
LOGS = ("log.txt", "run.ipynb")  # of the run that is about to begin: being written, so they cannot be set aside
PACKAGES = ["torch", "torchvision", "numpy", "pandas", "opencv-python-headless", "pillow"]
PACKAGES += ["scikit-image", "scikit-learn", "papermill"]


class ParameterError(ValueError):
    """A notebook was given a parameter that it does not have, or a value of the wrong type."""


def cache_folder(name):
    """Folder `name` for generated files, created when missing: under $IMDLIB_CACHE, else `.cache` in the repository."""
    folder = Path(os.environ.get("IMDLIB_CACHE", REPO / ".cache")) / name
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def results_folder(results, study=""):
    """Absolute path of `<results>/<study>`; a relative `results` counts from the repository, wherever the notebook runs."""
    return REPO / results / study


# ---- parameters ----------------------------------------------------------------------------------------------------------------


def declared(notebook):
    """{name: default} of the cell tagged `parameters` of `notebooks/<notebook>.ipynb`."""
    book = nbformat.read(REPO / "notebooks" / f"{notebook}.ipynb", as_version=4)
    cells = [cell.source for cell in book.cells if "parameters" in cell.metadata.get("tags", [])]
    return assignments(cells[0]) if cells else {}


def assignments(source):
    """{name: literal value} of the plain assignments in a piece of Python."""
    found = [node for node in ast.parse(source).body if isinstance(node, ast.Assign)]
    return {node.targets[0].id: ast.literal_eval(node.value) for node in found}


def parameters(notebook, namespace):
    """The values of a notebook's parameters, checked; call it right after the parameters cell with `globals()`.

    Papermill only warns about a parameter that the notebook does not have. Here that is a ParameterError that names the nearest one, and
    so is a value of another type than the default's (an int is taken for a float).
    """
    known = declared(notebook)
    injected = [cell for cell in namespace.get("In", []) if cell.startswith("# Parameters")]
    given = {name for cell in injected for name in assignments(cell)}
    for name in sorted(given - set(known)):
        near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
        hint = f" Did you mean '{near[0]}'?" if near else ""
        raise ParameterError(f"{notebook}.ipynb has no parameter '{name}'.{hint} It has: {', '.join(known)}")
    values = {name: namespace[name] for name in known}
    for name, default in known.items():
        values[name] = typed(notebook, name, values[name], default)
    return values


def typed(notebook, name, value, default):
    """`value` in the type of `default`, or a ParameterError."""
    if isinstance(default, float) and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if type(value) is not type(default):
        raise ParameterError(
            f"{notebook}.ipynb: parameter '{name}' must be {type(default).__name__} like its default {default!r}, "
            f"got {type(value).__name__} {value!r}"
        )
    return value


# ---- fingerprints --------------------------------------------------------------------------------------------------------------


def digest(text):
    """Twelve characters that stand for a text."""
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def code_fingerprint(*modules):
    """Digest of the source of the named modules and packages ('imdlib.ncl'): what a run's numbers depend on."""
    files = []
    for name in modules:
        origin = Path(importlib.util.find_spec(name).origin)
        files += sorted(origin.parent.rglob("*.py")) if origin.name == "__init__.py" else [origin]
    return digest("".join(file.read_text() for file in files))


def data_fingerprint(manifest):
    """Digest of a manifest and of its files: rows, names, sizes and first 4096 bytes of every image and mask."""
    columns = ["label", "kind", "scene", "split", "dataset"]
    sums = hashlib.sha256(manifest[columns].to_csv(index=False).encode())
    for name in [*manifest["image"], *manifest["mask"]]:
        if name:
            with open(name, "rb") as file:
                sums.update(Path(name).name.encode() + str(os.path.getsize(name)).encode() + file.read(4096))
    return sums.hexdigest()[:12]


# ---- a run ---------------------------------------------------------------------------------------------------------------------


@dataclass
class Run:
    """One training and its scores, in a folder of its own."""

    folder: Path
    params: dict
    key: str
    data: str
    started: float = field(default_factory=time.perf_counter)

    @property
    def finished(self):
        """True when the stamp, which is written last, is there and is this run's: Snakemake puts an older one back after a failure."""
        path = self.folder / "stamp.json"
        return path.exists() and json.loads(path.read_text()).get("key", self.key) == self.key

    def scores(self):
        """The scores of a finished run, one row per (data set, attack, image)."""
        return pd.read_csv(self.folder / "scores.csv.gz", keep_default_na=True)

    def finish(self, *, model, history, scores, pictures, **facts):
        """Write everything, the stamp last: from then on the run counts as finished."""
        from safetensors.torch import save_file

        save_file(
            {k: v.detach().cpu().contiguous() for k, v in model.state_dict().items()},
            self.folder / "weights.safetensors",
        )
        history.to_csv(self.folder / "history.csv", index=False)
        write_scores(scores, self.folder / "scores.csv.gz")
        np.savez_compressed(self.folder / "maps.npz", **{k: as_bytes(v) for k, v in pictures.items()})
        text = json.dumps(stamp(self) | facts, indent=1)
        draft = self.folder / "stamp.draft"
        draft.write_text(text + "\n")
        draft.replace(self.folder / "stamp.json")
        (self.folder / "checkpoint.pt").unlink(missing_ok=True)
        return self.folder


def as_bytes(picture):
    """A map in [0,1] as 0..255; bytes stay as they are."""
    return picture if picture.dtype == np.uint8 else np.round(255 * picture).astype(np.uint8)


def pictures(results, study, run):
    """{'<dataset>/<file>': {map, image, mask}} kept by a run; empty where maps.npz is absent, as in a fresh clone."""
    path, found = results_folder(results, study) / "runs" / run / "maps.npz", {}
    if path.exists():
        with np.load(path) as kept:
            for name in kept.files:
                key, part = name.rsplit("/", 1)
                found.setdefault(key, {})[part] = kept[name] / np.float32(255) if part == "map" else kept[name]
    return found


def history(results, study, run):
    """The history of a finished run, one row per epoch."""
    return pd.read_csv(results_folder(results, study) / "runs" / run / "history.csv")


def write_scores(scores, path):
    """Scores as compressed csv, the same bytes for the same rows."""
    scores.to_csv(path, index=False, float_format="%.6g", compression={"method": "gzip", "mtime": 0})


def open_run(study, name, params, *, code, manifest):
    """The run `name` of `study`: continued when the same parameters, code and data were begun there, else begun anew.

    params: of `parameters`, with `results` among them; code: module names whose source counts; manifest: the data that counts.
    An older run in the same place, of other parameters, code or data, is set aside as `<name>~` (`~~`, ...), never deleted; LOGS stay.
    """
    folder = results_folder(params["results"], study) / "runs" / name
    data = data_fingerprint(manifest)
    counted = {k: v for k, v in params.items() if k not in PLACES}
    key = digest(json.dumps([counted, code_fingerprint(*code), data], sort_keys=True))
    known = folder / "params.yaml"
    held = [path for path in folder.glob("*") if path.name not in LOGS]
    if held and (not known.exists() or yaml.safe_load(known.read_text()).get("key") != key):
        aside = folder.with_name(folder.name + "~")
        while aside.exists():
            aside = aside.with_name(aside.name + "~")
        aside.mkdir()
        for path in held:
            path.rename(aside / path.name)
        print(f"{folder.name}: parameters, code or data changed; the older run is set aside as {aside.name}")
    folder.mkdir(parents=True, exist_ok=True)
    if not known.exists():
        # runs get published: no private paths
        place = os.path.relpath(params["data"], REPO) if params.get("data") else ""
        known.write_text(yaml.safe_dump({"key": key, **params, "data": place}, sort_keys=False))
    return Run(folder, params, key, data)


def gather(results, study):
    """(runs, scores) of every finished run of a study: one row of parameters and stamp per run, and all score rows with `run` named."""
    runs, scores = [], []
    for path in sorted(results_folder(results, study).glob("runs/*/stamp.json")):
        if path.parent.name.endswith("~"):
            continue
        params = yaml.safe_load((path.parent / "params.yaml").read_text())
        runs.append({**params, **json.loads(path.read_text()), "run": path.parent.name})
        scores.append(Run(path.parent, params, "", "").scores().assign(run=path.parent.name))
    if not runs:
        raise FileNotFoundError(
            f"{results_folder(results, study)}/runs holds no finished run: `make study` trains them"
        )
    return pd.DataFrame(runs), pd.concat(scores, ignore_index=True)


def trivial_scores(results, datasets):
    """Score rows of the predictors that look at no image, written by the data notebook of each data set."""
    files = {name: results_folder(results, "data") / name / "scores.csv.gz" for name in datasets}
    absent = [str(path) for path in files.values() if not path.exists()]
    if absent:
        raise FileNotFoundError(
            f"missing: {', '.join(absent)}. Run notebooks/data.ipynb for these data sets first (`make study` does)"
        )
    return pd.concat([pd.read_csv(path) for path in files.values()], ignore_index=True)


# ---- the stamp -----------------------------------------------------------------------------------------------------------------


def stamp(run):
    """What has to be known to believe a number: commit, versions, device, seed, seconds, peak memory, data."""
    import torch

    cuda = torch.cuda.is_available()
    peak = (
        torch.cuda.max_memory_allocated()
        if cuda
        else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    )
    return {
        "key": run.key,
        "commit": commit(),
        "device": torch.cuda.get_device_name() if cuda else cpu_name(),
        "threads": torch.get_num_threads(),
        "seed": run.params.get("seed"),
        "seconds": round(time.perf_counter() - run.started, 1),
        "peak_memory_mb": round(peak / 2**20),
        "data": run.data,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": {name: importlib.metadata.version(name) for name in PACKAGES},
        "finished": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }


def commit():
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


def cpu_name():
    """The processor's name and number of usable cores."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        model = next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        model = platform.processor() or platform.machine()
    return f"{model}, {cores} cores"
