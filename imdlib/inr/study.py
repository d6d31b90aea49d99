"""INR as a study: its name, its methods, and where its runs differ."""

from imdlib.inr.grid import TURNED, configurations
from imdlib.inr.methods import METHODS
from imdlib.inr.space import ROWS, SPACE
from imdlib.study import Study

STUDY = Study(
    name="inr",
    title="Image Manipulation Detection with Implicit Neural Representation and Limited Supervision",
    methods=METHODS,
    configurations=configurations,
    turned=TURNED,
    notebooks=("nrr", "run", "classic"),
    space=SPACE,
    rows=ROWS,
    names=METHODS,
)
