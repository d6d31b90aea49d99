"""What Bridging states, and what we check besides: which rows decide each statement, and which of them the README shows.

`kinds` says by which number each kind of statement is decided, and what its gate is.
"""

from dataclasses import replace

from imdlib.bridge.cuts import (
    OURS,
    SPACES,
    fully_fakes,
    own_images,
    spaces_of_partly,
    unseen_generators,
    unseen_maps,
)
from imdlib.bridge.gates import rival_learned
from imdlib.bridge.kinds import detects, helps, loses_less, orders, parts_classes, real, tells, traces
from imdlib.bridge.measures import blind, ordering, probe
from imdlib.bridge.measures.labelled import NAMES
from imdlib.bridge.measures.maps import DRAWN, PLAIN
from imdlib.bridge.methods import NAMES as TITLES

WANG, TAR, TRANSCAM, TEACHER, ALONE = (TITLES[key] for key in ("wang", "tar", "transcam", "teacher", "disc"))
FEATURES, CROSSED, STARTED = (TITLES[key] for key in ("late-features", "late-crossfit", "wang-imagenet"))
WITHOUT, EQUAL = (f", {NAMES[key]}" for key in ("with_fully", "equal_passes"))
HEADLINES = {
    "unseen-tar",
    "drop-wang",
    "drop-tar",
    "whole-wang",
    "three-transcam",
    "three-transcam-unseen",
    "three-teacher-unseen",
    "three-disc-unseen",
    "students-unseen",
    "generalizers-unseen",
    "order-4",
    "order-5",
    "real-nearer",
    "space-transcam",
    "attention",
    "map-blob",
    "map-blob-unseen",
}  # names of the statements that the README shows
# fmt: off
SAID = (
    detects("unseen-tar", "Table 2", "ours beats TAR on unseen generators", unseen_generators, TAR, OURS),
    detects("unseen-wang", "not printed", "ours beats Wang et al. on unseen generators, whose mean Table 2 has above ours",
            unseen_generators, WANG, OURS),
    detects("equal-wang-unseen", "not printed", "ours beats Wang et al. with as many passes, unseen generators",
            unseen_generators, WANG + EQUAL, OURS),
    detects("features-wang-unseen", "not printed", "on frozen ImageNet features and the residual, ours beats Wang et al. "
            "trained on from ImageNet, unseen generators", unseen_generators, STARTED, FEATURES),
    loses_less("drop-wang", "section 4.2.1", "ours drops less than Wang et al. from trained to unseen generators", WANG),
    loses_less("equal-drop-wang", "not printed", "ours drops less than Wang et al. with as many passes", WANG + EQUAL),
    loses_less("drop-tar", "section 4.2.1", "ours drops less than TAR from trained to unseen generators", TAR),
    detects("home-wang", "Table 2", "in domain Wang et al. stand above ours", own_images, OURS, WANG),
    detects("home-tar", "Table 2", "in domain TAR stands above ours", own_images, OURS, TAR),
    detects("whole-wang", "section 4.2.1", "trained without fully fake images, ours calls them better than Wang et al.",
            fully_fakes, WANG + WITHOUT, OURS + WITHOUT, gate=rival_learned),
    detects("fully-ours", "section 3.2", "ours calls fully fake images better if trained on some",
            fully_fakes, OURS + WITHOUT, OURS),
    detects("fully-wang", "section 4.2.1", "Wang et al. call fully fake images better if trained on some",
            fully_fakes, WANG + WITHOUT, WANG),
    *tells("teacher", "section 3.2", "ours beats its teacher alone, both tuned", TEACHER, OURS),
    *tells("disc", "section 3.4", "ours beats its discrepancies alone", ALONE, OURS),
    *tells("transcam", "section 3.3", "tower and discrepancies improve TransCAM", TRANSCAM, OURS),
    *tells("crossfit", "not printed", "distances on images held out improve ours", OURS, CROSSED),
    *tells("features-teacher", "section 3.2", "with ImageNet features, ours beats its teacher",
           TITLES["teacher-features"], FEATURES),
    *helps("generalizers", "section 3.3", "the generalizers help", TITLES["late-no-generalizers"], OURS),
    *helps("students", "section 3.2", "students' discrepancies help against the teacher's probabilities",
           TITLES["late-no-students"], OURS),
    *helps("discrepancies", "section 3.3", "tower and discrepancies improve TransCAM", TRANSCAM, OURS),
    *helps("conformer", "section 3.4", "the Conformer helps against discrepancies alone", ALONE, OURS),
    *helps("teacher", "section 3.2", "ours beats its teacher alone, both tuned", TEACHER, OURS),
    *helps("distillation", "section 3.2", "discrepancies alone beat their teacher alone, both tuned", TEACHER, ALONE),
    *helps("token", "not printed", "adding logits is better than adding a token", TITLES["token"], OURS),
    *helps("crossfit", "not printed", "distances on images held out improve ours", OURS, CROSSED),
    *helps("standin", "not printed", "with the stand-in ours beats ours with ImageNet features", FEATURES, OURS),
    *helps("pretrained-wang", "not printed", "a start from ImageNet improves Wang et al.", WANG, STARTED),
    *helps("pretrained-transcam", "not printed", "a stem from ImageNet improves TransCAM",
           TRANSCAM, TITLES["transcam-imagenet"]),
    *(orders(f"order-{number}", says) for number, says in enumerate(ordering.METRICS)),
    real("real-near", "after training, most real images have both squared distances below a quarter of the margin", "near"),
    real("real-nearer", "training brings real images nearer than untrained students beside the trained teacher", "nearer"),
    parts_classes("space-tower", "training parts the classes better than the tower's features do",
                  OURS + SPACES["knn_extractor"], OURS + SPACES["knn_final"]),
    parts_classes("space-transcam", "the features of ours part real and partly fake images better than those of TransCAM",
                  TRANSCAM + SPACES["knn_final"], OURS + SPACES["knn_final"], cut=spaces_of_partly),
    traces("attention", "section 3.5", "attention improves the activation map of ours", OURS + PLAIN, OURS + DRAWN),
    traces("attention-transcam", "section 3.5", "attention improves the activation map of TransCAM",
           TRANSCAM + PLAIN, TRANSCAM + DRAWN),
    traces("discrepancies-map", "section 3.3", "tower and discrepancies improve TransCAM's map",
           TRANSCAM + DRAWN, OURS + DRAWN),
    traces("attention-unseen", "section 3.5", "attention improves the activation map of ours, unseen generators",
           OURS + PLAIN, OURS + DRAWN, cut=unseen_maps),
    traces("map-blob", "section 4.2.2", "the map of ours, drawn whatever the class, finds tampered pixels better than the centre blob",
           "centre blob", OURS + DRAWN, gate=None),
    traces("map-blob-unseen", "section 4.2.2", "the map of ours, drawn whatever the class, beats the centre blob, unseen generators",
           "centre blob", OURS + DRAWN, gate=None, cut=unseen_maps),
    traces("map-ones", "not printed", "the map of ours, as inference gives it, is better than the all-ones map",
           "all-ones map", OURS, decides="f1", gate=None),
    detects("ours-always", "not printed", "ours calls images better than always fake", own_images, blind.FAKE, OURS,
            gate=None),
    detects("wang-always", "not printed", "Wang et al. call images better than always fake", own_images, blind.FAKE, WANG,
            gate=None),
    *helps("ours-probe", "not printed", "ours calls images better than a linear probe on the same features",
           probe.METHOD, OURS),
)
# fmt: on
STATEMENTS = tuple(replace(one, headline=one.name in HEADLINES) for one in SAID)
