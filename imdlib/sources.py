"""Sources: the code that a result depends on, found by following names through the syntax trees of the library.

A definition depends on the definitions that it names, they on those that they name, across modules; top-level statements
that define nothing count as soon as their module is imported. What is compared are syntax trees without docstrings and type
hints, so that prose, formatting and an unrelated function in the same file cost nothing. Whole modules count where a module
itself is handed around; files that lie in a package (published numbers, weights) count where it asks
`importlib.resources.files` for them. Not seen: names put together at run time (`getattr(module, text)`), which the library
therefore avoids; a test holds the functions that runs really call against what is found here.

Two things are stops for a notebook that trains: `imdlib.data.load`, since what it returns is known by its contents, and
`imdlib.runs`, which keeps the books of a run and changes no number in them.
"""

import ast
import hashlib
import importlib.metadata
import json
import re
import sys
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

REPO = Path(__file__).resolve().parents[1]
LIBRARY = "imdlib"
QUIET = {"tqdm", "IPython", "psutil"}  # packages that show things, and change no number
STOPS = ("imdlib.data.load", "imdlib.runs")
DISTRIBUTIONS = {  # name in an import statement -> distribution, where they differ
    "cv2": "opencv-python-headless",
    "PIL": "pillow",
    "skimage": "scikit-image",
    "sklearn": "scikit-learn",
    "umap": "umap-learn",
    "yaml": "pyyaml",
    "lightning_fabric": "lightning-fabric",
}
LOOK = "look"  # tag of a notebook's cells that only show: no result depends on them
FILES = "importlib.resources.files"  # whoever names it reads the files of its package


@dataclass
class Module:
    """One file: what its top level imports, binds (name -> statements) and does besides."""

    name: str
    package: bool
    imports: dict = field(default_factory=dict)  # local name -> dotted name
    binds: dict = field(default_factory=dict)
    effects: list = field(default_factory=list)


def digest(thing) -> str:
    """Twelve characters that stand for a text or for anything that json can write."""
    text = thing if isinstance(thing, str) else json.dumps(thing, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


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
    read(tree(path.read_text(encoding="utf-8")), found)
    return found


def tree(text: str) -> list:
    """Statements of a piece of Python, without docstrings and type hints."""
    return Bare().visit(ast.parse(text)).body


def read(statements, into: Module):
    """Sort top-level statements into what they import, bind and do."""
    for statement in statements:
        if isinstance(statement, ast.Import | ast.ImportFrom):
            into.imports |= imported(statement, into)
        elif not (is_text(statement) or is_command(statement)):
            names = bound(statement)
            for name in names:
                into.binds.setdefault(name, []).append(statement)
            if not names or isinstance(statement, ast.If | ast.Try | ast.With | ast.For | ast.While):
                into.effects.append(statement)
                for node in ast.walk(statement):
                    if isinstance(node, ast.Import | ast.ImportFrom):
                        into.imports |= imported(node, into)


def imported(node, at: Module) -> dict:
    """{local name: dotted name} of an import statement."""
    if isinstance(node, ast.Import):
        return {a.asname or a.name.split(".")[0]: a.name if a.asname else a.name.split(".")[0] for a in node.names}
    home = at.name.split(".")[: len(at.name.split(".")) - node.level + at.package] if node.level else []
    base = ".".join([*home, *([node.module] if node.module else [])])
    return {a.asname or a.name: f"{base}.{a.name}" for a in node.names}


def bound(statement) -> list:
    """Names that a top-level statement binds."""
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return [statement.name]
    targets = [node for node in ast.walk(statement) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)]
    return list(dict.fromkeys(node.id for node in targets))


def is_text(statement) -> bool:
    """A docstring or another bare constant."""
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def is_command(statement) -> bool:
    """`if __name__ == "__main__":`, which no import runs."""
    return isinstance(statement, ast.If) and "__main__" in ast.dump(statement.test)


# ---- one definition ------------------------------------------------------------------------------------------------


class Bare(ast.NodeTransformer):
    """Takes docstrings and type hints out of a syntax tree."""

    def visit(self, node):
        for name in ("body", "orelse", "finalbody"):
            some = getattr(node, name, None)
            if isinstance(some, list):
                setattr(node, name, [one for one in some if not is_text(one)])
        for name in ("annotation", "returns", "type_comment"):
            if hasattr(node, name):
                setattr(node, name, None)
        return self.generic_visit(node)

    def visit_AnnAssign(self, node):
        """`x: int = 1` is `x = 1`; `x: int` alone, as the fields of a dataclass have it, stays a field."""
        self.generic_visit(node)
        return ast.Assign(targets=[node.target], value=node.value or ast.Constant(value="field"))


def bare(statement) -> str:
    """Text that stands for what a statement does, whatever its comments and formatting."""
    return ast.dump(statement, annotate_fields=False)


def references(statement, at: Module) -> set:
    """Dotted names that a statement reaches: what it imports itself, and its chains of names resolved at the top level."""
    local = {}
    for node in ast.walk(statement):
        if isinstance(node, ast.Import | ast.ImportFrom):
            local |= imported(node, at)
    known = at.imports | local
    found, inside = set(local.values()) if not isinstance(statement, ast.Module) else set(), set()
    for node in ast.walk(statement):
        if isinstance(node, ast.Attribute) and id(node) not in inside:
            chain, root = [], node
            while isinstance(root, ast.Attribute):
                chain.append(root.attr)
                inside.add(id(root))
                root = root.value
            if isinstance(root, ast.Name):
                inside.add(id(root))
                found |= {".".join([name, *reversed(chain)]) for name in named(root.id, known, at)}
        elif isinstance(node, ast.Name) and id(node) not in inside:
            found |= named(node.id, known, at)
    return found


def named(name, known, at) -> set:
    """What a bare name stands for at the top level: an import, a definition of the module, or nothing."""
    if name in known:
        return {known[name]}
    return {f"{at.name}.{name}"} if name in at.binds else set()


def resolve(dotted: str):
    """(module, definition) of a dotted name of the library; definition None for a module itself; None for other names."""
    parts = dotted.split(".")
    if parts[0] != LIBRARY:
        return None
    for size in range(len(parts), 0, -1):
        home = module(".".join(parts[:size]))
        if home is not None:
            break
    if size == len(parts):
        return home.name, None
    name = parts[size]
    if name in home.binds:
        return home.name, name
    if name in home.imports:  # handed on from elsewhere
        return resolve(".".join([home.imports[name], *parts[size + 1 :]])) or (home.name, None)
    return home.name, None


# ---- the closure ---------------------------------------------------------------------------------------------------


def closure(dotted, stops=()) -> tuple[dict, set]:
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
        home = module(target[0])
        if home.name not in entered:
            entered.add(home.name)
            todo += take("", home, found) if home.effects else []
            parents = home.name.split(".")[:-1]
            todo += [".".join(parents[:size]) + ".*" for size in range(1, len(parents) + 1)]  # they are imported, too
        if target[1] is None:
            whole = [] if name.endswith(".*") or is_package_alone(name, home) else list(home.binds)
            todo += [f"{home.name}.{one}" for one in whole]
        elif f"{home.name}.{target[1]}" not in found:
            todo += take(target[1], home, found)
    return found, packages


def is_package_alone(name, home) -> bool:
    """A package of which nothing but a name that it does not define was asked: `imdlib` in `imdlib.ncl`."""
    return home.package and not home.binds


def take(name, home: Module, found: dict) -> frozenset:
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
    statements = at.binds[name] if name else at.effects
    reached = frozenset().union(*(references(statement, at) for statement in statements))
    outside = sorted(one for one in reached if one.split(".")[0] != LIBRARY)
    return digest([[bare(statement) for statement in statements], outside]), reached


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
    return json.loads((REPO / "notebooks" / f"{notebook}.ipynb").read_text(encoding="utf-8"))["cells"]


def source(cell) -> str:
    """A cell's text, one string."""
    return "".join(cell["source"])


def tags(cell) -> list:
    """A cell's tags."""
    return cell["metadata"].get("tags", [])


@cache
def of_notebook(notebook: str, stops: tuple = ()) -> dict:
    """What the code of a notebook depends on: {"code": {module or file: digest}, "packages": {name: version}}.

    Its code cells count, but for those tagged `look` and the one tagged `parameters`, and everything they name.
    """
    counted = [c for c in cells(notebook) if c["cell_type"] == "code" and not {LOOK, "parameters"} & set(tags(c))]
    return of_code([source(cell) for cell in counted], notebook, stops)


def of_code(texts, name, stops=()) -> dict:
    """The same for pieces of Python that run one after another."""
    book = Module(name, False)
    statements = [statement for text in texts for statement in tree(text)]
    read(statements, book)
    doing = [one for one in statements if not isinstance(one, ast.Import | ast.ImportFrom) and not is_text(one)]
    reached = set().union(*(references(one, book) for one in doing)) if doing else set()
    own = digest([[bare(one) for one in doing], sorted(n for n in reached if n.split(".")[0] != LIBRARY)])
    found, packages = closure([one for one in reached if not one.startswith(f"{name}.")], stops)
    packages -= {name.split(".")[0]}
    return {"code": {f"{name}.ipynb": own} | by_module(found), "packages": versions(packages)}


@cache
def of_library(*dotted: str) -> dict:
    """The same for modules and definitions of the library."""
    found, packages = closure(dotted)
    return {"code": by_module(found), "packages": versions(packages)}


def by_module(found: dict) -> dict:
    """Digests of definitions joined by module, so that they can be kept and compared; files stay by themselves."""
    joined = {}
    for key in sorted(found):
        home = key if "/" in key else key.rstrip(":") if key.endswith(":") else key.rsplit(".", 1)[0]
        joined.setdefault(home, []).append([key, found[key]])
    return {home: digest(some) for home, some in joined.items()}


# ---- packages ------------------------------------------------------------------------------------------------------


@cache
def locked() -> dict:
    """{distribution: its versions} of requirements.lock, which may name one for each Python; empty without one."""
    path, found = REPO / "requirements.lock", {}
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    for name, version in re.findall(r"^([\w.-]+)==([^\s;]+)", text, flags=re.M):
        found.setdefault(plain(name), []).append(version)
    return found


def plain(name: str) -> str:
    """A distribution's name as packaging tools compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def versions(packages) -> dict:
    """{distribution: version} of the packages among names of import statements; the standard library and QUIET left out.

    Where the lock file names other versions than the one installed, both are given: neither can be relied on.
    """
    found = {}
    for name in sorted(set(packages) - QUIET - set(sys.stdlib_module_names) - {LIBRARY}):
        name = plain(DISTRIBUTIONS.get(name, name))
        try:
            here = importlib.metadata.version(name).split("+")[0]
        except importlib.metadata.PackageNotFoundError:
            continue
        there = locked().get(name, [here])
        found[name] = here if here in there else f"{here}, locked {' or '.join(there)}"
    return found
