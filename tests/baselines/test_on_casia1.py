"""Control on real CASIA v1: ELA and NOI have the values that were measured once on all of its 920 tampered images.

Those (ELA: AUC 0.614, best F1 0.225; NOI: 0.610, 0.259) came from other programs' detectors, and agree with NCL's Table 1. Beside the
project lie 582 of the images, on which these detectors have 0.611 and 0.226, 0.602 and 0.256; here are 117 of them, every fifth.
"""

import pytest
import torch

from imdlib.baselines.ela import ELA
from imdlib.baselines.noi import NOI
from imdlib.data.images import load_image, load_mask
from imdlib.data.readers.casia1 import casia1
from imdlib.scoring import metrics

WHOLE = {"ela": (ELA(), 0.614, 0.225), "noi": (NOI(), 0.610, 0.259)}  # AUC and best F1, per image, on all 920


@pytest.mark.parametrize("name", WHOLE)
def test_mean_auc_and_best_f1_are_near_those_of_the_whole_set(real_data, name):
    rows = sorted((row for row in casia1(real_data).rows if row.mask), key=lambda row: row.image.name)[::5]
    detector, auc, best = WHOLE[name]
    maps, masks = [], []
    for row in rows:
        if not row.repair and not row.note:  # a sideways mask, a doubtful one
            image = torch.from_numpy(load_image(row.image)).permute(2, 0, 1)[None].float() / 255
            maps.append(detector(image)["map"][0, 0].numpy())
            masks.append(load_mask(row.mask) > 0)
    scores = metrics.per_image(maps, masks)
    assert 110 < len(scores) <= 120
    assert scores["auc"].mean() == pytest.approx(auc, abs=0.05)  # over two standard errors of so many images
    assert scores["f1_best"].mean() == pytest.approx(best, abs=0.04)
