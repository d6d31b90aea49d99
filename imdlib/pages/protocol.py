"""The protocol on a study's page: verdicts with their settings, how settings were found, and whether training was long enough."""

import html
from collections.abc import Iterable, Sequence
from typing import Any

import pandas as pd
from IPython.display import HTML, Markdown
from matplotlib.figure import Figure

from imdlib.pages import claims, made, plots, plots_protocol, scoreboard, tables
from imdlib.protocol import course, search, tuned
from imdlib.protocol.verdicts import INCONCLUSIVE, LEAST_SEEDS, UNTESTED
from imdlib.study import Study

ENDS = ("effect", "low", "high")
MEANT = """Effect: difference of the means over the same test images, which stand beside it (*of*). Interval: Student's, images and seeds
both being a sample. *Supported*: the whole interval lies above zero, p is below 0.05 (of headlines Holm's) and, where settings were
searched, at least three quarters of them agree; *contradicted*: below zero likewise; *depends on settings*: clear, but fewer agree;
*inconclusive*: zero is inside or p too large; *nothing learned here*: the gate is not passed; *not tested*: runs are missing in this
profile, or fewer than three seeds. Verdicts of claims that are no headlines are not corrected for how many there are: they are weaker
than the same word of a headline. A supported claim about two rows that both lie below a trivial one says only which of them fails less:
read it beside the tables.

*Gate*: the mean of the better row on its own test images, and that of the best row that looks at no image; a verdict is given only where
the first lies above the second by more than the 95% interval of their difference (docs/protocol.md names the claims where the row that
has to have learned is another, or both, and tells how a verdict comes about)."""
MARKS = """Every mark is a claim's effect in one setting of the search, which both rows share; below it the settings, dark at the high end
of their range (a row that lacks a parameter ignores it). Open marks: neither row had learned anything there. The effect of a claim is that
of each row at its own best setting, with fresh seeds: it may lie on the other side of zero than most of these."""
TRIED = """Every row that is drawn here had the same number of trials, one seed each on the training set of the tables, judged on validation
images; rows that are absent take the settings of another (docs/protocol.md names them) or were not searched yet. Where others did as well
as the chosen trial (*others as good*), the first was taken: that search chose nothing. One seed may be a lucky one: the score of a chosen
trial is no estimate of the final runs'. A line that still climbs at its right end belongs to a row that more trials would help."""
TAKEN = """Nothing was searched in these runs. Every row that is searched elsewhere has the settings of `profiles/tuned/{0}.yaml`: the best
of its trials on validation images of the embedded twins, which the page of `night` shows one by one."""
UNTUNED = """Nothing was searched in these runs: rows have the settings listed above. Those of `profiles/tuned/{0}.yaml`, found on
validation images of the embedded twins, are taken by profiles that set `{0}.tuned` (`night`, `laptop`, `real`, `gpu`)."""
LENGTH = """Effects on validation images while training went on, mean and range of the seeds. A line that still moves at its right end has a
verdict that belongs to this length of training. The rule of flatness needs six looks before the rate falls: with a budget of fewer than
nine epochs it ends nothing early, and with fewer than six looks nobody can tell (docs/protocol.md)."""


def judged(study: Study, statements: Sequence[claims.Statement], rows: Any) -> tuple[pd.DataFrame, pd.DataFrame]:
    """(claims, effects in settings) of a study, each saved: claims.csv, tables/table_claims_settings.csv and, of the metrics that do
    not decide, tables/table_claims_metrics.csv.

    rows: of the study, with `folder`, `trials` (settings of the runs of the search) and `trial(number)`.
    """
    numbers = sorted(set(rows.trials["trial"].astype(int))) if len(rows.trials) else []
    tried = claims.in_settings(statements, {number: rows.trial(number) for number in numbers})
    found = claims.save(claims.judge(statements, rows, study.name, tried), rows.folder)
    tables.save_csv(tried, rows.folder, "table_claims_settings")
    tables.save_csv(claims.beside(statements, rows, study.name), rows.folder, "table_claims_metrics")
    return found, tried


def verdicts(found: pd.DataFrame, rows: Any) -> tuple[Markdown, Markdown, Figure, HTML]:
    """What the words mean, how many runs could have been longer, figure of the headline claims, which fit a page, and table of all
    claims that have rows; the others, and other metrics, folded below.
    """
    there, what = found["effect"].notna(), "What the paper states, and the effect that these rows show"
    drawn = found[found["headline"].astype(bool) & there]
    figure = plots.save(plots.claims_plot(drawn), drawn, rows.folder, "figure_claims", what=what)
    length = Markdown(f"{cut_short(rows)[0]} Verdicts are about trainings of this length.")
    return (
        Markdown(MEANT),
        length,
        figure,
        HTML(tables.show(shown(found[there])).data + without_rows(found[~there]) + other_metrics(rows)),
    )


def cut_short(rows: Any) -> tuple[str, str]:
    """How many of the final trainings could have been longer, and how many had too few looks for that to be told; which could."""
    judged = course.moving(rows.settings, rows.history)
    trained = int(rows.settings["run"].isin(rows.history["run"]).sum())
    still = [made.pattern(run) or run for run, moved in judged.items() if moved]
    short = trained - len(judged)
    said = f"Of {trained} final trainings {len(still)} used their whole budget while validation or loss still moved"
    untold = f"; of {short}, with fewer than six looks at validation images, nobody can tell" if short else ""
    kinds = pd.Series(still, dtype=str).value_counts().sort_index()
    return f"{said}{untold}.", ", ".join(f"{kind} ({count})" for kind, count in kinds.items())


def shown(found: pd.DataFrame) -> pd.DataFrame:
    """All claims as the page has them: effect and interval in a cell, the two means, the verdict with its sign, the gate with its
    numbers; no verdicts where no claim has the seeds for one.
    """
    rows = [
        {
            "where": row["where"],
            "statement": row["statement"] + (f" (read with it: {row['read_with']})" if row["read_with"] else ""),
            "metric": tables.called(row["metric"]),
            "effect": scoreboard.interval(row["effect"], row["low"], row["high"]),
            "of": "; ".join(filter(None, (scoreboard.levels(row), scoreboard.sets(row)))) or "–",
            "images, seeds": f"{row['n']:.0f}, {row['seeds']:.0f}",
            "p": chance(row),
            "verdict": scoreboard.said(row["verdict"]) + seen(row),
            "settings above 0": scoreboard.agreeing(row["share"], row["settings"]) if row["settings"] else "–",
            "gate": scoreboard.gate(row) or "no gate",
        }
        for row in found.to_dict("records")
    ]
    judged = (found["seeds"] >= LEAST_SEEDS).any()
    return pd.DataFrame(rows).drop(columns=[] if judged else ["p", "verdict", "settings above 0"], errors="ignore")


def chance(row: dict[str, Any]) -> str:
    """p of a claim that was tested; of headlines it is Holm's, and says so."""
    if pd.isna(row["p"]) or row["verdict"] == UNTESTED:
        return "–"
    return scoreboard.chance(row["p"]) + " (Holm)" * bool(row["headline"])


def seen(row: dict[str, Any]) -> str:
    """Of what is inconclusive, the smallest true effect that eight of ten such studies would find."""
    there = row["verdict"] == INCONCLUSIVE and pd.notna(row["smallest"])
    return f"; detectable from {row['smallest']:.3f}" if there else ""


def without_rows(found: pd.DataFrame) -> str:
    """Claims for which there are no rows, as HTML that opens."""
    if found.empty:
        return ""
    table = tables.show(found[["where", "statement"]].reset_index(drop=True)).data
    many = f"{len(found)} claim{'s are' if len(found) > 1 else ' is'}"
    return f"<details><summary>{many} not tested here: no rows of one side</summary>\n{table}\n</details>"


def other_metrics(rows: Any) -> str:
    """Effects in the metrics that decide nothing, as HTML that opens."""
    path = rows.folder / "tables" / "table_claims_metrics.csv"
    found = pd.read_csv(path) if path.exists() else pd.DataFrame(columns=["effect"])
    found = found[found["effect"].notna()]
    if found.empty:
        return ""
    lines = [
        (row["where"], row["statement"], tables.called(row["metric"]), scoreboard.interval(*(row[k] for k in ENDS)))
        for row in found.to_dict("records")
    ]
    table = tables.show(pd.DataFrame(lines, columns=["where", "statement", "metric", "effect"])).data
    return f"<details><summary>The same claims in the other metrics, on which no verdict hangs</summary>\n{table}\n</details>"


def settings(study: Study, tried: pd.DataFrame, rows: Any) -> tuple[Figure | Markdown, ...]:
    """The specification curves of the headlines and how they are read, or that no settings were searched."""
    drawn = tried[tried["headline"].astype(bool) & tried["raw"].notna()]
    if drawn.empty:
        return (Markdown("No settings were searched in these runs, so that verdicts know of one setting each."),)
    draws = search.draws(study.space, int(tried["trial"].max()) + 1)
    what = "The effect of every headline claim whose sides were searched, in every setting of the search"
    figure = plots_protocol.specification_curve(drawn, draws)
    return plots.save(figure, drawn, rows.folder, "figure_settings", what=what), Markdown(MARKS)


def trials(study: Study, rows: Any) -> tuple[Figure | HTML | Markdown, ...]:
    """Figure and table of every row's trials: validation score, what was searched, what was chosen, and whether the file of tuned
    settings says the same; how they are read. Where nothing was searched, where settings come from.
    """
    if rows.trials.empty and takes_tuned(study, rows):
        return Markdown(TAKEN.format(study.name)), settings_of_rows(study)
    if rows.trials.empty:
        return (Markdown(UNTUNED.format(study.name)),)
    found = tuned.best(rows.trials, rows.history, study.rows)
    tables.save_csv(found, rows.folder, "table_trials")
    number, judge = tables.called(rows.trials["keep"].iloc[0].removeprefix("val_")), "on validation images"
    what = f"The {found['trial'].nunique()} trials of every row's search: {number} {judge}"
    named = found.assign(row=found["row"].map(study.called))
    figure = plots.save(plots_protocol.trials(named, number), named, rows.folder, "figure_trials", what=what)
    chosen = found[found["chosen"]]
    said = tuned.of(study.name)
    names = [(row["row"], row) for row in chosen.to_dict("records")]
    other = [name for name, row in names if not agrees(row, said.get(name, {}), study.rows[name].searched)]
    digits = {
        name: chosen[name].map(lambda value: "–" if pd.isna(value) else f"{value:.3g}")
        for name in chosen.select_dtypes(float)
    }
    digits |= {"row": chosen["row"].map(study.called), "trial": chosen["trial"] + 1}
    equal = found["score"].eq(found.groupby("row")["score"].transform("max")).groupby(found["row"]).sum()
    digits["as_good"] = chosen["row"].map(equal) - 1
    columns = {"trial": "chosen trial", "score": f"{number}, validation", "as_good": "others as good"}
    table = tables.show(chosen.assign(**digits).drop(columns=["run", "chosen"]).rename(columns=columns))
    if other:
        names = html.escape(", ".join(other), quote=False)
        note = f"<p><b>Not yet in profiles/tuned/{study.name}.yaml: {names}.</b> Run <code>make tune</code>.</p>"
        table = HTML(f"{note}\n{table.data}")
    return figure, table, Markdown(TRIED)


def takes_tuned(study: Study, rows: Any) -> bool:
    """Whether some run of a row that is searched has the settings that the file of tuned settings gives that row."""
    said = tuned.of(study.name)
    runs = [(search.row_of(run, study.rows), run) for run in rows.settings.to_dict("records")]
    return any(
        all(search.same(run[key], value) for key, value in said[row].items()) for row, run in runs if row in said
    )


def settings_of_rows(study: Study) -> HTML:
    """What the file of tuned settings says, a line per row."""
    lines = [{"row": study.called(name)} | values for name, values in tuned.of(study.name).items()]
    return tables.show(pd.DataFrame(lines).astype(object).where(lambda one: one.notna(), "–").map(str))


def agrees(chosen: dict, said: dict, searched: Iterable[str]) -> bool:
    """Whether a file's settings of a row are those of its best trial, in all that is searched."""
    return set(said) == set(searched) and all(search.same(chosen[key], value) for key, value in said.items())


def steps(
    statements: Iterable[claims.Statement], rows: Any, looked: str = "", metric: str = ""
) -> tuple[Figure | None, Markdown, Markdown]:
    """Headlines' effects against epochs times training images, those that have no such course and which of all final runs used their
    whole budget while they still moved, how the figure is read. looked: of `course.effects`; metric: what that number is, where its
    name says another.
    """
    found = course.effects(statements, rows, looked)
    found = found.assign(metric=metric) if metric else found
    said, named = cut_short(rows)
    said += f" Those that still moved: {named}." if named else ""
    if found.empty:
        return None, Markdown(said), Markdown("")
    without = [one.says for one in statements if one.headline and one.name not in set(found["name"])]
    why = "a side was not run or is no training, both are one training, it is a mean over sets or attacks, or no number chose an epoch"
    counted = f"{len(without)} headline claim{'s are' if len(without) > 1 else ' is'} not drawn: {why}"
    named = "; ".join(map(html.escape, without))
    said += f"\n\n<details><summary>{counted}</summary>\n{named}.</details>" if without else ""
    number = tables.called(found["metric"].iloc[0].removeprefix("val_"))
    many = found["name"].nunique()
    claimed = f"{many} headline claim{'s' if many > 1 else ''}"
    what = (
        f"The effect of {claimed} against epochs times training images: difference in {number} on "
        "validation images of the training set, whatever decides the claim"
    )
    figure = plots.save(plots_protocol.effect_against_steps(found), found, rows.folder, "figure_steps", what=what)
    return figure, Markdown(said), Markdown(LENGTH)
