"""The checks: what is right holds on the processor, a wrong loss does not; what makes a step wait is counted."""

import math

import pytest
import torch

from benchmarks.gpu import checks, pieces, syncs
from imdlib.baselines.names import LOCALIZERS
from imdlib.bridge.methods import BINARY, METHODS
from imdlib.inr.variants import VARIANTS
from imdlib.ncl.grid import OWN
from imdlib.ncl.patches import CONTOUR
from imdlib.ncl.pivot import PivotNet
from imdlib.networks import cluster

FEW = [
    ("ncl/run", {"variant": "pivot+pc"}),
    ("inr/run", {"variant": "nrr+scl+agap"}),
    ("inr/nrr", {}),
    ("bridge/run", {"method": "late"}),
]


def test_every_network_and_loss_has_a_case():
    cases = {notebook: [more for one, more in checks.CASES if one == notebook] for notebook, _ in checks.CASES}
    assert {more.get("variant") for more in cases["ncl/run"]} >= {*OWN, *LOCALIZERS}
    assert {more.get("backbone") for more in cases["ncl/run"]} >= {"vit", "efficientnet_lite0", "resnet50"}
    assert {more.get("variant") for more in cases["inr/run"]} >= set(VARIANTS)
    assert {more.get("method") for more in cases["bridge/run"]} >= set(METHODS)


@pytest.mark.parametrize("notebook, more", FEW, ids=lambda value: value if isinstance(value, str) else "")
def test_a_network_and_its_loss_hold_on_the_processor(notebook, more):
    found = list(checks.of_case(notebook, more, "cpu"))
    assert [row["part"] for row in found] == [*checks.PARTS, "bf16 loss"]
    assert all(row["held"] and list(row) == checks.COLUMNS for row in found)
    assert 0 < found[2]["error"] < 0.1  # float32 is not float64: the reference is another computation


def test_clusterings_and_poolings_hold_on_the_processor():
    found = dict(checks.clusterings("cpu"))
    assert {"otsu_threshold", "two_means, vectors, labels", "pooling, smooth_mean"} <= set(found)
    assert all(checks.row("", name, "clusters", "float32", error)["held"] for name, error in found.items())


def test_a_wrong_step_is_seen(monkeypatch):
    right = cluster.otsu_threshold
    monkeypatch.setattr(cluster, "otsu_threshold", lambda x: right(x) + (0.001 if x.dtype == torch.float32 else 0))
    found = dict(checks.clusterings("cpu"))
    assert not checks.row("", "otsu", "clusters", "float32", found["otsu_threshold"])["held"]
    assert not checks.row("ncl/run", "", "gradient", "float32", 0.5, usual=0.1)[
        "held"
    ]  # at most MOST, however bad the processor
    assert not checks.row("ncl/run", "", "outputs", "float32", math.nan)["held"]
    assert checks.row("ncl/run", "", "outputs", "float32", 9e-4, usual=1e-4)["held"]


def test_an_error_is_the_norm_of_the_difference_over_that_of_the_reference():
    one = {"a": torch.tensor([3.0, 0.0]), "b": [torch.tensor(4.0)], "label": torch.tensor([1, 2])}
    two = {"a": torch.tensor([3.0, 1.0], dtype=torch.float64), "b": [torch.tensor(4.0)], "label": torch.tensor([5, 5])}
    assert checks.error(one, two) == pytest.approx(1 / 26**0.5)
    with pytest.raises(ValueError):
        checks.error({"a": torch.ones(1)}, two)


def test_the_reference_is_float64_where_code_asks_for_float32():
    with checks.Wide():
        x = torch.ones(2, dtype=torch.uint8).float()
        y = torch.zeros(2, dtype=torch.float32) + x.to(torch.float32)
    assert x.dtype == y.dtype == torch.float64


def test_looks_of_python_and_shapes_that_hang_on_contents_are_counted():
    x = torch.tensor([1.0, 0.0, 2.0])
    assert sum(syncs.counted(lambda: x.sum().item()).values()) == 1
    assert sum(syncs.counted(lambda: bool(torch.isfinite(x).all())).values()) == 1
    assert sum(syncs.counted(lambda: x[x > 0]).values()) == 1
    assert sum(syncs.counted(lambda: x.nonzero()).values()) == 1
    assert not syncs.counted(lambda: (x * 2 + x.mean()).softmax(0)[torch.tensor([0, 1])])


def test_syncs_name_the_line_that_waits():
    pivot, feat = PivotNet(4), torch.rand(1, 4, 3, 3)
    places = syncs.counted(lambda: (cluster.two_means(feat.flatten(2)), pivot(feat, torch.full((1, 3, 3), CONTOUR))))
    assert [name.split(":")[0] for name in places] == [
        "imdlib/ncl/pivot.py"
    ]  # what may look on a processor alone does not count


@pytest.mark.parametrize("method", [name for name in METHODS if name not in BINARY])
def test_a_step_of_bridging_stands_for_as_many_as_there_are_stages(method):
    piece = pieces.of_run("bridge/run", {"method": method}, batch_size=3)
    model = piece.build()
    assert piece.turns == len(model.stages) == len(model.train()(piece.batch("cpu")[0])) - 1  # all but their sum


def test_a_piece_is_the_run_s_own_network_batch_and_loss():
    piece = pieces.of_run("ncl/run", {"variant": "pivot+pc", "crop": 64}, batch_size=2)
    model = piece.build()
    image, mask = piece.batch("cpu")
    losses = piece.loss(model)(model.train()(image), mask)
    assert image.shape == (2, 3, 64, 64) and mask.max() == 1 and not mask[0].any()
    assert {"loss", "ncl", "l1", "l2", "l3"} <= set(losses) and torch.isfinite(losses["loss"])
    assert pieces.weights(piece) == sum(one.numel() for one in model.parameters()) * 4 / 2**20
    assert pieces.memory(piece) > pieces.weights(piece) * 4
