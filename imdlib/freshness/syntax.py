"""Syntax: what a statement does and which names it uses, without docstrings, type hints, comments and formatting."""

import ast
import re
from dataclasses import dataclass, field
from pathlib import Path


def tree(text: str, place: Path | str = "a cell") -> list:
    """Statements of a piece of Python; lines that IPython alone understands (`%time`, `!ls`) count as their text."""
    try:
        return ast.parse(text, str(place)).body
    except SyntaxError:
        plain = re.sub(r"^(\s*)([%!].*)$", lambda line: f"{line[1]}print({line[2]!r})", text, flags=re.M)
        return ast.parse(plain, str(place)).body


DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


def is_text(statement: object) -> bool:
    """A docstring or another bare constant."""
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


# fields of a tree that change nothing that is computed
HINTS = {"annotation", "returns", "type_comment", "type_params", "kind", "ctx", "simple"}


@dataclass
class Look:
    """What is seen in a statement: words that stand for what it does, chains of names ('np.float32'), imports in it."""

    words: list = field(default_factory=list)
    chains: set = field(default_factory=set)
    imports: list = field(default_factory=list)


def look(node: ast.AST, seen: Look, inside: bool = False) -> Look:
    """Enter a node of a syntax tree without docstrings and type hints; inside: its chain of names is entered already.

    Empty fields are left out, so that the words are those of every version of Python.
    """
    kind = type(node)
    if kind is ast.AnnAssign:  # `x: int = 1` is `x = 1`; `x: int` alone stays the field of a dataclass
        node = ast.Assign(targets=[node.target], value=node.value or ast.Constant(value="field"))
        kind = ast.Assign
    if kind is ast.Name:
        seen.words.append(node.id)
        seen.chains |= set() if inside else {node.id}
        return seen
    if kind is ast.Constant:
        seen.words.append(f"={node.value!r}")  # never that of a field left empty, as in `{**a}` beside `{None: a}`
        return seen
    if kind is ast.Attribute:
        seen.chains |= set() if inside else chain(node)
        inside = isinstance(node.value, ast.Attribute | ast.Name)
    elif kind in (ast.Import, ast.ImportFrom):
        seen.imports.append(node)
    seen.words.append(f"{kind.__name__}(")
    for name in kind._fields:
        value = None if name in HINTS else getattr(node, name, None)
        if isinstance(value, ast.AST):
            seen.words.append(name)
            look(value, seen, inside and kind is ast.Attribute)
        elif isinstance(value, list):
            some = [one for one in value if not is_text(one)]
            seen.words += [name, "["] if some else []
            for one in some:
                if isinstance(one, ast.AST):
                    look(one, seen)
                else:
                    seen.words.append(repr(one))
            seen.words += ["]"] if some else []
        elif value is not None:
            seen.words += [name, repr(value)]
    seen.words.append(")")
    return seen


def chain(node: ast.AST) -> set:
    """{'a.b.c'} of nested attributes that begin with a name, else nothing."""
    names = []
    while isinstance(node, ast.Attribute):
        names.append(node.attr)
        node = node.value
    return {".".join([node.id, *reversed(names)])} if isinstance(node, ast.Name) else set()
