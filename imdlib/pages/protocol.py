"""The protocol on a study's page: verdicts with their settings, how settings were found, and whether training was long enough."""

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


def verdicts(found: pd.DataFrame, rows: Any) -> tuple[Markdown, Figure, HTML]:
    """How many runs could have been longer, figure of the headline claims, which fit a page, and table of all claims, their other metrics
    folded below.
    """
    drawn, what = found[found["headline"].astype(bool)], "What the paper states, and the effect that these rows show"
    figure = plots.save(plots.claims_plot(drawn), drawn, rows.folder, "figure_claims", what=what)
    length = Markdown(
        f"{cut_short(course.unfinished(rows.settings, rows.history), rows)}: verdicts are about trainings of this length."
    )
    return length, figure, HTML(tables.show(shown(found)).data + other_metrics(rows))


def cut_short(moving: Sequence[str], rows: Any) -> str:
    """How many of the final runs that were trained `course.unfinished` names."""
    trained = rows.settings["run"].isin(rows.history["run"]).sum()
    return f"{len(moving)} of {trained} final trainings used their whole budget while validation or loss still moved"


def shown(found: pd.DataFrame) -> pd.DataFrame:
    """All claims as the page has them: effect and interval in a cell, the verdict with its sign, the gate with its two numbers; no
    verdicts where no claim has the seeds for one.
    """
    rows = [
        {
            "where": row["where"],
            "statement": row["statement"],
            "metric": tables.called(row["metric"]),
            "effect": scoreboard.interval(row["effect"], row["low"], row["high"]),
            "images, seeds": f"{row['n']:.0f}, {row['seeds']:.0f}",
            "p": chance(row),
            "verdict": scoreboard.said(row["verdict"]) + seen(row),
            "settings above 0": scoreboard.agreeing(row["share"], row["settings"]) if row["settings"] else "–",
            "gate": "no gate"
            if pd.isna(row["learned"])
            else f"{row['gate']}: {row['learned']:.3f}, blind {row['blind']:.3f}",
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
    """Of what is inconclusive, the smallest effect that would have been seen in eight of ten such studies."""
    there = row["verdict"] == INCONCLUSIVE and pd.notna(row["smallest"])
    return f"; {row['smallest']:.3f} would have been seen" if there else ""


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


def settings(study: Study, tried: pd.DataFrame, rows: Any) -> Figure | None:
    """The specification curves of the headlines; None where no settings were searched."""
    drawn = tried[tried["headline"].astype(bool) & tried["raw"].notna()]
    if drawn.empty:
        return None
    draws = search.draws(study.space, int(tried["trial"].max()) + 1)
    what = "The effect of every headline claim whose sides were searched, in every setting of the search"
    return plots.save(
        plots_protocol.specification_curve(drawn, draws), drawn, rows.folder, "figure_settings", what=what
    )


def trials(study: Study, rows: Any) -> tuple[Figure | None, HTML | Markdown]:
    """Figure and table of every row's trials: validation score, what was searched, what was chosen, and whether the file of tuned
    settings says the same.
    """
    if rows.trials.empty:
        return None, Markdown("")
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
        return figure, Markdown(
            f"**Not yet in profiles/tuned/{study.name}.yaml: {', '.join(other)}.** Run `make tune`."
        )
    return figure, table


def agrees(chosen: dict, said: dict, searched: Iterable[str]) -> bool:
    """Whether a file's settings of a row are those of its best trial, in all that is searched."""
    return set(said) == set(searched) and all(search.same(chosen[key], value) for key, value in said.items())


def steps(
    statements: Iterable[claims.Statement], rows: Any, looked: str = "", metric: str = ""
) -> tuple[Figure | None, Markdown]:
    """Headlines' effects against epochs times training images, those that have no such course, and which of all final runs used their
    whole budget while they still moved. looked: of `course.effects`; metric: what that number is, where its name says another.
    """
    found = course.effects(statements, rows, looked)
    found = found.assign(metric=metric) if metric else found
    moving = course.unfinished(rows.settings, rows.history)
    words = cut_short(moving, rows)
    kinds = pd.Series([made.pattern(run) or run for run in moving], dtype=str).value_counts().sort_index()
    said = f"{words}: {', '.join(f'{kind} ({count})' for kind, count in kinds.items())}." if moving else f"{words}."
    if found.empty:
        return None, Markdown(said)
    without = [one.says for one in statements if one.headline and one.name not in set(found["name"])]
    why = "a side was not run or is no training, both are one training, it is a mean over sets or attacks, or no number chose an epoch"
    said += f"\n\nNot drawn, since {why}: {'; '.join(without)}." if without else ""
    number = tables.called(found["metric"].iloc[0].removeprefix("val_"))
    many = found["name"].nunique()
    claimed = f"{many} headline claim{'s' if many > 1 else ''}"
    what = (
        f"The effect of {claimed} against epochs times training images: difference in {number} on "
        "validation images of the training set, whatever decides the claim"
    )
    figure = plots.save(plots_protocol.effect_against_steps(found), found, rows.folder, "figure_steps", what=what)
    return figure, Markdown(said)
