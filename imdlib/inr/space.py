"""Which methods of INR are compared, and the settings that each of them is tuned in.

A row is one compared method. All have the same number of trials; one with a contrast searches its weight, temperature, start and
form as well. The rows `literal` and `standard` hold the form fixed, so that Eq. 5 as printed and InfoNCE, tuned alike, stand
beside the whole method with whichever of them served it better.

Self-distillation is no row: to judge its trials would take labels, and it is to do without any.
"""

from imdlib.baselines.names import LOCALIZERS, WEAK
from imdlib.protocol.search import Choice, Linear, Log, Range, Row

SPACE: dict[str, Range] = {
    "learning_rate": Log(3e-4, 1e-2),
    "beta": Log(0.003, 0.3),
    "tau": Log(0.05, 0.5),
    "contrast_from": Linear(0.0, 0.5),
    "form": Choice("literal", "standard"),
}
MAIN = "nrr+scl+agap"  # the whole method
PLAIN = ("learning_rate",)
CONTRAST = (*PLAIN, "beta", "tau", "contrast_from")
LITE0 = dict(backbone="efficientnet_lite0", pretrained=True, inputs="rgb")


def row(name: str, variant: str, searched: tuple[str, ...], **fixed: str | bool) -> Row:
    """A row in the weak mode; fixed: parameters of its runs besides the variant."""
    return Row({"row": name, "mode": "weak", "variant": variant} | fixed, searched)


ROWS: dict[str, Row] = {
    one.fixed["row"]: one
    for one in (
        row("base", "base", PLAIN),
        row("nrr", "nrr", PLAIN),
        row("nrr+otsu", "nrr+otsu", PLAIN),
        row("nrr+agap", "nrr+agap", PLAIN),
        row("nrr+scl", "nrr+scl", (*CONTRAST, "form")),
        row(MAIN, MAIN, (*CONTRAST, "form")),
        row("literal", MAIN, CONTRAST, form="literal"),
        row("standard", MAIN, CONTRAST, form="standard"),
        row("counter", MAIN, (*CONTRAST, "form"), counter="reconstructed"),
        row("highpass+scl+agap", "highpass+scl+agap", (*CONTRAST, "form")),
        row("srm+scl+agap", "srm+scl+agap", (*CONTRAST, "form")),
        row("rgb-base", "base", PLAIN, inputs="rgb"),
        row("rgb-nrr", "nrr", PLAIN, inputs="rgb"),
        row("rgb-highpass", "highpass", PLAIN, inputs="rgb"),
        row("rgb-srm", "srm", PLAIN, inputs="rgb"),
        row("rgb-whole", MAIN, (*CONTRAST, "form"), inputs="rgb"),
        row("lite0-base", "base", PLAIN, **LITE0),
        row("lite0-whole", MAIN, (*CONTRAST, "form"), **LITE0),
        *[row(name, name, PLAIN) for name in WEAK],
        *[row(name, name, PLAIN, mode="supervised") for name in LOCALIZERS],
    )
}
PAPER = ("base", "nrr", "nrr+scl", MAIN)  # Table 4
