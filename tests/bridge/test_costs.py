"""Costs of Bridging: one row per part, parameters counted, memory where autograd keeps something."""

import cv2
import numpy as np
import pytest
import torch

from imdlib.bridge import costs, networks
from imdlib.bridge.towers.standin import StandIn
from imdlib.training.settings import make_fabric

PARAMS = dict(distillation=[16, 1, 2], conformer=[8, 16, 3, 2], stem_stride=2, inputs="rgb", disc_on="logits")
PARAMS |= dict(
    backbone="resnet18", backbone_width=0.125, backbone_stride=2, blocks=[1, 1, 1, 1], pretrained=True, tar_blocks=1
)
PARAMS |= dict(precision="32-true", start="random", crossfit=0)


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    torch.manual_seed(0)
    folder, tower = tmp_path_factory.mktemp("costs"), StandIn(32).eval().requires_grad_(False)
    files = [str(folder / f"{i}.png") for i in range(4)]
    for i, file in enumerate(files):
        cv2.imwrite(file, np.random.default_rng(i).integers(0, 256, (32, 32, 3), dtype=np.uint8))
    label = torch.tensor([0, 1, 2, 0])
    batch = {"tokens": torch.rand(4, *tower.shape), "label": label, "image": torch.rand(4, 3, 32, 32)}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("IMDLIB_CACHE", str(folder / "cache"))
        return costs.measure(PARAMS, batch, tower, files, repeats=1)


def test_one_row_per_part(found):
    steps, images = (found[found["what"] == what] for what in (costs.STEP, costs.IMAGE))
    assert steps["part"].tolist() == [*costs.NAMES.values(), "TransCAM", "Wang et al.", "TAR"]
    assert len(images) == 7 and found["part"].is_unique and (found["ms"] > 0).all()
    assert (steps["kept_mb"] > 0).all() and images["kept_mb"].isna().all()


def test_parameters_are_those_that_learn(found):
    model = networks.build(PARAMS | dict(method="late", pretrained=False), StandIn(32).shape[1])
    count = found.set_index("part")["parameters"]
    size = lambda *modules: sum(p.numel() for module in modules for p in module.parameters())  # noqa: E731
    parts = model.distillation
    assert count["teacher"] == size(parts.teacher) and count["students"] == size(parts.student1, parts.student2)
    assert count["generalizer, partly fake"] == size(parts.generalizer_pf)
    assert count["Conformer with discrepancies"] == count["Conformer, class alone"] == size(model.classifier)
    assert count["TransCAM"] < count["Conformer with discrepancies"] and count["features from the cache"] == 0


def test_memory_kept_grows_with_what_learns(found):
    kept = found.set_index("part")["kept_mb"]
    assert kept["TransCAM"] <= kept["Conformer with discrepancies"] and kept["teacher"] < kept["students"]


def test_a_batch_without_partly_fake_images_has_no_row_for_their_generalizer(found):
    tokens = torch.rand(4, *StandIn(32).shape)
    batch = {"tokens": tokens, "label": torch.tensor([0, 2, 2, 0]), "image": torch.rand(4, 3, 32, 32)}
    rows, works = costs.training(PARAMS, batch, make_fabric(precision="32-true", accelerator="cpu"))
    assert len(rows) == len(works) == 7 and "generalizer, partly fake" not in {row["part"] for row in rows}
    assert all(work() > 0 for work in works)
