"""The start of self-distillation: half of the images on either side of 0.5, and nothing else of the network changed."""

import copy

import pytest
import torch

from imdlib.data.batches import ImageSet, training_batches
from imdlib.inr.detector import INRNet
from imdlib.inr.priors import Smooth
from imdlib.inr.start import centre
from imdlib.inr.weak import score_images
from tests.inr.pictures import manifest

SMALL = dict(backbone="resnet18", width=0.25, blocks=(1, 1, 1, 1), stem_stride=2, proj=(16, 8))


@pytest.mark.parametrize("bias", [-3.0, 3.0])
def test_half_of_the_images_lie_on_either_side(tmp_path, bias):
    torch.manual_seed(0)
    model = INRNet(prior=Smooth(scale=0.01), shallow="norm", **SMALL)
    model.head.bias.data.fill_(bias)
    before = copy.deepcopy(model.state_dict())
    images = ImageSet(manifest(tmp_path, 8), crop=64)
    shift = centre(model, images, batch_size=4)
    batches = [model.train()(image.float() / 255) for image, _, _ in training_batches(images, epoch=0, batch_size=4)]
    above = torch.cat([score_images(one) for one in batches]) > 0.5
    assert above.float().mean() in (0.375, 0.5, 0.625)
    assert shift * bias < 0 and model.head.bias.item() == pytest.approx(bias + shift, abs=1e-4)
    changed = {name for name, value in before.items() if not torch.equal(value, centred(model, before)[name])}
    assert changed == {"head.bias"}


def centred(model, before):
    """State of the model but for what training mode itself writes: running statistics and the count of batches."""
    passing = ("running_mean", "running_var", "num_batches_tracked", "seen")
    return {k: before[k] if k.rsplit(".", 1)[-1] in passing else v for k, v in model.state_dict().items()}
