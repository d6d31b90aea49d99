"""What was run: how often, for how long, and with which settings."""

from IPython.display import HTML

from imdlib.ncl.grid import TURNED
from imdlib.ncl.rows import Rows
from imdlib.pages import tables

NETWORK = ["backbone", "width", "blocks", "inputs", "stem_stride", "output_stride", "hook"]
TRAINING = ["optimizer", "learning_rate", "schedule", "precision", "device"]


def ran(rows: Rows) -> HTML:
    """Runs of one configuration in a line: what it turns, its seeds, training images, mean minutes, peak memory in MB."""
    settings = rows.settings
    usual_values = {key: rows.usual_of(key) for key in TURNED}
    turned = settings.apply(
        lambda run: ", ".join(f"{k}={run[k]}" for k, v in usual_values.items() if run[k] != v), axis=1
    )
    settings = settings.assign(differs=turned.replace("", "as usual"), minutes=settings["seconds"] / 60)
    shown = settings.groupby(["train_set", "differs", "method"], sort=False).agg(
        seeds=("seed", "nunique"),
        images=("train_images", "first"),
        minutes=("minutes", "mean"),
        memory_MB=("peak_memory_mb", "max"),
    )
    order = dict(key=lambda differs: differs != "as usual", kind="stable")
    return tables.show(shown.reset_index().sort_values("differs", **order), digits=1)


def usual_settings(rows: Rows) -> HTML | None:
    """Network, optimizer and data of the usual runs; a second column of values where these differ among themselves."""
    if rows.usual_runs.empty:
        return None
    length = "steps" if rows.usual_of("steps") else "epochs"
    facts = rows.usual_runs[[*NETWORK, "crop", "batch_size", length, *TRAINING]]
    facts = facts.astype(str).drop_duplicates().T.reset_index()
    return tables.show(facts.set_axis(["parameter"] + ["value"] * (facts.shape[1] - 1), axis=1))
