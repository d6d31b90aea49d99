"""Study: what one paper's reproduction consists of, and which of its parts have to be made anew.

Every study has a folder in the library with the same names for the same roles: `study.py` (this record), `grid.py` (which runs a
profile needs), `networks.py` (what builds a network from parameters), `rows.py` (how score rows are labelled),
`statements.py` (what is claimed), `exhibits.py` (its tables and figures), `costs.py` (what it costs), `published` (the paper's
numbers).
"""

import importlib
import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from imdlib import runs, sources
from imdlib.places import REPO

STUDIES = ("ncl", "inr", "bridge")  # the one list that a further paper joins


@dataclass(frozen=True)
class Study:
    """One paper. name: of its folders; title: in reports; methods: {parameter's value: name in tables}.

    configurations(**keys of a profile) -> {run: {"notebook": which trains it, "uses": {parameter: other run}, ...parameters}}.
    turned: parameters in which runs differ from the usual. notebooks: that train, first those whose runs others use.
    """

    name: str
    title: str
    methods: dict
    configurations: Callable
    turned: tuple[str, ...]
    notebooks: tuple[str, ...] = ("run",)

    @property
    def keys(self) -> dict:
        """{key of a profile that says which runs there are: its default, None where it must be given}."""
        found = inspect.signature(self.configurations).parameters.values()
        return {one.name: None if one.default is one.empty else one.default for one in found}


def load(name: str) -> Study:
    """The Study of that name."""
    return importlib.import_module(f"imdlib.{name}.study").STUDY


@dataclass(frozen=True)
class Cell:
    """One run that a profile needs. parameters: of its notebook, besides those of the profile; uses: {parameter: other run}."""

    parameters: dict
    notebook: str = "run"
    uses: dict = field(default_factory=dict)


# ---- profiles ------------------------------------------------------------------------------------------------------


class ProfileError(ValueError):
    """A profile that asks for what there is not; the message names the file, the key and the nearest one."""


def profile(name: str) -> dict:
    """{key: value} of `profiles/<name>.yaml`, every key and type checked."""
    path = REPO / "profiles" / f"{name}.yaml"
    if not path.exists():
        known = sorted(one.stem for one in path.parent.glob("*.yaml"))
        raise ProfileError(f"there is no profile '{name}'.{runs.near(name, known)} There are: {', '.join(known)}")
    found = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    known = vocabulary()
    for key, value in found.items():
        if key not in known:
            raise ProfileError(f"profiles/{name}.yaml: no notebook takes '{key}'.{runs.near(key, known)}")
        if known[key] is not None:
            runs.typed(f"profiles/{name}.yaml", key, value, known[key])
    return found


def vocabulary() -> dict:
    """{key that a profile may have: default, None where any value will do}.

    `steps` counts for all notebooks that have it, `inr.steps` for those in inr/, `inr/nrr.steps` for that one; `inr.seeds` says
    which runs there are.
    """
    found, plain = {}, {"threads": 1}
    for notebook in ("data", "report"):
        found |= {f"{notebook}.{name}": value for name, value in runs.declared(notebook).items()}
        plain |= runs.declared(notebook)
    for study in map(load, STUDIES):
        for notebook in (*study.notebooks, "report"):
            place = f"{study.name}/{notebook}"
            for name, value in runs.declared(place).items():
                found |= {f"{place}.{name}": value, f"{study.name}.{name}": value}
                plain[name] = value
        found |= {f"{study.name}.{name}": listed(value) for name, value in study.keys.items()}
    return plain | found


def listed(default):
    """A grid's default as profiles write it: tuples are lists."""
    return [*default] if isinstance(default, tuple) else default


def settings(values: dict, notebook: str, **more) -> dict:
    """The profile's values for the parameters that a notebook has, and those of `more`."""
    found = dict(values)
    for place in (notebook.split("/")[0], notebook):
        found |= {key.removeprefix(f"{place}."): value for key, value in values.items() if key.startswith(f"{place}.")}
    found |= more
    return {
        name: runs.typed(f"{notebook}.ipynb", name, found[name], usual)
        for name, usual in runs.declared(notebook).items()
        if name in found
    }


# ---- what has to be made -------------------------------------------------------------------------------------------


@dataclass
class Job:
    """One notebook to be executed, and whether what it makes is there already.

    rule: of the Snakefile; name: of the run, data set or study; notebook, parameters: what Papermill is given; needs: what
    the result depends on; state: of what lies there; after: keys of the jobs whose results it reads, as (rule, name).
    """

    rule: str
    name: str
    notebook: str
    parameters: dict
    needs: dict
    state: runs.State
    after: list = field(default_factory=list)

    @property
    def key(self) -> str:
        """Of its result."""
        return runs.key_of(self.needs)

    @property
    def done(self) -> bool:
        """Whether its result is there, whole and of what it depends on now."""
        return self.state.word == "finished"


def plan(name: str, results="", data="") -> list[Job]:
    """Every job of a profile, those that others wait for first; those that are not `done` have to be executed."""
    values = profile(name)
    folder = results or f"results/{name}"
    grids = {study: load(study).configurations(**grid(values, load(study))) for study in STUDIES}
    sets = {study: named_sets(values, study, cells) for study, cells in grids.items()}
    known = Identities(values, data)
    jobs = {}
    for dataset in dict.fromkeys(one for some in sets.values() for one in some):
        add(
            jobs,
            folder,
            "data",
            "data",
            dataset,
            settings(values, "data", results=folder, data=data, dataset=dataset),
            known,
        )
    for study, cells in grids.items():
        for book in load(study).notebooks:
            for run, cell in cells.items():
                if cell.notebook == book:
                    more = dict(results=folder, data=data, run=run) | cell.uses
                    given = settings(values, f"{study}/{book}", **more, **cell.parameters)
                    add(jobs, folder, study, f"{study}/{book}", run, given, known, cell.uses)
        add_page(jobs, folder, study, values, data, sets[study], list(cells))
    top = [("report", study) for study in STUDIES]
    return [*jobs.values(), page(jobs, folder, "", "report", settings(values, "report", results=folder), top)]


def grid(values: dict, study: Study) -> dict:
    """The profile's values for the keys that say which runs a study has."""
    return {name: values[f"{study.name}.{name}"] for name in study.keys if f"{study.name}.{name}" in values}


def named_sets(values: dict, study: str, cells: dict) -> list[str]:
    """Data sets that a study's runs learn from or are scored on."""
    trained = [name for cell in cells.values() for name in cell.parameters["train_set"].split("+")]
    tested = [name for cell in cells.values() for name in cell.parameters.get("test_sets", [])]
    return list(dict.fromkeys([*trained, *values[f"{study}.test_sets"], *tested]))


class Identities:
    """What the contents of data sets are known by, each looked at once."""

    def __init__(self, values: dict, data: str):
        self.values, self.data, self.found = values, data, {}

    def of(self, names, parameters: dict) -> dict:
        """{data set: identity}, '' for a real one that is not at hand."""
        from imdlib import data as datasets

        shape = {name: parameters[name] for name in ("count", "size") if name in parameters}
        for name in names:
            known = (name, *shape.values())
            if known not in self.found:
                self.found[known] = datasets.identity(name, self.data, **shape)
        return {name: self.found[name, *shape.values()] for name in names}


def add(jobs: dict, folder, study, notebook, run, given: dict, known: Identities, uses=None):
    """Enter the job of one run (or of one data set) into `jobs`."""
    full = runs.declared(notebook) | given
    if study == "data":
        rule, sets, after = "data", [run], []
    else:
        rule, sets = notebook.replace("/", "_"), [*full["train_set"].split("+"), *full["test_sets"]]
        after = [("data", one) for one in dict.fromkeys(sets)]
    keys = {parameter: jobs[f"{study}_{other}"].key for parameter, other in ()} if not uses else {}
    for parameter, other in (uses or {}).items():
        found = next(job for (_, name), job in jobs.items() if name == other and job.rule.startswith(f"{study}_"))
        keys[parameter] = found.key
        after.append((found.rule, other))
    identities = known.of(dict.fromkeys(sets), full)
    place = runs.run_folder(folder, study, run)
    kept = runs.kept(folder, study).get(run, {})
    needed = runs.needs(notebook, full, data=at_hand(identities, place, kept), uses=keys)
    state = runs.state(place, needed)
    if state.word != "finished" and kept.get("key") == runs.key_of(needed):
        state = runs.State("finished", "kept", kept)
    jobs[rule, run] = Job(rule, run, notebook, given, needed, state, after)


def at_hand(identities: dict, place: Path, kept: dict) -> dict:
    """Identities, those that are not at hand as the finished run knew them: without the data nobody can say otherwise."""
    if all(identities.values()):
        return identities
    stamp = runs.state(place).stamp or kept
    recorded = stamp.get("needs", {}).get("data", {})
    return {name: found or recorded.get(name, "not at hand") for name, found in identities.items()}


def add_page(jobs: dict, folder, study, values, data, sets, cells):
    """Enter the job of a study's report."""
    own = [key for key in jobs if key[1] in cells and key[0].startswith(f"{study}_")]
    given = settings(values, f"{study}/report", results=folder, data=data)
    given |= {
        "runs": {name: jobs[rule, name].key for rule, name in own},
        "sets": {one: jobs["data", one].key for one in sets},
    }
    jobs["report", study] = page(
        jobs, folder, study, f"{study}/report", given, [*own, *(("data", one) for one in sets)]
    )


def page(jobs: dict, folder, study, notebook, given: dict, after) -> Job:
    """The job of a page, which depends on everything that it shows."""
    place = runs.results_folder(folder, study)
    notes = runs.results_folder(folder) / "notes.md"
    shown = {"/".join(one): jobs[one].key for one in after}
    parts = {name: value for name, value in given.items() if name not in (*runs.PLACES, "runs", "sets")}
    needed = {"notebook": notebook, "parameters": parts, **sources.of_notebook(notebook), "uses": shown}
    needed["data"] = {"notes": sources.digest(notes.read_text(encoding="utf-8")) if notes.exists() else ""}
    name = study or "page"
    rule = f"{study}_report" if study else "report"
    return Job(rule, name, notebook, given, needed, runs.state(place, needed), list(after))
