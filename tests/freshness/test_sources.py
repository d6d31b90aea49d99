"""Sources: what a result depends on follows every way by which code is reached, and nothing that changes no number."""

import ast
import json
import sys
from functools import partial

import numpy as np
import pandas as pd
import pytest

from imdlib import parameters
from imdlib.freshness import packages as installed
from imdlib.freshness import sources, syntax

BOOK = "from toy.use import main\nmain()"
LIBRARY = {
    "toy/__init__.py": "",
    "toy/use.py": "import numpy as np\nfrom toy.parts import step, RATE\n\n\ndef main(x=1):\n    return step(np.float32(x)) * RATE\n",
    "toy/parts.py": "RATE = 2\n\n\ndef step(x):\n    return x + 1\n",
}


@pytest.fixture
def digest(tmp_path, monkeypatch):
    """Function: what a piece of Python depends on in a library of the given files, {path: text}."""
    monkeypatch.setattr(sources, "REPO", tmp_path)
    monkeypatch.setattr(installed, "REPO", tmp_path)
    monkeypatch.setattr(sources, "LIBRARY", "toy")

    def of(files, code=BOOK, stops=()):
        for name, text in files.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text, encoding="utf-8")
        sources.forget()
        return sources.of_code([code], "book", stops)

    yield of
    sources.forget()


def edited(name, old, new, files=LIBRARY):
    assert old in files[name]
    return files | {name: files[name].replace(old, new)}


@pytest.mark.parametrize(
    "name, old, new",
    [
        ("toy/use.py", "    return step", "    # a comment\n    return step"),
        ("toy/use.py", "    return step", '    """Step once."""\n    return step'),
        ("toy/use.py", "import numpy", '"""A module."""\nimport numpy'),
        ("toy/use.py", "def main(x=1):", "def main(x: int = 1) -> float:"),
        ("toy/use.py", "step(np.float32(x)) * RATE", "(step(\n        np.float32(x),\n    ) * RATE)"),
        ("toy/use.py", "import numpy", "import json\nimport numpy"),
        ("toy/use.py", "def main", "from toy import other\n\n\ndef main"),
        ("toy/parts.py", "RATE = 2", "RATE: int = 2"),
        ("toy/parts.py", "def step", "def unrelated():\n    return 3\n\n\ndef step"),
        ("toy/parts.py", "RATE = 2", 'RATE = 2\n"""of all"""\nUNRELATED = 3'),
        ("toy/parts.py", "RATE = 2", 'RATE = 2\nif __name__ == "__main__":\n    print(RATE)'),
    ],
    ids=["comment", "docstring", "docstring of a module", "hints", "formatting", "import", "import of the library",
         "hint of a constant", "function", "constant", "command"],
)  # fmt: skip
def test_what_changes_no_number_costs_nothing(digest, name, old, new):
    before = digest(LIBRARY | {"toy/other.py": "x = 1\n"})
    assert digest(edited(name, old, new)) == before


@pytest.mark.parametrize(
    "name, old, new",
    [
        ("toy/parts.py", "RATE = 2", "RATE = 3"),
        ("toy/parts.py", "RATE = 2", "RATE = 2.0"),
        ("toy/parts.py", "x + 1", "x - 1"),
        ("toy/parts.py", "x + 1", "x + '1'"),
        ("toy/use.py", "x=1", "x=2"),
        ("toy/use.py", "x=1", "*, x=1"),
        ("toy/parts.py", "(x)", "(x, *, y=None)"),
        ("toy/parts.py", "RATE = 2", "RATE = 2\nRATE += 1"),
        ("toy/parts.py", "RATE = 2", "RATE = 2\nprint(RATE)"),
        ("toy/parts.py", "RATE = 2", "RATE = 2\nSETTINGS = {}\nSETTINGS['a'] = 1"),
        ("toy/use.py", "np.float32", "np.float16"),
        ("toy/use.py", "import numpy as np", "import torch as np"),
        ("toy/use.py", "import step, RATE", "import RATE as step, RATE"),
        ("toy/use.py", "step(np.float32(x)) * RATE", "step(np.float32(x)) - RATE"),
    ],
)
def test_what_changes_a_number_counts(digest, name, old, new):
    before = digest(LIBRARY)
    assert digest(edited(name, old, new)) != before


WAYS = {  # files of a library in which `main` comes upon the number 1 in toy/parts.py
    "called": {"toy/use.py": "from toy.parts import step\ndef main(): return step()"},
    "called by what is called": {"toy/use.py": "from toy.mid import go\ndef main(): return go()",
                                 "toy/mid.py": "from . import parts\ndef go(): return parts.step()"},
    "handed on by a package": {"toy/use.py": "from toy.inner import step\ndef main(): return step()",
                               "toy/inner/__init__.py": "from ..parts import step"},
    "handed on under another name": {"toy/use.py": "import toy.inner as t\ndef main(): return t.go()",
                                     "toy/inner/__init__.py": "from toy.parts import step as go"},
    "module handed on": {"toy/use.py": "from toy.inner import p\ndef main(): return p.step()",
                         "toy/inner/__init__.py": "from toy import parts as p"},
    "alias": {"toy/use.py": "from toy.parts import step\nother = step\ndef main(): return other()"},
    "import a.b as c": {"toy/use.py": "import toy.parts as c\ndef main(): return c.step()"},
    "import a.b": {"toy/use.py": "import toy.parts\ndef main(): return toy.parts.step()"},
    "dict of functions": {"toy/use.py": "from toy import parts\nWAYS = {'a': parts.step}\ndef main(): return WAYS['a']()"},
    "class base": {"toy/use.py": "from toy import parts\nclass Mine(parts.Base): pass\ndef main(): return Mine()"},
    "method": {"toy/use.py": "from toy import parts\nclass A:\n  def go(self): return parts.step()\ndef main(): return A().go()"},
    "decorator": {"toy/use.py": "from toy.parts import wrap\n@wrap\ndef main(): return 3"},
    "default value": {"toy/use.py": "from toy.parts import step\ndef main(x=step()): return x"},
    "nested function": {"toy/use.py": "from toy.parts import step\ndef main():\n  def inner(): return step()\n  return inner()"},
    "lambda": {"toy/use.py": "from toy.parts import step\nmain = lambda: step()"},
    "comprehension": {"toy/use.py": "from toy.parts import step\ndef main(): return [step() for _ in range(3)]"},
    "import in a function": {"toy/use.py": "def main():\n  from toy.parts import step\n  return step()"},
    "two imports of one name": {"toy/use.py": "def main(x=0):\n  if x:\n    from toy.parts import step\n  else:\n"
                                              "    from toy.none import step\n  return step()", "toy/none.py": "step = 0"},
    "conditional import": {"toy/use.py": "import sys\nif sys.argv:\n  from toy.parts import step\nelse:\n  step = None\n"
                                         "def main(): return step()"},
    "tried import": {"toy/use.py": "try:\n  from toy.parts import step\nexcept ImportError:\n  from toy.none import step\n"
                                   "def main(): return step()", "toy/none.py": "step = 0"},
    "matched import": {"toy/use.py": "KIND = 1\nmatch KIND:\n  case 1:\n    from toy.parts import step\n    x = 2\n"
                                     "def main(): return step()"},
    "defined under a condition": {"toy/use.py": "from toy import parts\nif parts:\n  def main(): return parts.step()"},
    "module as an object": {"toy/use.py": "from toy import parts\ndef main(): return [f() for f in vars(parts).values()]"},
    "package as an object": {"toy/use.py": "from toy import inner\ndef go(room): return room.step()\ndef main(): return go(inner)",
                             "toy/inner/__init__.py": "from toy.parts import step"},
    "effect of a module": {"toy/use.py": "from toy.mid import x\ndef main(): return x",
                           "toy/mid.py": "from toy.parts import step\nx = []\nx.append(step())"},
    "effect of a package": {"toy/use.py": "from toy.inner.mid import x\ndef main(): return x", "toy/inner/mid.py": "x = 1",
                            "toy/inner/__init__.py": "from toy.parts import step\nstep().go()"},
    "attribute set on a function": {"toy/use.py": "from toy.parts import step\ndef main(): return main.x\nmain.x = step()"},
    "function entered by its decorator": {
        "toy/use.py": "from toy.parts import step\nWAYS = {}\ndef enter(f): WAYS[f.__name__] = f\n"
                      "@enter\ndef one(): return step()\ndef main(): return WAYS['one']()"},
    "function entered elsewhere by its decorator": {
        "toy/use.py": "from toy.mid import WAYS, enter\nfrom toy.parts import step\n"
                      "@enter('a')\ndef one(): return step()\ndef main(): return WAYS['a']()",
        "toy/mid.py": "WAYS = {}\ndef enter(name): return lambda f: WAYS.setdefault(name, f)"},
}  # fmt: skip
PARTS = "def step(): return 1\nclass Base:\n  x = 1\ndef wrap(f): return lambda: f() + 1\n"


@pytest.mark.parametrize("files", WAYS.values(), ids=WAYS)
def test_every_way_of_reaching_code_counts(digest, files):
    files = {"toy/__init__.py": "", "toy/parts.py": PARTS, **files}
    before = digest(files)
    assert digest(edited("toy/parts.py", "1", "2", files)) != before


@pytest.mark.parametrize("shared", ["from toy.{} import f", "from toy import {} as m\nf = m.f"])
def test_a_swap_between_two_functions_that_are_both_used_counts(digest, shared):
    """All definitions stay what they were and are all reached before and after: only what a name stands for has changed."""
    files = {"toy/__init__.py": "", "toy/a.py": "def f(): return 1", "toy/b.py": "def f(): return 2"}
    files["toy/use.py"] = "from toy.hub import f\nfrom toy import a, b\ndef main(): return f() - a.f() * b.f()"
    before = digest(files | {"toy/hub.py": shared.format("a")})
    assert digest({"toy/hub.py": shared.format("b")}) != before


def test_a_package_handed_on_by_a_module_of_the_library_counts(digest):
    files = LIBRARY | {"toy/numbers.py": "from numpy import float32 as number\n"}
    files["toy/use.py"] = "from toy.numbers import number\ndef main(): return number(1)\n"
    before = digest(files)
    assert "numpy" in before["packages"]
    assert digest(edited("toy/numbers.py", "float32", "float16", files)) != before


@pytest.mark.parametrize("asks", ["from importlib.resources import files\nTABLE = files(__package__) / 'a/t.csv'",
                                  "import importlib.resources as r\ndef read(): return r.files('toy')",
                                  "from pathlib import Path\nTABLE = Path(__file__).parent / 'a'"])  # fmt: skip
def test_files_of_a_package_count_where_it_asks_for_them(digest, tmp_path, asks):
    files = LIBRARY | {"toy/a/t.csv": "1", "toy/parts.py": asks + "\ndef step(x): return TABLE, read\nRATE = 2"}
    before = digest(files)
    assert "toy/a/t.csv" in before["code"]
    assert digest({"toy/a/t.csv": "2"}) != before
    assert digest({"toy/a/t.csv": "1", "toy/inner/__init__.py": "", "toy/inner/t.csv": "of another package"}) == before


def test_stops_are_not_entered(digest):
    before = digest(LIBRARY, stops=("toy.parts",))
    assert "toy.parts" not in before["code"] and "toy.use" in before["code"]
    assert digest(edited("toy/parts.py", "x + 1", "x + 2"), stops=("toy.parts",)) == before


def test_modules_that_import_each_other_are_followed_to_an_end(digest):
    files = {
        "toy/__init__.py": "from toy.use import main",
        "toy/use.py": "import toy\ndef main(): return toy.use.main, toy.main",
    }
    assert set(digest(files)["code"]) >= {"toy.use", "book.ipynb"}


# ---- notebooks -----------------------------------------------------------------------------------------------------


@pytest.fixture
def book(digest, tmp_path):
    """Function: what a notebook of the given cells depends on; cells: (type, text, tag)."""

    def of(*cells):
        cells = [
            {"cell_type": k, "source": [text], "metadata": {"tags": [tag] if tag else []}} for k, text, tag in cells
        ]
        (tmp_path / "notebooks").mkdir(exist_ok=True)
        (tmp_path / "notebooks" / "b.ipynb").write_text(json.dumps({"cells": cells}))
        digest(LIBRARY)
        return sources.of_notebook("b")

    return of


def test_of_a_notebook_the_cells_count_that_compute(book):
    plain = [("code", BOOK, ""), ("code", "steps = 3", "parameters")]
    before = book(*plain)
    assert before["code"]["b.ipynb"]
    assert (
        book(*plain, ("markdown", "# Prose", ""), ("code", "import toy.parts\nprint(toy.parts.step)", "look")) == before
    )
    assert book(*plain[:1], ("code", "steps = 4", "parameters")) == before  # parameters are known by their values
    assert book(("code", BOOK + "  # seen\n", ""), *plain[1:]) == before
    assert book(*plain, ("code", "print(3)", "")) != before
    assert book(("code", BOOK.replace("main()", "main(2)"), ""), *plain[1:]) != before
    assert book(*plain[::-1], ("code", "x = 3", "")) != book(("code", "x = 3", ""), *plain)


@pytest.mark.parametrize(
    "one, two", [("f(*, x)", "f(*, x=None)"), ("f(x=None)", "f(x='None')"), ("f(x=1)", "f(x=True)")]
)
def test_what_is_left_out_is_not_none(digest, one, two):
    found = [digest(LIBRARY, f"def {text}:\n  pass") for text in (one, two)]
    assert found[0] != found[1]
    assert digest(LIBRARY, "a = {}\nx = {**a}") != digest(LIBRARY, "a = {}\nx = {None: a}")


def test_lines_for_ipython_are_no_errors_and_errors_name_their_place(book, digest):
    assert book(("code", f"%time 3\n{BOOK}", ""))["code"]["toy.parts"] == digest(LIBRARY)["code"]["toy.parts"]
    assert book(("code", f"x = (3\n% 2)\n{BOOK}", ""))  # no magic
    with pytest.raises(SyntaxError, match="cell of b"):
        book(("code", "x = = 3", ""))
    with pytest.raises(SyntaxError, match=r"parts\.py"):
        digest(LIBRARY | {"toy/parts.py": "def step("})


# ---- packages ------------------------------------------------------------------------------------------------------


def test_versions_say_where_the_lock_file_names_others(digest, tmp_path):
    digest(LIBRARY)
    here = installed.versions(["numpy", "cv2", "json", "tqdm", "toy", "of_nobody"])
    assert set(here) == {"numpy", "opencv-python-headless"} and here["numpy"] == np.__version__
    (tmp_path / "requirements.lock").write_text(f"numpy==0.1 ; python_version < '3'\nNumPy=={np.__version__}\n")
    sources.forget()
    assert installed.versions(["numpy"])["numpy"] == np.__version__  # one of two for different Pythons
    (tmp_path / "requirements.lock").write_text("numpy==0.1\n")
    sources.forget()
    assert installed.versions(["numpy"])["numpy"] == f"{np.__version__}, locked 0.1"


# ---- against reality -----------------------------------------------------------------------------------------------


def called(work) -> set:
    """{'imdlib.train.fit'}: every function of the library that is called while `work()` runs, by its top-level name."""
    found = set()

    def note(frame, event, _):
        module = frame.f_globals.get("__name__", "")
        written = frame.f_code.co_filename.endswith(".py") and "<module>" not in frame.f_code.co_qualname
        if event == "call" and module.startswith("imdlib") and written:
            found.add(f"{module}.{frame.f_code.co_qualname.split('.')[0]}")

    sys.setprofile(note)
    try:
        work()
    finally:
        sys.setprofile(None)
    return found


def test_everything_that_a_run_really_calls_is_found_in_the_syntax_trees(tmp_path, monkeypatch):
    """One step of NCL and the scores of two images, as notebooks/ncl/run.ipynb goes about it."""
    monkeypatch.setenv("IMDLIB_CACHE", str(tmp_path / "cache"))
    sources.forget()
    from imdlib import data, train
    from imdlib.data.attacks import ATTACKS
    from imdlib.data.batches import ImageSet
    from imdlib.ncl import networks
    from imdlib.scoring import evaluate, metrics
    from imdlib.training.settings import Settings

    p = parameters.declared("ncl/run")

    def work():
        manifest = data.load("sim-casia", count=8, size=64).query("label == 1")
        model = networks.build(p)
        loss = networks.loss_of(model, p)
        images = ImageSet(pd.concat([manifest] * 2).iloc[:2], crop=64, flips=True, seed=0)
        probability = networks.probability_of(p)
        settings = Settings(epochs=1, batch_size=2, learning_rate=0.001, precision="32-true")
        validate = partial(evaluate.validation, images=ImageSet(manifest.iloc[:1]), probability=probability)
        train.fit(model, loss, images, tmp_path, settings, optimizer="adamw", validate=validate, keep="val_auc")
        test = ImageSet(manifest.iloc[:2])
        locations = metrics.mask_locations([mask[0].numpy() for _, mask in test.samples()])
        for name in list(ATTACKS)[:2]:
            evaluate.score(model, test, probability=probability, locations=locations, examples=1, attack=ATTACKS[name])

    load = partial(data.load, "sim-casia", count=8, size=64)
    made = called(lambda: [load(), load()])  # made, then found in the cache; the data are known by their contents
    found = called(work) - made
    names = [
        cell for cell in sources.cells("ncl/run")
        if cell["cell_type"] == "code" and not {"parameters", sources.LOOK} & set(sources.tags(cell))
    ]  # fmt: skip
    book = sources.Module("book", False)
    statements = [statement for cell in names for statement in syntax.tree(sources.source(cell))]
    sources.read(statements, book)
    reached = set().union(*(sources.meaning(one, book)[1] for one in statements))
    closure, _ = sources.closure([one for one in reached if not one.startswith("book.")], sources.STOPS)
    aside = (*sources.STOPS, "imdlib.progress")
    missed = {one for one in found if one not in closure and not one.startswith(aside)}
    homes = {one.rsplit(".", 1)[0] for one in closure if "/" not in one}
    missed -= {f"{home}.<lambda>" for home in homes}  # at the top level it has no name of its own
    assert len(found) > 25 and not missed


RUNS = [path for path in sorted((sources.REPO / "notebooks").glob("*/*.ipynb")) if path.stem in ("run", "nrr")]


@pytest.mark.parametrize("path", RUNS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_no_cell_that_computes_uses_what_a_cell_that_only_shows_has_made(path):
    made = {True: set(), False: set()}
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        if cell["cell_type"] == "code":
            shows = sources.LOOK in sources.tags(cell)
            part = sources.Module("book", False)
            statements = syntax.tree(sources.source(cell))
            sources.read(statements, part)
            used = {one.split(".")[0] for each in statements for one in syntax.look(each, syntax.Look()).chains}
            made[shows] |= {*part.binds, *part.imports}
            assert shows or not used & (made[True] - made[False])


def test_the_library_uses_nothing_that_the_syntax_trees_do_not_show():
    """Star imports, classes that enter themselves, and packages whose version nobody could look up."""
    sources.forget()
    packages = set()
    for path in sorted((sources.REPO / "imdlib").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import | ast.ImportFrom) and not getattr(node, "level", 0):
                assert all(alias.name != "*" for alias in node.names), path
                packages |= {
                    dotted.split(".")[0] for dotted in sources.imported(node, sources.Module("x", False)).values()
                }
            assert not (isinstance(node, ast.FunctionDef) and node.name == "__init_subclass__"), path
    unknown = packages - set(sys.stdlib_module_names) - installed.QUIET - {"imdlib"}
    assert not {name for name in unknown if not installed.versions([name])} and len(unknown) > 8
