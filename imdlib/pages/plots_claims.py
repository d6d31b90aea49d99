"""The figure of a study's verdicts: effect and interval of every statement, colour and shape by verdict."""

import textwrap

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure

from imdlib.pages.style import HIGHEST, PAGE, PALETTE, SMALL, TAMPERED
from imdlib.pages.tables import called
from imdlib.protocol import verdicts

VERDICTS = {
    verdicts.SUPPORTED: (PALETTE[2], ">"),
    verdicts.CONTRADICTED: (TAMPERED, "<"),
    verdicts.DEPENDS: (PALETTE[1], "D"),
    verdicts.INCONCLUSIVE: ("0.45", "o"),
    verdicts.UNLEARNED: ("0.45", "x"),
    verdicts.UNTESTED: ("0.65", "."),
}  # verdict -> colour, shape
CLAIMS = (
    "Marks are effects in the unit of their metric; right of zero speaks for the statement. The shape says the verdict "
    "as the colour does. Claims without rows are not drawn."
)


def claims_plot(found: pd.DataFrame) -> Figure:
    """Effect and interval of every statement, one line each, one panel per metric, colour and shape by verdict; at most a page high.

    found: rows of claims.csv. Checks that no paper prints stand below a line of their own.
    """
    tested = found[found["low"].notna()].sort_values("where", key=lambda c: c == "not printed", kind="stable")
    lines = list(dict.fromkeys(zip(tested["study"], tested["statement"], tested["where"])))
    panels = list(dict.fromkeys(tested["metric"]))
    names = [textwrap.fill(line[1], 52 if len(panels) < 3 else 44) for line in lines]
    printed = sum(where != "not printed" for *_, where in lines)
    height = min(sum(0.14 * name.count("\n") + 0.2 for name in names) + 1.0, HIGHEST)
    figure, axes = plt.subplots(1, max(len(panels), 1), figsize=(PAGE, height), sharey=True, squeeze=False)
    for axis, metric in zip(axes[0], panels or [""]):
        for row in tested[tested["metric"] == metric].itertuples():
            y = lines.index((row.study, row.statement, row.where))
            color, marker = VERDICTS.get(row.verdict, VERDICTS[verdicts.UNTESTED])
            axis.plot([row.low, row.high], [y, y], color=color, lw=1.4, solid_capstyle="round")
            axis.plot(row.effect, y, marker, ms=4.5, color=color, mfc="w" if marker == "o" else color)
        axis.axvline(0, color="0.3", lw=0.8)
        if 0 < printed < len(lines):
            axis.axhline(printed - 0.5, color="0.7", lw=0.8, ls=":")
        axis.set(yticks=range(len(lines)), ylim=(max(len(lines), 1) - 0.5, -0.5))
        axis.set_title(textwrap.fill(called(metric), 16), fontsize=SMALL)
        axis.set_yticklabels(names, fontsize=SMALL)
        axis.xaxis.set_major_locator(plt.MaxNLocator(3 if len(panels) < 5 else 2))
        axis.grid(axis="x", color="0.92", lw=0.6)
    axes[0, len(axes[0]) // 2].set_xlabel("effect with its 95% interval", fontsize=SMALL)
    counts = {verdict: int((tested["verdict"] == verdict).sum()) for verdict in VERDICTS}
    marks = [
        plt.Line2D([], [], color=c, marker=m, ms=4.5, mfc="w" if m == "o" else c, label=f"{v} ({counts[v]})")
        for v, (c, m) in VERDICTS.items()
        if counts[v]
    ]
    if len(marks) > 1 or not counts[verdicts.UNTESTED]:
        figure.legend(handles=marks, loc="outside upper right", ncols=3)
    figure.set_label(CLAIMS + " Below the dotted line: what no paper prints." * (0 < printed < len(lines)))
    return figure
