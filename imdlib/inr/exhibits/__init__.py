"""The report's tables and figures: each a function of `inr.rows.Rows` that writes its files and returns what is to be shown.

What this profile has no runs for is None, and nothing is written. Tables are csv, md and tex in `<folder>/tables`, figures png,
pdf and csv in `<folder>/figures`.
"""

from imdlib.inr.exhibits.ablation import (
    figure_ablation,
    figure_pooling,
    table4,
    table5,
    table6,
    table_backbones,
    table_priors,
    table_variations,
)
from imdlib.inr.exhibits.detection import (
    figure_unsupervised,
    figure_weak,
    form,
    provenance,
    table1,
    table2,
    table3,
    table_calibration,
    table_recompressed,
    table_training_sets,
)
from imdlib.inr.exhibits.hypothesis import (
    decibels,
    figure1,
    figure_convergence,
    figure_premise,
    figure_sweep,
    table_decibels,
    table_premise,
    table_redrawn,
    table_sweep,
)
from imdlib.inr.exhibits.maps import figure2, figure4
from imdlib.inr.exhibits.setting import parameters, trained
from imdlib.inr.exhibits.training import (
    collapsed,
    figure_clusters,
    figure_costs,
    figure_curves,
    figure_pseudo_labels,
    figure_saturation,
    said_saturation,
    table_costs,
)

__all__ = [
    "provenance",
    "collapsed",
    "decibels",
    "figure1",
    "figure2",
    "figure4",
    "figure_ablation",
    "figure_clusters",
    "figure_convergence",
    "figure_costs",
    "figure_curves",
    "figure_pooling",
    "figure_premise",
    "figure_pseudo_labels",
    "figure_saturation",
    "figure_sweep",
    "figure_unsupervised",
    "figure_weak",
    "form",
    "parameters",
    "said_saturation",
    "table1",
    "table2",
    "table3",
    "table4",
    "table5",
    "table6",
    "table_backbones",
    "table_calibration",
    "table_costs",
    "table_decibels",
    "table_premise",
    "table_priors",
    "table_recompressed",
    "table_redrawn",
    "table_sweep",
    "table_training_sets",
    "table_variations",
    "trained",
]
