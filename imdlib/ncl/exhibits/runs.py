"""What was run: how often, for how long, and with which settings."""

from IPython.display import HTML

from imdlib.ncl.grid import KIND, TURNED
from imdlib.ncl.rows import Rows
from imdlib.pages import tables
from imdlib.pages.ran import USUAL
from imdlib.pages.ran import ran as configurations

NETWORK = ["backbone", "width", "blocks", "inputs", "stem_stride", "output_stride", "hook", "contour_grid"]
TRAINING = ["optimizer", "learning_rate", "schedule", "until_flat", "keep", "precision", "device"]


def ran(rows: Rows) -> HTML:
    """Runs of one configuration in a line; what is turned is named by what differs from the usual of its own row."""
    turned = {key: rows.settings[key].astype(str).mask(rows.alike[key], USUAL) for key in TURNED}
    return configurations(rows.settings.assign(**turned), [*KIND, *TURNED])


def usual_settings(rows: Rows) -> HTML | None:
    """Network, optimizer and data of the usual runs; a column of values for the methods that share them."""
    if rows.usual_runs.empty:
        return None
    length = "steps" if rows.usual_of("steps") else "epochs"
    columns = [one for one in [*NETWORK, "crop", "batch_size", length, *TRAINING] if one in rows.usual_runs]
    facts = rows.usual_runs[columns].astype(str)
    names = rows.usual_runs["method"].groupby([facts[one] for one in columns], sort=False)
    shared = names.agg(lambda methods: ", ".join(methods.unique()))
    shown = shared.index.to_frame(index=False).T.reset_index()
    return tables.show(shown.set_axis(["parameter", *shared], axis=1))
