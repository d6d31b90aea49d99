"""What INR states, and what we check ourselves, as pairs of rows: the two sides of each claim and the metric that decides it.

`decides` follows one rule. Image AUC where methods are compared on images of their own training set, since image labels are
all that they learn from. Shuffled AUC where the question is whether a map finds anything beyond what a fixed place would, and
on sets not trained on. Pixel F1 where the paper prints it alone or first (Figure 1, Tables 1, 5 and 6).
"""

from functools import partial

from imdlib.inr import cuts
from imdlib.inr.cuts import LABELS, MAPS
from imdlib.inr.grid import METHODS
from imdlib.inr.methods import DISTILLED, WHOLE
from imdlib.inr.rows import REDRAWN
from imdlib.pages.claims import Statement

BASE, NRR, SCL = (METHODS[name] for name in ("base", "nrr", "nrr+scl"))
HIGHPASS, SRM = (METHODS[f"{name}+scl+agap"] for name in ("highpass", "srm"))
ERROR = "NRR error, smoothed"
POOLS = {
    "max": "maximum",
    "average": "average",
    "gem": "generalized mean",
    "smooth": "global smooth",
    "otsu": "Otsu alone",
}
OURS = "not printed"  # checks that no paper prints

BOTH = (*MAPS, *LABELS)
error = partial(Statement, cut=cuts.without_labels, better=ERROR, metrics=MAPS[2:], decides="auc_shuffled")
part = partial(Statement, cut=cuts.own_images, metrics=BOTH, decides="image_auc")
away = partial(Statement, cut=cuts.other_sets, metrics=BOTH, decides="auc_shuffled")
change = partial(Statement, cut=cuts.variations, metrics=BOTH, decides="image_auc")
pool = partial(Statement, where="Table 6", cut=cuts.poolings, better="adaptive", metrics=BOTH, decides="f1")
distilled = partial(Statement, cut=cuts.without_labels, better=DISTILLED, metrics=MAPS)
blob = partial(
    Statement, where=OURS, cut=cuts.beside_trivial_maps, worse="centre blob", metrics=MAPS, decides="auc_shuffled"
)
always = partial(
    Statement, where=OURS, cut=cuts.beside_trivial_labels, worse="always tampered", metrics=LABELS, decides="image_auc"
)

HYPOTHESIS = (
    error(
        "error",
        "section 1, Fig. 2",
        "the NRR's error is larger on tampered pixels than elsewhere (against a random map)",
        worse="random map",
        headline=True,
    ),
    error(
        "error-highpass",
        "section 2.1",
        "the NRR's error ranks tampered pixels higher than a fixed high-pass filter does",
        worse="high-pass energy, smoothed",
    ),
    error(
        "error-srm",
        "section 2.1",
        "the NRR's error ranks tampered pixels higher than SRM filters do",
        worse="SRM energy, smoothed",
    ),
)
COMPONENTS = (
    part(
        "nrr",
        "Table 4",
        "the error map as an input improves the baseline, own test images",
        worse=BASE,
        better=NRR,
        headline=True,
    ),
    part("scl", "Table 4", "selective contrast (with Otsu's pool) improves on that", worse=NRR, better=SCL),
    part("agap", "Table 4", "adaptive pooling improves on that", worse=SCL, better=WHOLE),
    part(
        "whole",
        "Tables 2, 4",
        "the whole method improves on the baseline, own test images",
        worse=BASE,
        better=WHOLE,
        headline=True,
    ),
    away(
        "whole-away",
        "Tables 2, 3",
        "the whole method improves on the baseline, sets not trained on",
        worse=BASE,
        better=WHOLE,
        headline=True,
    ),
    away(
        "nrr-away",
        "Table 4",
        "the error map as an input improves the baseline, sets not trained on",
        worse=BASE,
        better=NRR,
    ),
    part(
        "highpass",
        "section 2.1",
        "in the whole method the NRR serves better than a fixed high-pass filter",
        worse=HIGHPASS,
        better=WHOLE,
    ),
    part("srm", "section 2.1", "in the whole method the NRR serves better than SRM filters", worse=SRM, better=WHOLE),
)
VARIATIONS = (
    change(
        "scl-alone",
        "Table 4",
        "the contrast improves the whole method, all else unchanged",
        worse=f"{WHOLE}, contrast False",
        better=WHOLE,
        headline=True,
    ),
    change(
        "scl-form",
        OURS,
        "the contrast as standard InfoNCE serves better than Eq. 5 as printed",
        worse=WHOLE,
        better=f"{WHOLE}, form standard",
    ),
    change(
        "residual",
        OURS,
        "the baseline learns more with a high-pass residual beside RGB",
        worse=f"{BASE}, inputs rgb",
        better=BASE,
    ),
)
POOLINGS = tuple(
    pool(f"pool-{key}", says=f"adaptive pooling is better than {words}", worse=key, headline=key == "max")
    for key, words in POOLS.items()
)
OTHERS = (
    Statement(
        "magicbrush",
        "Table 3",
        "the whole method improves on the baseline on local edits",
        cuts.local_edits,
        BASE,
        WHOLE,
        BOTH,
        "auc_shuffled",
    ),
    Statement(
        "iedit",
        "Table 3",
        "the whole method improves on the baseline on edits of whole images",
        cuts.whole_edits,
        BASE,
        WHOLE,
        LABELS,
        "image_auc",
    ),
    Statement(
        "selection",
        "Table 5",
        "selection of pseudo-labels improves self-distillation, own test images",
        cuts.distilled,
        f"{DISTILLED}, without selection",
        DISTILLED,
        (*MAPS, "image_auc"),
        "f1",
    ),
    distilled(
        "unsupervised-error",
        "Table 1",
        "self-distillation beats the error map cut at Otsu's threshold",
        worse="NRR error, Otsu",
        decides="f1",
    ),
    Statement(
        "redrawn",
        "section 1, Fig. 1",
        "the baseline's maps lose on redrawn images",
        cuts.redrawn_tampered,
        REDRAWN,
        "none",
        ("f1", "auc_shuffled"),
        "f1",
        headline=True,
    ),
    Statement(
        "redrawn-authentic",
        "section 1, Fig. 1",
        "the baseline labels redrawn authentic images as well as the originals",
        cuts.redrawn_authentic,
        "none",
        REDRAWN,
        ("correct",),
        "correct",
    ),
)
CHECKS = (
    blob("base-blob", says="the baseline's maps are better than the centre blob, own test images", better=BASE),
    blob("whole-blob", says="the whole method's maps are better than the centre blob, own test images", better=WHOLE),
    distilled(
        "unsupervised-ones",
        OURS,
        "self-distillation's maps are better than the all-ones map",
        worse="all-ones map",
        decides="auc_shuffled",
    ),
    distilled(
        "unsupervised-minority",
        OURS,
        "self-distillation's maps are better than a random minority",
        worse="random minority",
        decides="auc_shuffled",
    ),
    always(
        "base-always",
        says="the baseline labels images better than calling all of them tampered",
        better=BASE,
        headline=True,
    ),
    always(
        "whole-always", says="the whole method labels images better than calling all of them tampered", better=WHOLE
    ),
)
STATEMENTS = (*HYPOTHESIS, *COMPONENTS, *VARIATIONS, *POOLINGS, *OTHERS, *CHECKS)
