r"""LaTeX of tables: files that compile alone, and inside an article of one or of two columns when they are put there by \input.

They need the packages booktabs and graphicx. A table that is wider than its place is made smaller, one of many columns stands in
several blocks below each other, and intervals stand on a line of their own below the values.
"""

import re
from collections.abc import Iterable

import pandas as pd

MOST = 7  # columns of numbers side by side
LINES = 16  # lines of a page, each a value and its interval
NAME = re.compile(r"[\w.+-]+")  # of a file that LaTeX takes as it stands
NARROW = 4  # and no more of them where the table is as wide as one of two columns
SIGNS = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": "$<$",
    ">": "$>$",
    "|": "$|$",
}
SIGNS |= {sign: "\\" + sign for sign in "&%$#_{}"}
SIGNS |= {
    "–": "--",
    "−": "$-$",
    "→": r"$\to$",
    "≈": r"$\approx$",
    "±": r"$\pm$",
    "×": r"$\times$",
    "≥": r"$\geq$",
    "≤": r"$\leq$",
}
SIGNS |= {"ω": r"$\omega$", "μ": r"$\mu$", "τ": r"$\tau$", "σ": r"$\sigma$", "²": "$^2$", "\n": " ", '"': "''"}

HEAD = r"""\ifdefined\maketitle\else % alone: not inside a document
\documentclass{article}
\usepackage[a4paper,margin=20mm]{geometry}
\usepackage{booktabs,graphicx}
\begin{document}
\def\alone{}
\fi
"""
TAIL = r"""\def\theend{}
\ifdefined\alone\def\theend{\end{document}}\fi
\theend
"""


def escape(text: object) -> str:
    """Any text as LaTeX shows it, letter by letter."""
    return "".join(SIGNS.get(sign, sign) for sign in str(text))


def document(floats: Iterable[str]) -> str:
    """A file of floats that compiles alone and by input."""
    return HEAD + "\n".join(floats) + TAIL


def table(cells: pd.DataFrame, caption: str, label: str) -> str:
    """One float, or several where the lines do not fit one page. cells: texts as `wide.wide` gives them, the index being what the
    lines are called.
    """
    across = [cells.iloc[:, start : start + MOST] for start in range(0, cells.shape[1], MOST)]
    blocks = [part.iloc[start : start + LINES] for part in across for start in range(0, len(part), LINES)]
    pages = [blocks] if len(blocks) * len(blocks[0]) <= LINES else [[block] for block in blocks]
    star = "*" if cells.shape[1] > NARROW else ""
    found = []
    for number, page in enumerate(pages):
        body = "\n\\par\\medskip\n".join(fitted(tabular(block)) for block in page)
        said = escape(caption if number == 0 else f"{caption.split('. ')[0]}, continued.")
        head = (
            f"\\begin{{table{star}}}\n\\centering\n\\small\n\\caption{{{said}}}\n\\label{{tab:{label}{'-' * number}}}\n"
        )
        found.append(f"{head}{body}\n\\end{{table{star}}}\n")
    return "\n".join(found)


def fitted(text: str) -> str:
    """Made smaller where it is wider than its place."""
    return f"\\resizebox{{\\ifdim\\width>\\linewidth\\linewidth\\else\\width\\fi}}{{!}}{{%\n{text}}}"


def tabular(cells: pd.DataFrame) -> str:
    """The lines of a table: values, and below them what stands in brackets."""
    names = [name or "" for name in cells.index.names]
    head = stacked([*names, *map(str, cells.columns)])
    lines, before = [], [None] * len(names)
    for key, row in zip(cells.index, cells.itertuples(index=False)):
        keys = list(key) if isinstance(key, tuple) else [key]
        new = [i for i in range(len(keys)) if keys[: i + 1] != before[: i + 1]]
        shown = [escape(one) if i in new or i == len(keys) - 1 else "" for i, one in enumerate(keys)]
        upper, lower = zip(*(parts(text) for text in row)) if row else ((), ())
        if lines and len(keys) > 1 and 0 in new:
            lines.append("\\addlinespace")
        lines.append(" & ".join([*shown, *upper]) + r" \\")
        if any(lower):
            lines.append(" & ".join([""] * len(keys) + list(lower)) + r" \\[2pt]")
        before = keys
    width = "l" * len(names) + "c" * cells.shape[1]
    return (
        f"\\begin{{tabular}}{{{width}}}\n\\toprule\n{head}\n\\midrule\n"
        + "\n".join(lines)
        + "\n\\bottomrule\n\\end{tabular}"
    )


def stacked(names: list[str]) -> str:
    """The line of headings, each broken into lines of about 16 letters, the last ones at the bottom."""
    broken = [wrapped(name) for name in names]
    height = max(map(len, broken))
    rows = [[""] * (height - len(one)) + one for one in broken]
    return "\n".join(" & ".join(escape(row[i]) for row in rows) + r" \\" for i in range(height))


def wrapped(text: str, most: int = 16) -> list[str]:
    """Words in lines of at most `most` letters; a longer word has a line of its own."""
    lines = [""]
    for word in text.split():
        if lines[-1] and len(lines[-1]) + 1 + len(word) > most:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return lines


def parts(text: str) -> tuple[str, str]:
    """(value, interval) of a cell as LaTeX: `**0.612** [0.587, 0.634]` -> bold, and small in brackets."""
    value, bracket, rest = str(text).partition(" [")
    value = re.sub(r"\*\*(.+?)\*\*", r"\\textbf{\1}", escape(value))
    value = re.sub(r"^\*(.+?)\*", r"\\underline{\1}", value)
    return value, f"{{\\footnotesize {escape(bracket.strip() + rest)}}}" if bracket else ""


def figures(captions: dict[str, str]) -> str:
    """A file of all figures of a folder, {name: caption}, that compiles where their pdfs lie; names that LaTeX would take for more
    than a file are left out.
    """
    one = "\\begin{{figure*}}\n\\centering\n\\includegraphics[width=\\linewidth]{{{name}.pdf}}\n\\caption{{{text}}}\n"
    one += "\\label{{fig:{name}}}\n\\end{{figure*}}\n"
    return document(one.format(name=name, text=escape(text)) for name, text in captions.items() if NAME.fullmatch(name))
