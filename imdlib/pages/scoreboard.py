"""Scoreboard: the headline claims of every study, twins beside real images, for the page and for the README.

As a command: python -m imdlib.pages.scoreboard writes the README's table between its two marks.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from imdlib import files
from imdlib.pages import claims
from imdlib.pages.tables import called
from imdlib.places import CARDS, CLAIMS, REPO, TWINS, judging, sides
from imdlib.protocol import verdicts
from imdlib.study import STUDIES

SIGNS = {
    verdicts.SUPPORTED: "+",
    verdicts.CONTRADICTED: "−",
    verdicts.DEPENDS: "±",
    verdicts.INCONCLUSIVE: "?",
    verdicts.UNLEARNED: "∅",
    verdicts.UNTESTED: "·",
}  # stands before the word, so that a verdict is never told by its colour alone
MARKS = ("<!-- scoreboard -->", "<!-- end of scoreboard -->")
ABOUT = ["id", "study", "where", "statement", "metric", "headline"]


def read(folders: dict[str, Path]) -> pd.DataFrame:
    """All claims, a row each and side by side: ABOUT, then the other columns of claims.csv as '<side> <column>'; those of a side in
    which a claim does not stand are empty. Every claim of any side is there, in the order of the studies and of the first side.
    '<side> profile' is where a claim was judged.
    """
    parts = {side: judged_in(folder) for side, folder in folders.items()}
    about = pd.concat([part[ABOUT] for part in parts.values()]).drop_duplicates("id")
    for side, part in parts.items():
        values = part.drop(columns=[name for name in ABOUT if name != "id"]).set_index("id").add_prefix(f"{side} ")
        about = about.join(values, on="id")
    return about.sort_values("study", key=lambda names: names.map(STUDIES.index), kind="stable", ignore_index=True)


def judged_in(folder: Path) -> pd.DataFrame:
    """Claims of a folder with their `profile`, its name; those of a study that was not run there come from the next of `judging`."""
    found = claims.read(folder).assign(profile=folder.name)
    for other in judging(folder)[1:]:
        more = claims.read(other)
        found = pd.concat([found, more[~more["study"].isin(found["study"])].assign(profile=other.name)])
    return found


def judges(sides: Iterable[str]) -> bool:
    """Whether a page has verdicts: one of twins, real images, a card or `paper`; others, such as quick's, show effects of one seed."""
    return not {"twins", "real", "paper", *CARDS}.isdisjoint(sides)


def headlines(board: pd.DataFrame) -> pd.DataFrame:
    """Those that a study stands or falls with."""
    return board[board["headline"].eq(True)]


def totals(board: pd.DataFrame, folders: dict[str, Path]) -> pd.DataFrame:
    """How many headline claims of each study, and of all, have which verdict: a row per study and side, a column per verdict."""
    shown, rows = headlines(board), []
    parts = [*shown.groupby("study", sort=False), ("all", shown)]
    for study, part in parts:
        for side in folders:
            words = part[f"{side} verdict"].where(part[f"{side} verdict"].isin(verdicts.WORDS), verdicts.UNTESTED)
            counts = words.value_counts().reindex(verdicts.WORDS, fill_value=0)
            rows.append({"study": study, "on": side} | counts.to_dict())
    return pd.DataFrame(rows, columns=["study", "on", *verdicts.WORDS])


def counted(row: pd.Series) -> str:
    """`5 contradicted, 3 inconclusive` of a row of `totals`."""
    return ", ".join(f"{row[word]} {word}" for word in verdicts.WORDS if row[word])


def said(verdict: object) -> str:
    """A verdict as sign and word; one that is not there is not tested."""
    word = verdict if verdict in verdicts.WORDS else verdicts.UNTESTED
    return f"{SIGNS[word]} {word}"


def metric(row: pd.Series) -> str:
    """The name of the metric that decides a claim."""
    return called(row["metric"])


def effect(row: pd.Series, side: str) -> str:
    """`interval` of a claim on one side."""
    return interval(*(row[f"{side} {name}"] for name in ("effect", "low", "high")))


def interval(value: float, low: float, high: float) -> str:
    """`+0.013 [0.001, 0.026]`; a dash where nothing was computed."""
    if pd.isna(value):
        return "–"
    around = "" if pd.isna(low) or pd.isna(high) else f" [{signed(low)}, {signed(high)}]"
    return f"{signed(value)}{around}"


def gate(row: Mapping[str, Any], side: str = "") -> str:
    """`passed: 0.602 above average training mask (shuffled AUC) 0.515, by +0.087 [+0.055, +0.118]`; '' where no gate was asked. side: what
    the names of its columns begin with.
    """
    word, learned, blind, beside, low, high = (
        row[f"{side}{name}"] for name in ("gate", "learned", "blind", "beside", "above_low", "above_high")
    )
    if pd.isna(learned):
        return ""
    where = "above" if word == "passed" else "not clearly above"
    return f"{word}: {learned:.3f} {where} {beside} {blind:.3f}, by {interval(learned - blind, low, high)}"


def levels(row: Mapping[str, Any], side: str = "") -> str:
    """`0.121 against 0.166`: what the two sides of a claim have, whose difference its effect is, and what one or both lie below
    although it looks at no image; '' where they are not known.
    """
    better, worse = (row[f"{side}value_{name}"] for name in ("better", "worse"))
    if pd.isna(better) or pd.isna(worse):
        return ""
    low = row[f"{side}floor"]
    below = [name for name, value in (("the first", better), ("the second", worse)) if value < low]
    who = "both" if len(below) == 2 else "".join(below)
    said = f", {who} below {row[f'{side}floor_of']} ({low:.3f})" if below else ""
    return f"{better:.3f} against {worse:.3f}{said}".replace("-", "−")


def sets(row: Mapping[str, Any], side: str = "") -> str:
    """`casia1 +0.014, nist16 +0.092`: the effect on each data set; '' for one."""
    said = row[f"{side}by_set"]
    return said.replace("-", "−") if isinstance(said, str) else ""


def signed(value: float) -> str:
    """A number with its sign and three decimals, with four where three would show a 0 that it is not."""
    digits = 3 if value == 0 or round(abs(value), 3) > 0 else 4
    return f"{value:+.{digits}f}".replace("-", "−")


def chance(p: float) -> str:
    """A p with three decimals, or that it is less than they show."""
    return "1" if p == 1 else f"{p:.3f}" if p >= 0.001 else "< 0.001"


def agreeing(share: float, settings: float) -> str:
    """`1 of 8` settings of the search in which an effect is above zero."""
    return f"{round(share * settings):d} of {settings:.0f}"


# ---- the README ----------------------------------------------------------------------------------------------------


def markdown(board: pd.DataFrame, folders: dict[str, Path]) -> str:
    """Totals of all headline claims, and each study's claims in a part that opens, as the README has them."""
    sums = totals(board, folders).set_index(["study", "on"])
    lines = [row("study", "headline claims", *(f"on {side}" for side in folders)), "|:--|--:|" + ":--|" * len(folders)]
    parts = [*headlines(board).groupby("study", sort=False), ("all", headlines(board))]
    for study, part in parts:
        where = (elsewhere(part, side) if study != "all" else "" for side in folders)
        counts = (counted(sums.loc[(study, side)]) + place for side, place in zip(folders, where))
        lines.append(row(f"**{study}**", str(len(part)), *counts))
    for study, part in parts[:-1]:
        lines += [
            "",
            f"<details><summary><b>{study}</b>, claim by claim</summary>",
            "",
            *listed(part, folders),
            "",
            "</details>",
        ]
    return "\n".join(lines)


def listed(part: pd.DataFrame, folders: dict[str, Path]) -> list[str]:
    """Lines of a table of claims, side by side."""
    lines = [
        row("claim", "what the paper states", *(f"on {side}" for side in folders)),
        "|:--|:--|" + ":--|" * len(folders),
    ]
    for _, one in part.iterrows():
        cells = [f"{said(one[f'{side} verdict'])}: {effect(one, side)}".removesuffix(": –") for side in folders]
        lines.append(row(f"`{one['id']}`", f"{one['where']}: {one['statement']} ({metric(one)})", *cells))
    return lines


def elsewhere(part: pd.DataFrame, side: str) -> str:
    """` (results/laptop)`: where a study's claims on one side were judged."""
    return "".join(f" (`results/{name}`)" for name in part[f"{side} profile"].dropna().unique())


def row(*cells: str) -> str:
    """A line of a Markdown table."""
    return f"| {' | '.join(cells)} |"


def of_readme() -> str:
    """The README's table from the results at hand."""
    there = [name for name in TWINS if (REPO / "results" / name / CLAIMS).exists()]
    folders = sides(f"results/{(there or TWINS)[0]}")
    return markdown(read(folders), folders)


if __name__ == "__main__":
    README = REPO / "README.md"
    files.write_text(README, files.between(README.read_text(encoding="utf-8"), MARKS, of_readme()))
