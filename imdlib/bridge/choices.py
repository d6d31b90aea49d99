"""What the parameters of Bridging's notebooks may be, where all studies do not share it."""

from imdlib.bridge.methods import METHODS
from imdlib.choices import COUNT, MANY, Rule, above, at_least, between, each, one_of, some

CHOICES = {
    "method": one_of(*METHODS),
    "distillation": each(MANY, 3),
    "disc_on": one_of("logits", "feature"),
    "margin": above(0),
    "order": one_of("epoch", "once", "per_step"),
    "teacher_epochs": MANY,
    "teacher_passes": MANY,
    "crossfit": Rule("0 or at least 2", lambda value: value == 0 or value > 1),
    "start": one_of("random", "imagenet"),
    "keep": one_of("last", "val_recall", "val_auc", "val_both"),
    "conformer": each(MANY, 4),
    "scales": some(above(0)),
    "backbone_width": above(0),
    "backbone_stride": one_of(1, 2, 4),
    "perturbed": between(0, 1),
    "tar_blocks": MANY,
    "rotation": at_least(0),
    "spectrum_images": COUNT,
    "perplexities": each(above(0)),
    "2_generalizers.starts": MANY,
    "2_generalizers.adversary": COUNT,
    "3_two_branches.distance": between(2, 14),
    "4_cam_times_attention.temperature": above(0),
    "4_cam_times_attention.layers": MANY,
}
