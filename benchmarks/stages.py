"""Where the time of a study goes: python -m benchmarks.stages results/quick [--out results/bench/stages].

Papermill writes how long every cell took into the executed notebooks, so nothing is measured again. Writes <out>/<profile>.csv (a row for
each kind of notebook and stage: notebook, executed, stage, seconds of all that were executed) and <out>/<profile>.png. `kernel` is what no
cell took: starting and ending the kernel, saving.
"""

import argparse
import json
import re
from pathlib import Path

import pandas as pd
import seaborn as sns

from imdlib.pages import plots

STAGES = {  # stage -> what the source of its cells matches; the first that does
    "imports": r"^(from|import) ",
    "training": r"\btrain\.fit\(|\bfit_\w+\(|\bpsnr_split\(",
    "scoring": r"\bevaluate\.|\bscore\w*\(|\bpooled\(|\bimage_rows\(|\battacks\b",
    "data": r"\bdatasets\.load|\bcatalog\.|\bfacts\.measure|\bduplicates\b|\bshortcuts\.|\bknown = manifest",
    "pages and figures": r"\breport\.|\bplots\.|\bexhibits\.|\brecord\.table|\bpictures\(|\bshow\(",
}
ORDER = ["kernel", *STAGES, "the rest"]


def stage(source):
    """Name of the stage that a code cell belongs to."""
    return next((name for name, pattern in STAGES.items() if re.search(pattern, source, re.M)), "the rest")


def seconds(path):
    """{stage: seconds} of one executed notebook."""
    notebook = json.loads(Path(path).read_text(encoding="utf-8"))
    found = dict.fromkeys(ORDER, 0.0)
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            found[stage("".join(cell["source"]))] += cell["metadata"].get("papermill", {}).get("duration") or 0
    found["kernel"] = max(notebook["metadata"]["papermill"]["duration"] - sum(found.values()), 0)
    return found


def table(folder):
    """Rows notebook, executed (how many), stage, seconds of all executed notebooks under results/<profile>."""
    folder, rows = Path(folder), []
    for path in sorted(folder.rglob("*.ipynb")):
        parts = path.relative_to(folder).parts
        notebook = "/".join([*parts[: len(parts) > 1], path.stem])
        rows += [(notebook, name, spent) for name, spent in seconds(path).items()]
    found = pd.DataFrame(rows, columns=["notebook", "stage", "seconds"]).groupby(["notebook", "stage"], sort=False)
    return found.agg(executed=("seconds", "size"), seconds=("seconds", "sum")).reset_index()


def draw(found):
    """Figure of the minutes of each kind of notebook, a bar each, its stages side by side."""
    spent = found.pivot_table(index="notebook", columns="stage", values="seconds", aggfunc="sum")[ORDER] / 60
    figure, axis = plots.plt.subplots(figsize=(plots.PAGE, 2.6))
    spent.plot.barh(stacked=True, ax=axis, color=sns.color_palette("colorblind", len(ORDER)), width=0.8)
    axis.set(xlabel="minutes of all notebooks of a kind", ylabel="")
    axis.invert_yaxis()
    axis.get_legend().remove()
    figure.legend(loc="outside upper center", ncols=len(ORDER))
    return figure


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", help="results/<profile> of a finished study")
    parser.add_argument("--out", default="results/bench/stages", help="folder of the csv and the figure")
    options = parser.parse_args(arguments)
    plots.use_style()
    found, out = table(options.folder), Path(options.out)
    out.mkdir(parents=True, exist_ok=True)
    name = Path(options.folder).resolve().name
    found.round(2).to_csv(out / f"{name}.csv", index=False)
    draw(found).savefig(out / f"{name}.png", dpi=120)
    whole = found["seconds"].sum()
    for one, spent in found.groupby("stage")["seconds"].sum()[ORDER].items():
        print(f"{one:18s} {spent:7.0f} s  {spent / whole:.0%}")


if __name__ == "__main__":
    main()
