"""What INR states, and what we check ourselves, as pairs of rows: the two sides of each claim and the metric that decides it.

`decides` follows one rule. Image AUC where methods are compared on images of their own training set, since image labels are
all that they learn from. Shuffled AUC where the question is whether a map finds anything beyond what a fixed place would, and
on sets not trained on. Pixel F1 where the paper prints it alone or first (Figure 1, Tables 1, 5 and 6).

Headlines are the claims that the paper is known for: the hypothesis and Figure 1, each component of Table 4 in the setting that
isolates it, the whole method. Priors are compared on RGB, as in the paper, since a residual input holds much of what they show;
poolings without the contrast, which would blur what they do.
"""

from collections.abc import Callable

from imdlib.inr import cuts
from imdlib.inr.cuts import LABELS, MAPS
from imdlib.inr.methods import DISTILLED, METHODS, WHOLE
from imdlib.inr.premise import INSIDE, OUTSIDE
from imdlib.inr.rows import BLURRED, REDRAWN
from imdlib.pages.claims import Statement

BASE, NRR, OTSU, AGAP = (METHODS[name] for name in ("base", "nrr", "nrr+otsu", "nrr+agap"))
SCL, LITERAL, STANDARD, COUNTER = (METHODS[name] for name in ("nrr+scl", "literal", "standard", "counter"))
HIGHPASS, SRM = (METHODS[f"{name}+scl+agap"] for name in ("highpass", "srm"))
RGB, RGB_NRR, RGB_HIGHPASS, RGB_SRM = (METHODS[f"rgb-{name}"] for name in ("base", "nrr", "highpass", "srm"))
IMAGENET, IMAGENET_WHOLE = METHODS["lite0-base"], METHODS["lite0-whole"]
ERROR = "NRR error, smoothed"
BOTH = (*MAPS, *LABELS)


def kind(
    cut: Callable, decides: str, metrics: tuple[str, ...] = BOTH, *, gate: Callable | None = None, gate_metric: str = ""
) -> Callable[..., Statement]:
    """Function that makes statements of one kind from name, where, says, worse, better and, for a headline, what would overturn it."""

    def stated(name: str, where: str, says: str, worse: str, better: str, overturned: str = "") -> Statement:
        """One statement of this kind."""
        gated = dict(gate=gate, gate_metric=gate_metric, overturned=overturned, headline=bool(overturned))
        return Statement(name, where, says, cut, worse, better, metrics, decides, **gated)

    return stated


decibels = kind(cuts.decibels, "psnr", ("psnr",))
errors = kind(cuts.without_labels, "auc_shuffled", MAPS[2:])
redrawn = kind(cuts.redrawn_tampered, "f1", ("f1", "auc_shuffled"), gate=cuts.redrawn_gate)
relabelled = kind(
    cuts.redrawn_authentic, "correct", ("correct",), gate=cuts.redrawn_labels_gate, gate_metric="image_auc"
)
own = kind(cuts.own_images, "image_auc", gate=cuts.beside_trivial_labels)
away = kind(cuts.other_sets, "auc_shuffled", gate=cuts.beside_trivial_maps)
local = kind(cuts.local_edits, "auc_shuffled", gate=cuts.beside_trivial_maps)
edited = kind(cuts.whole_edits, "image_auc", LABELS, gate=cuts.beside_trivial_labels)
pool = kind(cuts.poolings, "f1", gate=cuts.poolings_gate)
pool_beside = kind(cuts.contrast_poolings, "f1", gate=cuts.contrast_poolings_gate)
taught = kind(cuts.distilled, "f1", (*MAPS, "image_auc"), gate=cuts.distilled_gate)
unlabelled = kind(cuts.without_labels, "f1", MAPS, gate=cuts.without_labels)
seen = kind(cuts.without_labels, "auc_shuffled", MAPS)
maps_beside = kind(cuts.beside_trivial_maps, "auc_shuffled", MAPS)
labels_beside = kind(cuts.beside_trivial_labels, "image_auc", LABELS)

# name, where, what is said, worse, better, what would overturn the verdict (of headlines)
# fmt: off
STATEMENTS = (
    # the hypothesis
    decibels("gap", "section 1, Fig. 2", "tampered pixels are redrawn worse than the rest of the image (PSNR in dB)", INSIDE, OUTSIDE,
        "an NRR trained longer, or of another size, whose PSNR inside the masks lies on the other side of that outside"),
    errors("error", "section 1, Fig. 2", "the NRR's error is larger on tampered pixels than elsewhere (against a random map)",
        "random map", ERROR, "an NRR whose error map has a shuffled AUC on the other side of 0.5 on these images"),
    errors("error-highpass", "section 2.1", "the NRR's error ranks tampered pixels higher than a fixed high-pass filter does",
        "high-pass energy, smoothed", ERROR),
    errors("error-srm", "section 2.1", "the NRR's error ranks tampered pixels higher than SRM filters do",
        "SRM energy, smoothed", ERROR),
    redrawn("redrawn", "section 1, Fig. 1", "the baseline's maps lose more to the NRR than to a blur of equal PSNR", REDRAWN, BLURRED,
        "a detector whose maps lose as much to a blur that is as far from the image as the reconstruction is"),
    redrawn("redrawn-original", "section 1, Fig. 1", "the baseline's maps lose on redrawn images", REDRAWN, "none"),
    relabelled("redrawn-authentic", "section 1, Fig. 1", "the baseline labels redrawn authentic images as well as the originals",
        "none", REDRAWN),
    relabelled("redrawn-authentic-blur", "section 1, Fig. 1",
        "the baseline labels redrawn authentic images better than equally blurred ones", BLURRED, REDRAWN),

    # priors
    own("nrr-rgb", "Table 4", "the error map as an input improves the baseline on RGB, own test images", RGB, RGB_NRR,
        "an NRR, or a scale of its error map, with which the same network learns more than without"),
    own("highpass-rgb", "section 2.1", "on RGB the error map serves better than a fixed high-pass filter", RGB_HIGHPASS, RGB_NRR),
    own("srm-rgb", "section 2.1", "on RGB the error map serves better than SRM filters", RGB_SRM, RGB_NRR,
        "training images on which fixed filters carry no trace of what was done to them"),
    own("nrr", "Table 4", "the error map improves a baseline that sees a residual", BASE, NRR),
    own("residual", "not printed", "the baseline learns more with a high-pass residual beside RGB", RGB, BASE),
    own("highpass", "section 2.1", "in the whole method the NRR serves better than a fixed high-pass filter", HIGHPASS, WHOLE),
    own("srm", "section 2.1", "in the whole method the NRR serves better than SRM filters", SRM, WHOLE),
    away("nrr-away", "Table 4", "the error map improves the baseline, sets not trained on", BASE, NRR),

    # the contrast
    own("scl-alone", "Table 4", "the contrast, whichever form served it better, improves the whole method, all else alike", AGAP, WHOLE,
        "a weight, temperature or start of the contrast, tried for both rows alike, in which it helps (or harms)"),
    own("scl-literal", "Table 4", "the contrast of Eq. 5 as printed improves it", AGAP, LITERAL),
    own("scl-standard", "not printed", "the contrast as standard InfoNCE improves it", AGAP, STANDARD),
    own("scl-form", "not printed", "standard InfoNCE serves better than Eq. 5 as printed", LITERAL, STANDARD),
    own("scl-otsu", "Table 4", "the contrast improves NRR with Otsu's pool, all else alike", OTSU, SCL),
    own("scl", "Table 4", "the contrast, with Otsu's pool for the maximum, improves on NRR", NRR, SCL),
    own("agap", "Table 4", "adaptive pooling improves on that", SCL, WHOLE),
    own("counter", "section 2.3", "keys from the reconstruction, as counter samples, serve better than keys from the image",
        WHOLE, COUNTER),

    # the whole method
    own("whole", "Tables 2, 4", "the whole method improves on the baseline, own test images", BASE, WHOLE,
        "settings of the whole method, found on validation images with as many trials as the baseline has, that beat it"),
    own("whole-literal", "Tables 2, 4", "with Eq. 5 as printed it does", BASE, LITERAL),
    own("whole-standard", "not printed", "with standard InfoNCE it does", BASE, STANDARD),
    away("whole-away", "Tables 2, 3", "the whole method improves on the baseline, sets not trained on", BASE, WHOLE,
        "another training set from which its maps carry over to other sets better than the baseline's"),
    own("whole-imagenet", "Tables 2, 4", "on a backbone that ImageNet trained the whole method improves on the baseline, own test images",
        IMAGENET, IMAGENET_WHOLE, "settings of either row, found with as many trials, under which the order turns"),
    local("magicbrush", "Table 3", "the whole method improves on the baseline on local edits", BASE, WHOLE),
    edited("iedit", "Table 3", "the whole method improves on the baseline on edits of whole images", BASE, WHOLE),

    # poolings, the last five beside the contrast
    pool("pool-max", "Table 6", "adaptive pooling is better than maximum", "max", "adaptive",
        "settings of either pooling under which the other has the higher F1"),
    pool("pool-average", "Table 6", "adaptive pooling is better than average", "average", "adaptive"),
    pool("pool-gem", "Table 6", "adaptive pooling is better than generalized mean", "gem", "adaptive"),
    pool("pool-smooth", "Table 6", "adaptive pooling is better than global smooth", "smooth", "adaptive"),
    pool("pool-otsu", "Table 6", "adaptive pooling is better than Otsu alone", "otsu", "adaptive"),
    pool_beside("pool-scl-max", "Table 6", "beside the contrast adaptive pooling is better than maximum", "max", "adaptive"),
    pool_beside("pool-scl-average", "Table 6", "beside the contrast adaptive pooling is better than average", "average", "adaptive"),
    pool_beside("pool-scl-gem", "Table 6", "beside the contrast adaptive pooling is better than generalized mean", "gem", "adaptive"),
    pool_beside("pool-scl-smooth", "Table 6", "beside the contrast adaptive pooling is better than global smooth", "smooth", "adaptive"),
    pool_beside("pool-scl-otsu", "Table 6", "beside the contrast adaptive pooling is better than Otsu alone", "otsu", "adaptive"),

    # without labels
    taught("selection", "Table 5", "selection of pseudo-labels improves self-distillation, own test images",
        f"{DISTILLED}, without selection", DISTILLED),
    taught("start", "not printed", "self-distillation that starts with as many images on either side of 0.5 beats a random start",
        f"{DISTILLED}, random start", DISTILLED),
    unlabelled("unsupervised-error", "Table 1", "self-distillation beats the error map cut at Otsu's threshold",
        "NRR error, Otsu", DISTILLED),
    seen("unsupervised-ones", "not printed", "self-distillation's maps are better than the all-ones map", "all-ones map", DISTILLED),
    seen("unsupervised-minority", "not printed", "self-distillation's maps are better than a random minority",
        "random minority", DISTILLED),

    # beside what looks at no image
    maps_beside("base-blob", "not printed", "the baseline's maps are better than the centre blob, own test images", "centre blob", BASE),
    maps_beside("whole-blob", "not printed", "the whole method's maps are better than the centre blob, own test images",
        "centre blob", WHOLE),
    labels_beside("base-always", "not printed", "the baseline labels images better than calling all of them tampered",
        "always tampered", BASE, "other images of the same set, of which it ranks no more than half of the pairs rightly"),
    labels_beside("whole-always", "not printed", "the whole method labels images better than calling all of them tampered",
        "always tampered", WHOLE),
)
# fmt: on
