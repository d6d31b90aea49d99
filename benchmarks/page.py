"""The page about speed, from what was measured: python -m benchmarks.page writes docs/speed.md from results/bench."""

from pathlib import Path

import pandas as pd

from imdlib import files
from imdlib.pages.scoreboard import row
from imdlib.places import REPO

TARGET, BENCH = REPO / "docs" / "speed.md", REPO / "results" / "bench"
README, MARKS = REPO / "README.md", ("<!-- speed -->", "<!-- end of speed -->")
MATTERS = (
    ("pixel F1, IoU, AUC and best F1", "scikit-learn"),
    ("Otsu's threshold of 32 maps", "NumPy"),
    ("contrast of 1,000 tampered and 1,000 authentic patches, D = 256, kept", "pytorch-metric-learning"),
    ("CFA1", "pyIFD"),
    ("training step of NCL's base", "torchvision"),
)  # job, peer
HEAD = """# Where the time goes, and how fast the parts are

Written by `python -m benchmarks.page` from `results/bench`: no number is typed in. `make bench` measures the rows below on your
machine, `python -m benchmarks.growth` how they grow, and `python -m benchmarks.stages results/<profile>` reads where the time of a
finished study went from its executed notebooks.

A ratio is ours by theirs, pair by pair, in one process: below 1 imdlib needs less. *equal* is whether both sides found the same; it is
empty where they do different things.

Rows of `amd-epyc-2-cores` are medians of nine pairs on an idle machine; those of the Intel machine are of older jobs and targets. Other
work on the same cores moves ratios, too, mostly against ours, which use all cores: measure when nothing else runs.
"""
WHY = {
    (
        "pixel F1, IoU and AUC",
        "IMDLBenCo",
    ): "an exact AUC puts all pixels in order on both sides, and that bounds the ratio",
    (
        "Otsu's threshold of 32 maps",
        "scikit-image",
    ): "theirs looks at 256 values, ours at all of them; the row below is an equally exact loop",
    ("Otsu's threshold of 2 maps", "WSCL"): "theirs stops at the first local optimum of 100 cuts",
    (
        "two clusters of 16,384",
        "scikit-learn",
    ): "theirs starts at random and is compiled; ours has no start to depend on, and its passes over the points are PyTorch's",
    ("two clusters of each", "scikit-learn"): "as above, on smaller maps",
    (
        "contrast of 1,000 and 1,000 of",
        "FOCAL",
    ): "the release loops over images in Python; here it is rewritten as the same products as ours",
    (
        "import imdlib.",
        "2.5",
    ): "PyTorch and torchvision, which imports all of its models and torch._dynamo, take most of it",
    ("training step of NCL's base", "torchvision"): "this older row's peer has no decoder",
    ("training step of NCL's base", "smp"): "this older row's peer convolves channel by channel",
    (
        "training step of Conformer-S",
        "TransCAM",
    ): "attention and the order of memory are all that differs, and convolutions take most of the time",
}  # (job, peer) -> why a target is missed; none is printed where it is met
SLOW = (
    "PyTorch's own import is most of it, its optimizers import `torch._dynamo` whatever imdlib does, and a kernel "
    "that holds PyTorch takes a second to end. Runs of `quick` train for seconds."
)
CHOSEN = """
What is chosen by the processor changes no result but by rounding. Of many values Otsu's threshold counts bins before it sorts a few
values, on every processor; an accelerator sorts them all. Attention is plain on every processor (`imdlib/bridge/stages.py`): the rows of
Bridging's teacher set it beside the fused kernel. Training is in bfloat16 where the processor multiplies it in hardware
(`imdlib/training/settings.py`), and its row sets that beside float32; EfficientNet-lite0 alone is float32 everywhere, since its
convolutions by channel have no fast bfloat16. What was chosen stands in every run's stamp.
"""


def bench(path):
    """Section of one machine: a row per job."""
    rows = pd.read_csv(path, keep_default_na=False)
    lines = [f"## {path.stem}", "", "| job | peer | ratio | target | met | equal |", "|---|---|---|---|---|---|"]
    for one in rows.itertuples():
        lines.append(row(one.job, one.peer, f"{one.ratio:.2f}", f"{one.target:.2f}", met(one), one.equal))
    return "\n".join(lines)


def met(one):
    """'yes', or 'no' and why."""
    if one.ratio <= one.target:
        return "yes"
    why = [said for (job, peer), said in WHY.items() if one.job.startswith(job) and one.peer.startswith(peer)]
    return ": ".join(["no", *why])


def stages(folder):
    """Section of the finished studies whose stages were read: core-minutes of each profile, and the share of each stage."""
    found = {path.stem: pd.read_csv(path) for path in sorted(folder.glob("*.csv"))}
    read = dict(sorted(found.items(), key=lambda one: one[1]["seconds"].sum()))  # the shortest first
    spent = pd.DataFrame({name: one.groupby("stage", sort=False)["seconds"].sum() for name, one in read.items()})
    counts = [one.groupby("notebook")["executed"].first().sum() for one in read.values()]
    lines = [
        "## Where the time of a whole profile goes",
        "",
        row("", *(f"`{name}`" for name in read)),
        row(*["---"] * (len(read) + 1)),
    ]
    lines += [row("notebooks", *map(str, counts)), row("core-minutes", *(f"{one / 60:.0f}" for one in spent.sum()))]
    lines += [
        row(name, *(f"{one:.0%}" for one in shares)) for name, shares in zip(spent.index, (spent / spent.sum()).values)
    ]
    waits = (spent.loc[["kernel", "imports"]].sum() / spent.sum()).map("{:.0%}".format)
    said = ", ".join(f"{share} of `{name}`" for name, share in waits.items())
    pictures = [
        f"![Minutes of each kind of notebook of {name} by stage](../results/bench/stages/{name}.png)" for name in read
    ]
    return "\n".join([*lines, "", f"Kernels and imports are {said} (aimed at: 5%): {SLOW}", "", *pictures])


def growth(path):
    """Section with the figure of how costs grow on one machine."""
    picture = f"![Milliseconds against size](../results/bench/growth/{path.stem}.png)"
    return f"## How cost grows: {path.stem}\n\n{picture}\n\nDotted: in proportion to size."


def page(bench_folder: Path = BENCH) -> str:
    """The whole page."""
    parts = [HEAD, CHOSEN, "\n" + stages(bench_folder / "stages") + "\n"]
    for folder, section in ((bench_folder, bench), (bench_folder / "growth", growth)):
        parts += ["\n" + section(path) + "\n" for path in sorted(folder.glob("*.csv"))]
    return "".join(parts)


def readme(path: Path = BENCH / "amd-epyc-2-cores.csv") -> str:
    """The rows of MATTERS as the README has them."""
    rows = pd.read_csv(path)
    found = [rows[rows["job"].str.startswith(job) & rows["peer"].str.startswith(peer)].iloc[0] for job, peer in MATTERS]
    said = [f"{one.job}: {one.ratio:.2f} of {one.peer}" for one in found]
    met = (rows["ratio"] <= rows["target"]).sum()
    return (
        f"Beside other libraries, time or memory, below 1 is less ({path.stem}): {'; '.join(said)}. {met} of {len(rows)} such rows reach "
        "their target, the others say by how much they miss it: `make bench`, [docs/speed.md](docs/speed.md)."
    )


if __name__ == "__main__":
    files.write_text(TARGET, page())
    files.write_text(README, files.between(README.read_text(encoding="utf-8"), MARKS, readme()))
