"""Exhibits: the tables and figures of Bridging's report, one function each.

Each takes the rows of the report, writes what it computes under `rows.folder` and returns what `report.show` displays, or
None where the profile has no runs for it.
"""

from imdlib.bridge.exhibits.ablation import figure_ablation, figure_drop, table_ablation, table_drop
from imdlib.bridge.exhibits.classes import table_recall, table_threeway, table_training_sets
from imdlib.bridge.exhibits.detection import (
    figure_calibration,
    figure_generators,
    provenance,
    table2,
    table_calibration,
)
from imdlib.bridge.exhibits.distances import (
    densities,
    figure3,
    figure_ordering,
    figure_trajectory,
    table_ordering,
)
from imdlib.bridge.exhibits.images import Images
from imdlib.bridge.exhibits.localization import figure2, figure_localization, table_localization
from imdlib.bridge.exhibits.plane import figure4, figure4_perplexities, table_embedding
from imdlib.bridge.exhibits.points import write_points
from imdlib.bridge.exhibits.runs import CURVES, costs, extractor, figure_curves, parameters, table_runs
from imdlib.bridge.exhibits.sets import figure_spectra, form, table1

__all__ = [
    "CURVES",
    "Images",
    "costs",
    "densities",
    "extractor",
    "figure2",
    "figure3",
    "figure4",
    "figure4_perplexities",
    "figure_ablation",
    "figure_calibration",
    "figure_curves",
    "figure_drop",
    "figure_generators",
    "figure_localization",
    "figure_ordering",
    "figure_spectra",
    "figure_trajectory",
    "form",
    "parameters",
    "provenance",
    "table1",
    "table2",
    "table_ablation",
    "table_calibration",
    "table_drop",
    "table_embedding",
    "table_localization",
    "table_ordering",
    "table_recall",
    "table_runs",
    "table_threeway",
    "table_training_sets",
    "write_points",
]
