"""What is compared with what: the methods of the tables, and how each differs from the whole method.

Bridging sections 3.3 and 4.2, Table 2. `late` is the method; `transcam`, `disc` and `teacher` are its parts alone; the
ablations take one part away. `wang` and `tar` are the detectors that the paper compares with. A variant is a method that starts
elsewhere, or learns from other distances: it tells what pre-training gives from what the method gives.
"""

METHODS = {
    "wang": "Wang et al.",
    "tar": "TAR",
    "transcam": "TransCAM",
    "teacher": "Teacher alone",
    "disc": "Discrepancies alone (Eq. 8)",
    "late": "Ours",
    "token": "Ours, discrepancies as a token",
    "late-no-generalizers": "Ours without generalizers",
    "late-no-students": "Ours without students",
}  # method -> its name in tables

VARIANTS = {
    "wang-imagenet": dict(method="wang", start="imagenet", inputs="rgb", precision="32-true"),
    "transcam-imagenet": dict(method="transcam", start="imagenet", inputs="rgb"),
    "teacher-features": dict(method="teacher", extractor="efficientnet_lite0"),
    "late-features": dict(method="late", extractor="efficientnet_lite0"),
    "late-crossfit": dict(method="late", crossfit=2),
}  # variant -> the parameters that make it; bfloat16 slows the depthwise convolutions of the first down on processors
NAMES = METHODS | {
    "wang-imagenet": "Wang et al., ImageNet start",
    "transcam-imagenet": "TransCAM, ImageNet stem",
    "teacher-features": "Teacher alone, ImageNet features",
    "late-features": "Ours, ImageNet features",
    "late-crossfit": "Ours, cross-fitted distances",
}  # method or variant -> its name in tables
BINARY = ("wang", "tar")  # real or fake, no third class and no map
PARTS = {
    "transcam": dict(distillation=False, classifier="none"),
    "teacher": dict(classifier="", students=False),
    "disc": dict(classifier="disc"),
    "late": dict(classifier="late"),
    "token": dict(classifier="token"),
    "late-no-generalizers": dict(classifier="late", generalizers=False),
    "late-no-students": dict(classifier="late", students=False),
}


def parts(method: str) -> dict[str, bool | str]:
    """What a three-class method is made of: dict of distillation, students, generalizers (bool) and classifier.

    classifier: fusion of the Conformer ('none', 'late', 'token'), 'disc' = Eq. 8 alone, '' = the teacher's own output.
    Without students the classifier gets the teacher's probabilities in place of the discrepancies; without generalizers
    the students diverge from the teacher on the fakes as they are.
    """
    if method not in PARTS:
        raise ValueError(f"method={method!r}: expected one of {', '.join(PARTS)}")
    return dict(distillation=True, students=True, generalizers=True) | PARTS[method]
