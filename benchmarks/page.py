"""The page about speed, from what was measured: python -m benchmarks.page writes docs/speed.md from results/bench."""

from pathlib import Path

import pandas as pd

from imdlib.places import REPO

TARGET, BENCH = REPO / "docs" / "speed.md", REPO / "results" / "bench"
HEAD = """# Where the time goes, and how fast the parts are

Written by `python -m benchmarks.page` from `results/bench`; nothing here is typed in. `make bench` measures the rows below on your
machine, `python -m benchmarks.growth` how they grow, and `python -m benchmarks.stages results/<profile>` reads where the time of a
finished study went from its executed notebooks.

A ratio is ours by theirs, pair by pair, in one process: below 1 imdlib needs less. Ratios survive other work on the same cores,
milliseconds do not. *equal* is whether both sides found the same; it is empty where they do different things.

So far the rows of `amd-epyc-2-cores` are three pairs on one thread, beside other work on both cores, and end before the slowest jobs;
those of the Intel machine are of older jobs and targets. The profile `quick-7afa97b` is quick at that commit, before its steps were cut
and before notebooks were saved once instead of after every cell.
"""
CHOSEN = """
What is chosen by the processor changes no result but by rounding. Of many values Otsu's threshold counts bins before it sorts a few
values, on every processor; an accelerator sorts them all. Which attention and which precision train on a processor is said in
`imdlib/bridge/stages.py` and `imdlib/training/settings.py`; the rows of Bridging's teacher measure the former on each machine.
"""


def bench(path):
    """Section of one machine: a row per job."""
    rows = pd.read_csv(path, keep_default_na=False)
    lines = [f"## {path.stem}", "", "| job | peer | ratio | target | met | equal |", "|---|---|---|---|---|---|"]
    for row in rows.itertuples():
        met = "yes" if row.ratio <= row.target else "no"
        lines.append(f"| {row.job} | {row.peer} | {row.ratio:.2f} | {row.target:.2f} | {met} | {row.equal} |")
    return "\n".join(lines)


def stages(path):
    """Section of one finished study: seconds and share of each stage."""
    spent = pd.read_csv(path, keep_default_na=False).groupby("stage", sort=False)["seconds"].sum()
    lines = [f"## Profile `{path.stem}`, all notebooks", "", "| stage | seconds | share |", "|---|---|---|"]
    lines += [f"| {name} | {one:.0f} | {one / spent.sum():.0%} |" for name, one in spent.items()]
    picture = f"![Minutes of each kind of notebook by stage](../results/bench/stages/{path.stem}.png)"
    return "\n".join([*lines, "", picture])


def growth(path):
    """Section with the figure of how costs grow on one machine."""
    picture = f"![Milliseconds against size](../results/bench/growth/{path.stem}.png)"
    return f"## How cost grows: {path.stem}\n\n{picture}\n\nDotted: in proportion to size."


def page(bench_folder: Path = BENCH) -> str:
    """The whole page."""
    parts = [HEAD, CHOSEN]
    for folder, section in (
        (bench_folder / "stages", stages),
        (bench_folder, bench),
        (bench_folder / "growth", growth),
    ):
        parts += ["\n" + section(path) + "\n" for path in sorted(folder.glob("*.csv"))]
    return "".join(parts)


if __name__ == "__main__":
    TARGET.write_text(page(), encoding="utf-8")
