"""Study: what one paper's reproduction consists of, and what a profile asks of it.

Every study has a folder in the library with the same names for the same roles: CONTRIBUTING.md lists them.
"""

import importlib
import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from imdlib import parameters
from imdlib.places import REPO
from imdlib.protocol.search import Range, Row

STUDIES = ("ncl", "inr", "bridge")  # the one list that a further paper joins
ASSIGNED = ("trial",)  # parameters that the search gives to a run, and no profile


@dataclass(frozen=True)
class Study:
    """One paper. name: of its folders; title: in reports; configurations(**keys of a profile) -> {run: Cell}.

    notebooks: that train, first those whose runs others use. space,
    rows: of the search (`imdlib.protocol.search`): settings, and the compared methods that are tuned in them; names: {row: its name}.
    """

    name: str
    title: str
    configurations: Callable
    notebooks: tuple[str, ...] = ("run",)
    space: Mapping[str, Range] = field(default_factory=dict)
    rows: Mapping[str, Row] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)

    def called(self, row: str) -> str:
        """Name of a row of the search in tables."""
        return self.names.get(row, row)

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
        raise ProfileError(f"there is no profile '{name}'.{parameters.near(name, known)} There are: {', '.join(known)}")
    found, known = mapping(path), vocabulary()
    for key, value in found.items():
        if key not in known:
            raise ProfileError(f"profiles/{name}.yaml: no notebook takes '{key}'.{parameters.near(key, known)}")
        try:
            parameters.typed(f"profiles/{name}.yaml", key, value, known[key])
        except parameters.ParameterError as error:
            others = [other for other, usual in known.items() if fits(other, value, usual)]
            raise ProfileError(f"{error}.{parameters.near(key, others)}") from None
    return found


LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the first is ten times as fast, where PyYAML was built with it


def mapping(path: Path) -> dict:
    """{key: value} of a YAML file, in which no key stands twice."""
    try:
        text = path.read_text(encoding="utf-8")
        found, node = yaml.load(text, Loader=LOADER) or {}, yaml.compose(text, Loader=LOADER)
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # ValueError: no UTF-8, or the 99th of a month
        raise ProfileError(f"profiles/{path.name} cannot be read: {error}") from None
    if not isinstance(found, dict):
        raise ProfileError(f"profiles/{path.name}: expected lines `key: value`")
    keys = [key.value for key, _ in node.value] if node else []
    twice = next((key for key in keys if keys.count(key) > 1), None)
    if twice:
        raise ProfileError(f"profiles/{path.name}: '{twice}' is there twice")
    return {str(key): value for key, value in found.items()}


def fits(key: str, value: Any, usual: Any) -> bool:
    """Whether a value has the type of a default."""
    try:
        parameters.typed("", key, value, usual)
    except parameters.ParameterError:
        return False
    return True


def vocabulary() -> dict:
    """{key that a profile may have: a value of its type, the default where it has one}.

    `steps` counts for all notebooks that have it, `inr.steps` for those in inr/, `inr/nrr.steps` for that one; `inr.seeds` says
    which runs there are.
    """
    found, plain = {}, {"threads": 1}
    for notebook in ("data", "report"):
        found |= {f"{notebook}.{name}": value for name, value in parameters.declared(notebook).items()}
        plain |= parameters.declared(notebook)
    for study in map(load, STUDIES):
        for notebook in (*study.notebooks, "report"):
            place = f"{study.name}/{notebook}"
            for name, value in parameters.declared(place).items():
                if name in ASSIGNED:
                    continue
                found |= {f"{place}.{name}": value, f"{study.name}.{name}": value}
                plain[name] = value
        found |= {
            f"{study.name}.{name}": listed(f"{study.name}.{name}", value, found) for name, value in study.keys.items()
        }
    return plain | found


def listed(key: str, default: Any, known: dict) -> Any:
    """A grid's default as profiles write it: tuples are lists.

    Where it has none, or an empty one, the type is that of the notebooks' parameter of that name, or of a list of them
    (`seeds` of `seed`).
    """
    if default is None and key in known:
        return known[key]
    single = key.removesuffix("s")
    if default in (None, ()) and single in known and single != key:
        return [known[single]]
    return [*default] if isinstance(default, tuple) else default


def settings(values: dict, notebook: str, **more: Any) -> dict:
    """The profile's values for the parameters that a notebook has, and those of `more`; ParameterError for one that it cannot take."""
    found = dict(values)
    for place in (notebook.split("/")[0], notebook):
        found |= {key.removeprefix(f"{place}."): value for key, value in values.items() if key.startswith(f"{place}.")}
    found |= more
    return {
        name: parameters.valid(notebook, name, found[name], usual)
        for name, usual in parameters.declared(notebook).items()
        if name in found
    }


def asked(name: str, values: dict) -> dict:
    """{name: Study} of those that a profile has keys for, in the order of STUDIES; ProfileError where one needs others, too."""
    found = {one: load(one) for one in STUDIES if any(re.match(rf"{one}[./]", key) for key in values)}
    for one, study in found.items():
        needed = [f"{one}.{key}" for key, default in study.keys.items() if default is None] + [f"{one}.test_sets"]
        missing = [key for key in dict.fromkeys(needed) if key not in values]
        if missing:
            raise ProfileError(f"profiles/{name}.yaml: study '{one}' needs {', '.join(missing)} as well")
    return found


def grid(values: dict, study: Study) -> dict:
    """The profile's values for the keys that say which runs a study has."""
    return {name: values[f"{study.name}.{name}"] for name in study.keys if f"{study.name}.{name}" in values}
