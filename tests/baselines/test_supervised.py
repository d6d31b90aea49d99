"""Supervised localizers: shapes, gradients, one image at a time, learning a mark, and the parts that make each what it is."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from imdlib.baselines import mvss, pixel_loss, supervised
from imdlib.data.batches import IGNORE

PARAMS = dict(backbone="resnet18", blocks=[1, 1, 1, 1], width=0.25, stem_stride=2, pretrained=False, crop=48)


def build(name, inputs="rgb"):
    torch.manual_seed(0)
    return supervised.build(name, PARAMS | {"inputs": inputs})


def marked(count=4, side=48):
    """Grey images with a noisy square, and its mask."""
    rng = torch.Generator().manual_seed(1)
    image, mask = torch.full((count, 3, side, side), 0.5), torch.zeros(count, 1, side, side, dtype=torch.uint8)
    for k in range(count):
        top = 8 * (k % 4)
        mask[k, 0, top : top + 16, 16:32] = 1
    return image + 0.3 * torch.randn(image.shape, generator=rng) * mask, mask


@pytest.mark.parametrize("inputs", ["rgb", "rgb+residual"])
@pytest.mark.parametrize("name", supervised.LOCALIZERS)
def test_outputs_and_gradients(name, inputs):
    net = build(name, inputs)
    image, mask = marked()
    outputs = net(image)
    losses = net.loss(outputs, mask)
    losses["loss"].backward()
    assert outputs["logits"].shape[:2] == (4, 1) and all(torch.isfinite(one) for one in losses.values())
    silent = [one for one, weight in net.named_parameters() if weight.grad is None or not weight.grad.any()]
    assert not [one for one in silent if "bias" not in one and "cls_token" not in one]
    prob = supervised.probability(outputs)
    assert prob.min() >= 0 and prob.max() <= 1


@pytest.mark.parametrize("name", supervised.LOCALIZERS)
def test_images_of_a_batch_do_not_meet_at_test_time_and_odd_sides_are_taken(name):
    net, image = build(name).eval(), torch.rand(2, 3, 45, 53)
    with torch.no_grad():
        both, alone = net(image)["logits"], net(image[:1])["logits"]
    torch.testing.assert_close(both[:1], alone, atol=1e-4, rtol=1e-3)


@pytest.mark.parametrize("name", supervised.LOCALIZERS)
def test_it_learns_a_visible_mark(name):
    net, (image, mask) = build(name, "rgb+residual"), marked()
    optimizer = torch.optim.AdamW(net.parameters(), lr=0.01)
    for _ in range(15):
        loss = net.loss(net(image), mask)["loss"]
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    logits = F.interpolate(net(image)["logits"], mask.shape[-2:], mode="bilinear")
    assert logits[mask == 1].mean() > logits[mask == 0].mean() + 0.5


def test_padded_pixels_teach_nothing_and_authentic_images_are_taken():
    logits, mask = torch.randn(2, 1, 8, 8), torch.zeros(2, 1, 8, 8, dtype=torch.uint8)
    mask[0, 0, :4] = 1
    padded = mask.clone()
    padded[:, :, 6:] = IGNORE
    known = padded != IGNORE
    expected = F.binary_cross_entropy_with_logits(logits[known], mask[known].float())
    torch.testing.assert_close(pixel_loss.cross_entropy(logits, padded), expected)
    assert pixel_loss.dice(torch.full_like(logits, -50), torch.zeros_like(mask)) == pytest.approx(0)
    assert torch.isfinite(pixel_loss.cross_entropy(logits, torch.full_like(mask, IGNORE)))
    right = torch.where(mask == 1, 50.0, -50.0)
    assert pixel_loss.dice(right, mask) == pytest.approx(0, abs=1e-6)


def test_bayar_sees_nothing_of_what_its_neighbours_predict():
    flat = mvss.Bayar()(torch.full((1, 3, 9, 9), 0.7))
    torch.testing.assert_close(flat, torch.zeros_like(flat), atol=1e-5, rtol=0)
    assert mvss.Bayar()(torch.rand(1, 3, 9, 9)).abs().max() > 0.1


def test_the_boundary_is_where_both_kinds_meet():
    mask = torch.zeros(1, 1, 8, 8, dtype=torch.uint8)
    mask[..., :3] = 1
    found = mvss.boundary(mask, (4, 4))[0, 0]
    np.testing.assert_array_equal(found, [[0, 1, 0, 0]] * 4)
    assert not mvss.boundary(torch.ones_like(mask), (4, 4)).any()


def test_an_unknown_name_is_refused():
    with pytest.raises(ValueError, match="localizer='unet'"):
        build("unet")
