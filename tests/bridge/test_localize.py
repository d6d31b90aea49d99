"""Maps from activation and attention against loops; what is real, partly fake and fully fake in the two steps."""

import pytest
import torch
from torch import nn

from imdlib.bridge.conformer import Conformer
from imdlib.bridge.labels import FULLY, PARTLY, REAL
from imdlib.bridge.localize import class_map, fake_map, infer, refined_cam, resized, unit_range

TINY = dict(width=4, dim=16, depth=3, heads=2, fusion="none")


class Bright(nn.Module):
    """In place of a Conformer: the activation of a cell is how bright it is, attention is the identity."""

    cell = 8

    def forward(self, image, disc=None, *, attention=True):
        pad = (0, -image.shape[3] % 8, 0, -image.shape[2] % 8)
        cam = nn.functional.avg_pool2d(nn.functional.pad(image, pad, mode="replicate"), 8)
        return {"cam": cam, "attention": torch.eye(cam[0, 0].numel()).expand(2, len(cam), -1, -1)}


def test_constant_and_negative_maps_are_zero():
    for logits in (torch.zeros(2, 1, 4, 4), torch.full((2, 1, 4, 4), -3.0), torch.full((2, 1, 4, 4), 7.0)):
        assert torch.equal(unit_range(logits), torch.zeros_like(logits))


def test_unit_range():
    logits = torch.tensor([[-5.0, 0.0, 1.0, 4.0], [1.0, 2.0, 3.0, 5.0]]).view(2, 1, 2, 2)
    expected = torch.tensor([[0, 0, 0.25, 1], [0, 0.25, 0.5, 1]]).view(2, 1, 2, 2)
    torch.testing.assert_close(unit_range(logits), expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize("transposed", [False, True])
def test_refinement_equals_the_loop(transposed):
    cam, attention = torch.randn(2, 3, 2, 3), torch.rand(4, 2, 6, 6)
    found = refined_cam(cam, attention, transposed=transposed)
    for b in range(2):
        for c in range(3):
            flat = cam[b, c].flatten()
            for h in range(6):
                weights = [
                    sum(attention[l, b, w, h] if transposed else attention[l, b, h, w] for l in range(4))
                    for w in range(6)
                ]
                expected = sum(weights[w] * flat[w] for w in range(6))
                torch.testing.assert_close(found[b, c, h // 3, h % 3], expected)


def test_closed_forms_of_the_refinement():
    cam = torch.randn(2, 3, 4, 5)
    identity = torch.eye(20).expand(3, 2, 20, 20)
    torch.testing.assert_close(refined_cam(cam, identity), 3 * cam)
    even = torch.full((1, 2, 20, 20), 1 / 20)
    torch.testing.assert_close(refined_cam(cam, even), cam.mean((2, 3), keepdim=True).expand(-1, -1, 4, 5))
    one = torch.zeros(1, 2, 20, 20)
    one[:, :, :, 7] = 1  # everybody attends to cell 7 alone
    torch.testing.assert_close(refined_cam(cam, one), cam[:, :, 1:2, 2:3].expand(-1, -1, 4, 5))
    gathered = refined_cam(cam, one, transposed=True)  # cell 7 gets the sum of all, the others nothing
    torch.testing.assert_close(gathered[:, :, 1, 2], cam.sum((2, 3)))
    assert gathered.flatten(2).count_nonzero(2).eq(1).all()


def test_refinement_agrees_with_matmul_and_is_float32_inside_autocast():
    cam, attention = torch.randn(2, 3, 2, 3), torch.rand(4, 2, 6, 6)
    expected = torch.matmul(attention.sum(0)[:, None], cam.flatten(2)[..., None])[..., 0].unflatten(2, (2, 3))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        torch.testing.assert_close(refined_cam(cam, attention), expected)


def test_class_map_takes_one_channel():
    outputs = {"cam": torch.randn(2, 3, 2, 2), "attention": torch.eye(4).expand(1, 2, 4, 4)}
    assert torch.equal(class_map(outputs, refine="none"), outputs["cam"][:, PARTLY : PARTLY + 1])
    torch.testing.assert_close(class_map(outputs, cls=FULLY), outputs["cam"][:, FULLY : FULLY + 1])


@pytest.mark.parametrize("size", [(64, 64), (60, 83)])
@pytest.mark.parametrize(
    "options", [{}, {"flip": True}, {"scales": (0.75, 1.0, 1.5), "flip": True}, {"refine": "none"}]
)
def test_the_map_lies_over_the_image(size, options):
    image = torch.zeros(1, 3, *size)
    image[:, PARTLY, 8:24, 40:56] = 1
    found = fake_map(Bright(), image, **options)
    assert found.shape == (1, 1, *size) and found.min() == 0 and 0.99 < found.max() <= 1
    y, x = (found[0, 0] > 0.5).nonzero().double().mean(0)
    assert abs(y - 15.5) < 2.5 and abs(x - 47.5) < 2.5


def test_padding_is_cut_off_on_the_side_on_which_it_lies():
    logits, size = torch.randn(1, 1, 1, 2), (16, 24)  # of 32 pixels, the last 8 are padding
    one, other = resized(logits, 16, size, size, False), resized(logits.flip(3), 16, size, size, True)
    torch.testing.assert_close(other, one.flip(3))


def test_flipping_makes_the_map_equivariant():
    model, image = Conformer(**TINY).eval(), torch.rand(1, 3, 64, 64)
    one, other = fake_map(model, image, flip=True), fake_map(model, image.flip(3), flip=True)
    torch.testing.assert_close(one, other.flip(3), atol=2e-3, rtol=0)


def test_a_batch_equals_its_images():
    model, image = Conformer(**TINY).eval(), torch.rand(3, 3, 32, 48)
    whole = fake_map(model, image, scales=(1.0, 1.5))
    each = torch.cat([fake_map(model, one[None], scales=(1.0, 1.5)) for one in image])
    torch.testing.assert_close(whole, each, atol=2e-3, rtol=0)


def test_two_steps():
    image = torch.rand(4, 3, 32, 32)
    logits = torch.eye(3)[[REAL, PARTLY, FULLY, PARTLY]] * 5
    found = infer(Bright(), image, logits=logits)
    assert found["label"].tolist() == [REAL, PARTLY, FULLY, PARTLY]
    assert not found["map"][0].any() and found["map"][2].eq(1).all()
    torch.testing.assert_close(found["map"][[1, 3]], fake_map(Bright(), image[[1, 3]]))
    assert torch.equal(found["mask"], found["map"] > 0.5) and found["mask"].dtype == torch.bool
    torch.testing.assert_close(found["probability"].sum(1), torch.ones(4))


def test_without_partly_fake_images_no_map_is_computed():
    logits = torch.eye(3)[[REAL, FULLY]]
    assert infer(None, torch.rand(2, 3, 32, 32), logits=logits)["map"].mean((1, 2, 3)).tolist() == [0, 1]
    assert infer(None, torch.rand(0, 3, 32, 32), logits=logits[:0])["map"].shape == (0, 1, 32, 32)


def test_model_decides_and_gets_its_own_discrepancies():
    model = Conformer(**(TINY | {"fusion": "late"})).eval()
    image, disc = torch.rand(3, 3, 32, 32), torch.rand(3, 6)
    found = infer(model, image, disc)
    torch.testing.assert_close(found["probability"], model(image, disc)["logits"].softmax(1))


def test_refuses_what_does_not_fit():
    with pytest.raises(ValueError, match=r"attention: expected \(L,2,4,4\)"):
        refined_cam(torch.randn(2, 3, 2, 2), torch.rand(3, 2, 5, 5))
    with pytest.raises(ValueError, match="refine='sum'"):
        class_map({"cam": torch.randn(1, 3, 2, 2)}, refine="sum")
