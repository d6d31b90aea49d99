"""Sources: the code that a result depends on, found by following names through the syntax trees of the library.

A definition depends on the definitions that it names, they on those that they name, across modules; top-level statements
that define nothing count as soon as their module is imported. What is compared are syntax trees without docstrings and type
hints, so that prose, formatting and an unrelated function in the same file cost nothing. Whole modules count where a module
itself is handed around; files that lie in a package (published numbers, weights) count where it asks
`importlib.resources.files` or `__file__` for them. Not seen: names put together at run time (`getattr(module, text)`), star
imports, classes that enter themselves somewhere (`__init_subclass__`), and imports for the sake of an effect alone, which the
library therefore avoids; a test holds the functions that runs really call against what is found here.

Two kinds of code are stops for a notebook that trains: `imdlib.data.load` (with `identities`), since what it returns is known by its
contents, and `imdlib.runs` and `imdlib.parameters`, which keep the books of a run and change no number in them.
"""

import ast
import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from imdlib.freshness.packages import locked, versions
from imdlib.freshness.syntax import DEFINITIONS, Look, is_text, look, tree
from imdlib.places import REPO

LIBRARY = "imdlib"
STOPS = ("imdlib.data.load", "imdlib.data.identities", "imdlib.runs", "imdlib.parameters")
LOOK = "look"  # tag of a notebook's cells that only show: no result depends on them
FILES = "importlib.resources.files"  # whoever names it, or __file__, reads the files of its package


@dataclass
class Module:
    """One file: what its top level imports, binds (name -> statements) and does besides."""

    name: str
    package: bool
    imports: dict = field(default_factory=dict)  # local name -> dotted name
    binds: dict = field(default_factory=dict)
    effects: list = field(default_factory=list)


def digest(thing: object) -> str:
    """Twelve characters that stand for a text or for anything that json can write."""
    text = thing if isinstance(thing, str) else json.dumps(thing, sort_keys=True, default=str)
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:12]


# ---- reading one file ----------------------------------------------------------------------------------------------


def path_of(name: str) -> Path | None:
    """File of a module of the library, or None where there is no such module."""
    base = REPO.joinpath(*name.split("."))
    return next((path for path in (base.with_suffix(".py"), base / "__init__.py") if path.is_file()), None)


@cache
def module(name: str) -> Module | None:
    """The Module of that name, or None."""
    path = path_of(name)
    if path is None:
        return None
    found = Module(name, path.name == "__init__.py")
    read(tree(path.read_text(encoding="utf-8"), path), found)
    return found


def read(statements: Iterable[ast.stmt], into: Module) -> None:
    """Sort top-level statements into what they import, bind and do."""
    for statement in statements:
        if isinstance(statement, ast.Import | ast.ImportFrom):
            into.imports |= imported(statement, into)
        elif not (is_text(statement) or is_command(statement)):
            names = bound(statement)
            for name in names:
                into.binds.setdefault(name, []).append(statement)
            if not names or not isinstance(statement, SIMPLE) or registers(statement, into):
                into.effects.append(statement)
                for node in ast.walk(statement) if not isinstance(statement, SIMPLE) else []:
                    if isinstance(node, ast.Import | ast.ImportFrom):
                        into.imports |= imported(node, into)


SIMPLE = (*DEFINITIONS, ast.Assign, ast.AnnAssign, ast.AugAssign, ast.Expr)  # others hold statements of their own


def registers(statement: ast.stmt, at: Module) -> bool:
    """Whether a definition has a decorator of the library, which may enter it somewhere: it counts though nobody names it."""
    roots = [node.func if isinstance(node, ast.Call) else node for node in getattr(statement, "decorator_list", [])]
    names = [ast.unparse(root).split(".")[0] for root in roots]
    return any(name in at.binds or at.imports.get(name, "").split(".")[0] == LIBRARY for name in names)


def imported(node: ast.Import | ast.ImportFrom, at: Module) -> dict:
    """{local name: dotted name} of an import statement."""
    if isinstance(node, ast.Import):
        return {a.asname or a.name.split(".")[0]: a.name if a.asname else a.name.split(".")[0] for a in node.names}
    home = at.name.split(".")[: len(at.name.split(".")) - node.level + at.package] if node.level else []
    base = ".".join([*home, *([node.module] if node.module else [])])
    return {a.asname or a.name: f"{base}.{a.name}" for a in node.names}


def bound(statement: ast.stmt) -> list:
    """Names that a top-level statement binds."""
    if isinstance(statement, DEFINITIONS):
        return [statement.name]
    targets = [node for node in ast.walk(statement) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)]
    return list(dict.fromkeys(node.id for node in targets))


def is_command(statement: ast.stmt) -> bool:
    """`if __name__ == "__main__":`, which no import runs."""
    return isinstance(statement, ast.If) and "__main__" in ast.dump(statement.test)


# ---- one definition ------------------------------------------------------------------------------------------------


def meaning(statement: ast.stmt, at: Module) -> tuple[str, set, set]:
    """(text of a statement, dotted names that it reaches, those of them that stand for something imported)."""
    seen, local = look(statement, Look()), {}
    for node in seen.imports:
        for name, dotted in imported(node, at).items():
            local.setdefault(name, set()).add(dotted)  # two branches may import two things under one name
    outside, own = set(), set()
    for one in seen.chains:
        root, *rest = one.split(".")
        stands = local.get(root) or ({at.imports[root]} if root in at.imports else set())
        outside |= {".".join([dotted, *rest]) for dotted in stands}
        own |= {".".join([at.name, root, *rest])} if root in at.binds and root not in local else set()
    outside |= {FILES} if "__file__" in seen.chains else set()
    used = {one.split(".")[0] for one in seen.chains} if isinstance(statement, DEFINITIONS) else set()
    outside |= {dotted for name, some in local.items() if name not in used for dotted in some}
    return " ".join(seen.words), outside | own, outside


def resolve(dotted: str) -> tuple[str, str | None] | None:
    """(module, name in it) of a dotted name of the library; name None for a module itself; None for other packages' names."""
    parts = dotted.split(".")
    if parts[0] != LIBRARY:
        return None
    for size in range(len(parts), 0, -1):
        home = module(".".join(parts[:size]))
        if home is not None:
            break
    name = parts[size] if size < len(parts) else None
    return home.name, name if name in home.binds or name in home.imports else None


# ---- the closure ---------------------------------------------------------------------------------------------------


def closure(dotted: Iterable[str], stops: Sequence[str] = ()) -> tuple[dict, set]:
    """({definition or file: digest}, packages) of everything that the dotted names depend on, short of `stops`.

    A definition is 'imdlib.train.fit'; effects of a module are 'imdlib.data.images:', files 'imdlib/ncl/published/table1.csv'.
    """
    found, packages, todo, entered = {}, set(), list(dotted), set()
    while todo:
        name = todo.pop()
        if any(name == stop or name.startswith(f"{stop}.") for stop in stops):
            continue
        target = resolve(name)
        if target is None:
            packages.add(name.split(".")[0])
            continue
        home, one = module(target[0]), target[1]
        if home.name not in entered:
            entered.add(home.name)
            todo += take("", home, found) if home.effects else []
            parents = home.name.split(".")[:-1]
            todo += [".".join(parents[:size]) + ".*" for size in range(1, len(parents) + 1)]  # they are imported, too
        if one is None and not name.endswith(".*"):
            todo += [f"{home.name}.{each}" for each in (*home.binds, *(home.imports if home.package else ()))]
        elif one in home.binds:
            todo += take(one, home, found) if f"{home.name}.{one}" not in found else []
        elif one is not None:  # handed on from elsewhere
            found[f"{home.name}.{one}"] = digest(home.imports[one])
            todo.append(home.imports[one] + name.removeprefix(f"{home.name}.{one}"))
    return found, packages


def take(name: str, home: Module, found: dict) -> frozenset:
    """Enter a definition of a module ('' its effects) into `found`; returns what it reaches."""
    own, reached = definition(home.name, name)
    found[f"{home.name}.{name}" if name else f"{home.name}:"] = own
    if FILES in reached:
        found |= files_of(home)
    return reached


@cache
def definition(home: str, name: str) -> tuple[str, frozenset]:
    """(digest, what it reaches) of a definition of a module, '' for its effects."""
    at = module(home)
    return joined(at.binds[name] if name else at.effects, at)


def joined(statements: Iterable[ast.stmt], at: Module) -> tuple[str, frozenset]:
    """(digest, what they reach) of statements; what an imported name stands for counts as the statement itself does."""
    found = [meaning(statement, at) for statement in statements]
    outside = sorted(set().union(*(one[2] for one in found)))
    return digest([[one[0] for one in found], outside]), frozenset().union(*(one[1] for one in found))


def files_of(home: Module) -> dict:
    """{path: digest} of the files that lie in a module's package, and in folders of it that are no packages."""
    folder = path_of(home.name).parent
    found = {}
    for path in sorted(folder.rglob("*")):
        inner = [parent for parent in path.relative_to(folder).parents][:-1]
        packaged = any((folder / parent / "__init__.py").exists() for parent in inner)
        if path.is_file() and not packaged and path.suffix != ".py" and "__pycache__" not in path.parts:
            content = hashlib.sha256(path.read_bytes()).hexdigest()[:12]
            found[path.relative_to(REPO).as_posix()] = content
    return found


# ---- notebooks -----------------------------------------------------------------------------------------------------


def cells(notebook: str) -> list:
    """Cells of `notebooks/<notebook>.ipynb` as dicts of the file."""
    return parsed((REPO / "notebooks" / f"{notebook}.ipynb").read_text(encoding="utf-8"))


@cache
def parsed(text: str) -> list:
    """Cells of a notebook's text, to be read alone: the same objects at every call."""
    return json.loads(text)["cells"]


def source(cell: dict) -> str:
    """A cell's text, one string."""
    return "".join(cell["source"])


def tags(cell: dict) -> list:
    """A cell's tags."""
    return cell["metadata"].get("tags", [])


@cache
def of_notebook(notebook: str, stops: tuple = ()) -> dict:
    """What the code of a notebook depends on: {"code": {module or file: digest}, "packages": {name: version}}.

    Its code cells count, but for those tagged `look` and the one tagged `parameters`, and everything they name.
    """
    counted = [c for c in cells(notebook) if c["cell_type"] == "code" and not {LOOK, "parameters"} & set(tags(c))]
    return of_code([source(cell) for cell in counted], notebook, stops)


def of_code(texts: Iterable[str], name: str, stops: Sequence[str] = ()) -> dict:
    """The same for pieces of Python that run one after another."""
    book = Module(name, False)
    statements = [statement for text in texts for statement in tree(text, f"a cell of {name}")]
    read(statements, book)
    doing = [one for one in statements if not isinstance(one, ast.Import | ast.ImportFrom) and not is_text(one)]
    own, reached = joined(doing, book)
    found, packages = closure([one for one in reached if not one.startswith(f"{name}.")], stops)
    packages -= {name.split(".")[0]}
    return {"code": {f"{name}.ipynb": own} | by_module(found), "packages": versions(packages)}


@cache
def of_library(*dotted: str) -> dict:
    """The same for modules and definitions of the library."""
    found, packages = closure(dotted)
    return {"code": by_module(found), "packages": versions(packages)}


def forget() -> None:
    """Read every file anew: for a process that goes on while the library changes."""
    for one in (module, definition, of_notebook, of_library, locked):
        one.cache_clear()


def by_module(found: dict) -> dict:
    """Digests of definitions joined by module, so that they can be kept and compared; files stay by themselves."""
    joined = {}
    for key in sorted(found):
        home = key if "/" in key else key.rstrip(":") if key.endswith(":") else key.rsplit(".", 1)[0]
        joined.setdefault(home, []).append([key, found[key]])
    return {home: digest(some) for home, some in joined.items()}
