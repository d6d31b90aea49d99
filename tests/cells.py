"""A notebook's cells in this process: what Papermill does in another one, for tests of what the cells do."""

import ast

import matplotlib
from IPython.core.formatters import DisplayFormatter
from matplotlib import pyplot as plt

from imdlib.freshness import sources


def execute(notebook, **parameters):
    """Run the code of `notebooks/<notebook>.ipynb` cell by cell with these parameters; its names and what they stand for.

    What a cell ends with is rendered as a page would show it, so that what cannot be shown fails here, too.
    """
    names, formatter = {"__name__": "__main__"}, DisplayFormatter()
    with matplotlib.rc_context():
        for number, cell in enumerate(sources.cells(notebook)):
            if cell["cell_type"] != "code":
                continue
            text, place = sources.source(cell), f"{notebook}.ipynb, cell {number}"
            body = ast.parse(text).body
            last = body.pop() if body and isinstance(body[-1], ast.Expr) and not text.endswith(";") else None
            exec(compile(ast.Module(body, []), place, "exec"), names)
            if last is not None:
                formatter.format(eval(compile(ast.Expression(last.value), place, "eval"), names))
            if "parameters" in sources.tags(cell):
                assert set(parameters) <= set(names), f"{notebook} has no such parameter"
                names |= parameters
        plt.close("all")
    return names
