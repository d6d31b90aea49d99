"""Wang et al.: torchvision as oracle, the loss by hand, labels that no pixel tells, and reproducible augmentation."""

import math
from functools import partial

import numpy as np
import pandas as pd
import pytest
import torch
import torchvision
from PIL import Image
from scipy import ndimage
from torch.nn import functional as F

from imdlib.baselines import generated
from imdlib.baselines.generated import ImageLabels, Wang, image_label, perturb
from imdlib.data.batches import evaluation_batches, generator_for, training_batches
from imdlib.networks.pixels import IMAGENET_MEAN, IMAGENET_STD
from imdlib.train import fit
from imdlib.training.settings import Settings

TINY = dict(backbone="resnet18", width=0.25, blocks=(1, 1, 1, 1), stem_stride=1)


def labels(*values, side=8):
    """A mask as ImageLabels gives it."""
    return torch.tensor(values, dtype=torch.uint8).view(-1, 1, 1, 1).expand(-1, 1, side, side)


def write_set(folder, sizes, seed=0):
    """Images of smooth colour; those with an odd number are fake and carry a faint chequerboard."""
    rng, rows = np.random.default_rng(seed), []
    for i, (height, width) in enumerate(sizes):
        pixels = np.kron(rng.integers(40, 200, (height // 8, width // 8, 3)), np.ones((8, 8, 1)))
        pixels += 12 * (i % 2) * (np.indices(pixels.shape[:2]).sum(0) % 2)[..., None]
        Image.fromarray(pixels.astype(np.uint8)).save(folder / f"{i}.png")
        rows.append({"image": str(folder / f"{i}.png"), "mask": "", "label": i % 2})
    return pd.DataFrame(rows)


@pytest.fixture(scope="module")
def manifest(tmp_path_factory):
    return write_set(tmp_path_factory.mktemp("set"), [(48, 64)] * 7 + [(64, 48)])


# ---- network


def test_parameters_at_the_papers_size():
    count = sum(p.numel() for p in Wang().parameters())
    # torchvision's ResNet-50 without its classifier has 23,508,032, the classifier 2048 + 1
    assert count == 23_508_032 + 2049 == 23_510_081


@pytest.mark.parametrize("backbone", ["resnet18", "resnet50"])
def test_network_is_torchvisions(backbone):
    ours, theirs = Wang(backbone=backbone).eval(), torchvision.models.get_model(backbone, num_classes=1).eval()
    for module in theirs.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.1), module.running_var.uniform_(0.5, 1.5)
    state = theirs.state_dict()
    ours.load_state_dict(
        {name if name.startswith("fc.") else f"encoder.{name}": value for name, value in state.items()}
    )
    image = torch.rand(2, 3, 50, 70)
    normalised = torchvision.transforms.Normalize(IMAGENET_MEAN, IMAGENET_STD)(image)
    with torch.no_grad():
        torch.testing.assert_close(ours(image)["logits"], theirs(normalised)[:, 0])


def test_the_classifier_starts_at_0_02():
    weight = Wang().fc.weight
    assert weight.shape == (1, 2048) and weight.std().item() == pytest.approx(0.02, rel=0.1)


@pytest.mark.parametrize("inputs", ["rgb", "rgb+residual"])
@pytest.mark.parametrize("stem_stride, cells", [(1, 5), (2, 3), (4, 2)])  # of 40 pixels, eight times the stem's stride
def test_outputs_and_gradients(inputs, stem_stride, cells):
    net, seen = Wang(**TINY | dict(inputs=inputs, stem_stride=stem_stride)), []
    net.encoder.layer4.register_forward_hook(lambda module, given, out: seen.append(out.shape[-2:]))
    image = torch.rand(3, 3, 40, 40, requires_grad=True)
    outputs = net(image)
    assert outputs["logits"].shape == (3,) and seen == [(cells, cells)]
    torch.testing.assert_close(net.probability(outputs), 1 / (1 + (-outputs["logits"]).exp()))
    net.loss(outputs, labels(0, 1, 1))["loss"].backward()
    assert image.grad.abs().sum() > 0 and all(p.grad is not None and p.grad.any() for p in net.parameters())


def test_images_of_a_batch_do_not_meet_at_test_time():
    net, image = Wang(**TINY).eval(), torch.rand(3, 3, 32, 48)
    with torch.no_grad():
        alone = torch.cat([net(one[None])["logits"] for one in image])
        torch.testing.assert_close(net(image)["logits"], alone, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize(
    "options, message",
    [
        (dict(backbone="vgg"), "backbone='vgg'"),
        (dict(inputs="noise"), "inputs='noise'"),
        (dict(stem_stride=3), "stem_stride=3"),
        (dict(width=0), "width=0"),
        (dict(blocks=(1, 1)), "blocks="),
        (dict(pretrained=True, width=0.5), "pretrained=True needs width=1"),
    ],
)
def test_wrong_options_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        Wang(**options)


@pytest.mark.parametrize("image", [torch.zeros(1, 3, 40, 40, dtype=torch.uint8), torch.zeros(1, 3, 16, 40)])
def test_wrong_images_are_refused(image):
    with pytest.raises(ValueError, match="image: expected float"):
        Wang(**TINY)(image)


# ---- loss


def test_loss_equals_the_formula():
    logits = torch.randn(6, dtype=torch.float64) * 3
    expected = 0
    for z, y in zip(logits.tolist(), (0, 1, 1, 0, 1, 0)):
        p = 1 / (1 + math.exp(-z))
        expected -= (y * math.log(p) + (1 - y) * math.log(1 - p)) / 6
    found = Wang.loss({"logits": logits}, labels(0, 1, 1, 0, 1, 0))["loss"]
    assert found.item() == pytest.approx(expected, rel=1e-5)
    two = F.cross_entropy(torch.stack([torch.zeros(6), logits.float()], 1), torch.tensor([0, 1, 1, 0, 1, 0]))
    torch.testing.assert_close(found, two)


@pytest.mark.parametrize("values", [(0, 0, 0), (1, 1, 1), (0, 1, 0)])
def test_loss_closed_forms_of_one_class_and_of_both(values):
    zero = torch.zeros(3, requires_grad=True)
    loss = Wang.loss({"logits": zero}, labels(*values))["loss"]
    loss.backward()
    assert loss.item() == pytest.approx(math.log(2))
    torch.testing.assert_close(zero.grad, (0.5 - torch.tensor(values)) / 3)
    sure = 200.0 * (2 * torch.tensor(values) - 1)
    assert Wang.loss({"logits": sure}, labels(*values))["loss"] == 0
    assert Wang.loss({"logits": -sure}, labels(*values))["loss"].item() == pytest.approx(200)


def test_float32_inside_autocast():
    net, image = Wang(**TINY), torch.rand(2, 3, 32, 32)
    with torch.autocast("cpu", torch.bfloat16):
        outputs = net(image)
        loss = net.loss({"logits": torch.tensor([1.001, -2.003])}, labels(1, 0))["loss"]
    assert outputs["logits"].dtype == net.probability(outputs).dtype == loss.dtype == torch.float32
    assert loss.item() == pytest.approx((math.log1p(math.exp(-1.001)) + math.log1p(math.exp(-2.003))) / 2, abs=1e-6)


def test_masks_of_pixels_are_refused():
    assert image_label(labels(1, 0, 1)).tolist() == [1, 0, 1] and image_label(labels()[:0]).shape == (0,)
    mask = labels(1, 0).clone()
    mask[0, 0, 0, 0] = 0
    for wrong in (mask, torch.full_like(mask, 255)):
        with pytest.raises(ValueError, match="mask: expected one image label"):
            image_label(wrong)


# ---- images


def test_an_item_is_the_file_with_its_label(manifest):
    images = ImageLabels(manifest)
    for i, row in manifest.iterrows():
        image, mask, index = images[3, i]
        assert index == i and np.array_equal(image.permute(1, 2, 0).numpy(), np.array(Image.open(row["image"])))
        assert mask.shape == (1, *image.shape[1:]) and mask.dtype == torch.uint8 and (mask == row["label"]).all()
    with pytest.raises(ValueError, match="labels 0 or 1"):
        ImageLabels(manifest.assign(label=2))


def test_augmentation_depends_on_seed_epoch_and_index_alone(manifest):
    change = partial(perturb, p=0.5, resize=None, crop=32)
    first, again = (ImageLabels(manifest, change=change, seed=5, memory=memory) for memory in (2**30, 0))
    for key in [(0, 0), (2, 3), (0, 7)]:
        assert torch.equal(first[key][0], again[key][0])
    assert any(not torch.equal(first[0, i][0], first[1, i][0]) for i in range(8))
    other = ImageLabels(manifest, change=change, seed=6)
    assert any(not torch.equal(first[0, i][0], other[0, i][0]) for i in range(8))
    for image, mask, index in training_batches(first, epoch=1, batch_size=4):
        assert image.shape == (4, 3, 32, 32)
        assert image_label(mask).tolist() == manifest["label"][index.numpy()].tolist()


def photograph(side=64):
    return torch.from_numpy(np.random.default_rng(0).integers(0, 256, (3, side, side), dtype=np.uint8))


@pytest.mark.parametrize("sigma", [0.0, 0.1, 0.7, 1.9, 3.0])
def test_blur_is_scipys(sigma):
    image = photograph()
    exact = ndimage.gaussian_filter(image.double().numpy(), (0, sigma, sigma), truncate=4)
    assert np.abs(generated.blur(image, sigma).numpy() - exact).max() <= 0.501


def test_probability_of_blur_and_jpeg(monkeypatch):
    called = {"blur": [], "jpeg": []}
    monkeypatch.setattr(generated, "blur", lambda image, sigma: called["blur"].append(sigma) or image)
    monkeypatch.setattr(generated, "jpeg", lambda image, *, quality: called["jpeg"].append(quality) or image)
    image = photograph(8)
    for i in range(2000):
        perturb(image, generator_for(0, 0, i), p=0.1, resize=None, crop=None)
    assert all(0.08 < len(values) / 2000 < 0.12 for values in called.values())
    assert 0 <= min(called["blur"]) < 0.2 and 2.8 < max(called["blur"]) < 3
    assert 30 <= min(called["jpeg"]) < 36 and 94 < max(called["jpeg"]) <= 100
    perturb(image, generator_for(0), p=1, resize=None, crop=None)
    assert len(called["blur"]) + len(called["jpeg"]) > 300  # p = 1 adds one of each


def test_without_chance_nothing_changes_but_place():
    image = photograph()
    same = perturb(image, generator_for(1), p=0, resize=None, crop=None, flip=False)
    assert torch.equal(same, image)
    places = set()
    for i in range(300):
        part = perturb(image, generator_for(i), p=0, resize=None, crop=60, flip=False)
        found = [(y, x) for y in range(5) for x in range(5) if torch.equal(part, image[:, y : y + 60, x : x + 60])]
        places.update(found)
    assert len(places) == 25
    flipped = [perturb(image, generator_for(i), p=0, resize=None, crop=None) for i in range(20)]
    assert {torch.equal(one, image) for one in flipped} == {True, False}
    assert all(torch.equal(one, image) or torch.equal(one, image.flip(2)) for one in flipped)


def test_papers_sizes_and_refused_ones():
    image = torch.zeros(3, 300, 500, dtype=torch.uint8)
    assert perturb(image, generator_for(0)).shape == (3, 224, 224)
    assert generated.shorter_side(image, 256).shape == (3, 256, 426)
    with pytest.raises(ValueError, match="crop=224"):
        perturb(photograph(), generator_for(0), resize=None)
    with pytest.raises(ValueError, match="p=1.5"):
        perturb(photograph(), generator_for(0), p=1.5)


# ---- training


def test_fit_learns_a_chequerboard(tmp_path):
    manifest = write_set(tmp_path, [(40, 40)] * 32)
    torch.manual_seed(0)
    net = Wang(**TINY, inputs="rgb+residual")
    images = ImageLabels(manifest, change=partial(perturb, p=0, resize=None, crop=32))
    settings = Settings(14, 8, 1e-3, weight_decay=0, schedule="cosine", accelerator="cpu")
    history = fit(net, net.loss, images, tmp_path / "run", settings, optimizer="adamw")
    assert history["loss"].iloc[-1] < 0.2
    with torch.no_grad():
        for image, mask, _ in evaluation_batches(ImageLabels(manifest)):
            assert ((net.probability(net(image.float() / 255)) > 0.5) == image_label(mask).bool()).all()
