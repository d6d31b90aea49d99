"""Parameters: what a notebook takes, read from its own cell; names, types and values are checked, and a run is named after them."""

import ast
import copy
import difflib
import re
from collections.abc import Iterable
from functools import cache
from typing import Any

from imdlib import choices
from imdlib.freshness import sources

PLACES = ("results", "data", "run", "workers")  # parameters that say where and how fast, not what


class ParameterError(ValueError):
    """A notebook was given a parameter that it does not have, or a value that it cannot take."""


def declared(notebook: str) -> dict:
    """{name: default} of the cell tagged `parameters` of `notebooks/<notebook>.ipynb`."""
    found = [cell for cell in sources.cells(notebook) if "parameters" in sources.tags(cell)]
    return assignments(sources.source(found[0])) if found else {}


def assignments(source: str) -> dict:
    """{name: literal value} of the plain assignments in a piece of Python."""
    return copy.deepcopy(literals(source))


@cache
def literals(source: str) -> dict:
    """`assignments`, the same objects at every call: a plan asks for them thousands of times."""
    return {name: ast.literal_eval(value) for name, value in assigned(source).items()}


def assigned(source: str) -> dict:
    """{name: syntax tree of its value} of the plain assignments in a piece of Python, with or without type hints."""
    found = [node for node in ast.parse(source).body if isinstance(node, ast.Assign | ast.AnnAssign) and node.value]
    targets = [node.targets[0] if isinstance(node, ast.Assign) else node.target for node in found]
    return {target.id: node.value for target, node in zip(targets, found) if isinstance(target, ast.Name)}


def checked(notebook: str, namespace: dict) -> dict:
    """The values of a notebook's parameters, checked; call it right after the parameters cell with `globals()`.

    Papermill only warns about a parameter that the notebook does not have. Here that is a ParameterError that names the nearest one, and
    so is a value of another type than the default's (an int is taken for a float), or one that `imdlib.choices` does not have.
    """
    known = declared(notebook)
    injected = [cell for cell in namespace.get("In", []) if cell.startswith("# Parameters")]
    given = {name for cell in injected for name in assigned(cell)}  # whose values need not be literals: float('inf')
    for name in sorted(given - set(known)):
        raise ParameterError(
            f"{notebook}.ipynb has no parameter '{name}'.{near(name, known)} It has: {', '.join(known)}"
        )
    return {name: valid(notebook, name, namespace[name], default) for name, default in known.items()}


def valid(notebook: str, name: str, value: Any, default: Any) -> Any:
    """`value` in the type of `default`, or a ParameterError that says what the parameter may be; a default always is."""
    value, rule = typed(f"{notebook}.ipynb", name, value, default), choices.of(notebook).get(name)
    if rule is not None and value != default and not rule.holds(value):
        raise ParameterError(f"{notebook}.ipynb: parameter '{name}' must be {rule.says}, got {value!r}")
    return value


def near(name: str, known: Iterable[str]) -> str:
    """' Did you mean ...?' for the nearest of the known names, or nothing."""
    cutoffs = (0.9, 0.7, 0.5)  # quick first
    matches = (difflib.get_close_matches(name, list(known), n=1, cutoff=cutoff) for cutoff in cutoffs)
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

    lead: names of parameters whose values stand first. So two runs that differ in more than paths, test sets and threads never share a
    folder: values that no folder can be named after, and names that grow too long, are told apart by a digest.
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
