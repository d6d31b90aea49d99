"""NCL as a study: its name, its methods, and where its runs differ."""

from imdlib.ncl.grid import METHODS, TURNED, configurations
from imdlib.study import Study

STUDY = Study(
    name="ncl",
    title="Pre-training-free Image Manipulation Localization through Non-Mutually Exclusive Contrastive Learning",
    methods=METHODS,
    configurations=configurations,
    turned=TURNED,
)
