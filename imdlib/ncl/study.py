"""NCL as a study: its name, its methods, where its runs differ, and what they are tuned in."""

from imdlib.ncl.grid import KIND, METHODS, TURNED, configurations
from imdlib.ncl.space import ROWS, SPACE
from imdlib.study import Study

STUDY = Study(
    name="ncl",
    title="Pre-training-free Image Manipulation Localization through Non-Mutually Exclusive Contrastive Learning",
    methods=METHODS,
    configurations=configurations,
    turned=(*KIND, *TURNED),
    notebooks=("run", "classic"),
    space=SPACE,
    rows=ROWS,
)
