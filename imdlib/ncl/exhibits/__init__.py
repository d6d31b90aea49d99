"""Tables and figures of NCL's report, a function each: from rows to what is shown, or None where no run made it.

Each writes its files under `rows.folder`, too.
"""

from imdlib.ncl.exhibits.benchmarks import figure_benchmarks, figure_cross, provenance, table1, table2
from imdlib.ncl.exhibits.components import figure_ablation, table4, table5, table6
from imdlib.ncl.exhibits.controls import controls, inputs
from imdlib.ncl.exhibits.floor import calibration, visibility
from imdlib.ncl.exhibits.pictures import figure3, figure4
from imdlib.ncl.exhibits.robustness import figure_robustness, table3
from imdlib.ncl.exhibits.runs import ran, usual_settings
from imdlib.ncl.exhibits.settings import amount, figure_amount, figure_weights, weights
from imdlib.ncl.exhibits.training import cost, curves

__all__ = [
    "ran", "usual_settings", "calibration", "inputs", "visibility", "controls",
    "provenance", "table1", "table2", "table3", "table4", "table5", "table6", "weights", "amount",
    "figure_benchmarks", "figure_cross", "figure_robustness", "figure_ablation", "figure_weights", "figure_amount",
    "figure3", "figure4", "curves", "cost",
]  # fmt: skip
