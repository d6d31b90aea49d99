"""Costs of INR: one row per part in the order in which they are added, each part timed where it is and nowhere else."""

from functools import partial

import pytest
import torch

from imdlib.inr import costs
from imdlib.inr.methods import METHODS
from imdlib.inr.reconstruction import NRR
from imdlib.inr.variants import model_of

SMALL = dict(backbone="resnet18", width=0.25, blocks=(1, 1, 1, 1), stem_stride=1, proj=(16, 8))


@pytest.fixture(scope="module")
def found():
    torch.manual_seed(0)
    nrr = NRR(width=8, stride=1, blocks=1, channels=8, hidden=(16,))
    mask = torch.tensor([0, 1, 1], dtype=torch.uint8).view(3, 1, 1, 1).expand(3, 1, 48, 48)
    build = partial(model_of, nrr=nrr, scale=0.1, **SMALL)
    table = costs.measure(build, torch.rand(3, 3, 48, 48), mask, precision="32-true", repeats=2, tau=0.2)
    table.attrs["nrr"] = sum(p.numel() for p in nrr.parameters())
    return table


def test_rows_add_one_part_each(found):
    names = found["method"].tolist()
    assert names[:2] == [METHODS["base"], METHODS["nrr"]] and names[-2:] == [
        METHODS["nrr+scl"],
        METHODS["nrr+scl+agap"],
    ]
    assert all("second branch" in name for name in names[2:4]) and len(names) == 6
    assert found["against_base"].iloc[0] == 1 and (found["step_ms"] > 0).all()


def test_parts_are_timed_where_they_are(found):
    present = found[["nrr_ms", "cluster_ms", "contrast_ms"]] > 0
    assert present["nrr_ms"].tolist() == [False] + 5 * [True]
    assert present["cluster_ms"].tolist() == 3 * [False] + 3 * [True]
    assert present["contrast_ms"].tolist() == 4 * [False] + 2 * [True]


def test_parameters_and_memory(found):
    base, nrr, branch, *rest = found["parameters"]
    assert nrr - base == found.attrs["nrr"] + 9 * 16  # the frozen network, a fourth channel into sixteen 3x3 filters
    size = 128 + 64  # feature channels of the third and fourth stage
    assert branch - nrr == size * 16 + 16 + 16 * 8 + 8 and rest == 3 * [branch]
    base, nrr, branch, clustered, contrasted, _ = found["kept_mb"]
    assert nrr - base == pytest.approx(3 * 48 * 48 * 4 / 2**20)  # nothing of the frozen pass, only its error map
    assert branch > nrr and clustered == branch and contrasted > clustered
