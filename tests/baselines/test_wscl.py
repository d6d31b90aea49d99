"""WSCL: its pseudo masks and pairs by hand, the growth of its consistencies, gradients, and learning from labels alone."""

import math

import pytest
import torch

from imdlib.baselines import wscl
from imdlib.baselines.wscl import WSCL, wscl_loss

TINY = dict(backbone="resnet18", blocks=[1, 1, 1, 1], width=0.25, stem_stride=2)
LABELS = torch.tensor([0, 1, 1], dtype=torch.uint8)


def mask(labels=LABELS, side=48):
    return labels.view(-1, 1, 1, 1).expand(-1, 1, side, side)


def largest(prob):
    return prob.amax(1)


def test_pseudo_masks_are_empty_for_authentic_and_never_for_tampered_images():
    mean = torch.tensor([[0.9, 0.1], [0.2, 0.4], [0.7, 0.8]]).view(3, 1, 1, 2)
    found = wscl.pseudo_mask(mean, torch.tensor([0.0, 1.0, 1.0]))
    assert found.flatten(1).tolist() == [[0, 0], [0, 1], [1, 1]]


def test_pairs_differ_where_the_pseudo_mask_does():
    pseudo = torch.zeros(1, 1, 2, 2)
    pseudo[..., 0] = 1
    target = torch.tensor([[0, 1, 0, 1], [1, 0, 1, 0], [0, 1, 0, 1], [1, 0, 1, 0]])
    right = (40 * target - 20).float()[None]
    assert wscl.patch_loss(right, pseudo) < 1e-6 < 10 < wscl.patch_loss(-right, pseudo)


@pytest.mark.parametrize("seen, share", [(0, math.exp(-5)), (50, math.exp(-1.25)), (100, 1.0), (200, 1.0)])
def test_consistencies_grow(seen, share):
    outputs = WSCL(**TINY).eval()(torch.rand(3, 3, 48, 48)) | {"seen": torch.tensor(seen)}
    parts = wscl_loss(outputs, mask(), pool=largest, steps=100)
    expected = parts["cls"] + 0.1 * share * (parts["source"] + parts["patch"])
    torch.testing.assert_close(parts["loss"], expected)


def test_every_weight_learns_and_batches_are_counted():
    torch.manual_seed(0)
    net = WSCL(**TINY)
    outputs = net(torch.rand(3, 3, 48, 48))
    wscl_loss(outputs, mask(), pool=largest, steps=1)["loss"].backward()
    assert outputs["seen"] == 1 and all(p.grad is not None for p in net.parameters())
    assert outputs["logits"].shape == outputs["streams"][2].shape


def test_it_learns_labels_from_a_trace():
    torch.manual_seed(0)
    net, image = WSCL(**TINY), torch.rand(6, 3, 1, 1).expand(-1, -1, 48, 48).clone()
    label = torch.tensor([0, 1] * 3, dtype=torch.uint8)
    image[1::2, :, 8:24, 8:24] += 0.2 * torch.randn(3, 3, 16, 16)
    optimizer = torch.optim.AdamW(net.parameters(), lr=0.005)
    for _ in range(15):
        loss = wscl_loss(net(image.clamp(0, 1)), mask(label), pool=largest, steps=15)["loss"]
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    score = net(image.clamp(0, 1))["logits"].amax((1, 2, 3))
    assert score[1::2].mean() > score[::2].mean() + 0.5


def test_pixel_masks_are_refused():
    pixels = mask().clone()
    pixels[0, 0, :4] = 1
    with pytest.raises(ValueError, match="one image label"):
        wscl_loss(WSCL(**TINY).eval()(torch.rand(3, 3, 48, 48)), pixels, pool=largest, steps=1)
