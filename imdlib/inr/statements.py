"""What INR states, and what we check ourselves, as pairs of rows: the two sides of each claim and the metric that decides it.

`decides` follows one rule. Pixel F1 where the paper prints it alone or first (Figure 1, Tables 1, 2, 4, 5 and 6), with a twin about
image labels (`*-labels`) beside the claims of Tables 2 and 4 that it is known for. Shuffled AUC where the question is whether a map
finds anything beyond what a fixed place would, and on sets not trained on, to which no threshold carries over. Whether anything was
learned at all is asked of shuffled AUC (maps) or image AUC (labels): calling everything tampered has a high F1.

Headlines are the claims that the paper is known for: the hypothesis and Figure 1, each component in the setting that isolates it,
the whole method beside its baseline and beside WSCL, and self-distillation beside classic detectors. Its input is RGB; where both
sides see a high-pass residual besides, which holds much of what a prior shows, the claim says so.
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
RGB, RGB_NRR, RGB_HIGHPASS, RGB_SRM = (METHODS[f"rgb-{name}"] for name in ("base", "nrr", "highpass", "srm"))
RGB_WHOLE, WSCL, MVSS = METHODS["rgb-whole"], METHODS["wscl"], METHODS["mvss"]
IMAGENET, IMAGENET_WHOLE = METHODS["lite0-base"], METHODS["lite0-whole"]
ERROR = "NRR error, smoothed"
TURNED = "under which the difference lies on the other side of zero"
LONGER = f"an NRR trained longer, or of another size, {TURNED}"
SETTINGS = f"settings of either, found on validation images, {TURNED}"
ELSEWHERE = f"another training set, {TURNED}"
GATES = {
    "f1": "auc_shuffled",
    "change": "auc_shuffled",
    "correct": "image_auc",
}  # what decides -> what its gate looks at, where another
BOTH = (*MAPS, *LABELS)


FILES = "what the form of the files alone tells of the label, below Table 2"
BORROWED = "the other pool has the whole method's settings, and none of its own"
COLLAPSE = "whether self-distillation learned anything, below Table 5; which detector is the best, in Table 1"
BLUR = "what a blur of equal PSNR takes, in the table of Figure 1"


def kind(
    cut: Callable, decides: str, metrics: tuple[str, ...] = BOTH, *, gate: Callable | None = None, read_with: str = ""
) -> Callable[..., Statement]:
    """Function that makes statements of one kind from name, where, says, worse, better and, for a headline, what would overturn it."""

    def stated(name: str, where: str, says: str, worse: str, better: str, overturned: str = "") -> Statement:
        """One statement of this kind."""
        gated = dict(gate=gate, gate_metric=GATES.get(decides, "") if gate else "")
        gated |= dict(overturned=overturned, headline=bool(overturned), read_with=read_with)
        return Statement(name, where, says, cut, worse, better, metrics, decides, **gated)

    return stated


decibels = kind(cuts.decibels, "psnr", ("psnr",))
errors = kind(cuts.error_maps, "auc_shuffled", MAPS)
errors_beside = kind(cuts.error_maps, "auc_shuffled", MAPS, gate=cuts.error_gate)
redrawn = kind(cuts.redrawn_tampered, "f1", ("f1", "auc_shuffled"), gate=cuts.redrawn_gate, read_with=BLUR)
redrawn_blur = kind(cuts.redrawn_tampered, "auc_shuffled", ("f1", "auc_shuffled"), gate=cuts.redrawn_gate)
changed = kind(cuts.redrawn_changes, "change", ("change",), gate=cuts.redrawn_gate)
relabelled = kind(cuts.redrawn_authentic, "correct", ("correct",), gate=cuts.redrawn_labels_gate)
own = kind(cuts.own_images, "f1", gate=cuts.beside_trivial_maps)
labelled = kind(cuts.own_images, "image_auc", gate=cuts.beside_trivial_labels, read_with=FILES)
away = kind(cuts.other_sets, "auc_shuffled", gate=cuts.beside_trivial_maps)
copied = kind(cuts.same_source, "auc_shuffled", gate=cuts.beside_trivial_maps)
local = kind(cuts.local_edits, "auc_shuffled", gate=cuts.local_gate)
edited = kind(cuts.whole_edits, "image_auc", LABELS, gate=cuts.beside_trivial_labels)
pool = kind(cuts.poolings, "f1", gate=cuts.poolings_gate)
pool_beside = kind(cuts.contrast_poolings, "f1", gate=cuts.contrast_poolings_gate, read_with=BORROWED)
taught = kind(cuts.distilled, "f1", (*MAPS, "image_auc"), gate=cuts.distilled_gate)
unlabelled = kind(cuts.unlabelled, "f1", MAPS, gate=cuts.distilled_gate, read_with=COLLAPSE)
beside_error = kind(cuts.without_labels, "f1", MAPS, gate=cuts.without_labels)
seen = kind(cuts.without_labels, "auc_shuffled", MAPS)
maps_beside = kind(cuts.beside_trivial_maps, "auc_shuffled", MAPS)
labels_beside = kind(cuts.beside_trivial_labels, "image_auc", LABELS, read_with=FILES)

# name, where, what is said, worse, better, what would overturn the verdict (of headlines)
# fmt: off
STATEMENTS = (
    # the hypothesis
    decibels("gap", "section 1, Fig. 2", "tampered pixels are redrawn worse than the rest of the image",
        INSIDE, OUTSIDE, LONGER),
    errors("error", "section 1, Fig. 2", "the NRR's error, smoothed, is larger on tampered pixels than elsewhere (beside a random map)",
        "random map", ERROR, LONGER),
    errors_beside("error-highpass", "section 2.1", "the NRR's error ranks tampered pixels higher than a fixed high-pass filter does",
        "high-pass energy, smoothed", ERROR),
    errors_beside("error-srm", "section 2.1", "the NRR's error ranks tampered pixels higher than SRM filters do",
        "SRM energy, smoothed", ERROR),
    redrawn("redrawn-original", "section 1, Fig. 1", "detectors that learned from masks lose on redrawn tampered images", REDRAWN, "none",
        f"detectors of the paper's size and training sets, {TURNED}"),
    redrawn_blur("redrawn", "not printed", "these detectors lose more to the NRR than to a blur of equal PSNR", REDRAWN, BLURRED),
    changed("redrawn-authentic", "section 1, Fig. 1", "their accuracy on authentic images falls less than their F1 on tampered ones",
        cuts.TAMPERED, cuts.AUTHENTIC),
    relabelled("redrawn-authentic-blur", "not printed", "these detectors label redrawn authentic images better than blurred ones",
        BLURRED, REDRAWN),

    # priors
    own("nrr-rgb", "Table 4", "on RGB the error map as an input improves the baseline, own test images", RGB, RGB_NRR,
        f"an NRR, or a scale of its error map, {TURNED}"),
    labelled("nrr-rgb-labels", "Table 4", "on RGB the error map as an input improves labels of images", RGB, RGB_NRR),
    own("highpass-rgb", "section 2.1", "on RGB the error map serves better than a fixed high-pass filter",
        RGB_HIGHPASS, RGB_NRR),
    own("srm-rgb", "section 2.1", "on RGB the error map serves better than SRM filters (one channel against three)", RGB_SRM, RGB_NRR,
        "training images on which fixed filters carry no trace of what was done to them"),
    copied("srm-rgb-copied", "section 2.1",
        "on RGB the error map serves better than SRM filters on copy-move, which takes its pixels from the same image", RGB_SRM, RGB_NRR),
    own("nrr", "Table 4", "the error map improves a baseline that sees a residual, own test images", BASE, NRR),
    own("residual", "not printed", "the baseline learns more with a high-pass residual beside RGB", RGB, BASE),
    away("nrr-away", "Table 4", "the error map improves a baseline that sees a residual, sets not trained on", BASE, NRR),

    # the contrast, all with a high-pass residual
    own("scl-alone", "not printed", "the contrast, whichever form served it better, improves the whole method, both tuned", AGAP, WHOLE,
        f"a weight, temperature or start of the contrast, {TURNED}"),
    labelled("scl-alone-labels", "not printed", "the contrast improves the whole method's labels of images", AGAP, WHOLE),
    own("scl-literal", "not printed", "the contrast of Eq. 5 as printed improves the whole method, both tuned", AGAP, LITERAL),
    own("scl-standard", "not printed", "the contrast as standard InfoNCE improves the whole method, both tuned", AGAP, STANDARD),
    own("scl-form", "not printed", "standard InfoNCE serves better than Eq. 5 as printed", LITERAL, STANDARD),
    own("scl-otsu", "not printed", "the contrast improves NRR with Otsu's pool, both tuned", OTSU, SCL),
    own("scl", "Table 4", "the contrast, with Otsu's pool for the maximum, improves on NRR", NRR, SCL),
    own("agap", "Table 4", "adaptive pooling improves on NRR with the contrast and Otsu's pool", SCL, WHOLE),
    own("counter", "section 2.3", "keys from the reconstruction, as counter samples, serve better than keys from the image",
        WHOLE, COUNTER),

    # the whole method
    own("whole", "Tables 2, 4", "the whole method improves on the baseline, both with a residual, own test images", BASE, WHOLE,
        SETTINGS),
    labelled("whole-labels", "Tables 2, 4", "the whole method improves on the baseline's labels of images", BASE, WHOLE,
        SETTINGS),
    own("whole-rgb", "Tables 2, 4", "on RGB alone the whole method improves on the baseline, own test images", RGB, RGB_WHOLE,
        SETTINGS),
    labelled("whole-rgb-labels", "Tables 2, 4", "on RGB alone the whole method improves on the baseline's labels of images", RGB,
        RGB_WHOLE),
    own("whole-literal", "Tables 2, 4", "with Eq. 5 as printed the whole method improves on the baseline", BASE, LITERAL),
    own("whole-standard", "not printed", "with standard InfoNCE the whole method improves on the baseline", BASE, STANDARD),
    away("whole-away", "Tables 2, 3", "the whole method improves on the baseline, both with a residual, sets not trained on", BASE, WHOLE,
        ELSEWHERE),
    own("wscl", "Table 2", "the whole method is better than WSCL, own test images", WSCL, WHOLE,
        SETTINGS),
    labelled("wscl-labels", "Table 2", "the whole method's labels of images are better than WSCL's", WSCL, WHOLE),
    away("wscl-away", "Table 2", "the whole method is better than WSCL, sets not trained on", WSCL, WHOLE,
        ELSEWHERE),
    own("whole-imagenet", "not printed", "on a backbone that ImageNet trained the whole method improves on the baseline",
        IMAGENET, IMAGENET_WHOLE, SETTINGS),
    labelled("whole-imagenet-labels", "not printed", "on a backbone that ImageNet trained it improves on the baseline's labels of images",
        IMAGENET, IMAGENET_WHOLE),
    local("magicbrush", "Table 3", "the whole method improves on the baseline on local edits", BASE, WHOLE),
    local("magicbrush-masks", "Table 3", "the whole method is better on local edits than MVSS-Net, which learned from masks", MVSS, WHOLE,
        f"MVSS-Net at the size and with the images of its authors, {TURNED}"),
    edited("iedit", "Table 3", "the whole method improves on the baseline on edits of whole images", BASE, WHOLE),

    # poolings: in the whole method, then without the contrast, where what adaptive pooling matches comes from an untrained projection
    pool_beside("pool-scl-max", "Table 6", "in the whole method adaptive pooling is better than maximum", "max", "adaptive",
        f"settings of either pooling, {TURNED}"),
    pool_beside("pool-scl-average", "Table 6", "in the whole method adaptive pooling is better than average", "average", "adaptive"),
    pool_beside("pool-scl-gem", "Table 6", "in the whole method adaptive pooling is better than generalized mean", "gem", "adaptive"),
    pool_beside("pool-scl-smooth", "Table 6", "in the whole method adaptive pooling is better than global smooth", "smooth", "adaptive"),
    pool("pool-max", "not printed", "without the contrast adaptive pooling is better than maximum", "max", "adaptive"),
    pool("pool-average", "not printed", "without the contrast adaptive pooling is better than average", "average", "adaptive"),
    pool("pool-gem", "not printed", "without the contrast adaptive pooling is better than generalized mean", "gem", "adaptive"),
    pool("pool-smooth", "not printed", "without the contrast adaptive pooling is better than global smooth", "smooth", "adaptive"),
    pool("pool-otsu", "not printed", "without the contrast adaptive pooling is better than Otsu alone", "otsu", "adaptive"),

    # without labels
    unlabelled("unsupervised", "Table 1", "self-distillation is better than the best classic detector, all sets with masks",
        cuts.CLASSIC, DISTILLED, f"images with the traces that classic detectors look for, {TURNED}"),
    taught("selection", "Table 5", "selection of pseudo-labels improves self-distillation, own test images",
        f"{DISTILLED}, without selection", DISTILLED, f"a length or rate of self-distillation, {TURNED}"),
    taught("start", "not printed", "self-distillation that starts with as many images on either side of 0.5 beats a random start",
        f"{DISTILLED}, random start", DISTILLED),
    beside_error("unsupervised-error", "not printed", "self-distillation beats the error map cut at Otsu's threshold",
        "NRR error, Otsu", DISTILLED),
    seen("unsupervised-ones", "not printed", "self-distillation's maps are better than the all-ones map", "all-ones map", DISTILLED),
    seen("unsupervised-minority", "not printed", "self-distillation's maps are better than a random minority",
        "random minority", DISTILLED),

    # beside what looks at no image
    maps_beside("base-blob", "not printed", "the baseline's maps are better than the centre blob, own test images", "centre blob", BASE),
    maps_beside("whole-blob", "not printed", "the whole method's maps are better than the centre blob, own test images",
        "centre blob", WHOLE),
    labels_beside("base-always", "not printed", "the baseline labels images better than calling all of them tampered",
        "always tampered", BASE),
    labels_beside("whole-always", "not printed", "the whole method labels images better than calling all of them tampered",
        "always tampered", WHOLE),
)
# fmt: on
