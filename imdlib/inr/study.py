"""INR as a study: its name, which runs it has, and what they are tuned in."""

from imdlib.inr.grid import configurations
from imdlib.inr.methods import METHODS
from imdlib.inr.space import ROWS, SPACE
from imdlib.study import Study

STUDY = Study(
    name="inr",
    title="Image Manipulation Detection with Implicit Neural Representation and Limited Supervision",
    configurations=configurations,
    notebooks=("nrr", "run", "classic"),
    space=SPACE,
    rows=ROWS,
    names=METHODS,
)
