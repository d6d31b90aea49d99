"""Scoreboard on the page: a verdict as sign, word and colour, its effect drawn, real images beside twins; cards on a phone."""

import html
from pathlib import Path

import pandas as pd

from imdlib.pages.scoreboard import SIGNS, agreeing, chance, effect, gate, headlines, judges, levels, metric, said, sets
from imdlib.places import CLAIMS
from imdlib.protocol import verdicts

FAR = 2.5  # times the median end of the intervals of a metric: beyond it a drawing ends in an arrow


def totals(found: pd.DataFrame) -> str:
    """`scoreboard.totals` as HTML: a line per study and side with the verdicts that occur."""
    lines = [
        f"<tr><th>{html.escape(row['study'])}</th><td>on {html.escape(row['on'])}</td><td>"
        + " ".join(chip(word, row[word]) for word in verdicts.WORDS if row[word])
        + "</td></tr>"
        for _, row in found.iterrows()
    ]
    return '<table class="totals"><tbody>' + "\n".join(lines) + "</tbody></table>"


def chip(verdict: object, count: int | None = None) -> str:
    """A verdict as sign, word and colour; how many of them, between sign and word."""
    word = verdict if verdict in verdicts.WORDS else verdicts.UNTESTED
    text = said(word) if count is None else f"{SIGNS[word]} {count} {word}"
    return f'<span class="verdict v{verdicts.WORDS.index(word)}">{html.escape(text)}</span>'


def page(board: pd.DataFrame, study: str, folders: dict[str, Path]) -> str:
    """The headline claims of one study as HTML below links to its rows, side by side. Wide on a screen, cards on a phone."""
    part = headlines(board[board["study"] == study])
    names = "".join(f"<th>on {html.escape(side)}</th>" for side in folders)
    lines = "\n".join(line(row, folders, widest(part, row, folders)) for _, row in part.iterrows())
    head = f"<thead><tr><th>what the paper states</th>{names}</tr></thead>"
    return f'{links(study, folders)}<table class="scores">{head}\n<tbody>\n{lines}\n</tbody></table>'


def links(study: str, folders: dict[str, Path]) -> str:
    """Where the rows and all claims of a study lie, of each side that has them; addresses count from a page in one of the folders."""
    found = [
        f'on {html.escape(side)} <a href="../{folder.name}/{study}/scores.parquet">scores.parquet</a>, '
        f'<a href="../{folder.name}/{study}/{CLAIMS}">{CLAIMS}</a>'
        for side, folder in folders.items()
        if (folder / study / CLAIMS).exists()
    ]
    about = "one row per run and test image; all claims, and what would overturn each"
    return f'<p class="files">Rows ({about}): {"; ".join(found)}.</p>\n' if found else ""


def widest(part: pd.DataFrame, row: pd.Series, folders: dict[str, Path]) -> float:
    """How far from 0 claims of the same metric are drawn: to the longest interval's end, unless a few claims would hide the rest."""
    same = part[part["metric"] == row["metric"]]
    ends = same[[f"{side} {end}" for side in folders for end in ("low", "high", "effect")]].apply(pd.to_numeric)
    found = ends.abs().stack()
    limit = min(found.max(), FAR * found.median()) if len(found) else 0.0
    return float(limit) if limit > 0 else 1.0


def line(row: pd.Series, folders: dict[str, Path], limit: float) -> str:
    """One claim: what is stated, and a cell for each side."""
    read = next((one for one in (row[f"{side} read_with"] for side in folders) if isinstance(one, str) and one), "")
    small = "; ".join([str(row["where"]), metric(row), *([f"read with it: {read}"] if read else [])])
    what = f"<b>{html.escape(str(row['statement']))}</b><br><small>{html.escape(small)}</small>"
    cells = "".join(f'<td data-side="{html.escape(side)}">{side_cell(row, side, limit)}</td>' for side in folders)
    return f'<tr id="claim-{html.escape(str(row["id"]))}"><td>{what}</td>{cells}</tr>'


def side_cell(row: pd.Series, side: str, limit: float) -> str:
    """Verdict as sign, word and colour; effect and interval as a drawing and in numbers; settings; the gate."""
    verdict = chip(row[f"{side} verdict"]) if judges([side]) else ""
    if pd.isna(row[f"{side} effect"]):
        return verdict or "no runs"
    seeds = number(row[f"{side} seeds"])
    facts = [levels(row, f"{side} "), f"{number(row[f'{side} n'])} images, {seeds} seed{'s' * (seeds != '1')}"]
    facts.append(sets(row, f"{side} "))
    if number(row[f"{side} settings"]) not in ("", "0"):
        facts.append(f"above 0 in {agreeing(row[f'{side} share'], row[f'{side} settings'])} settings")
    if asked := gate(row, f"{side} "):
        facts.append(f"gate {asked}")
    if pd.notna(row[f"{side} p"]) and row[f"{side} verdict"] != verdicts.UNTESTED:
        facts.append(f"p {chance(row[f'{side} p'])}")
    if row[f"{side} verdict"] == verdicts.INCONCLUSIVE and pd.notna(row[f"{side} smallest"]):
        facts.append(f"detectable from {row[f'{side} smallest']:.3f}")
    small = html.escape("; ".join(filter(None, facts)))
    return f"{verdict} {effect(row, side)}<br>{drawing(row, side, limit)}<br><small>{small}</small>"


def number(value: object) -> str:
    """A count as text; '' where there is none."""
    return "" if pd.isna(value) else str(int(value))


def drawing(row: pd.Series, side: str, limit: float) -> str:
    """Effect and interval against 0 as a small picture, the same scale for all claims of a metric and study; an arrow where it goes on."""
    low, high, value = (row[f"{side} {name}"] for name in ("low", "high", "effect"))
    ends = (value if pd.isna(low) else low, value if pd.isna(high) else high, value)
    x = [round(110 + 104 * min(max(float(one) / limit, -1), 1), 1) for one in ends]
    arrows = "".join(
        f'<path d="M{110 + 108 * side} 7 l{-6 * side} -4 v8 z" class="beyond"/>'
        for side in (-1, 1)
        if max(side * float(one) for one in ends) > limit
    )
    text = html.escape(f"effect {effect(row, side)}, drawn from −{limit:.2f} to {limit:.2f}")
    return (
        f'<svg class="effect" viewBox="0 0 220 14" width="220" height="14" role="img" aria-label="{text}"><title>{text}</title>'
        f'<line x1="2" x2="218" y1="7" y2="7" class="scale"/><line x1="110" x2="110" y1="0" y2="14" class="zero"/>'
        f'<line x1="{x[0]}" x2="{x[1]}" y1="7" y2="7" class="bar"/>{arrows}<circle cx="{x[2]}" cy="7" r="2.5"/></svg>'
        f'<small class="limit">±{limit:.2g}</small>'
    )
