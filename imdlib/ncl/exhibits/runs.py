"""What was run: how often, for how long, and with which settings."""

from IPython.display import HTML

from imdlib.ncl.grid import TURNED
from imdlib.ncl.rows import Rows
from imdlib.pages import tables
from imdlib.pages.ran import ran as configurations

NETWORK = ["backbone", "width", "blocks", "inputs", "stem_stride", "output_stride", "hook"]
TRAINING = ["optimizer", "learning_rate", "schedule", "precision", "device"]


def ran(rows: Rows) -> HTML:
    """Runs of one configuration in a line."""
    return configurations(rows.settings, TURNED)


def usual_settings(rows: Rows) -> HTML | None:
    """Network, optimizer and data of the usual runs; a second column of values where these differ among themselves."""
    if rows.usual_runs.empty:
        return None
    length = "steps" if rows.usual_of("steps") else "epochs"
    facts = rows.usual_runs[[*NETWORK, "crop", "batch_size", length, *TRAINING]]
    facts = facts.astype(str).drop_duplicates().T.reset_index()
    return tables.show(facts.set_axis(["parameter"] + ["value"] * (facts.shape[1] - 1), axis=1))
