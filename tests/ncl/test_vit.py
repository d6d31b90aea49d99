"""NCL on a ViT: the same losses fit its outputs, tokens lie where their patches are, any size goes."""

import pytest
import torch

from imdlib import parameters
from imdlib.ncl import networks
from imdlib.ncl.losses import VARIANTS, total_loss
from imdlib.ncl.model import NCLNet
from imdlib.ncl.vit import NCLViT

TINY = dict(patch=8, embed=12, depth=1, heads=2, size=64, stem=8, head_width=8)


@pytest.mark.parametrize("height, width", [(64, 64), (48, 80), (50, 75)])
def test_outputs_for_any_size(height, width):
    net = NCLViT(**TINY).eval()
    outputs = net(torch.rand(2, 3, height, width))
    grid = (-(-height // 8), -(-width // 8))
    assert outputs["logits"].shape == (2, 2, height, width)
    assert outputs["feat"].shape == (2, 12, *grid)
    assert outputs["aux"].shape == (2, 2, 2 * grid[0], 2 * grid[1])


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_loss_fits_and_reaches_every_parameter_it_uses(variant):
    net = NCLViT(**TINY, inputs="rgb+residual", pivot="pivot" in variant, aux="pc" in variant)
    mask = torch.zeros(2, 1, 64, 64)
    mask[:, :, 12:40, 20:50] = 1
    loss = total_loss(net(torch.rand(2, 3, 64, 64)), mask, variant=variant, pivot=net.pivot)["loss"]
    loss.backward()
    without = [name for name, p in net.named_parameters() if p.grad is None]
    assert loss.isfinite() and not without


def test_a_token_belongs_to_its_own_patch():
    """Without attention between patches (no block), only the token whose patch changed may change."""
    net = NCLViT(**TINY | {"depth": 0}).eval()
    image = torch.rand(1, 3, 64, 64)
    other = image.clone()
    other[:, :, 27:29, 43:45] = 0  # well inside the patch in row 3, column 5
    changed = (net(image)["feat"] - net(other)["feat"]).abs().sum(1)[0] > 1e-6
    assert changed.nonzero().tolist() == [[3, 5]]


@pytest.mark.parametrize(
    "wrong, named", [(dict(inputs="hsv"), "inputs"), (dict(heads=5), "heads"), (dict(patch=7), "patch")]
)
def test_wrong_settings_are_named(wrong, named):
    with pytest.raises(ValueError, match=named):
        NCLViT(**TINY | wrong)


def test_build_follows_the_parameters_of_a_run():
    params = parameters.declared("ncl/run")
    base = networks.build(params | {"variant": "base"})
    assert isinstance(base, NCLNet) and base.pivot is None and base.aux is None
    whole = networks.build(params | {"variant": "pivot+pc", "hook": "layer3"})
    assert whole.pivot is not None and whole.aux is not None and whole.hook == "layer3"
    vit = networks.build(params | {"variant": "pivot", "backbone": "vit", "vit": [16, 24, 1, 3]})
    assert isinstance(vit, NCLViT) and vit.patch == 16 and vit.pivot is not None and vit.aux is None
