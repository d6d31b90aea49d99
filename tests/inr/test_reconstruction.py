"""NRR: coordinates, encoding, sizes, what gets a gradient, and its measures against loops, scikit-image and closed forms."""

import math

import numpy as np
import pytest
import torch
from skimage.metrics import peak_signal_noise_ratio

from imdlib.inr.image_encoder import ImageEncoder
from imdlib.inr.reconstruction import (
    NRR,
    error_map,
    nrr_loss,
    pixel_grid,
    positional_encoding,
    psnr,
    reconstruction_loss,
)

TINY = dict(width=4, stride=2, blocks=1, channels=6, hidden=(8, 8, 8))


# ---- coordinates


def test_grid_holds_pixel_centres_x_before_y():
    grid = pixel_grid(2, 4)
    assert grid.shape == (2, 4, 2)
    assert grid[0, :, 0].tolist() == [-0.75, -0.25, 0.25, 0.75] and grid[:, 3, 1].tolist() == [-0.5, 0.5]
    assert torch.equal(pixel_grid(5, 3), pixel_grid(3, 5).transpose(0, 1).flip(-1))


def test_coordinates_of_a_span_repeat_in_larger_images():
    near, far = pixel_grid(8, 8, span=8), pixel_grid(16, 20, span=8)
    assert torch.equal(near, pixel_grid(8, 8)) and torch.equal(far[:8, :8], near)
    encoded = positional_encoding(far.double(), 4)
    assert torch.allclose(encoded[8:, 8:16], encoded[:8, :8], atol=1e-9)  # whole periods: no seam
    assert not torch.allclose(encoded[4:12, 4:12], encoded[:8, :8], atol=1e-3)


def test_a_network_with_a_span_sees_a_crop_as_in_training_wherever_it_lies():
    torch.manual_seed(0)
    image = torch.rand(1, 3, 16, 16)
    flat = torch.zeros(1, 16, 16, TINY["channels"])
    nrr = NRR(**TINY, frequencies=3, span=8)
    whole = nrr.decode(flat, pixel_grid(16, 16, span=8))
    assert torch.allclose(whole[..., 8:, 8:], whole[..., :8, :8], atol=1e-5)
    stretched = nrr.decode(flat, pixel_grid(16, 16))
    assert not torch.allclose(stretched[..., 8:, 8:], stretched[..., :8, :8], atol=1e-5)
    assert nrr(image)["reconstruction"].shape == image.shape


def naive_encoding(x, frequencies):
    """Eq. 3 for one point, term by term."""
    terms = []
    for k in range(frequencies):
        terms += [math.sin(2**k * math.pi * v) for v in x] + [math.cos(2**k * math.pi * v) for v in x]
    return terms


@pytest.mark.parametrize("frequencies", [0, 1, 8])
def test_encoding_is_equation_three(frequencies):
    x = pixel_grid(3, 5).double()
    encoded = positional_encoding(x, frequencies)
    assert encoded.shape == (3, 5, 4 * frequencies)
    assert encoded[2, 1].tolist() == pytest.approx(naive_encoding(x[2, 1].tolist(), frequencies))
    with_raw = positional_encoding(x, frequencies, raw=True)
    assert torch.equal(with_raw[..., :2], x) and torch.equal(with_raw[..., 2:], encoded)


def test_paper_sizes():
    with torch.device("meta"):
        nrr = NRR()
    assert [layer.weight.shape for layer in nrr.mlp if hasattr(layer, "weight")] == [
        (256, 64 + 32),
        (256, 256),
        (256, 256),
        (3, 256),
    ]
    assert len(nrr.encoder.blocks) == 9 and nrr.encoder.blocks[0].body[1].in_channels == 256
    with torch.device("meta"):
        nerco = ImageEncoder(norm="instance")
    assert sum(isinstance(m, torch.nn.InstanceNorm2d) for m in nerco.modules()) == 1 + 2 + 18 + 2
    assert isinstance(nrr.encoder.out, torch.nn.Identity)


# ---- sizes


@pytest.mark.parametrize("stride", [1, 2, 4])
@pytest.mark.parametrize("size", [(8, 8), (9, 23), (31, 10)])
def test_any_size(stride, size):
    nrr = NRR(**TINY | {"stride": stride})
    image = torch.rand(2, 3, *size)
    outputs = nrr(image)
    assert outputs["reconstruction"].shape == image.shape and outputs["image"] is image
    assert torch.isfinite(outputs["reconstruction"]).all()


@pytest.mark.parametrize("shape", [(2, 3, 7, 20), (2, 1, 20, 20), (3, 20, 20)])
def test_other_shapes_are_refused(shape):
    with pytest.raises(ValueError, match="at least 8 pixels"):
        NRR(**TINY)(torch.rand(shape))


@pytest.mark.parametrize("wrong", [dict(stride=3), dict(width=0), dict(blocks=-1), dict(norm="batch")])
def test_impossible_encoders_are_refused(wrong):
    with pytest.raises(ValueError, match="expected"):
        ImageEncoder(**wrong)


def test_chunks_change_nothing():
    nrr = NRR(**TINY).eval()
    image = torch.rand(2, 3, 20, 24)
    whole = nrr(image)["reconstruction"]
    nrr.chunk = 77
    with torch.no_grad():
        torch.testing.assert_close(nrr(image)["reconstruction"], whole)


def test_equation_one_pixel_by_pixel():
    nrr = NRR(**TINY, frequencies=3)
    features, grid = torch.randn(2, 5, 4, 6), pixel_grid(5, 4)
    together = nrr.decode(features, grid)
    for y in range(5):
        for x in range(4):
            alone = nrr.mlp(torch.cat([features[1, y, x], positional_encoding(grid[y, x], 3)]))
            torch.testing.assert_close(together[1, :, y, x], alone)


@pytest.mark.parametrize("norm", [None, "instance"])
def test_instance_norm_forgets_brightness_and_contrast(norm):
    encoder = ImageEncoder(width=4, stride=2, blocks=1, channels=6, norm=norm)
    image = torch.rand(1, 3, 16, 16)
    same = torch.allclose(encoder(image), encoder(0.5 * image + 0.2), atol=0.02)
    assert same == (norm == "instance")


# ---- gradients and learning


def test_coordinates_reach_the_mlp():
    nrr = NRR(**TINY)
    grid = pixel_grid(8, 9).requires_grad_()
    features = torch.zeros(1, 8, 9, 6)
    rgb = nrr.decode(features, grid)
    rgb.sum().backward()
    assert (grid.grad != 0).any(dim=-1).all()
    weight = nrr.mlp[0].weight.grad
    assert weight[:, 6:].any() and not weight[:, :6].any()  # the features are zero here, the coordinates are not
    assert rgb.std(dim=(2, 3)).min() > 0  # so the output varies over the image


def test_all_weights_learn():
    nrr = NRR(**TINY)
    image = torch.rand(2, 3, 16, 16)
    nrr_loss(nrr(image), torch.zeros(2, 1, 16, 16, dtype=torch.uint8))["loss"].backward()
    silent = [name for name, p in nrr.named_parameters() if p.grad is None]
    assert not silent


def test_a_constant_image_can_be_learned():
    nrr = NRR(**TINY)
    image = torch.tensor([0.2, 0.5, 0.8]).view(1, 3, 1, 1).expand(1, 3, 16, 16).contiguous()
    optimizer = torch.optim.AdamW(nrr.parameters(), 1e-2)
    for _ in range(60):
        optimizer.zero_grad()
        reconstruction_loss(image, nrr.reconstruct(image)).backward()
        optimizer.step()
    assert psnr(image, nrr.reconstruct(image)).item() > 25


def test_bfloat16_training_step():
    nrr = NRR(**TINY)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        outputs = nrr(torch.rand(2, 3, 16, 16))
        loss = nrr_loss(outputs, torch.zeros(2, 1, 16, 16, dtype=torch.uint8))["loss"]
    loss.backward()
    assert loss.dtype == torch.float32 and all(torch.isfinite(p.grad).all() for p in nrr.parameters())


# ---- loss and measures


def test_loss_leaves_padding_out():
    image, other = torch.rand(2, 3, 6, 5), torch.rand(2, 3, 6, 5)
    torch.testing.assert_close(reconstruction_loss(image, other), torch.nn.functional.l1_loss(image, other))
    mask = torch.zeros(2, 1, 6, 5, dtype=torch.uint8)
    mask[0, :, 3:] = 1  # tampered pixels count like others
    torch.testing.assert_close(reconstruction_loss(image, other, mask), reconstruction_loss(image, other))
    mask[1, :, :, 2:] = 255
    kept = [
        (image[b, c, y, x] - other[b, c, y, x]).abs() for b, c, y, x in np.ndindex(2, 3, 6, 5) if mask[b, 0, y, x] < 2
    ]
    torch.testing.assert_close(reconstruction_loss(image, other, mask), torch.stack(kept).mean())
    assert reconstruction_loss(image, other, mask.fill_(255)) == 0


def test_error_map_forms():
    image, other = torch.rand(2, 3, 4, 5), torch.rand(2, 3, 4, 5)
    mean, each = error_map(image, other), error_map(image, other, channels="each")
    assert mean.shape == (2, 1, 4, 5) and each.shape == (2, 3, 4, 5)
    torch.testing.assert_close(each[1, 2, 3, 4], (image[1, 2, 3, 4] - other[1, 2, 3, 4]) ** 2)
    torch.testing.assert_close(mean[:, 0], each.mean(dim=1))
    scaled = error_map(image, other, scale=0.1)
    torch.testing.assert_close(scaled, (mean / 0.1).clamp(0, 1))
    assert scaled.max() == 1 and error_map(image, image).max() == 0
    with pytest.raises(ValueError, match="'mean' or 'each'"):
        error_map(image, other, channels="sum")


def test_psnr_is_scikit_images():
    image, other = torch.rand(3, 3, 9, 7), torch.rand(3, 3, 9, 7)
    expected = [peak_signal_noise_ratio(a.numpy(), b.numpy(), data_range=1) for a, b in zip(image, other)]
    assert psnr(image, other).tolist() == pytest.approx(expected, abs=1e-4)


def test_psnr_on_chosen_pixels():
    image = torch.zeros(3, 3, 4, 4)
    other = image.clone()
    other[:, :, 0] = 0.1
    where = torch.zeros(3, 1, 4, 4, dtype=torch.bool)
    where[0, :, 0], where[1, :, 1] = True, True
    found = psnr(image, other, where)
    assert found[0].item() == pytest.approx(20) and found[1] == torch.inf and found[2].isnan()
