"""What the parameters of INR's notebooks may be, where all studies do not share it."""

from imdlib.baselines.names import DETECTORS
from imdlib.choices import COUNT, MANY, Rule, at_least, between, each, one_of, some
from imdlib.inr.space import ROWS

CHOICES = {
    "mode": one_of("weak", "unsupervised", "supervised"),
    "row": one_of("", *ROWS),
    "detector": one_of(*DETECTORS),
    "variant": one_of(*dict.fromkeys(row.fixed["variant"] for row in ROWS.values())),
    "trial": at_least(-1),
    "chosen_on": one_of("val", "test"),
    "pooling": one_of("", "adaptive", "otsu", "max", "average", "gem", "smooth"),
    "selection": one_of("agreement", "all"),
    "shallow": one_of("norm", "literal"),
    "start": one_of("centred", "random"),
    "labels": one_of("image", "crop"),
    "form": one_of("literal", "standard"),
    "beta": at_least(0),
    "contrast_from": between(0, 1),
    "counter": one_of("none", "reconstructed"),
    "scl_on": one_of("proj", "feat"),
    "m_rule": one_of("minority", "low"),
    "feat": one_of("fused", "stage4"),
    "backbone": one_of("resnet18", "resnet34", "resnet50", "resnet101", "efficientnet_lite0"),
    "run.keep": one_of("last", "val_image_auc"),
    "nrr.keep": one_of("last", "fidelity"),
    "run.proj": each(MANY, 2),
    "recompressed": between(0, 100),
    "frequencies": COUNT,
    "nrr.width": MANY,
    "nrr.stride": one_of(1, 2, 4),
    "nrr.blocks": COUNT,
    "nrr.channels": MANY,
    "nrr.hidden": some(MANY),
    "nrr.norm": one_of("none", "instance"),
    "nrr.span": COUNT,
    "nrr.box": Rule("an odd number of pixels", lambda side: side % 2 == 1 and side > 0),
    "2_matching_and_clusters.share": between(0, 1),
    "4_pooling.share": between(0, 1),
    "5_self_distillation.shared": between(0, 1),
}
