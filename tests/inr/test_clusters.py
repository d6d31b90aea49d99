"""The tampered share of the tampered cluster: 1 less the base rate where clusters are the masks, 0 where they know nothing."""

import pytest
import torch
from torch import nn

from imdlib.data.batches import ImageSet
from imdlib.inr.clusters import tampered_excess
from imdlib.inr.detector import INRNet
from tests.inr.pictures import manifest

SIDE, SIZE = 24, 64


class Planted(nn.Module):
    """Two kinds of cells, 8 pixels a side: those of the corner where `seen` and elsewhere otherwise."""

    def __init__(self, seen):
        super().__init__()
        self.project, self.seen, self.weight = True, seen, nn.Parameter(torch.zeros(1))

    def forward(self, image):
        cells = torch.zeros(len(image), 8, 8)
        at = slice(0, 3) if self.seen else slice(5, 8)
        cells[:, at, at] = 1
        return {"feat": torch.stack([cells, 1 - cells], dim=1), "matching": 1 - 0.5 * cells}


@pytest.mark.parametrize("seen, expected", [(True, 1 - (SIDE / SIZE) ** 2), (False, -((SIDE / SIZE) ** 2))])
def test_the_share_inside_less_the_base_rate(tmp_path, seen, expected):
    images = ImageSet(manifest(tmp_path, side=SIDE, size=SIZE))
    assert tampered_excess(Planted(seen), images) == {"val_cluster": pytest.approx(expected)}


def test_images_without_masks_say_nothing(tmp_path):
    rows = manifest(tmp_path)
    authentic = ImageSet(rows[rows["label"] == 0].reset_index(drop=True))
    assert torch.tensor(tampered_excess(Planted(True), authentic)["val_cluster"]).isnan()
    assert tampered_excess(INRNet(backbone="resnet18", width=0.25, blocks=(1, 1, 1, 1)), authentic) == {}
