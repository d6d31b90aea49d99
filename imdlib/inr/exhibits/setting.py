"""What was run: how many runs of which method, and the parameters that they share."""

import pandas as pd
from IPython.display import HTML

from imdlib.inr.rows import Rows
from imdlib.pages import tables
from imdlib.pages.ran import ran

DETECTOR = (
    "backbone width blocks stem_stride inputs feat crop batch_size steps until_flat keep optimizer learning_rate schedule "
    "precision device"
)
NRR = "frequencies width stride blocks channels hidden span crop batch_size steps learning_rate device"


def trained(rows: Rows) -> HTML:
    """Runs of every method and training set, NRRs first."""
    return ran(pd.concat([rows.nrr.assign(method="NRR"), rows.detectors]))


def parameters(rows: Rows) -> HTML:
    """The value of each parameter, of detectors and of the NRRs that they use; the commonest where it is not searched."""
    own = rows.plain_nrr[rows.plain_nrr["train_set"] == rows.target]
    parts = {"detector": commonest(rows.detectors, DETECTOR), "NRR": commonest(own, NRR)}
    found = pd.concat({name: part for name, part in parts.items() if len(part)})
    return tables.show(found.reset_index(level=0, names="network"), merge=1)


def commonest(settings: pd.DataFrame, names: str) -> pd.DataFrame:
    """Rows `parameter, value` of the named columns; none without runs."""
    if settings.empty:
        return pd.DataFrame(columns=["parameter", "value"])
    found = settings[names.split()].astype(str).mode().iloc[0]
    if settings["learning_rate"].nunique() > 1:
        found["learning_rate"] = "by row: How were the settings found?"
    return found.rename_axis("parameter").rename("value").reset_index()
