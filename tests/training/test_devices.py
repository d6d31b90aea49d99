"""Devices: two of them learn from one step what a single one learns, from losses that look at the whole batch, too."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from imdlib import train
from imdlib.training import devices as several
from tests.test_train import SETTINGS, Squares


class Two(nn.Module):
    """A feature before and a map after the second batch norm, as the losses of the studies take them; one output is never used."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(1)
        self.stem = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU())
        self.head = nn.Sequential(nn.Conv2d(8, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 1, 1))
        self.unused = nn.Conv2d(8, 1, 1)

    def forward(self, image):
        feat = self.stem(image)
        return {"feat": feat, "logits": [self.head(feat)], "unused": self.unused(feat)}


def loss(outputs, mask):
    """Cross-entropy, and a contrast between all images of the batch at places drawn at random."""
    pixel = nn.functional.binary_cross_entropy_with_logits(outputs["logits"][0].float(), mask.float())
    cells = nn.functional.normalize(outputs["feat"].flatten(2)[:, :, torch.randperm(256)[:16]].flatten(1), dim=1)
    return {"loss": pixel + (cells @ cells.T).logsumexp(1).mean(), "pixel": pixel, "first": mask[0].float().sum()}


def state(model):
    return torch.cat([value.detach().flatten().double() for value in model.state_dict().values()])


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_two_devices_take_the_step_of_one(tmp_path):
    settings, found, before = replace(SETTINGS, epochs=1, batch_size=12), [], state(Two())
    for devices in (1, 2):
        model = Two()
        history = train.fit(model, loss, Squares(), tmp_path / str(devices), settings, devices=devices)
        found.append((history, state(model) - before))
    (one, step), (two, other) = found
    assert one["loss"].item() == pytest.approx(two["loss"].item(), rel=1e-6)
    assert one["first"].item() == two["first"].item()  # the batch is in its order again
    assert (step - other).norm() < 1e-4 * step.norm()


def test_on_one_device_it_is_a_batch_norm(monkeypatch):
    monkeypatch.setattr(several.dist, "get_world_size", lambda: 1)
    monkeypatch.setattr(several, "all_reduce", lambda x: x)
    x, one, other = torch.randn(2, 3, 1, 2), nn.BatchNorm2d(3), several.SharedBatchNorm(3)
    torch.testing.assert_close(other(x), one(x))
    torch.testing.assert_close(other.state_dict(), one.state_dict())


def test_a_batch_that_devices_cannot_share_is_refused(tmp_path):
    with pytest.raises(Exception, match=r"batch_size=3 must be a multiple of the number of devices \(2\)"):
        train.fit(Two(), loss, Squares(), tmp_path, replace(SETTINGS, epochs=1, batch_size=3), devices=2)
