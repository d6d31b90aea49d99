"""Style of all figures: widths of a two-column page, sizes of text, colours and shapes that anybody can tell apart, words.

Colours: Okabe and Ito, "Color universal design" (2008). Widths: 3.3 in is one column and 6.9 in both of a page of CVPR's form.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import seaborn as sns
import yaml
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.ticker import LogFormatter, LogFormatterMathtext
from PIL import Image

HIGHEST = 9.2  # inches, of a figure that fits a page with its caption
COLUMN, PAGE = 3.3, 6.9  # widths in inches: one column and both columns of a two-column page
SMALL, USUAL = 7, 8  # sizes of text in points: none is smaller than the first
TAMPERED, AUTHENTIC, CONTOUR = "#D55E00", "#0072B2", "#CC79A7"
PALETTE = ["#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9", "#000000", "#F0E442"]
MARKERS = ["o", "^", "s", "D", "v", "P", "X", "*"]  # of the same things as the colours
HEAT = LinearSegmentedColormap.from_list("heat", ["#000004", "#3b0f70", "#b63679", "#fb8761", "#fcfdbf"])
WIDTHS = {"": None, "column": COLUMN, "page": PAGE}
STYLES = ("ticks", "whitegrid", "white")


@dataclass
class Look:
    """What `use_style` set. width: of every figure that is saved, inches, None = as it was drawn; language: of its words."""

    width: float | None = None
    language: str = "en"


LOOK = Look()


def use_style(width: str = "", language: str = "en", style: str = "ticks") -> None:
    """Set the look of all figures; called once at the top of a notebook.

    width: 'column' or 'page' for all figures, '' as each was drawn; language: 'en' or a name in labels.yaml; style: of STYLES, of
    seaborn. Raises ValueError for others.
    """
    for what, value, known in (("width", width, WIDTHS), ("style", style, STYLES), ("language", language, languages())):
        if value not in known:
            raise ValueError(f"{what}={value!r}: expected one of {', '.join(map(repr, known))}")
    LOOK.width, LOOK.language = WIDTHS[width], language
    sns.set_theme(context="paper", style=style, palette=PALETTE)
    sizes = dict.fromkeys(["font.size", "axes.labelsize", "axes.titlesize", "figure.titlesize"], USUAL)
    sizes |= dict.fromkeys(["xtick.labelsize", "ytick.labelsize", "legend.fontsize", "legend.title_fontsize"], SMALL)
    matplotlib.rcParams.update(
        sizes
        | {
            "pdf.fonttype": 42,
            "figure.dpi": 120,
            "savefig.dpi": 300,
            "savefig.bbox": "standard",  # a tight box would change the width
            "figure.constrained_layout.use": True,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.linewidth": 0.8,
            "xtick.major.width": 0.8,
            "ytick.major.width": 0.8,
            "legend.frameon": False,
            "text.parse_math": False,  # names of files and methods are text, whatever signs they hold
        }
    )


@cache
def words() -> dict[str, dict[str, str]]:
    """{language: {English: that language}} of labels.yaml."""
    return yaml.safe_load(files("imdlib.pages").joinpath("labels.yaml").read_text(encoding="utf-8"))


def languages() -> list[str]:
    """Those that labels can be in."""
    return ["en", *words()]


def panels(count: int, height: float, width_ratios: list | None = None, **options: Any) -> tuple[Figure, np.ndarray]:
    """(figure, its `count` axes) side by side in the width of a page, below each other in that of a column; height: of one, inches."""
    if LOOK.width == COLUMN:
        figure, axes = plt.subplots(count, 1, figsize=(COLUMN, min(height * count, HIGHEST)), squeeze=False, **options)
        return figure, axes[:, 0]
    size = (PAGE, min(height, HIGHEST))
    figure, axes = plt.subplots(1, count, figsize=size, squeeze=False, width_ratios=width_ratios, **options)
    return figure, axes[0]


def across(labels: Sequence[str]) -> int:
    """How many entries of a legend stand side by side: as many as the width holds, at most four."""
    widest = 0.5 + 0.06 * max(map(len, labels), default=0)  # inches, with the mark
    return max(1, min(len(labels), 4, int((LOOK.width or PAGE) / widest)))


def fit(figure: Figure) -> None:
    """Bring a figure to the width and the language that `use_style` asked for, its height unchanged; numbers on its axes are plain."""
    plain(figure)
    if LOOK.width:
        figure.set_size_inches(LOOK.width, figure.get_figheight())
    known = words().get(LOOK.language, {})
    for text in figure.findobj(Text) if known else ():
        text.set_text(translated(text.get_text(), known))


def plain(figure: Figure) -> None:
    """Numbers on logarithmic axes as 0.1 and 1e-05: powers of ten would need the mathematics that names must not be read as."""
    for side in [side for axis in figure.axes for side in (axis.xaxis, axis.yaxis)]:
        if isinstance(side.get_major_formatter(), LogFormatterMathtext):
            side.set_major_formatter("{x:g}")
            side.set_minor_formatter(PlainLog(side.get_transform().base))


class PlainLog(LogFormatter):
    """Labels the ticks between powers where there are few of these, as 0.4 and not as 4e-01."""

    def __call__(self, x: float, pos: int | None = None) -> str:
        return f"{x:g}" if super().__call__(x, pos) else ""


def translated(text: str, known: dict[str, str]) -> str:
    """A label in another language: as a whole, else each of its parts between commas, colons and ends of lines that is known."""
    if text in known:
        return known[text]
    for separator in (": ", ":\n", ", ", "\n"):
        if separator in text:
            return separator.join(translated(part, known) for part in text.split(separator))
    return text


def in_few_colors(picture: Image.Image, count: int) -> Image.Image:
    """A picture of lines in so many colours, chosen to cover all that it has: the median cut would merge the rare ones, such as that of one
    verdict among many grey ones, into others.
    """
    return picture.quantize(count, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
