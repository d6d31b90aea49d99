"""What a notebook asks and prints as solution, read from its cells."""

import re

from imdlib.freshness import sources

INLINE = re.compile(r"`((?:import math; )?answer = [^`]+)`")
BLOCK = re.compile(r"```python\n(.+?)```", flags=re.S)


def exercises(notebook: str) -> dict[str, str]:
    """{name of the task: code of the solution printed below it} of `notebooks/<notebook>.ipynb`, in its order."""
    found, name = {}, ""
    for cell in sources.cells(notebook):
        text = sources.source(cell)
        asked = re.search(r"check\(answer, tasks\.(\w+)\)", text) if cell["cell_type"] == "code" else None
        if asked:
            name = asked[1]
        elif name:
            solution = BLOCK.search(text) or INLINE.search(text)
            found[name], name = solution[1], ""
    return found


def answer_of(code: str):
    """What `answer` is after running a piece of code."""
    names = {}
    exec(code, names)
    return names["answer"]
