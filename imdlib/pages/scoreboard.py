"""Scoreboard: the headline claims of every study, twins beside real images, for the page and for the README.

As a command: python -m imdlib.pages.scoreboard writes the README's table between its two marks.
"""

import html
from pathlib import Path

import pandas as pd

from imdlib import files
from imdlib.pages import claims
from imdlib.pages.plots import CLAIMED
from imdlib.places import REPO, results_folder
from imdlib.protocol import verdicts
from imdlib.study import STUDIES

TWINS = ("night", "laptop")  # profiles on the embedded twins, the first that is there counts
REAL = ("real",)
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


def sides(folder: Path | str) -> dict[str, Path]:
    """{'twins' or 'real' or the profile's name: folder of results} that stand side by side on the page of one of them."""
    folder = results_folder(folder)
    there = {name: folder.parent / name for name in (*TWINS, *REAL) if (folder.parent / name / "claims.csv").exists()}
    there[folder.name] = folder
    if folder.name not in (*TWINS, *REAL):
        return {folder.name: folder}
    twins = folder.name if folder.name in TWINS else next((name for name in TWINS if name in there), None)
    found = {"twins": there.get(twins), "real": there.get(REAL[0])}
    return {side: path for side, path in found.items() if path}


def read(folders: dict[str, Path]) -> pd.DataFrame:
    """All claims, a row each and side by side: ABOUT, then the other columns of claims.csv as '<side> <column>'; those of a side in
    which a claim does not stand are empty. Every claim of any side is there, in the order of the studies and of the first side.
    """
    parts = {side: claims.read(folder).reindex(columns=claims.COLUMNS) for side, folder in folders.items()}
    about = pd.concat([part[ABOUT] for part in parts.values()]).drop_duplicates("id")
    for side, part in parts.items():
        values = part.drop(columns=[name for name in ABOUT if name != "id"]).set_index("id").add_prefix(f"{side} ")
        about = about.join(values, on="id")
    return about.sort_values("study", key=lambda names: names.map(STUDIES.index), kind="stable", ignore_index=True)


def headlines(board: pd.DataFrame) -> pd.DataFrame:
    """Those that a study stands or falls with."""
    return board[board["headline"].astype(bool)]


def totals(board: pd.DataFrame, folders: dict[str, Path]) -> pd.DataFrame:
    """How many headline claims of each study have which verdict, a row per study and side."""
    rows = []
    for study, part in headlines(board).groupby("study", sort=False):
        for side in folders:
            counts = part[f"{side} verdict"].fillna(verdicts.UNTESTED).value_counts()
            rows.append(
                {"study": study, "on": side} | {said(word): int(counts.get(word, 0)) for word in verdicts.WORDS}
            )
    return pd.DataFrame(rows, columns=["study", "on", *map(said, verdicts.WORDS)])


def said(verdict: object) -> str:
    """A verdict as sign and word; one that is not there is not tested."""
    word = verdict if isinstance(verdict, str) and verdict else verdicts.UNTESTED
    return f"{SIGNS.get(word, SIGNS[verdicts.UNTESTED])} {word}"


def metric(row: pd.Series) -> str:
    """The name of the metric that decides a claim."""
    return CLAIMED.get(row["metric"], row["metric"].replace("_", " "))


def effect(row: pd.Series, side: str) -> str:
    """`+0.013 [0.001, 0.026]`; a dash where nothing was computed."""
    value, low, high = (row[f"{side} {name}"] for name in ("effect", "low", "high"))
    if pd.isna(value):
        return "–"
    interval = "" if pd.isna(low) or pd.isna(high) else f" [{low:+.3f}, {high:+.3f}]"
    return f"{value:+.3f}{interval}".replace("-", "−")


# ---- the page ------------------------------------------------------------------------------------------------------


def page(board: pd.DataFrame, study: str, folders: dict[str, Path]) -> str:
    """The headline claims of one study as HTML; a link leads from each to the study's rows. Wide on a screen, cards on a phone."""
    part = headlines(board[board["study"] == study])
    names = "".join(f"<th>on {html.escape(side)}</th>" for side in folders)
    lines = "\n".join(line(row, folders, widest(part, row, folders)) for _, row in part.iterrows())
    return f'<table class="scores"><thead><tr><th>what the paper states</th>{names}</tr></thead>\n<tbody>\n{lines}\n</tbody></table>'


def widest(part: pd.DataFrame, row: pd.Series, folders: dict[str, Path]) -> float:
    """The largest distance from 0 that has to be drawn for claims of the same metric."""
    same = part[part["metric"] == row["metric"]]
    ends = same[[f"{side} {end}" for side in folders for end in ("low", "high", "effect")]].apply(pd.to_numeric)
    found = ends.abs().max().max()
    return float(found) if pd.notna(found) and found > 0 else 1.0


def line(row: pd.Series, folders: dict[str, Path], limit: float) -> str:
    """One claim: what is stated, and a cell for each side."""
    what = f"<b>{html.escape(str(row['statement']))}</b><br><small>{html.escape(str(row['where']))}; {html.escape(metric(row))}</small>"
    cells = "".join(f'<td data-side="{html.escape(side)}">{side_cell(row, side, limit)}</td>' for side in folders)
    return f'<tr id="claim-{html.escape(str(row["id"]))}"><td>{what}</td>{cells}</tr>'


def side_cell(row: pd.Series, side: str, limit: float) -> str:
    """Verdict as sign, word and colour; effect and interval as a drawing and in numbers; settings; the gate."""
    verdict = row[f"{side} verdict"]
    word = verdict if verdict in SIGNS else verdicts.UNTESTED
    chip = f'<span class="verdict v{verdicts.WORDS.index(word)}">{html.escape(said(verdict))}</span>'
    if pd.isna(row[f"{side} effect"]):
        return chip
    facts = [f"{number(row[f'{side} n'])} images, {number(row[f'{side} seeds'])} seeds"]
    if number(row[f"{side} settings"]) not in ("", "0"):
        facts.append(f"above 0 in {row[f'{side} share']:.0%} of {number(row[f'{side} settings'])} settings")
    if pd.notna(row[f"{side} learned"]):
        beside = f"{row[f'{side} learned']:.3f}, {row[f'{side} beside']} {row[f'{side} blind']:.3f}"
        facts.append(f"gate {row[f'{side} gate']}: {beside}")
    small = html.escape("; ".join(facts))
    return f"{chip} {effect(row, side)}<br>{drawing(row, side, limit)}<br><small>{small}</small>"


def number(value: object) -> str:
    """A count as text; '' where there is none."""
    return "" if pd.isna(value) else str(int(value))


def drawing(row: pd.Series, side: str, limit: float) -> str:
    """Effect and interval against 0 as a small picture, the same scale for all claims of one metric and study."""
    low, high, value = (row[f"{side} {name}"] for name in ("low", "high", "effect"))
    ends = (value if pd.isna(low) else low, value if pd.isna(high) else high, value)
    x = [round(110 + 104 * float(one) / limit, 1) for one in ends]
    text = html.escape(f"effect {effect(row, side)}, drawn from −{limit:.2f} to {limit:.2f}")
    return (
        f'<svg class="effect" viewBox="0 0 220 14" width="220" height="14" role="img" aria-label="{text}"><title>{text}</title>'
        f'<line x1="2" x2="218" y1="7" y2="7" class="scale"/><line x1="110" x2="110" y1="0" y2="14" class="zero"/>'
        f'<line x1="{x[0]}" x2="{x[1]}" y1="7" y2="7" class="bar"/><circle cx="{x[2]}" cy="7" r="3.5"/></svg>'
    )


# ---- the README ----------------------------------------------------------------------------------------------------


def markdown(board: pd.DataFrame, folders: dict[str, Path]) -> str:
    """All headline claims with totals, as the README has them."""
    lines = [
        "| what the paper states | "
        + " | ".join(f"on {side} (`results/{path.name}`)" for side, path in folders.items())
        + " |",
        "|:--|" + ":--|" * len(folders),
    ]
    for study, part in headlines(board).groupby("study", sort=False):
        counts = [
            ", ".join(
                f"{count} {word}"
                for word, count in part[f"{side} verdict"].fillna(verdicts.UNTESTED).value_counts().items()
            )
            for side in folders
        ]
        lines.append(
            f"| **{study}**, {len(part)} headline claims | " + " | ".join(f"**{one}**" for one in counts) + " |"
        )
        for _, row in part.iterrows():
            cells = " | ".join(
                f"{said(row[f'{side} verdict'])}: {effect(row, side)}".removesuffix(": –") for side in folders
            )
            lines.append(f"| {row['statement']} ({row['where']}; {metric(row)}) | {cells} |")
    return "\n".join(lines)


def between(text: str, table: str) -> str:
    """A text with the table between the two MARKS. Raises ValueError where these are not there once each."""
    if [text.count(mark) for mark in MARKS] != [1, 1]:
        raise ValueError(f"expected {MARKS[0]} and {MARKS[1]} once each in the text")
    before, rest = text.split(MARKS[0])
    return f"{before}{MARKS[0]}\n\n{table}\n\n{MARKS[1]}{rest.split(MARKS[1])[1]}"


def of_readme() -> str:
    """The README's table from the results at hand."""
    folders = sides("results/night" if (REPO / "results/night/claims.csv").exists() else "results/laptop")
    return markdown(read(folders), folders)


if __name__ == "__main__":
    README = REPO / "README.md"
    files.write_text(README, between(README.read_text(encoding="utf-8"), of_readme()))
