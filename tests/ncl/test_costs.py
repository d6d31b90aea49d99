"""Costs of NCL: one row per variant, the contrast timed where there is one."""

import torch

from imdlib import parameters
from imdlib.ncl import costs
from imdlib.ncl.grid import METHODS, STEPS


def test_a_row_per_variant():
    params = parameters.declared("ncl/run") | {"width": 0.25, "head_width": 8, "precision": "32-true"}
    mask = torch.zeros(2, 1, 64, 64, dtype=torch.uint8)
    mask[:, :, 10:40, 20:50] = 1
    found = costs.measure(params, torch.rand(2, 3, 64, 64), mask, repeats=2).set_index("method")
    assert found.index.tolist() == [METHODS[step] for step in STEPS]
    assert found.loc["Base", "contrast_ms"] == 0 and (found["contrast_ms"].iloc[1:] > 0).all()
    assert found.loc["Base", "against_base"] == 1 and (found["step_ms"] > 0).all()
    assert found["kept_mb"].is_monotonic_increasing and found["parameters"].is_monotonic_increasing
