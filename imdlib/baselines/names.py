"""Names of the baselines in tables; light, so that planning a study loads no network."""

DETECTORS = {
    "ela": "ELA",
    "noi": "NOI",
    "cfa1": "CFA1",
    "ivc": "IVC",
    "mca": "MCA",
    "camera-traces": "camera traces (Noiseprint-like)",
}  # detector that nobody trains on a study's images -> its name in tables
LOCALIZERS = {
    "fcn": "FCN",
    "rru": "RRU-Net",
    "mvss": "MVSS-Net",
    "vit": "ViT localizer",
}  # localizer that learns from pixel masks -> its name in tables
WEAK = {"wscl": "WSCL"}  # method that learns from image labels -> its name in tables
# names of all that looks at no image, here and in the studies
BLIND = frozenset({
    "all-ones map", "random map", "centre blob", "average training mask", "random minority", "random class",
    "always tampered", "always tampered, all-ones map", "always fake", "always real",
})  # fmt: skip
# of what no seed changes: these, and a regression on frozen features
SEEDLESS = BLIND | {"linear probe", "linear probe, ImageNet features"}
