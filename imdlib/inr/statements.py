"""What INR states, and what we check ourselves, as pairs of rows: the two sides of each claim and the metric that decides it.

`decides` follows one rule. Image AUC where methods are compared on images of their own training set, since image labels are
all that they learn from. Shuffled AUC where the question is whether a map finds anything beyond what a fixed place would, and
on sets not trained on. Pixel F1 where the paper prints it alone or first (Figure 1, Tables 1, 5 and 6).

Headlines are the claims that the paper is known for: the hypothesis and Figure 1, each component of Table 4 in the setting that
isolates it, the whole method. Priors are compared on RGB, as in the paper, since a residual input holds much of what they show;
poolings without the contrast, which would blur what they do.
"""

from functools import partial

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
POOLS = {
    "max": "maximum",
    "average": "average",
    "gem": "generalized mean",
    "smooth": "global smooth",
    "otsu": "Otsu alone",
}
OURS = "not printed"  # checks that no paper prints

BOTH = (*MAPS, *LABELS)
labels = partial(Statement, metrics=BOTH, decides="image_auc", gate=cuts.beside_trivial_labels)
error = partial(Statement, cut=cuts.without_labels, better=ERROR, metrics=MAPS[2:], decides="auc_shuffled")
part = partial(labels, cut=cuts.own_images)
away = partial(Statement, cut=cuts.other_sets, metrics=BOTH, decides="auc_shuffled", gate=cuts.beside_trivial_maps)
pool = partial(Statement, where="Table 6", better="adaptive", metrics=BOTH, decides="f1")
pool_alone = partial(pool, cut=cuts.poolings, gate=cuts.poolings_gate)
pool_beside = partial(pool, cut=cuts.contrast_poolings, gate=cuts.contrast_poolings_gate)
distilled = partial(Statement, cut=cuts.without_labels, better=DISTILLED, metrics=MAPS)
taught = partial(
    Statement,
    cut=cuts.distilled,
    better=DISTILLED,
    metrics=(*MAPS, "image_auc"),
    decides="f1",
    gate=cuts.distilled_gate,
)
redrawn = partial(Statement, where="section 1, Fig. 1", decides="f1", metrics=("f1", "auc_shuffled"))
redrawn_maps = partial(redrawn, cut=cuts.redrawn_tampered, worse=REDRAWN, gate=cuts.redrawn_gate)
redrawn_labels = partial(
    redrawn,
    cut=cuts.redrawn_authentic,
    better=REDRAWN,
    metrics=("correct",),
    decides="correct",
    gate=cuts.redrawn_labels_gate,
    gate_metric="image_auc",
)
blob = partial(
    Statement, where=OURS, cut=cuts.beside_trivial_maps, worse="centre blob", metrics=MAPS, decides="auc_shuffled"
)
always = partial(
    Statement, where=OURS, cut=cuts.beside_trivial_labels, worse="always tampered", metrics=LABELS, decides="image_auc"
)

HYPOTHESIS = (
    Statement(
        "gap",
        "section 1, Fig. 2",
        "tampered pixels are redrawn worse than the rest of the image (PSNR in dB)",
        cuts.decibels,
        INSIDE,
        OUTSIDE,
        ("psnr",),
        "psnr",
        headline=True,
        overturned="an NRR trained longer, or of another size, whose PSNR inside the masks lies on the other side of that outside",
    ),
    error(
        "error",
        "section 1, Fig. 2",
        "the NRR's error is larger on tampered pixels than elsewhere (against a random map)",
        worse="random map",
        headline=True,
        overturned="an NRR whose error map has a shuffled AUC on the other side of 0.5 on these images",
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
    redrawn_maps(
        "redrawn",
        says="the baseline's maps lose more to the NRR than to a blur of equal PSNR",
        better=BLURRED,
        headline=True,
        overturned="a detector whose maps lose as much to a blur that is as far from the image as the reconstruction is",
    ),
    redrawn_maps("redrawn-original", says="the baseline's maps lose on redrawn images", better="none"),
    redrawn_labels(
        "redrawn-authentic",
        says="the baseline labels redrawn authentic images as well as the originals",
        worse="none",
    ),
    redrawn_labels(
        "redrawn-authentic-blur",
        says="the baseline labels redrawn authentic images better than equally blurred ones",
        worse=BLURRED,
    ),
)
PRIORS = (
    part(
        "nrr-rgb",
        "Table 4",
        "the error map as an input improves the baseline on RGB, own test images",
        worse=RGB,
        better=RGB_NRR,
        headline=True,
        overturned="an NRR, or a scale of its error map, with which the same network learns more than without",
    ),
    part(
        "highpass-rgb",
        "section 2.1",
        "on RGB the error map serves better than a fixed high-pass filter",
        worse=RGB_HIGHPASS,
        better=RGB_NRR,
    ),
    part(
        "srm-rgb",
        "section 2.1",
        "on RGB the error map serves better than SRM filters",
        worse=RGB_SRM,
        better=RGB_NRR,
        headline=True,
        overturned="training images on which fixed filters carry no trace of what was done to them",
    ),
    part("nrr", "Table 4", "the error map improves a baseline that sees a residual", worse=BASE, better=NRR),
    part("residual", OURS, "the baseline learns more with a high-pass residual beside RGB", worse=RGB, better=BASE),
    part(
        "highpass",
        "section 2.1",
        "in the whole method the NRR serves better than a fixed high-pass filter",
        worse=HIGHPASS,
        better=WHOLE,
    ),
    part("srm", "section 2.1", "in the whole method the NRR serves better than SRM filters", worse=SRM, better=WHOLE),
    away("nrr-away", "Table 4", "the error map improves the baseline, sets not trained on", worse=BASE, better=NRR),
)
CONTRAST = (
    part(
        "scl-alone",
        "Table 4",
        "the contrast, whichever form served it better, improves the whole method, all else alike",
        worse=AGAP,
        better=WHOLE,
        headline=True,
        overturned="a weight, temperature or start of the contrast, tried for both rows alike, in which it helps (or harms)",
    ),
    part("scl-literal", "Table 4", "the contrast of Eq. 5 as printed improves it", worse=AGAP, better=LITERAL),
    part("scl-standard", OURS, "the contrast as standard InfoNCE improves it", worse=AGAP, better=STANDARD),
    part("scl-form", OURS, "standard InfoNCE serves better than Eq. 5 as printed", worse=LITERAL, better=STANDARD),
    part("scl-otsu", "Table 4", "the contrast improves NRR with Otsu's pool, all else alike", worse=OTSU, better=SCL),
    part("scl", "Table 4", "the contrast, with Otsu's pool for the maximum, improves on NRR", worse=NRR, better=SCL),
    part("agap", "Table 4", "adaptive pooling improves on that", worse=SCL, better=WHOLE),
    part(
        "counter",
        "section 2.3",
        "keys from the reconstruction, as counter samples, serve better than keys from the image",
        worse=WHOLE,
        better=COUNTER,
    ),
)
WHOLE_METHOD = (
    part(
        "whole",
        "Tables 2, 4",
        "the whole method improves on the baseline, own test images",
        worse=BASE,
        better=WHOLE,
        headline=True,
        overturned="settings of the whole method, found on validation images with as many trials as the baseline has, that beat it",
    ),
    part("whole-literal", "Tables 2, 4", "with Eq. 5 as printed it does", worse=BASE, better=LITERAL),
    part("whole-standard", OURS, "with standard InfoNCE it does", worse=BASE, better=STANDARD),
    away(
        "whole-away",
        "Tables 2, 3",
        "the whole method improves on the baseline, sets not trained on",
        worse=BASE,
        better=WHOLE,
        headline=True,
        overturned="another training set from which its maps carry over to other sets better than the baseline's",
    ),
    part(
        "whole-imagenet",
        "Tables 2, 4",
        "on a backbone that ImageNet trained the whole method improves on the baseline, own test images",
        worse=IMAGENET,
        better=IMAGENET_WHOLE,
        headline=True,
        overturned="settings of either row, found with as many trials, under which the order turns",
    ),
    Statement(
        "magicbrush",
        "Table 3",
        "the whole method improves on the baseline on local edits",
        cuts.local_edits,
        BASE,
        WHOLE,
        BOTH,
        "auc_shuffled",
        gate=cuts.beside_trivial_maps,
    ),
    labels(
        "iedit",
        "Table 3",
        "the whole method improves on the baseline on edits of whole images",
        cuts.whole_edits,
        BASE,
        WHOLE,
        metrics=LABELS,
    ),
)
POOLINGS = (
    *(
        pool_alone(
            f"pool-{key}",
            says=f"adaptive pooling is better than {words}",
            worse=key,
            headline=key == "max",
            overturned="settings of either pooling under which the other has the higher F1" if key == "max" else "",
        )
        for key, words in POOLS.items()
    ),
    *(
        pool_beside(f"pool-scl-{key}", says=f"beside the contrast adaptive pooling is better than {words}", worse=key)
        for key, words in POOLS.items()
    ),
)
WITHOUT_LABELS = (
    taught(
        "selection",
        "Table 5",
        "selection of pseudo-labels improves self-distillation, own test images",
        worse=f"{DISTILLED}, without selection",
    ),
    taught(
        "start",
        OURS,
        "self-distillation that starts with as many images on either side of 0.5 beats a random start",
        worse=f"{DISTILLED}, random start",
    ),
    distilled(
        "unsupervised-error",
        "Table 1",
        "self-distillation beats the error map cut at Otsu's threshold",
        worse="NRR error, Otsu",
        decides="f1",
        gate=cuts.without_labels,
    ),
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
)
CHECKS = (
    blob("base-blob", says="the baseline's maps are better than the centre blob, own test images", better=BASE),
    blob("whole-blob", says="the whole method's maps are better than the centre blob, own test images", better=WHOLE),
    always(
        "base-always",
        says="the baseline labels images better than calling all of them tampered",
        better=BASE,
        headline=True,
        overturned="other images of the same set, of which it ranks no more than half of the pairs rightly",
    ),
    always(
        "whole-always", says="the whole method labels images better than calling all of them tampered", better=WHOLE
    ),
)
STATEMENTS = (*HYPOTHESIS, *PRIORS, *CONTRAST, *WHOLE_METHOD, *POOLINGS, *WITHOUT_LABELS, *CHECKS)
