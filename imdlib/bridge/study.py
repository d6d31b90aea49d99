"""Bridging as a study: its name, its methods, and where its runs differ."""

from imdlib.bridge.grid import TURNED, configurations
from imdlib.bridge.methods import METHODS, NAMES
from imdlib.bridge.space import ROWS, SPACE
from imdlib.study import Study

STUDY = Study(
    name="bridge",
    title="Bridging Image Manipulation Localization and Generated Image Detection in Weakly-Supervised Setting",
    methods=METHODS,
    configurations=configurations,
    turned=TURNED,
    space=SPACE,
    rows=ROWS,
    names=NAMES,
)
