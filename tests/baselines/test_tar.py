"""TAR: its size by hand, the loss against a loop, and each defect of the released code beside its repair."""

from functools import partial

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from torch.nn import functional as F
from torchvision.transforms import v2

from imdlib.baselines import tar
from imdlib.baselines.generated import ImageLabels, image_label
from imdlib.baselines.tar import TAR, activation_loss, fake_share, selected
from imdlib.data.batches import evaluation_batches, generator_for
from imdlib.train import fit
from imdlib.training.settings import Settings

TINY = dict(channels=(8, 8, 8, 16, 16), blocks=1)


def labels(*values, side=32):
    """A mask as ImageLabels gives it."""
    return torch.tensor(values, dtype=torch.uint8).view(-1, 1, 1, 1).expand(-1, 1, side, side)


def naive(latent, label, as_released):
    """The activation loss, one channel after the other."""
    batch, channels, height, width = latent.shape
    K, cells, total = channels // 2, height * width, 0.0
    for i in range(batch):
        right = range(K) if label[i] else range(K, channels)
        wrong = range(K, channels) if label[i] else range(K)
        if as_released:
            total += sum(abs(1 - latent[i, k].abs().sum().item() / (cells * K)) for k in right)
            total += sum(latent[i, k].abs().sum().item() / cells for k in wrong)
        else:
            total += abs(1 - sum(latent[i, k].abs().sum().item() for k in right) / (cells * K)) / batch
            total += sum(latent[i, k].abs().sum().item() for k in wrong) / (cells * K) / batch
    return total


# ---- network


def test_parameters_at_the_papers_size():
    # A block a -> b with shortcut: 9ab + 9bb + ab weights, 3b biases, 6b of batch norm; a further block: 18bb + 2b + 4b.
    # A stage of three: 10ab + 45bb + 21b. Encoder: 3*8*9 + 8 = 224; stages 13,136 + 51,872 + 206,144;
    # 64*128*9 + 128 = 73,856 and 256 of batch norm. Decoder: stages 267,584 + 67,232 + 16,976 + 4,328; 8*3*9 + 3 = 219.
    count = sum(p.numel() for p in TAR().parameters())
    encoder, decoder = 224 + 13_136 + 51_872 + 206_144 + 73_856 + 256, 267_584 + 67_232 + 16_976 + 4_328 + 219
    assert count == encoder + decoder == 701_827


def test_shapes_at_the_papers_size():
    net = TAR().eval()
    with torch.no_grad():
        outputs = net(torch.rand(1, 3, 240, 240))
        assert outputs["latent"].shape == (1, 128, 15, 15) and outputs["score"].shape == (1,)
        rebuilt = net.decoder(outputs["latent"])
    assert rebuilt.shape == (1, 3, 240, 240) and rebuilt.abs().max() <= 1


def test_block_is_the_formula_with_a_strided_shortcut():
    block, x = tar.Block(8, 6, stride=2, project=True).eval(), torch.randn(2, 8, 9, 11)
    for module in block.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(), module.running_var.uniform_(0.5, 2)
    conv, norm = block.dim_change
    with torch.no_grad():
        shortcut = norm(F.conv2d(x, conv.weight, conv.bias, stride=2))
        body = block.bn2(block.conv2(F.relu(block.bn1(block.conv1(x)))))
        torch.testing.assert_close(block(x), F.relu(body + shortcut))


@pytest.mark.parametrize("inputs", ["rgb", "rgb+residual"])
@pytest.mark.parametrize("as_released", [False, True])
def test_every_parameter_gets_a_gradient(inputs, as_released):
    net = TAR(inputs=inputs, as_released=as_released, **TINY)
    image = torch.rand(4, 3, 32, 48, requires_grad=True)
    parts = net.loss(net(image), labels(0, 1, 1, 0))
    parts["loss"].backward()
    assert all(p.grad is not None for p in net.parameters()) and image.grad.abs().sum() > 0
    assert all(p.grad.any() for name, p in net.named_parameters() if name.endswith("weight"))
    torch.testing.assert_close(parts["loss"], parts["activation"] + 0.1 * parts["reconstruction"])


def test_channels_last_on_a_processor():
    # eight channels in the 1x1 shortcut of stride 2: memory corruption in PyTorch 2.11 if the stride were the convolution's
    net = TAR(**TINY).to(memory_format=torch.channels_last)
    image = torch.rand(16, 3, 64, 64).to(memory_format=torch.channels_last)
    for _ in range(2):
        net.loss(net(image), labels(*[0, 1] * 8))["loss"].backward()
    assert all(torch.isfinite(p.grad).all() for p in net.parameters())


@pytest.mark.parametrize(
    "options, message",
    [
        (dict(inputs="noise"), "inputs='noise'"),
        (dict(channels=(8, 16, 32, 64)), "channels="),
        (dict(channels=(8, 16, 32, 64, 127)), "channels="),
        (dict(blocks=0), "blocks=0"),
    ],
)
def test_wrong_options_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        TAR(**options)


def test_wrong_images_are_refused():
    net = TAR(**TINY)
    with pytest.raises(ValueError, match="image: expected float"):
        net(torch.zeros(2, 3, 32, 32, dtype=torch.uint8))
    outputs = net(torch.rand(2, 3, 40, 36))
    assert outputs["score"].shape == (2,)  # any size is scored
    with pytest.raises(ValueError, match="16 divides"):
        net.loss(outputs, labels(0, 1))


# ---- score


def test_score_is_the_share_and_undefined_is_nan():
    latent = torch.zeros(4, 6, 3, 5)
    latent[0, :3], latent[1, 3:] = -2, 1
    latent[2, 0], latent[2, 3:] = 3, 3
    score = fake_share(latent)
    assert score[:2].tolist() == [1, 0] and score[2].item() == pytest.approx(0.25) and score[3].isnan()
    torch.testing.assert_close(TAR.probability({"score": score})[:3], torch.tensor([1, 0, 0.25]))


def test_latent_is_never_quite_zero():
    net = TAR(**TINY).eval()
    with torch.no_grad():
        net.encoder[-2].bias.fill_(-50)  # every cell far below zero
        score = net(torch.rand(2, 3, 32, 32))["score"]
    assert torch.isfinite(score).all() and score.tolist() == pytest.approx([0.5, 0.5], abs=0.05)


# ---- loss


@pytest.mark.parametrize("as_released", [False, True])
@pytest.mark.parametrize("values", [(1, 0, 1), (0, 0, 0), (1, 1, 1), (1,)])
def test_activation_loss_equals_the_loop(as_released, values):
    latent = torch.randn(len(values), 10, 3, 4, dtype=torch.float64) * 2
    found = activation_loss(latent, torch.tensor(values), as_released=as_released)
    assert found.item() == pytest.approx(naive(latent, values, as_released), rel=1e-5)


def test_activation_loss_closed_forms():
    latent = torch.zeros(2, 8, 3, 3)
    label = torch.tensor([1, 0])
    assert activation_loss(latent, label) == 1  # nothing active: the right half lacks 1
    latent[0, :4], latent[1, 4:] = 1, -1
    assert activation_loss(latent, label) == 0
    assert activation_loss(latent, 1 - label) == 2  # the right half lacks 1, the wrong one has 1 too many
    uneven = torch.zeros(1, 8, 3, 3)
    uneven[0, 2] = 4  # one channel carries the mean of its half
    assert activation_loss(uneven, torch.tensor([1])) == 0


def test_released_target_asks_every_channel_for_what_the_half_should_have():
    label, K = torch.tensor([1]), 64
    meant, asked = torch.zeros(1, 2 * K, 15, 15), torch.zeros(1, 2 * K, 15, 15)
    meant[:, :K], asked[:, :K] = 1, K
    assert activation_loss(meant, label) == 0 and activation_loss(asked, label) == K - 1
    released = partial(activation_loss, as_released=True)
    assert released(asked, label) == 0
    assert released(meant, label).item() == pytest.approx(K - 1)  # K channels that lack 1 - 1/K each


def test_released_loss_is_a_sum_over_the_batch():
    latent, label = torch.randn(3, 8, 4, 4), torch.tensor([1, 0, 1])
    twice, labels_twice = torch.cat([latent, latent]), torch.cat([label, label])
    torch.testing.assert_close(activation_loss(twice, labels_twice), activation_loss(latent, label))
    released = partial(activation_loss, as_released=True)
    torch.testing.assert_close(released(twice, labels_twice), 2 * released(latent, label))


def test_activation_gradient():
    latent = torch.randn(3, 4, 2, 2, dtype=torch.float64, requires_grad=True)
    weights = torch.tensor([1, 0, 1])
    activation_loss(latent, weights).backward()
    fake, real = latent[0, :2].detach(), latent[0, 2:].detach()
    sign = -1 if fake.abs().mean() < 1 else 1
    torch.testing.assert_close(latent.grad[0, :2], sign * fake.sign() / 8 / 3)  # 8 numbers in a half, 3 images
    torch.testing.assert_close(latent.grad[0, 2:], real.sign() / 8 / 3)


def test_selection_keeps_the_half_of_the_class():
    latent = torch.randn(2, 6, 2, 3)
    kept = selected(latent, torch.tensor([1.0, 0.0]))
    assert torch.equal(kept[0, :3], latent[0, :3]) and not kept[0, 3:].any()
    assert torch.equal(kept[1, 3:], latent[1, 3:]) and not kept[1, :3].any()


@pytest.mark.parametrize("as_released", [False, True])
def test_only_the_released_decoder_sees_the_wrong_half(as_released):
    net = TAR(as_released=as_released, **TINY)
    outputs = net(torch.rand(2, 3, 32, 32))
    latent = torch.rand_like(outputs["latent"]).requires_grad_()
    net.loss(outputs | {"latent": latent}, labels(1, 0))["reconstruction"].backward()
    wrong = torch.cat([latent.grad[:1, 8:], latent.grad[1:, :8]])
    right = torch.cat([latent.grad[:1, :8], latent.grad[1:, 8:]])
    assert right.any() and bool(wrong.any()) == as_released


def test_reconstruction_is_the_mean_absolute_error():
    net = TAR(**TINY).eval()
    image = torch.rand(2, 3, 32, 32)
    with torch.no_grad():
        outputs = net(image)
        rebuilt = net.decoder(selected(outputs["latent"], torch.tensor([1, 0])))
        found = net.loss(outputs, labels(1, 0))["reconstruction"]
    assert found.item() == pytest.approx(np.abs(rebuilt.numpy() - image.numpy()).mean(), rel=1e-5)


def test_float32_inside_autocast():
    net, image = TAR(**TINY), torch.rand(2, 3, 32, 32)
    with torch.autocast("cpu", torch.bfloat16):
        outputs = net(image)
        parts = net.loss(outputs, labels(1, 0))
        exact = activation_loss(torch.full((1, 4, 1, 1), 1.001), torch.tensor([1]))
    assert outputs["score"].dtype == torch.float32 and all(part.dtype == torch.float32 for part in parts.values())
    assert exact.item() == pytest.approx(0.001 + 1.001, abs=1e-6)


def test_masks_of_pixels_are_refused():
    net, mask = TAR(**TINY), labels(1, 0).clone()
    mask[0, 0, 0, 0] = 0
    with pytest.raises(ValueError, match="mask: expected one image label"):
        net.loss(net(torch.rand(2, 3, 32, 32)), mask)


# ---- images and training


def photograph(height=48, width=64):
    return torch.from_numpy(np.random.default_rng(0).integers(0, 256, (3, height, width), dtype=np.uint8))


def test_perturbation_is_reproducible_and_gentle():
    image, plain = photograph(), dict(rotation=0, hue=0, saturation=0)
    assert tar.perturb(image, generator_for(0)).shape == tar.resized(image).shape == (3, 240, 240)
    first, again, other = (tar.perturb(image, generator_for(k), side=None) for k in (1, 1, 2))
    assert torch.equal(first, again) and not torch.equal(first, other)
    mirrored = {torch.equal(tar.perturb(image, generator_for(k), side=None, **plain), image) for k in range(20)}
    assert mirrored == {True, False}
    grey = torch.full((3, 32, 32), 90, dtype=torch.uint8)
    tinted = tar.perturb(grey, generator_for(3), side=None, rotation=0)
    assert (tinted.int() - 90).abs().max() <= 1  # what has no colour keeps its grey, but for rounding
    corners = [tar.perturb(grey, generator_for(k), side=None)[:, 0, 0].sum().item() for k in range(20)]
    assert 0 in corners  # rotated: black where the image has nothing


def test_perturbation_is_torchvisions():
    image, numbers = photograph(32, 32), generator_for(7)
    tint, strength, angle = (2 * torch.rand((), generator=numbers).item() - 1 for _ in range(3))
    mirror = torch.randint(2, (), generator=numbers)
    expected = v2.functional.adjust_hue(v2.functional.adjust_saturation(image, 1 + 0.05 * strength), 0.05 * tint)
    expected = v2.functional.rotate(expected.flip(2) if mirror else expected, 20 * angle)
    assert torch.equal(tar.perturb(image, generator_for(7), side=None), expected)


def test_fit_learns_a_chequerboard(tmp_path):
    rng, rows = np.random.default_rng(0), []
    for i in range(32):
        pixels = np.kron(rng.integers(40, 200, (4, 4, 3)), np.ones((8, 8, 1)))
        pixels += 12 * (i % 2) * (np.indices((32, 32)).sum(0) % 2)[..., None]
        Image.fromarray(pixels.astype(np.uint8)).save(tmp_path / f"{i}.png")
        rows.append({"image": str(tmp_path / f"{i}.png"), "mask": "", "label": i % 2})
    manifest = pd.DataFrame(rows)
    torch.manual_seed(0)
    net = TAR(inputs="rgb+residual", **TINY)
    settings = Settings(12, 8, 5e-3, weight_decay=0, schedule="cosine", accelerator="cpu")
    change = partial(tar.perturb, side=None, rotation=0)
    images = ImageLabels(manifest, change=change)
    history = fit(net, net.loss, images, tmp_path / "run", settings, optimizer="adamw")
    assert {"activation", "reconstruction"} < set(history) and history["activation"].iloc[-1] < 0.8
    with torch.no_grad():
        for image, mask, _ in evaluation_batches(ImageLabels(manifest)):
            assert ((net.probability(net(image.float() / 255)) > 0.5) == image_label(mask).bool()).all()
