"""Bridging as a study: its name, which runs it has, and what they are tuned in."""

from imdlib.bridge.grid import configurations
from imdlib.bridge.methods import NAMES
from imdlib.bridge.space import ROWS, SPACE
from imdlib.study import Study

STUDY = Study(
    name="bridge",
    title="Bridging Image Manipulation Localization and Generated Image Detection in Weakly-Supervised Setting",
    configurations=configurations,
    space=SPACE,
    rows=ROWS,
    names=NAMES,
)
