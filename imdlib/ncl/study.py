"""NCL as a study: its name, which runs it has, and what they are tuned in."""

from collections import defaultdict

from imdlib.ncl.grid import METHODS, configurations
from imdlib.ncl.space import ROWS, SPACE
from imdlib.study import Study

STARTS = defaultdict(
    str, rgb=", RGB", scratch=", lite0 from scratch", pretrained=", lite0 pre-trained"
)  # of rows named after one
STUDY = Study(
    name="ncl",
    title="Pre-training-free Image Manipulation Localization through Non-Mutually Exclusive Contrastive Learning",
    configurations=configurations,
    notebooks=("run", "classic"),
    space=SPACE,
    rows=ROWS,
    names={row: METHODS[one.fixed["variant"]] + STARTS[row.split("-")[0]] for row, one in ROWS.items()},
)
